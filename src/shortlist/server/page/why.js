// The tray: two chosen passages, and the words of the query that made each stage prefer one of them.

import { make, signed } from "./dom.js";

const LETTERS = ["A", "B"];

/** Draw the tray for the chosen hits. `state` is {loading}, {trouble} or {why}, with the `unit` of the reranker's
 * scores. `actions` has explain, drop and clear. */
export function drawTray(tray, chosen, state, actions) {
  tray.hidden = chosen.length === 0;
  if (tray.hidden) return;
  tray.replaceChildren(head(chosen, state, actions), body(state));
}

function head(chosen, state, actions) {
  const names = chosen.map((hit, index) => make("li", {},
    make("span", { cls: `letter letter-${index}`, text: LETTERS[index] }),
    make("span", { cls: "chosen", text: hit.title || hit.text.slice(0, 90) }),
    make("span", { cls: "places", text: places(hit, state.unit) }),
    pressable("×", "quiet drop", () => actions.drop(hit.id), `Remove ${LETTERS[index]}`)));
  const hint = chosen.length < 2 ? make("p", { cls: "hint", text: "Choose a second passage to compare." }) : null;
  const explain = chosen.length === 2 && !state.why
    ? pressable(state.loading ? "Comparing…" : "Which words decided?", "go", actions.explain) : null;
  if (explain && state.loading) explain.disabled = true;
  return make("div", { cls: "tray-head" }, make("ul", { cls: "pair" }, ...names),
    make("div", { cls: "tray-acts" }, hint, explain, pressable("Close", "quiet", actions.clear)));
}

function places(hit, unit) {
  const score = hit.rerank_score === null ? "not scored" : signed(hit.rerank_score);
  return `stage one ${hit.retrieval_rank} · ${unit} ${score}`;
}

function pressable(text, cls, action, name) {
  const button = make("button", { cls, text, attrs: { type: "button" } });
  if (name) button.setAttribute("aria-label", name);
  button.addEventListener("click", action);
  return button;
}

function body(state) {
  if (state.trouble) return make("p", { cls: "tray-trouble", text: state.trouble, attrs: { role: "alert" } });
  if (!state.why) return make("span");
  const { why } = state;
  const most = { retrieval: largest(why, "retrieval"), rerank: largest(why, "rerank") };
  const rows = why.words.map((word) => make("tr", {},
    make("th", { text: word.word, attrs: { scope: "row" } }),
    cell(word.retrieval, most.retrieval, 3), cell(word.rerank, most.rerank, 2)));
  return make("div", { cls: "why" },
    make("p", { cls: "verdict" }, verdict(`Stage one (${why.retrieval_score})`, why.retrieval_margin, 3), verdict(`${state.unit === "logit" ? "Logit" : "Score"} alone`, why.rerank_margin, 2)),
    why.words.length ? table(rows, state.unit) : make("p", { text: "The query has no word to leave out." }));
}

function table(rows, unit) {
  const column = (text) => make("th", { attrs: { scope: "col" } }, make("span", { text }),
    make("span", { cls: "sides", attrs: { "aria-hidden": "true" } }, make("i", { text: "← B" }), make("i", { text: "A →" })));
  return make("table", {},
    make("caption", { text: "What each word of the query adds to the margin of A over B. Each word is left out in turn, and both stages score again." }),
    make("thead", {}, make("tr", {}, make("th", { text: "word", attrs: { scope: "col" } }), column("stage one"), column(unit))),
    make("tbody", {}, ...rows));
}

function verdict(stage, margin, digits) {
  const side = margin === 0 ? "is even" : `prefers ${margin > 0 ? "A" : "B"} by ${Math.abs(margin).toFixed(digits)}`;
  return make("span", { cls: margin > 0 ? "for-a" : "for-b" }, make("b", { text: stage }), ` ${side}`);
}

const largest = (why, field) => Math.max(1e-9, ...why.words.map((word) => Math.abs(word[field])));

function cell(value, most, digits) {
  const bar = make("span", { cls: `bar ${value >= 0 ? "to-a" : "to-b"}`, attrs: { "aria-hidden": "true" } });
  bar.style.setProperty("--share", String(Math.abs(value) / most));
  return make("td", {}, make("span", { cls: "bars" }, bar),
    make("span", { cls: "effect", text: signed(value, digits) }));
}
