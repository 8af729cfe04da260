// The part of the page's state that a link carries. It follows "#", so that no server log contains the query.

import { OPTION_NAMES } from "./options.js";

const SECOND = "b.";

/** Return the state in the address. A size is null, and an option undefined, if the address has no usable value. `compare`
 * is the second set-up, whose names begin with "b.", or false. */
export function readAddress() {
  const params = new URLSearchParams(location.hash.slice(1) || location.search);
  const options = Object.fromEntries(OPTION_NAMES.filter((name) => params.has(name)).map((name) => [name, params.get(name)]));
  const second = new Map([...params].filter(([name]) => name.startsWith(SECOND)).map(([name, value]) => [name.slice(SECOND.length), value]));
  return {
    compare: second.size > 0 && {
      pool: number(second.get("pool_size")),
      topK: number(second.get("top_k")),
      options: Object.fromEntries(OPTION_NAMES.filter((name) => second.has(name)).map((name) => [name, second.get(name)])),
    },
    query: params.get("q") ?? "",
    pool: number(params.get("pool_size")),
    topK: number(params.get("top_k")),
    paste: params.has("paste"),
    options,
  };
}

/** Put the state into the address. With `remember`, add a step to the history. */
export function writeAddress({ query, pool, topK, paste, options, compare }, remember = false) {
  const params = new URLSearchParams();
  if (query) params.set("q", query);
  params.set("pool_size", String(pool));
  params.set("top_k", String(topK));
  for (const [name, value] of Object.entries(options)) params.set(name, value);
  if (paste) params.set("paste", "1");
  if (compare) {
    const second = { pool_size: compare.pool, top_k: compare.topK, ...compare.options };
    for (const [name, value] of Object.entries(second)) params.set(SECOND + name, String(value));
  }
  const address = `${location.pathname}#${params}`;
  if (address === location.pathname + location.hash) return;
  history[remember ? "pushState" : "replaceState"](null, "", address);
}

function number(text) {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isInteger(value) && value > 0 ? value : null;
}
