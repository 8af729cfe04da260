// The page: what the visitor does, and what is asked of the server for it.

import { readAddress, writeAddress } from "./address.js";
import { apiKey, get, keepKey, post } from "./api.js";
import { byId, count, say, show } from "./dom.js";
import { wireKeys } from "./keys.js";
import { fromPasted } from "./pool.js";
import { openAnswer } from "./view.js";
import { drawTray } from "./why.js";

const LARGEST = 100;
const POOL = 50;

const state = { pool: POOL, k: 5, paste: false, query: "", answer: null, drawn: null, chosen: [], near: null, why: {} };
let running = null;

async function search(remember = true) {
  state.query = byId("query").value.trim();
  if (!state.query) return byId("query").focus();
  const texts = state.paste ? pastedTexts() : [];
  if (state.paste && !texts.length) return byId("candidates").focus();
  writeAddress(state, remember);
  running?.abort();
  const mine = running = new AbortController();
  busy(true);
  try {
    take(state.paste ? await rerank(texts, mine.signal) : await both(mine.signal));
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    if (running === mine) busy(false);
  }
}

const both = (signal) =>
  post("search", { query: state.query, pool_size: LARGEST, k: LARGEST, rerank: true, fail: "open" }, signal);

async function rerank(texts, signal) {
  const began = performance.now();
  const { results } = await post("rerank", { query: state.query, documents: texts, raw_scores: true }, signal);
  return fromPasted(state.query, texts, results, (performance.now() - began) / 1000);
}

const pastedTexts = () => byId("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);

function take(answer) {
  Object.assign(state, { answer, chosen: [], near: null, why: {} });
  show(byId("notice"), false);
  show(byId("empty"), answer.hits.length === 0);
  show(byId("results"), answer.hits.length > 0);
  document.title = `${answer.query} · shortlist`;
  if (!answer.hits.length) {
    byId("empty-title").textContent = "No passage matches";
    byId("empty-text").textContent = "Neither the words nor the meaning of the query found anything in this index. Try fewer or other words.";
    say("No passage matches.");
  } else {
    state.drawn = openAnswer(answer, choose, compare);
    redraw();
  }
  tray();
}

function redraw() {
  if (!state.answer?.hits.length) return;
  const size = Math.min(state.pool, state.answer.hits.length);
  byId("pool").value = String(size);
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
  drawTray(byId("tray"), chosen, state.why, { explain, drop: choose, clear });
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

function fail(error) {
  const known = error.kind !== undefined;
  byId("notice-text").textContent = known ? error.message : `The page could not show the answer: ${error.message}`;
  show(byId("notice"));
  show(byId("empty"), false);
  if (error.kind === "key") askForKey();
  if (!known) throw error;
}

function askForKey() {
  byId("key").open = true;
  byId("key-input").focus();
}

function busy(on) {
  document.body.classList.toggle("busy", on);
  byId("results").setAttribute("aria-busy", String(on));
  byId("go").textContent = on ? "Searching…" : state.paste ? "Rerank" : "Search";
  if (on) say("Searching.", 600);
}

function mode(paste) {
  state.paste = paste;
  byId("mode-index").setAttribute("aria-pressed", String(!paste));
  byId("mode-paste").setAttribute("aria-pressed", String(paste));
  show(byId("paste"), paste);
  byId("go").textContent = paste ? "Rerank" : "Search";
}

function restore() {
  const said = readAddress();
  state.pool = Math.min(said.pool ?? POOL, LARGEST);
  state.k = Math.min(said.k ?? 5, LARGEST);
  byId("query").value = said.query;
  byId("k").value = String(state.k);
  mode(said.paste || byId("mode-index").disabled);
  if (!said.query || (state.paste && !pastedTexts().length)) return;
  if (said.query !== state.answer?.query) search(false);
  else redraw();
}

async function about() {
  try {
    const facts = await get("page/about");
    if (!facts.index) {
      byId("mode-index").disabled = true;
      byId("mode-index").title = "This server was started without an index";
      mode(true);
    }
    const models = [facts.encoder, facts.reranker].filter(Boolean).join(" → ");
    byId("about").textContent = [facts.passages ? count(facts.passages, "passage") : "", models].filter(Boolean).join(" · ");
  } catch (error) {
    if (error.kind === "key") return fail(error);
    byId("about").textContent = "";
  }
}

function wire() {
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  byId("again").addEventListener("click", () => search(false));
  byId("pool").addEventListener("input", (event) => {
    state.pool = Number(event.target.value);
    redraw();
  });
  byId("pool").addEventListener("change", () => writeAddress(state));
  byId("k").addEventListener("input", (event) => {
    const k = Number.parseInt(event.target.value, 10);
    if (!(k >= 1 && k <= LARGEST)) return;
    state.k = k;
    writeAddress(state);
    redraw();
  });
  byId("mode-index").addEventListener("click", () => mode(false));
  byId("mode-paste").addEventListener("click", () => { mode(true); byId("candidates").focus(); });
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("results").focus(); });
  wireKeyForm();
  wireKeys({ one: byId("one"), two: byId("two") }, clear);
  wireNear();
  wireWidth();
  addEventListener("popstate", restore);
}

function wireKeyForm() {
  byId("key-input").value = apiKey();
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(byId("key-input").value.trim());
    byId("key").open = false;
    begin();
  });
  byId("key-forget").addEventListener("click", () => {
    keepKey("");
    byId("key-input").value = "";
    byId("key").open = false;
  });
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
  await about();
  restore();
}

wire();
begin();
