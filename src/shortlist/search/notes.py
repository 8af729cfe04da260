"""The codes of notes, and the values of each.

| code | values | meaning |
|---|---|---|
| query_truncated | window | the bi-encoder read only the start of the query |
| query_expanded | method, terms | stage one also searched for these terms or texts, by RM3 or a function |
| stage_one_approximate | | the index compared compact vectors first, and may miss passages with a high cosine |
| repeated_rows | count | so many rows of a function repeat the id of an earlier row, and are left out |
| metadata_unread | count, field | so many rows of a store have a `field` that is not JSON: no filter finds them |
| pool_texts_cut | count, bi_encoder, window | the bi-encoder of the pool read only the start of `count` texts |
| retriever_limited | count, k, limit, line | `count` of `k` passages: the retriever's own `limit`, which `line` sets |
| rerank_skipped | reason, tokens, longest, reranker | the reranker is not made for this query |
| scores_uncertain | reason, tokens, longest, reranker | `rerank` scored a query that a search would not rerank |
| rerank_failed | error, message | the reranker raised an error; the hits are in stage one's order |
| rerank_partial | scored, pool, cause | the budget ended or the queue was full before the whole pool was scored |
| effort_lowered | effort, pool, before, waiting | under load, the server used this effort; the pool was `before` |
| gate_skipped | signal, value, threshold | stage two was skipped, because stage one is sure |
| gate_open | signal, value, threshold | stage two ran, because stage one is not sure enough; no value: no signals |
| gate_never_skips | | the stored gate has no threshold, because no threshold could be certified |
| gate_other_pool | pool, fitted_on | the guarantee of the gate is for a pool of `fitted_on` passages |
| no_gate | reason, options | no gate is stored for this search, or several collections are searched |
| pool_stopped | scored, pool, top_k | the stop rule ended scoring early |
| pool_scored_whole | pool, top_k | the stop rule did not end scoring early |
| pool_never_stops | pool, top_k | the stored rule has no threshold, because no threshold could be certified |
| no_stop_rule | reason, options | the pool has the fixed size: no reranking, no stored rule, or several collections |
| fit_outdated | fit, fitted_on, passages, options | the index held another number of passages when the fit was stored |
| folded | count | so many passages have the text of a hit, or almost the same, and are folded into it |
| document_limit | count, per_document | so many hits are left out, because better hits of their documents are enough |
| left_out | count, hits, min_score, min_probability | `count` of the `hits` are below a limit |
| unscored_left_out | count, hits, min_score, min_probability | `count` of the `hits` have no score to reach a limit |
| no_good_answer | best_score, best_probability, min_score, min_probability | every hit is below a limit |
| limits_not_applied | min_score, min_probability | the answer was not reranked, so no limit applies |
| context_cut | budget_tokens, cut, hits, neighbours | the budget cut a passage of a context, and left others out |
| section_limited | count, most | the sections of so many hits have more than `most` passages on a side |
| context_folded | count | so many passages around hits are left out of a context: a hit has their text |
| not_in_pool | pool | the explained passage is not among the `pool` passages that the reranker reads |
| index_empty | | the index has no passages |
| store_empty | store | the collection has no rows |
| filter_unknown_field | field, fields, more, read | no passage, or none of the first `read`, has `field` but `fields` |
| filter_unknown_value | field, conditions, values, hint, written | no passage meets these; some values of the field |
| filter_empty_range | field, conditions | no single value meets both conditions |
| filter_other_type | field, condition | the store compares numbers, and has those of this field as texts |
| filter_no_overlap | | each field of the filter matches some passages, but no passage matches all of them |
| no_match | | no passage matches the query |
| mixed_bi_encoders | bi_encoders | the reranker alone orders hits of several bi-encoders |
| list_calls | reranker, calls, prompt_tokens, completion_tokens, uncounted, cost | what a listwise reranker used |
| list_faults | calls, missing, repeated, unknown, unreadable | what was wrong with the answers of a listwise reranker |
| reranker_alone | retriever, signals | the reranker's score gives the order: the `signals` have no weights |
| numbers_unused | count, fields | these numbers of so many documents are no part of the score of `rerank` |
| other_bi_encoder | bi_encoder, retriever | `explain` compares cosines of this bi-encoder, not the retriever's scores |
| excluded_kept | count | patterns exclude so many sources, and `add` without `prune` kept their documents |
| gone_kept | count | so many files no longer exist, and `add` without `prune` kept their documents |
| vectors_taken | count, store | `add` took so many vectors of a store instead of encoding the passages |
| vectors_encoded | count, reason | `add` encoded so many passages of a store, and did not take their vectors |
| model_language | count, documents, languages, model, reads | the model does not read the languages of new documents |
| index_language | count, documents, language, index_language | BM25 has the terms of another language |
| states_unused | reason, made_by, reranker | precomputed states exist, and they are not those of this reranker |
| setting_ignored | setting, reason | a setting of shortlist.toml does not apply to this search |
"""
