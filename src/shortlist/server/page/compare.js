// Two set-ups side by side: one query with two sets of settings, and the rank of each hit in the other column.

import { post } from "./api.js";
import { announce, byId, count, make, show, time } from "./dom.js";
import { notesOf } from "./facts.js";
import { tabStop } from "./keys.js";
import { optionsForm } from "./options.js";
import { relevantIds } from "./pool.js";
import { judgeButtons, secondScores, showGrade, snippetOf, sourceOf } from "./rows.js";

const NAMES = ["A", "B"];
const lists = () => [byId("a-list"), byId("b-list")];

let form = null;
let columns = null;

/** Make the form of set-up B from that of A, and connect both. `changed(pool)` is called with the pool size of A. */
export function wireSetups(changed) {
  for (const part of byId("options").querySelectorAll(":scope > div")) {
    const copy = part.cloneNode(true);
    for (const input of copy.querySelectorAll("input")) input.id = `b-${input.id}`;
    byId("b-options").append(copy);
  }
  form = optionsForm("b-option-");
  byId("setups").addEventListener("change", () => changed(sizeOf("a-pool")));
  for (const kind of ["pointerover", "focusin"]) {
    byId("compared").addEventListener(kind, (event) => stress(event.target.closest?.("button.row")?.dataset.id));
  }
  byId("compared").addEventListener("pointerleave", () => stress(undefined));
}

function stress(id) {
  for (const row of byId("compared").querySelectorAll("button.row")) row.classList.toggle("near", row.dataset.id === id);
}

function sizeOf(id) {
  const size = Number.parseInt(byId(id).value, 10);
  return size >= 1 ? Math.min(size, Number(byId(id).max)) : null;
}

/** Fill the forms of the set-ups. `second` is set-up B, or true for the last one, which begins with the sizes of A. */
export function fillSetups(second, { pool, topK, largest, defaults }) {
  for (const id of ["a-pool", "b-pool", "b-top"]) byId(id).max = String(largest);
  byId("a-pool").value = String(pool);
  if (second === true && byId("b-pool").value) return;
  form.showDefaults(defaults);
  form.fill(second.options ?? {});
  byId("b-pool").value = String(Math.min(second.pool || pool, largest));
  byId("b-top").value = String(Math.min(second.topK || topK, largest));
}

/** Return set-up B from its form. A size that is no number becomes that of set-up A. */
export const secondSetup = ({ pool, topK }) => ({ pool: sizeOf("b-pool") ?? pool, topK: sizeOf("b-top") ?? topK, options: form.changed() });

/** Search with both set-ups, and return both answers. An error of one set-up names it. */
export function searchBoth({ query, pool, topK, compare }, firstForm, signal) {
  const fields = [firstForm.exactFields({ pool, topK }), form.exactFields(compare)];
  return Promise.all(fields.map((each, place) => post("search", { query, fail: "open", ...each }, signal).catch((error) => {
    if (error.kind === "refused") error.message = `Set-up ${NAMES[place]}: ${error.message}`;
    throw error;
  })));
}

/** Show both answers. `settings` are the two set-ups. Return a function that writes new judgments onto the rows. */
export function showCompared(answers, settings, { judge, unit }) {
  const ranks = answers.map((answer) => new Map(answer.hits.map((hit) => [hit.id, hit.rank])));
  columns = answers.map((answer, place) => answer.hits.map((hit) => {
    const row = makeRow(hit, { name: NAMES[place], other: NAMES[1 - place], rank: ranks[1 - place].get(hit.id), length: ranks[1 - place].size, judge, unit });
    return { hit, ...row };
  }));
  for (const [place, list] of lists().entries()) {
    list.replaceChildren(...columns[place].map((row) => row.item));
    tabStop(list, list.querySelector("button.row"));
    byId(`${NAMES[place].toLowerCase()}-title`).textContent = `Set-up ${NAMES[place]}`;
    byId(`${NAMES[place].toLowerCase()}-says`).textContent = saysOf(answers[place], settings[place]);
  }
  const relabel = () => {
    const relevant = answers.map(relevantIds);
    for (const [place, rows] of columns.entries()) {
      for (const row of rows) {
        row.relevant.hidden = !relevant[place]?.has(row.hit.id);
        showGrade(row.marks, answers[place].own?.[row.hit.id]);
        row.button.setAttribute("aria-label", `${row.label}${row.relevant.hidden ? "" : "; relevant"}`);
      }
    }
    byId("compared-says").textContent = summary(answers, ranks, relevant);
  };
  relabel();
  announce(byId("compared-says").textContent);
  return relabel;
}

function saysOf(answer, { pool, topK, options }) {
  const sizes = options.effort
    ? [`top_k=${options.tail === "true" ? topK : Math.min(topK, answer.pool_size)}`]
    : [`pool_size=${options.adaptive === "true" ? "auto" : pool}`, `top_k=${topK}`];
  const changed = Object.entries(options).filter(([name]) => name !== "adaptive").map(([name, value]) => `${name}=${value}`);
  const seconds = answer.seconds.retrieve + answer.seconds.rerank;
  return [[...sizes, ...changed].join(" · "), `${count(answer.hits.length, "hit")} in ${time(seconds)}.`, notesOf(answer)].filter(Boolean).join(" — ");
}

function summary(answers, [first, second], relevant) {
  const both = [...first.keys()].filter((id) => second.has(id));
  const still = both.filter((id) => first.get(id) === second.get(id)).length;
  const parts = [`${count(both.length, "hit")} ${both.length === 1 ? "is" : "are"} in both columns, ${still} at the same rank. Only in A: ${first.size - both.length}. Only in B: ${second.size - both.length}.`];
  if (relevant.some(Boolean)) {
    const [a, b] = answers.map((answer, place) => answer.hits.filter((hit) => relevant[place]?.has(hit.id)).length);
    parts.push(`Relevant: ${a} in A, ${b} in B.`);
  }
  return parts.join(" ");
}

function makeRow(hit, { name, other, rank, length, judge, unit }) {
  const moved = rank === undefined ? 0 : rank - hit.rank;
  const relevant = make("span", { cls: "relevant", text: "relevant" });
  const elsewhere = rank === undefined ? `not in ${other}` : `${other} ${rank}`;
  const move = rank === undefined ? "" : moved > 0 ? `▲${moved}` : moved < 0 ? `▼${-moved}` : "=";
  const scores = secondScores(hit);
  scores.append(make("span", { cls: "elsewhere", text: elsewhere }));
  const button = make("button", { cls: `row${rank === undefined ? " only" : ""}`, attrs: { type: "button", tabindex: "-1", "aria-pressed": "false" } },
    make("span", { cls: "rank" }, make("span", { cls: "place", text: String(hit.rank) }),
      make("span", { cls: `move ${rank === undefined || moved > 0 ? "up" : moved < 0 ? "down" : "same"}`, text: move })),
    make("span", { cls: "words" },
      make("span", { cls: "row-head" }, make("span", { cls: "title", text: hit.title || hit.document_id || hit.id }), relevant,
        hit.source ? make("span", { cls: "source", text: sourceOf(hit) }) : null),
      snippetOf(hit), hit.snippet ? make("span", { cls: "full", text: hit.text }) : null),
    scores);
  button.dataset.id = hit.id;
  button.addEventListener("click", () => button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true")));
  const marks = judgeButtons(hit, judge);
  const score = hit.rerank_score === null ? "not scored" : `${unit} ${hit.rerank_score.toFixed(2)}`;
  const place = rank === undefined ? `not among the ${length} of ${other}` : `${rank} in ${other}`;
  const label = `${name} ${hit.rank}: ${hit.title || hit.text.slice(0, 80)}; ${place}; ${score}`;
  return { item: make("li", { cls: "in-top tall" }, button, marks.box), button, relevant, marks, label };
}

/** Hide the columns, or show them. */
export const showColumns = (visible) => show(byId("compared"), visible);
