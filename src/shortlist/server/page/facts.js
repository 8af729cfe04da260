// The line of facts above the lists: what ran, how long it took, what was cut.

import { count, make, time } from "./dom.js";

const STATUS = {
  ok: "reranked", partial: "reranked in part", off: "not reranked", declined: "declined", failed: "failed",
};

/** Writes the facts of an answer into the list. */
export function writeFacts(list, answer) {
  const { seconds } = answer;
  const facts = [["stage two", STATUS[answer.rerank_status] ?? answer.rerank_status, answer.rerank_status]];
  if (answer.pasted) facts.push(["round trip", time(seconds.rerank)]);
  else {
    facts.push(["retrieve", time(seconds.retrieve)], ["rerank", time(seconds.rerank)], ["total", time(seconds.total)]);
  }
  facts.push(["scored", String(answer.scored)]);
  if (answer.truncated !== null) facts.push(["cut to fit", String(answer.truncated)]);
  list.replaceChildren(...facts.map(([name, value, kind]) => make("div", { cls: kind ? `fact status-${kind}` : "fact" },
    make("dt", { text: name }), make("dd", { text: value }))));
}

/** What has to be said beside the numbers, or "". */
export function remark(answer) {
  const said = [];
  if (answer.rerank_status !== "ok" && answer.rerank_status !== "off") {
    const why = answer.why_not ? `: ${answer.why_not}` : "";
    said.push({
      partial: `Only ${answer.scored} of ${answer.hits.length} passages were scored${why}. The others follow as stage one had them.`,
      declined: `The reranker left this query in stage one's order${why}.`,
      failed: `Stage two failed${why}. This is stage one's order.`,
    }[answer.rerank_status] ?? answer.why_not);
  }
  if (answer.query_cut) said.push("The query is longer than the bi-encoder's window: stage one read only its start.");
  if (answer.truncated) said.push(`${count(answer.truncated, "passage")} did not fit the reranker's window; it read their start.`);
  return said.join(" ");
}
