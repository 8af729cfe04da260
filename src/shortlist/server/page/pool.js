// What a pool of any size would have given, read off one scoring pass of the largest pool. Nothing here touches the page.
//
// Where scores are pointwise a smaller pool holds the passages that stage one ranked within it, in the order of their
// scores. Where they are not, only the pool that was scored may be asked for.

/** Best first: the scored by score, then the others as stage one had them; ties keep stage one's order. */
function byFinal(a, b) {
  const scored = (a.rerank_score !== null) - (b.rerank_score !== null);
  if (scored) return -scored;
  if (a.rerank_score === null) return a.retrieval_rank - b.retrieval_rank;
  return b.score - a.score || a.retrieval_rank - b.retrieval_rank;
}

/** The ids of the relevant passages, or null when nothing is known. */
export function relevantIds(answer) {
  const grades = answer.labels?.relevant;
  if (!grades) return null;
  const ids = Object.keys(grades).filter((id) => grades[id] > 0);
  return ids.length ? new Set(ids) : null;
}

/** Both orders of the pool of `size`, what moved, and how many relevant passages each top k holds. */
export function cutPool(answer, size, k) {
  const all = [...answer.hits].sort((a, b) => a.retrieval_rank - b.retrieval_rank);
  const first = all.filter((hit) => hit.retrieval_rank <= size);
  const reranked = first.some((hit) => hit.rerank_score !== null);
  const second = reranked ? [...first].sort(byFinal) : first;
  const places = new Map(second.map((hit, place) => [hit.id, place + 1]));
  const relevant = relevantIds(answer);
  const top = second.slice(0, k);
  return {
    first, second, top, places, reranked, relevant,
    left: all.slice(first.length),
    deepest: Math.max(0, ...top.map((hit) => hit.retrieval_rank)),
    ceiling: relevant && share(first, relevant),
    inTop: relevant && { one: found(first.slice(0, k), relevant), two: found(top, relevant) },
  };
}

/** The pair worth explaining: what entered the top k and what it put out, else the two firsts; null when nothing moved. */
export function telling(view, k) {
  if (!view.reranked) return null;
  const rose = view.top.find((hit) => hit.retrieval_rank > k);
  const fell = view.first.slice(0, k).find((hit) => view.places.get(hit.id) > k);
  if (rose && fell) return [rose, fell];
  return view.second[0] !== view.first[0] ? [view.second[0], view.first[0]] : null;
}

/** The ceiling at every pool size from 1 on: recall that no order of that pool can exceed. */
export function ceilings(answer) {
  const relevant = relevantIds(answer);
  if (!relevant) return null;
  const all = [...answer.hits].sort((a, b) => a.retrieval_rank - b.retrieval_rank);
  let held = 0;
  return all.map((hit) => (held += relevant.has(hit.id)) / relevant.size);
}

/** How many of the hits are relevant. */
export const found = (hits, relevant) => hits.filter((hit) => relevant.has(hit.id)).length;

const share = (hits, relevant) => found(hits, relevant) / relevant.size;

/** Pasted passages and their raw scores in the form of a search's answer. */
export function fromPasted(query, texts, results, seconds) {
  const scores = new Map(results.map((one) => [one.index, one.relevance_score]));
  const hits = texts.map((text, index) => ({
    id: String(index), title: "", text, source: "", retrieval_rank: index + 1, retrieval_score: null,
    rerank_score: scores.get(index) ?? null, score: scores.get(index) ?? null, truncated: null, signals: {},
  }));
  return {
    query, hits, pasted: true, rerank_status: "ok", why_not: "", pool_size: hits.length, scored: scores.size,
    truncated: null, query_cut: false, seconds: { rerank: seconds }, labels: null,
  };
}
