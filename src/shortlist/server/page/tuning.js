// The curve of a measure over pool sizes for the judgments of this browser. The server scores each query once.

import { post } from "./api.js";
import { byId, count, draw, make, plain, show } from "./dom.js";
import { allRecords, forget, onJudged } from "./judgments.js";

const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 44;
const FLOOR = HEIGHT - 40;
const WAIT = 600;
const LINES = [["recall", "recall of the pool (the ceiling)"], ["ceiling", "best order of the pool"], ["reranked", "reranked"], ["stage_one", "stage one"]];

let timer = 0;
let running = null;
let lost = [];

/** Connect the curve. `settings()` returns the fields of the request besides the queries, and null without an index;
 * `costly()` returns whether a call of the reranker may cost money: the curve is then drawn by its button only. */
export function wireTuning({ settings, costly }) {
  const later = () => {
    clearTimeout(timer);
    if (byId("judging").open && !costly()) timer = setTimeout(() => request(settings()), WAIT);
  };
  onJudged(later);
  byId("judging").addEventListener("toggle", later);
  byId("tune-measure").addEventListener("change", () => { if (!costly()) request(settings()); });
  byId("tune-draw").addEventListener("click", () => request(settings()));
  byId("tune-forget").addEventListener("click", () => { forget(lost); byId("tune-draw").focus(); });
}

async function request(settings) {
  const all = allRecords();
  const judged = all.filter((record) => Object.keys(record.relevant).length);
  running?.abort();
  if (!settings) return blank("The curve needs an index, and this server has none.");
  if (!judged.length) return blank(all.length ? "The curve needs judged passages: snippets are not in it." : "");
  const mine = running = new AbortController();
  byId("tune-figure").setAttribute("aria-busy", "true");
  const queries = judged.map(({ query, relevant, rerank_query }) => ({ query, relevant, ...(rerank_query ? { rerank_query } : {}) }));
  try {
    present(await post("tune-curve", { queries, measure: byId("tune-measure").value, ...settings }, mine.signal), all.length - judged.length);
  } catch (error) {
    if (error.name !== "AbortError") blank(error.message);
  } finally {
    byId("tune-figure").removeAttribute("aria-busy");
  }
}

function blank(text) {
  byId("tune-says").textContent = text;
  show(byId("tune-figure"), false);
  show(byId("tune-forget"), false);
}

function present(curve, onlySnippets) {
  lost = curve.unknown_ids;
  byId("tune-says").textContent = describe(curve, onlySnippets);
  show(byId("tune-forget"), lost.length > 0);
  show(byId("tune-figure"));
  drawFigure(curve);
  drawTable(curve);
}

function describe(curve, onlySnippets) {
  const place = curve.sizes.indexOf(curve.best);
  const some = (number, noun, text) => number ? `${number} ${number === 1 ? noun : noun.replace("query", "queries")} ${text}` : "";
  return [
    `${curve.measure} of ${curve.queries} judged ${curve.queries === 1 ? "query" : "queries"}: best ${plain(curve.reranked[place], 3)} at a pool of ${curve.best}, where the pool contains ${plain(curve.recall[place], 3)} of the relevant passages. Stage one alone: ${plain(curve.stage_one, 3)}.`,
    curve.reranked[place] < curve.stage_one ? "Reranking is worse than stage one at every pool size." : "",
    curve.queries < 20 ? "With fewer than 20 queries, one query can move the curve." : "",
    some(curve.without_relevant, "query", "without a relevant passage: the value is 0."),
    some(curve.skipped, "query", "not reranked: stage one's order counts."),
    some(onlySnippets, "query", "judged by snippets only: not in the curve."),
    curve.unknown ? `${count(curve.unknown, "judged id")} no longer in the index: never found.` : "",
    ...curve.notes.map((note) => `${note.message}.`),
  ].filter(Boolean).join(" ");
}

const valuesOf = (curve, name) => name === "stage_one" ? curve.sizes.map(() => curve.stage_one) : curve[name];

function drawFigure(curve) {
  const svg = byId("tune-curve");
  const all = LINES.flatMap(([name]) => valuesOf(curve, name));
  const low = Math.max(0, Math.floor(Math.min(...all) * 10 - 0.001) / 10);
  const high = Math.min(1, Math.ceil(Math.max(...all) * 10 + 0.001) / 10);
  const largest = curve.sizes.at(-1);
  const across = (size) => LEFT + (size / largest) * (WIDTH - LEFT - 14);
  const up = (value) => FLOOR - ((value - low) / (high - low || 1)) * (FLOOR - 14);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const parts = [];
  for (const value of [low, (low + high) / 2, high]) {
    parts.push(draw("path", { class: "grid", d: `M${LEFT} ${up(value)} H${WIDTH - 14}` }), draw("text", { x: LEFT - 6, y: up(value) + 4, class: "up-label" }, plain(value, 2)));
  }
  let last = -100;
  for (const size of curve.sizes) {
    if (across(size) - last < 26) continue;
    last = across(size);
    parts.push(draw("text", { x: last, y: FLOOR + 16, class: "across-label" }, String(size)));
  }
  parts.push(draw("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, class: "across-label" }, "pool size"));
  for (const [name] of LINES) {
    const points = valuesOf(curve, name).map((value, place) => [across(curve.sizes[place]), up(value)]);
    parts.push(draw("path", { class: `line ${name}`, d: points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ") }));
    if (name === "reranked") for (const [x, y] of points) parts.push(draw("circle", { class: "dot", cx: x.toFixed(1), cy: y.toFixed(1), r: 3.5 }));
  }
  parts.push(draw("path", { class: "best", d: `M${across(curve.best)} 14 V${FLOOR}` }));
  svg.replaceChildren(...parts);
}

function drawTable(curve) {
  const head = make("tr", {}, make("th", { text: "pool size", attrs: { scope: "col" } }), ...curve.sizes.map((size) => make("th", { text: String(size), attrs: { scope: "col" } })));
  const rows = LINES.map(([name, text]) => make("tr", {}, make("th", { cls: `key-${name}`, text, attrs: { scope: "row" } }), ...valuesOf(curve, name).map((value) => make("td", { text: plain(value, 3) }))));
  byId("tune-table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}
