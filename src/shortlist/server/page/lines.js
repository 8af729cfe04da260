// The lines between the two lists: one for each passage, from its place in stage one to its place in stage two.

import { draw } from "./dom.js";

/** Draw a line for each hit between the rows of both lists. Reads the layout once, then writes once. */
export function drawLines(svg, view, rows, topK) {
  const box = svg.getBoundingClientRect();
  if (!box.width || !view.reranked) {
    svg.replaceChildren();
    return;
  }
  const middle = (row) => {
    const rect = row.button.getBoundingClientRect();
    return rect.top - box.top + Math.min(rect.height, 44) / 2;
  };
  const ends = view.first.map((hit) => [middle(rows.one.get(hit.id)), middle(rows.two.get(hit.id))]);
  const paths = view.first.map((hit, index) => {
    const [from, to] = ends[index];
    const final = view.places.get(hit.id);
    const turn = box.width / 2;
    const path = draw("path", {
      d: `M0 ${from.toFixed(1)} C${turn} ${from.toFixed(1)} ${turn} ${to.toFixed(1)} ${box.width} ${to.toFixed(1)}`,
      class: `${final < hit.retrieval_rank ? "up" : final > hit.retrieval_rank ? "down" : "same"}${final <= topK ? " in-top" : ""}`,
    });
    path.dataset.id = hit.id;
    return path;
  });
  paths.sort((a, b) => a.classList.contains("in-top") - b.classList.contains("in-top"));
  svg.replaceChildren(...paths);
}

/** Emphasise the lines of these passages, and dim the others if there are any. */
export function stress(svg, ids) {
  svg.classList.toggle("stressed", ids.size > 0);
  for (const path of svg.children) path.classList.toggle("stress", ids.has(path.dataset.id));
}
