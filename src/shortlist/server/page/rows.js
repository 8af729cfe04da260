// The two lists: one row for each passage, made once for an answer and ordered at every redraw.

import { make, plain, signed } from "./dom.js";

/** Make the rows of one stage. `stage` is "one" or "two". `choose(id)` is called when a row is pressed, and
 * `judge(id, grade)` when one of its judge buttons is pressed. */
export function makeRows(answer, stage, choose, judge) {
  const rows = new Map();
  const signals = shownSignals(answer);
  for (const hit of answer.hits) {
    rows.set(hit.id, makeRow(hit, stage === "one" ? firstScores(hit, signals) : secondScores(hit), choose, judge));
  }
  return rows;
}

function makeRow(hit, scores, choose, judge) {
  const place = make("span", { cls: "place" });
  const move = make("span", { cls: "move" });
  const title = make("span", { cls: "title", text: hit.title || hit.document_id || hit.id });
  const relevant = make("span", { cls: "relevant", text: "relevant" });
  relevant.hidden = true;
  const head = make("span", { cls: "row-head" }, isPasted(hit) ? null : title, relevant,
    hit.source ? make("span", { cls: "source", text: sourceOf(hit), attrs: { title: `${hit.source}, characters ${hit.start} to ${hit.end} of its text` } }) : null,
    hit.truncated ? make("span", { cls: "cut", text: "cut to the window" }) : null);
  const button = make("button", { cls: "row", attrs: { type: "button", "aria-pressed": "false", tabindex: "-1" } },
    make("span", { cls: "rank" }, place, move),
    make("span", { cls: "words" }, head, snippetOf(hit), hit.snippet ? make("span", { cls: "full", text: hit.text }) : null),
    scores);
  button.dataset.id = hit.id;
  button.addEventListener("click", () => choose(hit.id));
  const marks = isPasted(hit) ? null : judgeButtons(hit, judge);
  const item = make("li", {}, button, marks?.box ?? null);
  return { item, button, place, move, relevant, marks };
}

/** Return the two judge buttons of a hit. Keys judge the focused hit, so the buttons are no tab stops. */
export function judgeButtons(hit, judge) {
  const name = hit.title || hit.text.slice(0, 60);
  const made = [[1, "✓", "Relevant", "Y"], [0, "✗", "Not relevant", "N"]].map(([grade, text, label, key]) => {
    const button = make("button", { cls: `mark-${grade}`, text, attrs: { type: "button", tabindex: "-1", title: `${label} (${key})`, "aria-label": `${label}: ${name}` } });
    button.addEventListener("click", () => judge(hit.id, grade));
    return button;
  });
  return { box: make("span", { cls: "marks" }, ...made), buttons: made };
}

/** Show the grade of a hit on its judge buttons. A grade of undefined means that the hit is not judged. */
export function showGrade(marks, grade) {
  if (!marks) return;
  const [relevant, not] = marks.buttons;
  relevant.setAttribute("aria-pressed", String(grade > 0));
  not.setAttribute("aria-pressed", String(grade !== undefined && grade <= 0));
}

/** Return the snippet with the words of the query marked. A pressed row shows the full text instead. */
export function snippetOf(hit) {
  if (!hit.snippet) return make("span", { cls: "text whole", text: hit.text });
  return make("span", { cls: "text" }, ...hit.snippet.map(({ text, match }) => match ? make("mark", { text }) : text));
}

/** Return the source, and the place in it that a reader would look for. */
export function sourceOf(hit) {
  const id = hit.document_id ?? "";
  if (!id || id === hit.source) return hit.source;
  const place = id.startsWith(`${hit.source}#`) ? id.slice(hit.source.length + 1).replace("=", " ") : `id ${id}`;
  return `${hit.source} · ${place}`;
}

const isPasted = (hit) => hit.retrieval_score === null;

/** Return the names of the signals that a row shows: those that are not computed from another signal. */
export function shownSignals(answer) {
  const names = new Set(answer.hits.flatMap((hit) => Object.keys(hit.signals ?? {})));
  return [...names].filter((name) => !name.endsWith("_share"));
}

function firstScores(hit, signals) {
  const box = make("span", { cls: "scores" });
  if (isPasted(hit)) return box;
  const all = Object.entries(hit.signals ?? {}).map(([name, value]) => `${name} ${plain(value, 4)}`);
  if (all.length) box.title = all.join("\n");
  box.append(make("span", { cls: "score", text: plain(hit.retrieval_score, 4) }));
  const parts = signals.map((name) => name in hit.signals ? short(hit.signals[name]) : "–");
  if (signals.length > 1) box.append(make("span", { cls: "part", text: parts.join(" · ") }));
  return box;
}

const short = (value) => plain(value, Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);

/** Return the raw score, the final score and the probability of a hit. */
export function secondScores(hit) {
  const box = make("span", { cls: "scores" });
  if (hit.rerank_score === null) {
    box.append(make("span", { cls: "part", text: "not scored" }));
    return box;
  }
  box.append(make("span", { cls: "score", text: signed(hit.rerank_score, 3) }));
  if (hit.score !== hit.rerank_score) box.append(make("span", { cls: "part", text: signed(hit.score, 3) }));
  if (hit.probability !== null && hit.probability !== undefined) {
    box.append(make("span", { cls: "part", text: `p ${plain(hit.probability, 2)}` }));
  }
  return box;
}

/** Put the rows of `hits` into `list` in this order, and write their ranks, moves and marks. */
export function order(list, rows, hits, { stage, view, topK, unit }) {
  const items = hits.map((hit, index) => {
    const row = rows.get(hit.id);
    const final = view.places.get(hit.id);
    const rank = stage === "one" ? hit.retrieval_rank : index + 1;
    const moved = view.reranked ? hit.retrieval_rank - final : 0;
    row.place.textContent = String(rank);
    row.item.classList.toggle("in-top", final <= topK);
    row.item.classList.toggle("tall", index < topK);
    row.item.classList.toggle("last-of-top", stage === "two" && rank === topK && hits.length > topK);
    writeMove(row.move, moved, view.reranked, stage);
    return row.item;
  });
  list.replaceChildren(...items);
  relabel(rows, hits, { stage, view, unit });
}

/** Write the judgments of the shown hits onto their rows. The rows keep their places. */
export function relabel(rows, hits, { stage, view, unit }) {
  for (const [index, hit] of hits.entries()) {
    const row = rows.get(hit.id);
    const final = view.places.get(hit.id);
    row.relevant.hidden = !view.relevant?.has(hit.id);
    showGrade(row.marks, view.own[hit.id]);
    row.button.setAttribute("aria-label", label({
      hit, rank: stage === "one" ? hit.retrieval_rank : index + 1, final, moved: hit.retrieval_rank - final, stage, view, unit,
    }));
  }
}

function writeMove(node, moved, reranked, stage) {
  node.className = `move ${moved > 0 ? "up" : moved < 0 ? "down" : "same"}`;
  node.textContent = !reranked || stage === "one" ? "" : moved > 0 ? `▲${moved}` : moved < 0 ? `▼${-moved}` : "=";
}

function label({ hit, rank, final, moved, stage, view, unit }) {
  const name = hit.title || hit.text.slice(0, 80);
  const place = stage === "one" ? `Stage one ${rank}` : `Stage two ${rank}`;
  const move = !view.reranked || !moved ? "did not move" :
    stage === "one" ? `now ${final}` : `was ${hit.retrieval_rank}, ${moved > 0 ? "up" : "down"} ${Math.abs(moved)}`;
  const score = hit.rerank_score === null ? "not scored" : `${unit} ${hit.rerank_score.toFixed(2)}`;
  return `${place}: ${name}; ${move}; ${score}${judgedAs(hit, view)}`;
}

function judgedAs(hit, view) {
  if (view.relevant?.has(hit.id)) return "; relevant";
  return view.own[hit.id] === undefined ? "" : "; judged not relevant";
}
