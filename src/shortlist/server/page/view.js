// The results on the page: drawn from one answer, a pool size and a k; redrawn at every move of the slider.

import { byId, count, say, show } from "./dom.js";
import { remark, writeFacts } from "./facts.js";
import { tabStop } from "./keys.js";
import { drawLines, stress } from "./lines.js";
import { ceilings, cutPool, found, telling } from "./pool.js";
import { makeRows, order, shownSignals } from "./rows.js";
import { drawCurve, saysOfPool } from "./slider.js";

/** Takes an answer in; gives back `redraw(size, k)`, `relay()` and `mark(ids, chosen)` for it. */
export function openAnswer(answer, { choose, compare, weights, pointwise, unit }) {
  const rows = { one: makeRows(answer, "one", choose), two: makeRows(answer, "two", choose) };
  const curve = ceilings(answer);
  const largest = answer.hits.length;
  const lines = byId("lines");
  writeFacts(byId("facts"), answer);
  const said = remark(answer);
  byId("remark").textContent = said;
  show(byId("remark"), said !== "");
  writeHeads(answer, weights, unit);
  byId("pool").max = String(Math.max(1, largest));
  byId("scale-to").textContent = String(largest);
  byId("curve").classList.toggle("bare", curve === null);
  byId("legend").textContent = `${curve ? "green: the recall ceiling · " : ""}ticks: where the top k stood in stage one`;
  let drawn = null;
  return {
    redraw(size, k) {
      const view = cutPool(answer, size, k);
      drawn = { view, k };
      order(byId("one"), rows.one, view.first, { stage: "one", view, k, unit });
      order(byId("two"), rows.two, view.second, { stage: "two", view, k, unit });
      for (const list of [byId("one"), byId("two")]) tabStop(list, list.querySelector("button.row"));
      drawCurve(byId("curve"), { curve, view, size, largest });
      writeTitles(answer, view, { size, k, pointwise });
      writeTelling(view, k, compare);
      drawLines(lines, view, rows, k);
      return view;
    },
    relay() {
      if (drawn) drawLines(lines, drawn.view, rows, drawn.k);
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

function writeHeads(answer, weights, unit) {
  byId("one-title").textContent = answer.pasted ? "As pasted" : "Stage one";
  const signals = shownSignals(answer);
  byId("one-scores").textContent = answer.pasted ? "" : signals.length > 1 ? `score\n${signals.join(" · ")}` : signals[0] ?? "score";
  const blended = answer.hits.some((hit) => hit.rerank_score !== null && hit.score !== hit.rerank_score);
  byId("two-scores").textContent = blended ? `${unit}\nfinal score` : unit;
  const parts = Object.entries(weights ?? {}).map(([name, weight]) => ` + ${Number(weight.toPrecision(4))} × ${name}`);
  byId("two-formula").textContent = blended && parts.length ? `final score = ${unit}${parts.join("")}` : "";
}

/** The pair of passages that tells most about this query, and a button that asks for the words behind it. */
function writeTelling(view, k, compare) {
  const pair = telling(view, k);
  if (!show(byId("telling"), pair !== null)) return;
  const [rose, fell] = pair;
  const path = (hit) => `${hit.retrieval_rank} to ${view.places.get(hit.id)}`;
  const name = (hit) => hit.title ? `“${hit.title}”` : `“${hit.text.slice(0, 48)}${hit.text.length > 48 ? "…" : ""}”`;
  byId("telling-text").textContent = `${name(rose)} went from ${path(rose)}, ${name(fell)} from ${path(fell)}.`;
  byId("telling-why").onclick = () => compare(rose.id, fell.id);
}

function writeTitles(answer, view, { size, k, pointwise }) {
  const shown = Math.min(size, answer.hits.length);
  byId("pool-value").textContent = String(shown);
  byId("pool").setAttribute("aria-valuetext", `${count(shown, "passage")}${view.relevant ? `, ceiling ${view.ceiling.toFixed(2)}` : ""}`);
  byId("pool-says").textContent = saysOfPool(view, { size: shown, k, last: !view.left.length && answer.hits.length < answer.pool_size || (answer.pasted && !view.left.length), pointwise });
  byId("one-says").textContent = answer.pasted ? "the order they came in" : "retrieved fast, each passage read apart from the query";
  byId("two-says").textContent = view.reranked ? "each passage read together with the query" : "stage one's order";
  writeBelow(answer, view);
  const first = view.second[0];
  const best = first ? `First is ${first.title || first.text.slice(0, 60)}, ${first.retrieval_rank} in stage one.` : "";
  say(`Pool of ${shown}. ${best} ${view.relevant ? `Ceiling ${view.ceiling.toFixed(2)}.` : ""}`);
}

function writeBelow(answer, view) {
  const below = byId("one-below");
  if (!show(below, view.left.length > 0)) return;
  const missed = view.relevant ? found(view.left, view.relevant) : 0;
  const ranks = view.relevant ? view.left.filter((hit) => view.relevant.has(hit.id)).map((hit) => hit.retrieval_rank) : [];
  const extra = missed ? `, ${missed} of them relevant (at ${ranks.slice(0, 6).join(", ")}${ranks.length > 6 ? "…" : ""})` : "";
  below.textContent = `The pool ends here. ${count(view.left.length, "passage")} below it${extra}: stage two never sees them.`;
}
