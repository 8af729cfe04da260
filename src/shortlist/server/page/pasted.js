// Pasted passages: their texts, and their scores from the server.

import { post } from "./api.js";
import { byId } from "./dom.js";
import { fromPasted } from "./pool.js";

/** Return the lines of the field that have a text. */
export const pastedTexts = () => byId("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);

/** Score the texts, and return them in the form of a search's answer. Throws as `post` does. */
export async function rerank(query, texts, signal) {
  const began = performance.now();
  const { results } = await post("rerank", { query, documents: texts, raw_scores: true }, signal);
  return fromPasted(query, texts, results, (performance.now() - began) / 1000);
}
