// The answer of any pool size, computed from one scoring pass of the largest pool. This file does not touch the page.
//
// If scores are pointwise, a smaller pool has the passages that stage one ranked within it, in the order of their
// scores. Otherwise only the pool that was scored can be shown: `answer.fixed` is true.

/** Best first: the scored hits by score, then the others in stage one's order. Equal scores keep stage one's order. */
function byFinal(a, b) {
  const scored = (a.rerank_score !== null) - (b.rerank_score !== null);
  if (scored) return -scored;
  if (a.rerank_score === null) return a.retrieval_rank - b.retrieval_rank;
  return b.score - a.score || a.retrieval_rank - b.retrieval_rank;
}

const byRetrieval = (a, b) => a.retrieval_rank - b.retrieval_rank;

/** Return the ids of the relevant passages, or null if nothing is known. `answer.own` are the judgments of this browser:
 * they replace those of the server. */
export function relevantIds(answer) {
  const grades = { ...answer.labels?.relevant, ...answer.own };
  const ids = Object.keys(grades).filter((id) => grades[id] > 0);
  return ids.length ? new Set(ids) : null;
}

/** Return both orders of the pool of `size`, what moved, and how many relevant passages the first `topK` have. */
export function cutPool(answer, size, topK) {
  const all = [...answer.hits].sort(byRetrieval);
  const first = answer.fixed ? all : all.filter((hit) => hit.retrieval_rank <= size);
  const reranked = answer.status === "ok" || answer.status === "partial";
  const second = answer.fixed ? [...answer.hits].sort((a, b) => a.rank - b.rank) : reranked ? [...first].sort(byFinal) : first;
  const places = new Map(second.map((hit, place) => [hit.id, place + 1]));
  const relevant = relevantIds(answer);
  const top = second.slice(0, topK);
  return {
    first, second, top, places, reranked, relevant,
    own: answer.own ?? {},
    left: all.slice(first.length),
    deepest: Math.max(0, ...top.map((hit) => hit.retrieval_rank)),
    ceiling: relevant && share(first, relevant),
    inTop: relevant && { one: countRelevant(first.slice(0, topK), relevant), two: countRelevant(top, relevant) },
  };
}

/** Return the most notable pair: a passage that entered the first `topK` and a passage that left it, or the first
 * passages of both stages. Return null if nothing moved. */
export function notablePair(view, topK) {
  if (!view.reranked) return null;
  const rose = view.top.find((hit) => hit.retrieval_rank > topK);
  const fell = view.first.slice(0, topK).find((hit) => view.places.get(hit.id) > topK);
  if (rose && fell) return [rose, fell];
  return view.second[0] !== view.first[0] ? [view.second[0], view.first[0]] : null;
}

/** Return the recall ceiling at every pool size from 1: the recall that no order of that pool can exceed. */
export function ceilings(answer) {
  const relevant = relevantIds(answer);
  if (!relevant) return null;
  let inPool = 0;
  return [...answer.hits].sort(byRetrieval).map((hit) => (inPool += relevant.has(hit.id)) / relevant.size);
}

/** Return how many of the hits are relevant. */
export const countRelevant = (hits, relevant) => hits.filter((hit) => relevant.has(hit.id)).length;

const share = (hits, relevant) => countRelevant(hits, relevant) / relevant.size;

/** Return pasted passages and their raw scores in the form of a search's answer. */
export function fromPasted(query, texts, results, seconds) {
  const scores = new Map(results.map((result) => [result.index, result.relevance_score]));
  const ranks = new Map(results.map((result, place) => [result.index, place + 1]));
  const hits = texts.map((text, index) => ({
    id: String(index), title: "", text, snippet: null, source: "", rank: ranks.get(index), retrieval_rank: index + 1, retrieval_score: null,
    rerank_score: scores.get(index) ?? null, score: scores.get(index) ?? null, truncated: null, signals: {},
  }));
  return {
    query, hits, pasted: true, fixed: false, status: "ok", notes: [], pool_size: hits.length, scored: scores.size,
    dropped: 0, left_out: 0, truncated: null, seconds: { rerank: seconds }, weights: {}, labels: null,
  };
}
