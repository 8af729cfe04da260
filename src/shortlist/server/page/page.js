// The page: what the visitor does, and which requests follow.

import { readAddress, writeAddress } from "./address.js";
import { post } from "./api.js";
import { announce, byId, show } from "./dom.js";
import { wireKeys } from "./keys.js";
import { changedOptions, dependsOnPool, fillOptions, requestFields } from "./options.js";
import { fromPasted } from "./pool.js";
import { loadFacts, wireKey } from "./server.js";
import { busy, fail, settle } from "./states.js";
import { openAnswer } from "./view.js";
import { drawTray } from "./why.js";

const LARGEST = 100;

const state = { pool: 50, topK: 5, paste: false, query: "", options: {}, answer: null, drawn: null, chosen: [], near: null, why: {}, pointwise: true, unit: "logit", largest: LARGEST, defaults: {}, loaded: false };
let running = null;

async function search(remember = true) {
  state.query = byId("query").value.trim();
  if (!state.query) return byId("query").focus();
  const texts = state.paste ? pastedTexts() : [];
  if (state.paste && !texts.length) return byId("candidates").focus();
  state.options = changedOptions();
  writeAddress(state, remember);
  running?.abort();
  const mine = running = new AbortController();
  busy(true, buttonText());
  try {
    take(state.paste ? await rerank(texts, mine.signal) : await searchIndex(mine.signal));
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    if (running === mine) busy(false, buttonText());
  }
}

async function searchIndex(signal) {
  const adaptive = byId("option-adaptive").checked;
  const fixed = dependsOnPool();
  const answer = await post("search", { query: state.query, fail: "open", ...requestFields(state) }, signal);
  return { ...answer, adaptive, fixed, resizable: fixed && !adaptive };
}

async function rerank(texts, signal) {
  const began = performance.now();
  const { results } = await post("rerank", { query: state.query, documents: texts, raw_scores: true }, signal);
  return fromPasted(state.query, texts, results, (performance.now() - began) / 1000);
}

const pastedTexts = () => byId("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);

function take(answer) {
  answer.fixed ||= !state.pointwise && answer.hits.some((hit) => hit.rerank_score !== null);
  answer.largest = answer.resizable ? state.largest : Math.max(0, ...answer.hits.map((hit) => hit.retrieval_rank));
  Object.assign(state, { answer, chosen: [], near: null, why: {} });
  settle(answer);
  if (answer.hits.length) {
    state.drawn = openAnswer(answer, { choose, compare, unit: state.unit });
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

function redraw() {
  const { answer } = state;
  if (!answer?.hits.length) return;
  const size = answer.resizable ? Math.min(answer.pool_size, state.largest) : answer.fixed ? answer.largest : Math.min(state.pool, answer.largest);
  byId("pool").value = String(size);
  byId("pool").disabled = answer.fixed && !answer.resizable;
  state.drawn.redraw(size, state.topK);
  mark();
}

function mark() {
  state.drawn?.mark(new Set(state.near ? [...state.chosen, state.near] : state.chosen), state.chosen);
}

function choose(id) {
  const place = state.chosen.indexOf(id);
  if (place >= 0) state.chosen.splice(place, 1);
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
  const request = state.why = { loading: true };
  tray();
  const text = (id) => state.answer.hits.find((hit) => hit.id === id).text;
  const pair = state.answer.pasted ? { text_a: text(a), text_b: text(b) } : { id_a: a, id_b: b };
  const result = await post("why", { query: state.answer.query, ...pair })
    .then((why) => ({ why }), (error) => ({ trouble: error.message }));
  if (state.why !== request) return;
  state.why = result;
  tray();
  announce(result.trouble ?? "The words that decided are shown below.", 0);
}

const buttonText = () => state.paste ? "Rerank" : "Search";

function mode(paste) {
  state.paste = paste;
  byId("mode-index").setAttribute("aria-pressed", String(!paste));
  byId("mode-paste").setAttribute("aria-pressed", String(paste));
  show(byId("paste"), paste);
  show(byId("options"), !paste);
  byId("go").textContent = buttonText();
}

function searchFor(query) {
  byId("query").value = query;
  search();
}

/** Write the address of the shown answer and its sizes. The form may contain something else. */
function rewriteAddress() {
  const { answer } = state;
  writeAddress(answer ? { ...state, query: answer.query, paste: Boolean(answer.pasted) } : state);
}

/** Put the address into the form, and return it. */
function fill() {
  const address = readAddress();
  const { pool_size: pool = 50, top_k: topK = 5 } = state.defaults;
  state.pool = Math.min(address.pool ?? (pool === "auto" ? 50 : pool), state.largest);
  state.topK = Math.min(address.topK ?? topK, state.largest);
  byId("query").value = address.query;
  byId("top-k").value = String(state.topK);
  byId("top-k").max = String(state.largest);
  fillOptions(address.options);
  mode(address.paste || byId("mode-index").disabled);
  return address;
}

function restore() {
  const address = fill();
  if (!address.query) return blank();
  if (state.paste && !pastedTexts().length) return blank();
  const same = JSON.stringify(changedOptions()) === JSON.stringify(state.options) && !dependsOnPool();
  const shown = state.answer?.query === address.query && Boolean(state.answer.pasted) === state.paste && same;
  if (shown) redraw();
  else search(false);
}

function wire() {
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  byId("again").addEventListener("click", () => state.loaded ? search(false) : begin());
  byId("pool").addEventListener("input", (event) => {
    state.pool = Number(event.target.value);
    if (state.answer?.resizable) byId("pool-value").textContent = event.target.value;
    else redraw();
  });
  byId("pool").addEventListener("change", () => state.answer?.resizable ? search() : rewriteAddress());
  byId("top-k").addEventListener("input", (event) => {
    const topK = Number.parseInt(event.target.value, 10);
    if (!(topK >= 1 && topK <= state.largest)) return;
    state.topK = topK;
    rewriteAddress();
    redraw();
  });
  byId("top-k").addEventListener("change", () => { if (state.answer?.adaptive) search(); });
  byId("options").addEventListener("change", () => { if (state.answer) search(); });
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

/** Stack the columns on a narrow page, stage two first. The order of the document is the visible order. */
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
    const { pointwise, unit, max_documents: most, defaults } = await loadFacts(searchFor);
    Object.assign(state, { pointwise, unit, defaults, largest: Math.min(LARGEST, most), loaded: true });
    restore();
    if (!byId("query").value && matchMedia("(pointer: fine)").matches) byId("query").focus();
  } catch (error) {
    fail(error);
  }
}

wire();
begin();
