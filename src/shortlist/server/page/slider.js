// What stands above the slider: the ceiling at every pool size, and where in stage one the final top k came from.

import { count, draw, plain } from "./dom.js";

const WIDTH = 1000;
const HEIGHT = 56;
const FLOOR = HEIGHT - 14;

/** Draws the ceiling as steps where labels are known, ticks at the top k's stage-one ranks, and a mark at `size`. */
export function drawCurve(svg, { curve, view, size, largest }) {
  const across = (rank) => largest > 1 ? ((rank - 1) / (largest - 1)) * WIDTH : WIDTH / 2;
  const up = (share) => FLOOR - share * (FLOOR - 6);
  svg.setAttribute("viewBox", `0 ${curve ? 0 : FLOOR} ${WIDTH} ${curve ? HEIGHT : HEIGHT - FLOOR}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const parts = [draw("path", { class: "base", d: `M0 ${FLOOR} H${WIDTH}` })];
  if (curve) parts.push(...ceilingParts(curve, { across, up, size }));
  for (const hit of view.top) {
    const x = across(hit.retrieval_rank);
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

/** One sentence on this pool: its ceiling, the top k's share of it, and the smallest pool that gives the same top k.
 * `last` says that no larger pool would hold more; without `pointwise` nothing is said of other pools' orders. */
export function saysOfPool(view, { size, k, last, pointwise }) {
  const parts = [];
  const shown = Math.min(k, view.top.length);
  if (view.relevant) {
    const held = Math.round(view.ceiling * view.relevant.size);
    parts.push(`Ceiling R@${size} = ${plain(view.ceiling, 2)}: the pool holds ${held} of ${view.relevant.size} relevant.`);
    parts.push(`In the top ${shown}: ${view.inTop.one} by stage one, ${view.inTop.two} by stage two.`);
  }
  if (view.reranked && !pointwise) parts.push("This reranker scores the pool as a whole: another pool may change the order of all.");
  else if (view.reranked && view.top.length) {
    if (view.deepest < size) parts.push(`The same top ${shown} from any pool of ${view.deepest} or more, up to here.`);
    else if (!last) parts.push(`The top ${shown} reaches to the pool's last passage: a larger pool may change it.`);
  }
  if (last) parts.push("There is nothing below this pool.");
  if (!view.reranked) parts.push(`${count(view.first.length, "passage")}, in stage one's order.`);
  return parts.join(" ");
}
