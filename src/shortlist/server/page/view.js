// The results on the page: drawn from an answer, a pool size and a top k, and redrawn at every move of the slider.

import { announce, byId, count, show } from "./dom.js";
import { notesOf, writeFacts } from "./facts.js";
import { tabStop } from "./keys.js";
import { drawLines, stress } from "./lines.js";
import { ceilings, countRelevant, cutPool, notablePair } from "./pool.js";
import { makeRows, order, relabel, shownSignals } from "./rows.js";
import { describePool, drawCurve } from "./slider.js";

/** Show an answer, and return `redraw(size, topK)`, `judged()`, `relay()` and `mark(ids, chosen)` for it. */
export function openAnswer(answer, { choose, compare, judge, unit }) {
  const rows = { one: makeRows(answer, "one", choose, judge), two: makeRows(answer, "two", choose, judge) };
  const largest = answer.largest;
  const lines = byId("lines");
  writeFacts(byId("facts"), answer);
  const notes = notesOf(answer);
  byId("remark").textContent = notes;
  show(byId("remark"), notes !== "");
  writeHeads(answer, unit);
  byId("pool").max = String(Math.max(1, largest));
  byId("scale-to").textContent = String(largest);
  let drawn = null;
  const write = (view, size, topK) => {
    drawn = { view, size, topK };
    const curve = ceilings(answer);
    byId("curve").classList.toggle("bare", curve === null);
    byId("legend").textContent = `${curve ? "green: the recall ceiling · " : ""}ticks: stage-one ranks of the top k`;
    drawCurve(byId("curve"), { curve, view, size, largest });
    writeTitles(answer, view, { size, topK });
  };
  return {
    redraw(size, topK) {
      const view = cutPool(answer, size, topK);
      order(byId("one"), rows.one, view.first, { stage: "one", view, topK, unit });
      order(byId("two"), rows.two, view.second, { stage: "two", view, topK, unit });
      for (const list of [byId("one"), byId("two")]) tabStop(list, list.querySelector("button.row"));
      write(view, size, topK);
      writeHighlight(view, topK, compare);
      drawLines(lines, view, rows, topK);
      return view;
    },
    judged() {
      const { size, topK } = drawn;
      const view = cutPool(answer, size, topK);
      relabel(rows.one, view.first, { stage: "one", view, unit });
      relabel(rows.two, view.second, { stage: "two", view, unit });
      write(view, size, topK);
    },
    relay() {
      if (drawn) drawLines(lines, drawn.view, rows, drawn.topK);
    },
    mark(ids, chosen) {
      stress(lines, ids);
      for (const side of Object.values(rows)) {
        for (const [id, row] of side) {
          row.button.classList.toggle("near", ids.has(id));
          row.button.setAttribute("aria-pressed", String(chosen.includes(id)));
          row.button.dataset.letter = chosen.includes(id) ? "AB"[chosen.indexOf(id)] : "";
        }
      }
    },
  };
}

function writeHeads(answer, unit) {
  byId("one-title").textContent = answer.pasted ? "As pasted" : "Stage one";
  const signals = shownSignals(answer);
  byId("one-scores").textContent = answer.pasted ? "" : signals.length > 1 ? `score\n${signals.join(" · ")}` : signals[0] ?? "score";
  const blended = answer.hits.some((hit) => hit.rerank_score !== null && hit.score !== hit.rerank_score);
  byId("two-scores").textContent = blended ? `${unit}\nfinal score` : unit;
  const parts = Object.entries(answer.weights).map(([name, weight]) => ` + ${Number(weight.toPrecision(4))} × ${name}`);
  byId("two-formula").textContent = blended && parts.length ? `final score = ${unit}${parts.join("")}` : "";
}

/** Name the pair of passages that moved most notably, with a button that shows the words behind the move. */
function writeHighlight(view, topK, compare) {
  const pair = notablePair(view, topK);
  if (!show(byId("highlight"), pair !== null)) return;
  const [rose, fell] = pair;
  const path = (hit) => `${hit.retrieval_rank} to ${view.places.get(hit.id)}`;
  const name = (hit) => hit.title ? `“${hit.title}”` : `“${hit.text.slice(0, 48)}${hit.text.length > 48 ? "…" : ""}”`;
  byId("highlight-text").textContent = `${name(rose)} moved from ${path(rose)}, ${name(fell)} from ${path(fell)}.`;
  byId("highlight-why").onclick = () => compare(rose.id, fell.id);
}

function writeTitles(answer, view, { size, topK }) {
  const last = !view.left.length && (answer.pasted || answer.hits.length < answer.pool_size && !answer.left_out);
  byId("pool-value").textContent = String(size);
  byId("pool").setAttribute("aria-valuetext", `${count(size, "passage")}${view.relevant ? `, ceiling ${view.ceiling.toFixed(2)}` : ""}`);
  byId("pool-says").textContent = describePool(view, { size, topK, last, fixed: answer.fixed });
  byId("one-says").textContent = answer.pasted ? "in the given order" : "fast: query and passage are read separately";
  byId("two-says").textContent = view.reranked ? "query and passage are read together" : "stage one's order";
  writeBelow(view);
  const first = view.second[0];
  const best = first ? `First is ${first.title || first.text.slice(0, 60)}, ${first.retrieval_rank} in stage one.` : "";
  announce(`Pool of ${size}. ${best} ${view.relevant ? `Ceiling ${view.ceiling.toFixed(2)}.` : ""}`);
}

function writeBelow(view) {
  const below = byId("one-below");
  if (!show(below, view.left.length > 0)) return;
  const missed = view.relevant ? countRelevant(view.left, view.relevant) : 0;
  const ranks = view.relevant ? view.left.filter((hit) => view.relevant.has(hit.id)).map((hit) => hit.retrieval_rank) : [];
  const extra = missed ? `, ${missed} of them relevant (at ${ranks.slice(0, 6).join(", ")}${ranks.length > 6 ? "…" : ""})` : "";
  below.textContent = `The pool ends here. ${count(view.left.length, "passage")} below it${extra}: stage two does not read them.`;
}
