// The options of a search: the fields of the form, and what a request sends for them.
//
// An option has the value of the server unless the form changes it. Only changed options are sent, and are in the address.

import { byId } from "./dom.js";

const NUMBERS = ["min_score", "min_probability", "blend", "fusion", "per_document", "mmr"];
const TEXTS = ["where", "rerank_query", "queries", "expand", "effort"];
const SWITCHES = ["rerank", "progressive", "tail", "adaptive", "duplicates", "gate"];

/** The options of the form. "adaptive" stands for a `pool_size` of "auto". */
export const OPTION_NAMES = [...TEXTS, ...NUMBERS, ...SWITCHES];

/** Return the form whose fields have ids with this prefix. If there is a `box`, it opens when an option is filled in. */
export function optionsForm(prefix, box = null) {
  const field = (name) => byId(prefix + name);
  const effort = () => field("effort").value.trim();
  let defaults = {};

  /** Show the server's values, as placeholders and as the states of the switches. The page compares passages, so it shows
   * duplicates unless the form folds them. */
  function showDefaults(serverDefaults) {
    defaults = { ...serverDefaults, adaptive: serverDefaults.pool_size === "auto", duplicates: true };
    for (const name of NUMBERS) field(name).placeholder = defaults[name] === null || defaults[name] === undefined ? "none" : String(defaults[name]);
    field("expand").placeholder = defaults.expand ?? "none";
    for (const name of SWITCHES) field(name).checked = Boolean(defaults[name]);
  }

  /** Put options from an address into the form; the others get the server's values. */
  function fill(options) {
    for (const name of [...TEXTS, ...NUMBERS]) field(name).value = options[name] ?? "";
    for (const name of SWITCHES) field(name).checked = options[name] === undefined ? Boolean(defaults[name]) : options[name] === "true";
    if (box && Object.keys(options).length) box.open = true;
  }

  /** Return the options that the form changes, as texts by name. */
  function changed() {
    const texts = [...TEXTS, ...NUMBERS].map((name) => [name, field(name).value.trim()]).filter(([, text]) => text);
    const switches = SWITCHES.filter((name) => field(name).checked !== Boolean(defaults[name]));
    return Object.fromEntries([...texts, ...switches.map((name) => [name, String(field(name).checked)])]);
  }

  /** Return whether smaller pools cannot be computed from the answer: its order depends on the pool, or exceeds it. */
  const dependsOnPool = () => ["progressive", "tail", "adaptive", "gate"].some((name) => field(name).checked)
    || effort() || !field("duplicates").checked || ["per_document", "mmr"].some((name) => field(name).value.trim() || defaults[name]);

  /** Return the fields of a request that asks for exactly this pool and this answer. */
  const exactFields = ({ pool, topK }) => requestOf({ pool_size: field("adaptive").checked ? "auto" : pool, top_k: topK });

  /** Return the fields of a request for the pool and the answer that the page shows. If smaller pools can be computed from
   * the answer, the request asks for the whole pool of the largest size. */
  function poolFields({ pool, topK, largest }) {
    if (effort()) return requestOf({ top_k: largest });
    if (field("adaptive").checked) return requestOf({ pool_size: "auto", top_k: topK });
    if (!dependsOnPool()) return requestOf({ pool_size: largest, top_k: largest });
    return requestOf({ pool_size: pool, top_k: field("tail").checked ? largest : pool });
  }

  /** Return the sizes for a request. The level of an effort decides the pool, and the answer is at most as long. An
   * unknown level gives no sizes: the server reports it. */
  function sizesOf(sizes) {
    if (!effort()) return sizes;
    const level = defaults.efforts?.[effort()];
    if (level === undefined) return {};
    return { top_k: field("tail").checked ? sizes.top_k : Math.min(sizes.top_k, level) };
  }

  function requestOf(sizes) {
    const { adaptive, where, queries, ...others } = changed();
    const fields = { ...sizesOf(sizes), duplicates: field("duplicates").checked };
    if (where) fields.where = parseWhere(where);
    if (queries) fields.queries = queries.split("|").map((text) => text.trim()).filter(Boolean);
    for (const [name, text] of Object.entries(others)) fields[name] = valueOf(name, text);
    return fields;
  }

  return { showDefaults, fill, changed, dependsOnPool, exactFields, poolFields };
}

/** Return the value of an option that the form has as a text. */
function valueOf(name, text) {
  if (TEXTS.includes(name)) return text;
  return NUMBERS.includes(name) ? Number(text) : text === "true";
}

/** Return the conditions of "year=2024, price<100": a comma outside quotes separates them. The server reads each one. */
export function parseWhere(text) {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,])+/g) ?? [];
  return parts.map((part) => part.trim()).filter(Boolean);
}
