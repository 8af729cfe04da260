// The facts about the server: its models, its index, its judged queries, and whether it needs a key.

import { apiKey, get, keepKey } from "./api.js";
import { byId, count, make, show } from "./dom.js";

/** Load the facts about the server, write them into the page, and return them. Throws as `get` does. */
export async function loadFacts(search) {
  const facts = await get("page/about");
  for (const mode of [byId("mode-index"), byId("mode-compare")]) {
    mode.disabled = !facts.index;
    mode.title = facts.index ? "" : "This server was started without an index";
  }
  if (facts.retriever) byId("mode-index").textContent = "The store";
  const models = [facts.encoder, facts.reranker].filter(Boolean).join(" → ");
  byId("about").textContent = [facts.retriever, facts.passages ? count(facts.passages, "passage") : "", models].filter(Boolean).join(" · ");
  byId("judged").replaceChildren(...facts.judged.map((query) => make("option", { attrs: { value: query } })));
  byId("offer-list").replaceChildren(...facts.judged.slice(0, 6).map((query) => {
    const button = make("button", { cls: "quiet", text: query, attrs: { type: "button" } });
    button.addEventListener("click", () => search(query));
    return make("li", {}, button);
  }));
  show(byId("offers"), facts.judged.length > 0);
  return facts;
}

/** Open the form for the API key, and focus it. */
export function askForKey() {
  byId("key").open = true;
  byId("key-input").focus();
}

/** Connect the form for the key. `begin` starts the page again with the new key. */
export function wireKey(begin) {
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
