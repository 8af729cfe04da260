// The states of the page that are not results: waiting, nothing found, trouble.

import { byId, say, show } from "./dom.js";
import { askForKey } from "./server.js";

/** Shows that an answer is on its way, or that it is there. */
export function busy(on, idle) {
  document.body.classList.toggle("busy", on);
  byId("results").setAttribute("aria-busy", String(on));
  byId("go").textContent = on ? "Asking…" : idle;
  if (on) say("Searching.", 600);
}

/** Shows the results, or that there are none. */
export function settle(answer) {
  const any = answer.hits.length > 0;
  show(byId("notice"), false);
  show(byId("empty"), !any);
  show(byId("results"), any);
  document.title = `${answer.query} · shortlist`;
  if (any) return;
  byId("empty-title").textContent = "No passage matches";
  byId("empty-text").textContent = answer.why_nothing === "the index is empty"
    ? "The index is empty. Fill it with: shortlist add PATH --index DIR"
    : "The query found nothing in this index. Try fewer or other words.";
  say("No passage matches.");
}

/** Says what went wrong and what to do; the last results stay where they are. */
export function fail(error) {
  const known = error.kind !== undefined;
  byId("notice-text").textContent = known ? error.message : `The page could not show the answer: ${error.message}`;
  show(byId("notice"));
  show(byId("empty"), false);
  if (error.kind === "key") askForKey();
  if (!known) throw error;
}
