// What this server is: its models, its index, the queries it has judgments for, and the key it may ask for.

import { apiKey, get, keepKey } from "./api.js";
import { byId, count, make, show } from "./dom.js";

/** Asks the server what it holds and writes it into the page; gives the facts back. Throws as `get` does. */
export async function meet(ask) {
  const facts = await get("page/about");
  byId("mode-index").disabled = !facts.index;
  byId("mode-index").title = facts.index ? "" : "This server was started without an index";
  const models = [facts.encoder, facts.reranker].filter(Boolean).join(" → ");
  byId("about").textContent = [facts.passages ? count(facts.passages, "passage") : "", models].filter(Boolean).join(" · ");
  byId("judged").replaceChildren(...facts.judged.map((query) => make("option", { attrs: { value: query } })));
  byId("offer-list").replaceChildren(...facts.judged.slice(0, 6).map((query) => {
    const button = make("button", { cls: "quiet", text: query, attrs: { type: "button" } });
    button.addEventListener("click", () => ask(query));
    return make("li", {}, button);
  }));
  show(byId("offers"), facts.judged.length > 0);
  return facts;
}

/** Opens the place for the API key and goes there. */
export function askForKey() {
  byId("key").open = true;
  byId("key-input").focus();
}

/** Wires the key's form; `begin` starts the page anew with the key that was given. */
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
