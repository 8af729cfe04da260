// The judgments of this browser: query -> id of a passage -> grade. Every change can be undone. No DOM.

import { load, onStored, save } from "./store.js";

const NAME = "judgments";
const STEPS = 100;

let records = read();
let before = [];
let listeners = [];

function read() {
  const stored = load(NAME, []);
  const usable = (record) => typeof record?.query === "string" && record.relevant && typeof record.relevant === "object";
  return new Map((Array.isArray(stored) ? stored.filter(usable) : []).map((record) => [record.query, record]));
}

/** Call `listener` after each change, also by another tab. */
export function onJudged(listener) {
  listeners.push(listener);
}

onStored(NAME, () => {
  records = read();
  before = [];
  for (const listener of listeners) listener();
});

/** Make a change that can be undone, store it, and return whether the browser stored it. */
function change(make) {
  before = [...before, JSON.stringify([...records.values()])].slice(-STEPS);
  make();
  return keep();
}

function keep() {
  for (const [query, record] of records) if (!Object.keys(record.relevant).length && !record.snippets) records.delete(query);
  const stored = save(NAME, [...records.values()]);
  for (const listener of listeners) listener();
  return stored;
}

/** Return id -> grade for a query; no judgments give an empty object. */
export const gradesOf = (query) => records.get(query)?.relevant ?? {};

/** Give a passage a grade for a query. A grade of null takes its judgment away. */
export const judge = (query, id, grade) => change(() => {
  const record = records.get(query) ?? { query, relevant: {} };
  records.set(query, record);
  if (grade === null) delete record.relevant[id];
  else record.relevant[id] = grade;
});

/** Undo the last change, and return whether there was one. */
export function undo() {
  const last = before.pop();
  if (last === undefined) return false;
  records = new Map(JSON.parse(last).map((record) => [record.query, record]));
  keep();
  return true;
}

/** Return whether a change can be undone. */
export const canUndo = () => before.length > 0;

/** Add the records of a file. A judgment of the file replaces an earlier one of the same passage. Return both counts. */
export function add(fileRecords) {
  let added = 0;
  let replaced = 0;
  change(() => {
    for (const { query, relevant, snippets, ...others } of fileRecords) {
      const record = records.get(query) ?? { query, relevant: {} };
      for (const [id, grade] of Object.entries(relevant)) {
        if (!(id in record.relevant)) added += 1;
        else if (record.relevant[id] !== grade) replaced += 1;
        record.relevant[id] = grade;
      }
      const words = snippets || record.snippets ? { snippets: { ...record.snippets, ...snippets } } : {};
      records.set(query, { ...others, ...record, ...words });
    }
  });
  return { added, replaced };
}

/** Take away every judgment of these ids. */
export const forget = (ids) => change(() => {
  for (const record of records.values()) for (const id of ids) delete record.relevant[id];
});

/** Take away all judgments. */
export const clearAll = () => change(() => records.clear());

/** Return all records, in the order in which their queries were first judged. */
export const allRecords = () => [...records.values()];

/** Return how many queries and passages are judged, how many passages are relevant, and how many snippets there are. */
export function counts() {
  const all = allRecords();
  const grades = all.flatMap((record) => Object.values(record.relevant));
  const snippets = all.reduce((sum, record) => sum + Object.keys(record.snippets ?? {}).length, 0);
  return { queries: all.length, judged: grades.length, relevant: grades.filter((grade) => grade > 0).length, snippets };
}
