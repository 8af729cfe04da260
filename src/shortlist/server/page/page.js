// The page: what the visitor does, and what is asked of the server for it.

import { readAddress, writeAddress } from "./address.js";
import { post } from "./api.js";
import { byId, say, show } from "./dom.js";
import { wireKeys } from "./keys.js";
import { fromPasted } from "./pool.js";
import { meet, wireKey } from "./server.js";
import { busy, fail, settle } from "./states.js";
import { openAnswer } from "./view.js";
import { drawTray } from "./why.js";

const LARGEST = 100;
const POOL = 50;

const state = { pool: POOL, k: 5, paste: false, query: "", answer: null, drawn: null, chosen: [], near: null, why: {}, weights: {}, pointwise: true, unit: "logit", largest: LARGEST, met: false };
let running = null;

async function search(remember = true) {
  state.query = byId("query").value.trim();
  if (!state.query) return byId("query").focus();
  const texts = state.paste ? pastedTexts() : [];
  if (state.paste && !texts.length) return byId("candidates").focus();
  writeAddress(state, remember);
  running?.abort();
  const mine = running = new AbortController();
  busy(true, goes());
  try {
    take(state.paste ? await rerank(texts, mine.signal) : await both(mine.signal));
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    if (running === mine) busy(false, goes());
  }
}

const both = (signal) =>
  post("search", { query: state.query, pool_size: state.largest, k: state.largest, rerank: true, fail: "open" }, signal);

async function rerank(texts, signal) {
  const began = performance.now();
  const { results } = await post("rerank", { query: state.query, documents: texts, raw_scores: true }, signal);
  return fromPasted(state.query, texts, results, (performance.now() - began) / 1000);
}

const pastedTexts = () => byId("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);

function take(answer) {
  Object.assign(state, { answer, chosen: [], near: null, why: {} });
  settle(answer);
  if (answer.hits.length) {
    state.drawn = openAnswer(answer, { choose, compare, weights: answer.pasted ? {} : state.weights, pointwise: state.pointwise, unit: state.unit });
    redraw();
  }
  tray();
}

function blank() {
  Object.assign(state, { answer: null, drawn: null, chosen: [], why: {} });
  show(byId("results"), false);
  show(byId("empty"));
  tray();
}

/** Whether only the pool that was scored can be shown: a smaller one may have scores of its own. */
const fixed = () => !state.pointwise && state.answer.hits.some((hit) => hit.rerank_score !== null);

function redraw() {
  if (!state.answer?.hits.length) return;
  const scored = state.answer.hits.length;
  const size = fixed() ? scored : Math.min(state.pool, scored);
  byId("pool").value = String(size);
  byId("pool").disabled = fixed();
  state.drawn.redraw(size, state.k);
  mark();
}

function mark() {
  state.drawn?.mark(new Set(state.near ? [...state.chosen, state.near] : state.chosen), state.chosen);
}

function choose(id) {
  const at = state.chosen.indexOf(id);
  if (at >= 0) state.chosen.splice(at, 1);
  else state.chosen = [...state.chosen, id].slice(-2);
  state.why = {};
  tray();
  mark();
}

function compare(a, b) {
  state.chosen = [a, b];
  mark();
  explain();
}

function tray() {
  const chosen = state.chosen.map((id) => state.answer.hits.find((hit) => hit.id === id));
  drawTray(byId("tray"), chosen, { ...state.why, unit: state.unit }, { explain, drop: choose, clear });
  document.body.classList.toggle("with-tray", chosen.length > 0);
}

function clear() {
  state.chosen = [];
  state.why = {};
  tray();
  mark();
}

async function explain() {
  const [a, b] = state.chosen;
  const asked = state.why = { asking: true };
  tray();
  const text = (id) => state.answer.hits.find((hit) => hit.id === id).text;
  const pair = state.answer.pasted ? { text_a: text(a), text_b: text(b) } : { id_a: a, id_b: b };
  const said = await post("why", { query: state.answer.query, ...pair })
    .then((why) => ({ why }), (error) => ({ trouble: error.message }));
  if (state.why !== asked) return;
  state.why = said;
  tray();
  say(said.trouble ?? "The words that decided are shown below.", 0);
}

const goes = () => state.paste ? "Rerank" : "Search";

function mode(paste) {
  state.paste = paste;
  byId("mode-index").setAttribute("aria-pressed", String(!paste));
  byId("mode-paste").setAttribute("aria-pressed", String(paste));
  show(byId("paste"), paste);
  byId("go").textContent = goes();
}

function ask(query) {
  byId("query").value = query;
  search();
}

/** The address of the answer that is shown, at the sizes that it is shown at; the form may say something else by now. */
function rewriteAddress() {
  const { answer } = state;
  writeAddress(answer ? { ...state, query: answer.query, paste: Boolean(answer.pasted) } : state);
}

/** Puts what the address says into the form; gives it back. */
function fill() {
  const said = readAddress();
  state.pool = Math.min(said.pool ?? POOL, state.largest);
  state.k = Math.min(said.k ?? 5, state.largest);
  byId("query").value = said.query;
  byId("k").value = String(state.k);
  byId("k").max = String(state.largest);
  mode(said.paste || byId("mode-index").disabled);
  return said;
}

function restore() {
  const said = fill();
  if (!said.query) return blank();
  if (state.paste && !pastedTexts().length) return blank();
  const shown = state.answer?.query === said.query && Boolean(state.answer.pasted) === state.paste;
  if (shown) redraw();
  else search(false);
}

function wire() {
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  byId("again").addEventListener("click", () => state.met ? search(false) : begin());
  byId("pool").addEventListener("input", (event) => {
    state.pool = Number(event.target.value);
    redraw();
  });
  byId("pool").addEventListener("change", rewriteAddress);
  byId("k").addEventListener("input", (event) => {
    const k = Number.parseInt(event.target.value, 10);
    if (!(k >= 1 && k <= state.largest)) return;
    state.k = k;
    rewriteAddress();
    redraw();
  });
  byId("mode-index").addEventListener("click", () => mode(false));
  byId("mode-paste").addEventListener("click", () => { mode(true); byId("candidates").focus(); });
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("results").focus(); });
  wireKey(begin);
  wireKeys({ one: byId("one"), two: byId("two") }, clear);
  wireNear();
  wireWidth();
  addEventListener("popstate", restore);
}

function wireNear() {
  const stages = byId("stages");
  const near = (event) => {
    const id = event.target.closest?.("button.row")?.dataset.id ?? null;
    if (id === state.near) return;
    state.near = id;
    mark();
  };
  for (const kind of ["pointerover", "focusin"]) stages.addEventListener(kind, near);
  for (const kind of ["pointerleave", "focusout"]) stages.addEventListener(kind, () => { state.near = null; mark(); });
}

/** On a narrow page the columns stack, what is returned first; the order of the document follows what is seen. */
function wireWidth() {
  const narrow = matchMedia("(max-width: 759px)");
  const place = () => byId("stages").prepend(byId(narrow.matches ? "stage-two" : "stage-one"));
  narrow.addEventListener("change", place);
  place();
  new ResizeObserver(() => state.drawn?.relay()).observe(byId("stages"));
}

async function begin() {
  show(byId("notice"), false);
  fill();
  try {
    const facts = await meet(ask);
    const largest = Math.min(LARGEST, facts.max_documents);
    Object.assign(state, { weights: facts.weights, pointwise: facts.pointwise, unit: facts.unit, largest, met: true });
    restore();
    if (!byId("query").value && matchMedia("(pointer: fine)").matches) byId("query").focus();
  } catch (error) {
    fail(error);
  }
}

wire();
begin();
