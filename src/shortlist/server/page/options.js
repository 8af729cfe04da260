// The options of a search: the fields of the form, and what a request sends for them.
//
// An option has the value of the server unless the form changes it. Only changed options are sent, and are in the address.

import { byId } from "./dom.js";

const NUMBERS = ["min_score", "min_probability", "blend", "per_document", "mmr"];
const TEXTS = ["where", "rerank_query", "queries", "expand", "effort"];
const SWITCHES = ["rerank", "progressive", "tail", "adaptive", "duplicates", "gate"];

/** The options of the form. "adaptive" stands for a `pool_size` of "auto". */
export const OPTION_NAMES = [...TEXTS, ...NUMBERS, ...SWITCHES];

const field = (name) => byId(`option-${name}`);

let defaults = {};

/** Show the server's values. The page compares passages, so it shows duplicates unless the form folds them: as placeholders, and as the states of the switches. */
export function showDefaults(serverDefaults) {
  defaults = { ...serverDefaults, adaptive: serverDefaults.pool_size === "auto", duplicates: true };
  for (const name of NUMBERS) field(name).placeholder = defaults[name] === null || defaults[name] === undefined ? "none" : String(defaults[name]);
  field("expand").placeholder = defaults.expand ?? "none";
  for (const name of SWITCHES) field(name).checked = Boolean(defaults[name]);
}

/** Put options from an address into the form; the others get the server's values. */
export function fillOptions(options) {
  for (const name of [...TEXTS, ...NUMBERS]) field(name).value = options[name] ?? "";
  for (const name of SWITCHES) field(name).checked = options[name] === undefined ? Boolean(defaults[name]) : options[name] === "true";
  if (Object.keys(options).length) byId("options").open = true;
}

/** Return the options that the form changes, as texts by name. */
export function changedOptions() {
  const texts = [...TEXTS, ...NUMBERS].map((name) => [name, field(name).value.trim()]).filter(([, text]) => text);
  const switches = SWITCHES.filter((name) => field(name).checked !== Boolean(defaults[name]));
  return Object.fromEntries([...texts, ...switches.map((name) => [name, String(field(name).checked)])]);
}

/** Return whether smaller pools cannot be computed from the answer: its order depends on the pool, or exceeds the pool. */
export const dependsOnPool = () => ["progressive", "tail", "adaptive", "gate"].some((name) => field(name).checked)
  || field("effort").value.trim() || !field("duplicates").checked || ["per_document", "mmr"].some((name) => field(name).value.trim() || defaults[name]);

/** Return the fields of a request for the options of the form, and for the pool and the answer that the page shows.
 *
 * If smaller pools can be computed from the answer, the request asks for the whole pool of the largest size.
 */
export function requestFields({ pool, topK, largest }) {
  const { adaptive, where, queries, ...changed } = changedOptions();
  const fields = { pool_size: largest, top_k: largest };
  if (field("adaptive").checked) Object.assign(fields, { pool_size: "auto", top_k: topK });
  else if (dependsOnPool()) Object.assign(fields, { pool_size: pool, top_k: field("tail").checked ? largest : pool });
  if (field("effort").value.trim()) for (const name of ["pool_size", "top_k"]) delete fields[name];
  fields.duplicates = field("duplicates").checked;
  if (where) fields.where = parseWhere(where);
  if (queries) fields.queries = queries.split("|").map((text) => text.trim()).filter(Boolean);
  for (const [name, text] of Object.entries(changed)) fields[name] = valueOf(name, text);
  return fields;
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
