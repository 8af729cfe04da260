// The history of queries: a list in this browser, newest first. Pasted passages are not in it.

import { byId, make, show } from "./dom.js";
import { load, onStored, save, storageTrouble } from "./store.js";

const NAME = "history";
const LONGEST = 50;

let entries = read();

function read() {
  const stored = load(NAME, []);
  return Array.isArray(stored) ? stored.filter((entry) => typeof entry?.query === "string" && typeof entry.address === "string" && entry.address.startsWith("#")) : [];
}

/** Put a query with the settings in its address at the top of the list. */
export function remember(query, address) {
  if (entries[0]?.address === address) return;
  entries = [{ query, address }, ...entries.filter((entry) => entry.address !== address)].slice(0, LONGEST);
  save(NAME, entries);
  drawHistory();
}

/** Connect the list. `run(address)` searches again; the focus then moves to the results. */
export function wireHistory(run) {
  const list = byId("past-list");
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) run(button.dataset.address);
  });
  list.addEventListener("keydown", (event) => {
    const buttons = [...list.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && buttons[buttons.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  byId("past-clear").addEventListener("click", () => {
    entries = [];
    save(NAME, entries);
    drawHistory();
    byId("past-summary").focus();
  });
  onStored(NAME, () => { entries = read(); drawHistory(); });
  drawHistory();
}

/** Open the history, and focus its newest query. */
export function openHistory() {
  byId("past").open = true;
  (byId("past-list").querySelector("button") ?? byId("past-summary")).focus();
}

function drawHistory() {
  byId("past-summary").textContent = entries.length ? `History (${entries.length})` : "History";
  byId("past-list").replaceChildren(...entries.map(({ query, address }) => {
    const settings = settingsOf(address);
    const button = make("button", { cls: "quiet", attrs: { type: "button" } },
      make("span", { cls: "past-query", text: query }), settings ? make("span", { cls: "past-settings", text: settings }) : null);
    button.dataset.address = address;
    return make("li", {}, button);
  }));
  show(byId("past-clear"), entries.length > 0);
  const where = storageTrouble() ? `${storageTrouble()}: the history is lost when this tab is closed.` : "The history is stored in this browser only.";
  byId("past-says").textContent = entries.length ? `Newest first. ${where}` : `No query yet. ${where}`;
}

function settingsOf(address) {
  const params = [...new URLSearchParams(address.slice(1))].filter(([name]) => name !== "q");
  return params.map(([name, value]) => `${name}=${value}`).join(" · ");
}
