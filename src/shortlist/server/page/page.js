// The page: what the visitor does, and which requests follow.

import { readAddress, writeAddress } from "./address.js";
import { post } from "./api.js";
import { fillSetups, searchBoth, secondSetup, showColumns, showCompared, wireSetups } from "./compare.js";
import { announce, byId, show } from "./dom.js";
import { openHistory, remember as intoHistory, wireHistory } from "./history.js";
import { drawPanel, judgeHit, undoLast, wireJudging } from "./judging.js";
import { gradesOf } from "./judgments.js";
import { wireKeys, wireLists } from "./keys.js";
import { wireNear, wireWidth } from "./layout.js";
import { optionsForm } from "./options.js";
import { pastedTexts, rerank } from "./pasted.js";
import { loadFacts, wireKey } from "./server.js";
import { busy, fail, settle } from "./states.js";
import { wireTuning } from "./tuning.js";
import { openAnswer } from "./view.js";
import { drawTray } from "./why.js";

const LARGEST = 100;

const state = {
  pool: 50, topK: 5, paste: false, compare: false, query: "", options: {}, answer: null, pair: null, drawn: null, chosen: [], near: null, why: {},
  pointwise: true, unit: "logit", remote: false, largest: LARGEST, defaults: {}, loaded: false,
};
const form = optionsForm("option-", byId("options"));
let running = null;

async function search(remember = true) {
  state.query = byId("query").value.trim();
  if (!state.query) return byId("query").focus();
  const texts = state.paste ? pastedTexts() : [];
  if (state.paste && !texts.length) return byId("candidates").focus();
  state.options = form.changed();
  if (state.compare) state.compare = secondSetup(state);
  writeAddress(state, remember);
  if (!state.paste) intoHistory(state.query, location.hash);
  running?.abort();
  const mine = running = new AbortController();
  busy(true, buttonText());
  try {
    if (state.compare) takePair(await searchBoth(state, form, mine.signal));
    else take(state.paste ? await rerank(state.query, texts, mine.signal) : await searchIndex(mine.signal));
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  } finally {
    if (running === mine) busy(false, buttonText());
  }
}

async function searchIndex(signal) {
  const adaptive = byId("option-adaptive").checked;
  const fixed = form.dependsOnPool();
  const answer = await post("search", { query: state.query, fail: "open", ...form.poolFields(state) }, signal);
  return { ...answer, adaptive, fixed, resizable: fixed && !adaptive };
}

function take(answer) {
  answer.fixed ||= !state.pointwise && answer.hits.some((hit) => hit.rerank_score !== null);
  answer.largest = answer.resizable ? state.largest : Math.max(0, ...answer.hits.map((hit) => hit.retrieval_rank));
  answer.own = answer.pasted ? {} : gradesOf(answer.query);
  Object.assign(state, { answer, pair: null, chosen: [], near: null, why: {} });
  settle(answer);
  showColumns(false);
  if (answer.hits.length) {
    state.drawn = openAnswer(answer, { choose, compare, judge, unit: state.unit });
    redraw();
  }
  tray();
  drawPanel(shownQuery());
}

/** Show the answers of both set-ups. */
function takePair(answers) {
  for (const answer of answers) answer.own = gradesOf(answer.query);
  Object.assign(state, { answer: null, drawn: null, chosen: [], near: null, why: {} });
  settle(answers.find((answer) => answer.hits.length) ?? answers[0]);
  show(byId("results"), false);
  const relabel = showCompared(answers, [state, state.compare], { judge, unit: state.unit });
  state.pair = { answers, relabel };
  showColumns(answers.some((answer) => answer.hits.length));
  tray();
  drawPanel(shownQuery());
}

function blank() {
  Object.assign(state, { answer: null, pair: null, drawn: null, chosen: [], why: {} });
  show(byId("results"), false);
  showColumns(false);
  show(byId("empty"));
  tray();
}

const shownAnswers = () => state.pair?.answers ?? (state.answer && !state.answer.pasted ? [state.answer] : []);
const shownQuery = () => shownAnswers()[0]?.query ?? "";

function judge(id, grade) {
  const hit = shownAnswers().flatMap((answer) => answer.hits).find((each) => each.id === id);
  if (hit) judgeHit(shownQuery(), hit, grade);
}

/** Show the judgments of this browser on the shown rows. */
function rejudged() {
  for (const answer of shownAnswers()) answer.own = gradesOf(answer.query);
  if (state.pair) state.pair.relabel();
  else if (state.answer?.hits.length && !state.answer.pasted) state.drawn.judged();
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

const buttonText = () => state.paste ? "Rerank" : state.compare ? "Compare" : "Search";

function mode(paste, second = false) {
  if (second && !state.compare) fillSetups(second, state);
  state.paste = paste;
  state.compare = second && secondSetup(state);
  byId("mode-index").setAttribute("aria-pressed", String(!paste && !second));
  byId("mode-compare").setAttribute("aria-pressed", String(Boolean(second)));
  byId("mode-paste").setAttribute("aria-pressed", String(paste));
  show(byId("paste"), paste);
  show(byId("setups"), Boolean(second));
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
  form.showDefaults(state.defaults);
  form.fill(address.options);
  state.compare = false;
  const paste = address.paste || byId("mode-index").disabled;
  mode(paste, !paste && address.compare);
  return address;
}

function restore() {
  const address = fill();
  if (!address.query) return blank();
  if (state.paste && !pastedTexts().length) return blank();
  const same = JSON.stringify(form.changed()) === JSON.stringify(state.options) && !form.dependsOnPool() && !state.compare;
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
    if (!state.pair) rewriteAddress();
    redraw();
  });
  byId("top-k").addEventListener("change", () => { if (state.answer?.adaptive || state.pair) search(); });
  byId("options").addEventListener("change", () => { if (state.answer || state.pair) search(); });
  wireSetups((pool) => {
    state.pool = pool ?? state.pool;
    if (state.pair) search();
  });
  byId("mode-index").addEventListener("click", () => changeMode(false));
  byId("mode-compare").addEventListener("click", () => changeMode(true));
  byId("mode-paste").addEventListener("click", () => { mode(true); byId("candidates").focus(); });
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("results").focus(); });
  wireKey(begin);
  for (const pair of [["one", "two"], ["a-list", "b-list"]]) wireLists(...pair.map(byId), { judge, undo: undoLast });
  wireKeys({ clear, openHistory });
  wireHistory(runAgain);
  wireJudging({ query: shownQuery, redraw: rejudged });
  wireTuning({ settings: curveSettings, costly: () => state.remote });
  wireNear(near);
  wireWidth(() => state.drawn?.relay());
  addEventListener("popstate", restore);
}

/** Go to a mode of the index, and search again with it if a query is shown. */
function changeMode(second) {
  mode(false, second);
  if (shownAnswers().length) search();
}

/** Search with an address of the history. */
function runAgain(address) {
  history.pushState(null, "", address);
  fill();
  search(false).then(() => byId(state.pair ? "compared" : "results").focus());
}

/** Return the options of the form that the curve has, or null without an index. */
function curveSettings() {
  if (byId("mode-index").disabled) return null;
  const { blend, fusion, expand } = form.changed();
  const numbers = Object.entries({ blend, fusion }).filter(([, text]) => text !== undefined).map(([name, text]) => [name, Number(text)]);
  return { ...Object.fromEntries(numbers), ...(expand === undefined ? {} : { expand }) };
}

function near(id) {
  if (id === state.near) return;
  state.near = id;
  mark();
}

async function begin() {
  show(byId("notice"), false);
  fill();
  try {
    const { pointwise, unit, remote, max_documents: most, defaults } = await loadFacts(searchFor);
    Object.assign(state, { pointwise, unit, remote, defaults, largest: Math.min(LARGEST, most), loaded: true });
    restore();
    if (!byId("query").value && matchMedia("(pointer: fine)").matches) byId("query").focus();
  } catch (error) {
    fail(error);
  }
}

wire();
begin();
