// The panel of judgments: the counts, undo, the export and import of a query set, and what the keys y, n and u do.

import { announce, byId, count } from "./dom.js";
import { add, allRecords, canUndo, clearAll, counts, gradesOf, judge, onJudged, undo } from "./judgments.js";
import { readRecords, toJsonLines } from "./queryfile.js";
import { storageTrouble } from "./store.js";

const FILE = "queries.jsonl";

/** Connect the panel. `query()` returns the query that is shown, or "". `redraw()` shows changed judgments. */
export function wireJudging({ query, redraw }) {
  onJudged(() => { drawPanel(query()); redraw(); });
  byId("judge-undo").addEventListener("click", undoLast);
  byId("judge-export").addEventListener("click", exportFile);
  byId("judge-clear").addEventListener("click", () => { clearAll(); say("All judgments are removed. Undo brings them back."); });
  byId("judge-import").addEventListener("change", importFile);
  drawPanel(query());
}

/** Judge a hit of the shown query. The grade that the hit already has takes the judgment away. */
export function judgeHit(query, hit, grade) {
  const before = gradesOf(query)[hit.id];
  const same = before !== undefined && (before > 0) === (grade > 0);
  const stored = judge(query, hit.id, same ? null : grade);
  const word = same ? "Not judged" : grade > 0 ? "Relevant" : "Not relevant";
  announce(`${word}: ${hit.title || hit.text.slice(0, 60)}. ${count(counts().judged, "passage")} judged.`, 0);
  if (!stored) say("");
}

/** Undo the last change of the judgments. */
export function undoLast() {
  say(undo() ? "The last change is undone." : "There is nothing to undo.");
}

/** Write the counts. */
export function drawPanel(query) {
  const { queries, judged, relevant, snippets } = counts();
  const words = snippets ? ` ${count(snippets, "snippet")} of an imported file ${snippets === 1 ? "is" : "are"} kept for the export.` : "";
  const here = Object.values(gradesOf(query));
  const shown = query ? ` This query: ${here.length} judged, ${here.filter((grade) => grade > 0).length} relevant.` : "";
  const need = judged && (allRecords().length < 2 || !relevant) ? " shortlist evaluate needs two judged queries and a relevant passage." : "";
  byId("judging-summary").textContent = judged ? `Judgments (${judged})` : "Judgments";
  byId("judging-says").textContent = judged || snippets
    ? `${count(judged, "passage")} of ${queries} ${queries === 1 ? "query" : "queries"} judged, ${relevant} relevant.${shown}${words}${need}`
    : "No passage is judged. Focus a passage and press y (relevant) or n (not relevant), or use its buttons.";
  byId("judge-undo").disabled = !canUndo();
  byId("judge-export").disabled = byId("judge-clear").disabled = !judged && !snippets;
}

/** Write a message into the panel, and the reason if the browser does not store the judgments. */
function say(text) {
  const trouble = storageTrouble() ? `${storageTrouble()}: export the judgments, or they are lost when this tab is closed.` : "";
  byId("judging-note").textContent = [text, trouble].filter(Boolean).join(" ");
  if (trouble) byId("judging").open = true;
}

function exportFile() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([toJsonLines(allRecords())], { type: "application/x-ndjson" }));
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`${FILE} is exported. Run: shortlist evaluate ${FILE} --index DIR`);
}

async function importFile(event) {
  const [file] = event.target.files;
  if (!file) return;
  try {
    const { added, replaced } = add(readRecords(file.name, await file.text()));
    say(`${file.name}: ${count(added, "judgment")} added, ${replaced} replaced.`);
  } catch (error) {
    say(`${file.name} is not imported: ${error.message}.`);
  }
  event.target.value = "";
}
