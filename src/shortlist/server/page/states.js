// The states of the page without results: waiting, no hits, errors.

import { announce, byId, show } from "./dom.js";
import { notesOf } from "./facts.js";
import { askForKey } from "./server.js";

/** Show whether an answer is on its way. `label` is the text of the button otherwise. */
export function busy(on, label) {
  document.body.classList.toggle("busy", on);
  byId("results").setAttribute("aria-busy", String(on));
  byId("go").textContent = on ? "Searching…" : label;
  if (on) announce("Searching.", 600);
}

/** Show the results, or the reason for an answer without hits. */
export function settle(answer) {
  const any = answer.hits.length > 0;
  show(byId("notice"), false);
  show(byId("empty"), !any);
  show(byId("results"), any);
  document.title = `${answer.query} · shortlist`;
  if (any) return;
  const title = answer.left_out ? "No good answer" : "No passage matches";
  byId("empty-title").textContent = title;
  byId("empty-text").textContent = notesOf(answer);
  announce(`${title}.`);
}

/** Show what went wrong and what to do. The last results stay. */
export function fail(error) {
  const known = error.kind !== undefined;
  byId("notice-text").textContent = known ? error.message : `The page could not show the answer: ${error.message}`;
  show(byId("notice"));
  show(byId("empty"), false);
  if (error.kind === "key") askForKey();
  if (!known) throw error;
}
