// The part of the page's state that a link carries. It stands after "#", so the query never reaches a server's log.

/** The state in the address: `q`, `pool` and `k` null where it says nothing usable. */
export function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1) || location.search);
  return { query: said.get("q") ?? "", pool: number(said.get("pool")), k: number(said.get("k")), paste: said.has("paste") };
}

/** Puts the state into the address; `remember` adds a step to the history. */
export function writeAddress({ query, pool, k, paste }, remember = false) {
  const said = new URLSearchParams();
  if (query) said.set("q", query);
  said.set("pool", String(pool));
  said.set("k", String(k));
  if (paste) said.set("paste", "1");
  const address = `${location.pathname}#${said}`;
  if (address === location.pathname + location.hash) return;
  history[remember ? "pushState" : "replaceState"](null, "", address);
}

function number(text) {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isInteger(value) && value > 0 ? value : null;
}
