// The line of facts above the lists, and the notes of an answer.

import { count, make, sentence, time } from "./dom.js";

const STATUS = {
  ok: "reranked", partial: "reranked in part", off: "not reranked", skipped: "skipped", failed: "failed",
};

/** Write the facts of an answer into the list. */
export function writeFacts(list, answer) {
  const { seconds } = answer;
  const facts = [["stage two", STATUS[answer.status] ?? answer.status, answer.status]];
  if (answer.pasted) facts.push(["round trip", time(seconds.rerank)]);
  else {
    const total = seconds.retrieve + seconds.rerank;
    facts.push(["retrieve", time(seconds.retrieve)], ["rerank", time(seconds.rerank)], ["total", time(total)]);
  }
  facts.push(["scored", String(answer.scored)]);
  if (answer.dropped) facts.push(["dropped early", String(answer.dropped)]);
  if (answer.left_out) facts.push(["left out", String(answer.left_out)]);
  if (answer.truncated !== null) facts.push(["cut to fit", String(answer.truncated)]);
  list.replaceChildren(...facts.map(([name, value, kind]) => make("div", { cls: kind ? `fact status-${kind}` : "fact" },
    make("dt", { text: name }), make("dd", { text: value }))));
}

/** Return the notes of the answer as sentences. */
export function notesOf(answer) {
  const notes = answer.notes;
  const sentences = notes.map((note) => sentence(note.message));
  if (answer.truncated) sentences.push(`The reranker read only the start of ${count(answer.truncated, "passage")}.`);
  return sentences.join(" ");
}
