"""The codes of notes about evaluations, tunings and calibrations, and the values of each.

A gain has the values result ("better", "chance" or "no_other_half"), measure, mean, low, high, p, tried, and with
"better" also unseen_mean, unseen_low and unseen_high: see `query_sets.holdout.Gain`. The results of a stop rule are
"certified", "too_few_queries" and "no_earlier_stop". `searches` is the number of timed searches. `p95_ms` is None if
they are fewer than 20. The budget then limits their median, `p50_ms`, and `queries_needed` is the number of queries to
time for `p95_ms`, or None if the set has too few.

| code | values | meaning |
|---|---|---|
| nothing_retrieved | queries, pool, example | no pool contains a relevant id; `example` is a retrieved id, or None |
| repeated_in_queries | count, queries | so many rows of so many queries repeat an id, and are left out |
| same_pools | pools, passages | these sizes give the searches of a smaller one: no pool has more `passages` |
| few_queries | queries, fewest | intervals of so few queries are too narrow |
| only_setting | setting, current | there is no other blend or fusion weight to try |
| no_better_setting | setting, current | no other value of the setting scores higher |
| setting_kept | setting, current, best, a gain | the best other value is not better beyond chance |
| setting_changed | setting, current, best, a gain | another value of the setting is better |
| setting_better_elsewhere | setting, current, best, pool, smaller_pool, a gain | better at a smaller pool only |
| too_many_passages | setting, current | other values would need too many additional passages |
| not_tried | setting, reason | the setting was not tuned: "no_fusion", "no_signals" or "runs_apart" |
| no_threshold | reason | no threshold was tried: "not_reranked", "runs_apart" or "equal_scores" |
| threshold_found | threshold, a gain | leaving out results below the threshold is better |
| threshold_not_better | threshold, a gain | the best threshold is not better beyond chance |
| near_best | measure, value, pool, best_pool, best, keep, mean, low, high | the smallest pool near the best |
| best_pool | measure, value, reason | the best pool: "smallest_pool" or "no_smaller_near" |
| most_of_the_gain | measure, gain, best_pool, best_gain | the smallest pool with most of the gain |
| no_gain | measure, best, stage_one | no pool gains over stage one |
| within_budget | measure, value, budget_ms, searches, p50_ms, p95_ms, queries_needed | the best pool that fits |
| over_budget | budget_ms, pool, searches, p50_ms, p95_ms, queries_needed | no pool is within the time budget |
| lost_to_budget | measure, pool, value, stage_one, lost | what no reranking loses, compared with the best pool |
| too_few_to_decide | queries, fewest | too few queries to decide whether to rerank |
| nothing_to_rank | returned | no pool contains a relevant id, so nothing can be decided; whether the pools have hits |
| at_ceiling | measure, value | the queries are too easy to decide whether to rerank |
| harmful | measure, pools | reranking is worse than none at these pools |
| quality_falls | measure, pool | the measure falls beyond this pool |
| not_split | queries | the queries are too few for two halves |
| no_gain_at_pool | pool, measure, gain | the recommended pool gains nothing |
| gain_not_confirmed | pool, measure, queries, unseen_gain, gain | the second half of the queries contradicts the gain |
| one_pass | pool, largest_difference, approximate | the largest pool's scores gave the results of every smaller pool |
| listwise | reranker | the reranker scores a pool as a whole, so each size was run separately |
| not_pointwise | reranker, largest_difference, spread | declared pointwise, but the scores depend on the pool |
| times_of_runs | | the times come from the runs at each size |
| times_of_pass | pool, queries | the times come from the pass, and from some queries at smaller pools |
| stop_rule_fit | result, measure, alpha, delta, queries, queries_needed | the guarantee of a fitted stop rule |
| gate_fit | result, signal, saved, loss, measure, alpha, delta, queries, queries_needed | that of a fitted gate |
"""
