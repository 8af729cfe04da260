// The curve above the slider: the recall ceiling of every pool size, and the stage-one ranks of the final answer.

import { count, draw, plain } from "./dom.js";

const WIDTH = 1000;
const HEIGHT = 56;
const FLOOR = HEIGHT - 14;

/** Draw the ceiling as steps if labels are known, ticks at the stage-one ranks of the answer, and a mark at `size`. */
export function drawCurve(svg, { curve, view, size, largest }) {
  const across = (rank) => largest > 1 ? ((rank - 1) / (largest - 1)) * WIDTH : WIDTH / 2;
  const up = (share) => FLOOR - share * (FLOOR - 6);
  svg.setAttribute("viewBox", `0 ${curve ? 0 : FLOOR} ${WIDTH} ${curve ? HEIGHT : HEIGHT - FLOOR}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const parts = [draw("path", { class: "base", d: `M0 ${FLOOR} H${WIDTH}` })];
  if (curve) parts.push(...ceilingParts(curve, { across, up, size }));
  for (const hit of view.top) {
    const x = across(Math.min(hit.retrieval_rank, largest));
    const mark = view.relevant?.has(hit.id) ? "tick relevant" : "tick";
    parts.push(draw("path", { class: mark, d: `M${x} ${FLOOR + 2} V${HEIGHT - 1}` }));
  }
  svg.replaceChildren(...parts);
}

function ceilingParts(curve, { across, up, size }) {
  let line = `M0 ${up(curve[0])}`;
  for (let rank = 2; rank <= curve.length; rank += 1) {
    if (curve[rank - 1] !== curve[rank - 2]) line += ` H${across(rank)} V${up(curve[rank - 1])}`;
  }
  line += ` H${across(curve.length)}`;
  const here = curve[Math.min(size, curve.length) - 1];
  return [
    draw("path", { class: "area", d: `${line} V${FLOOR} H0 Z` }),
    draw("path", { class: "steps", d: line }),
    draw("path", { class: "here", d: `M0 ${up(here)} H${across(Math.min(size, curve.length))} V${FLOOR}` }),
  ];
}

/** Return sentences about this pool: its ceiling, the part of it in the answer, and the smallest pool with this answer.
 * `last` means that a larger pool has no more passages. If `fixed`, nothing is known about other pools. */
export function describePool(view, { size, topK, last, fixed }) {
  const parts = [];
  const shown = Math.min(topK, view.top.length);
  if (view.relevant) {
    const inPool = Math.round(view.ceiling * view.relevant.size);
    parts.push(`Ceiling R@${size} = ${plain(view.ceiling, 2)}: the pool contains ${inPool} of ${view.relevant.size} relevant passages.`);
    parts.push(`In the top ${shown}: ${view.inTop.one} by stage one, ${view.inTop.two} by stage two.`);
  }
  if (view.reranked && fixed) parts.push("The order depends on the whole pool: another pool needs another search.");
  else if (view.reranked && view.top.length) {
    if (view.deepest < size) parts.push(`Every pool from ${view.deepest} up to this size gives the same top ${shown}.`);
    else if (!last) parts.push(`The top ${shown} contains the last passage of the pool: a larger pool may change it.`);
  }
  if (last) parts.push("No passages are below this pool.");
  if (!view.reranked) parts.push(`${count(view.first.length, "passage")}, in stage one's order.`);
  return parts.join(" ");
}
