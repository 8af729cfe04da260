"""Notes about evaluations, tunings and calibrations as sentences. `shortlist.wording.describe` uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shortlist.wording.counting import counted

Values = Mapping[str, Any]
Words = str | Callable[[Values], str]
"""The words of a note: a template with the names of its values, or a function of them."""

RULES = {
    "near_best": "within the interval of the best",
    "most_of_the_gain": "90 % of the gain",
    "latency_budget": "latency budget",
}
"""The names of the rules that select a pool size."""
SETTINGS = {"blend": "blend", "fusion": "fusion weight"}
APART = "scores depend on the pool, so each size was run separately"


def rule_name(rule: str) -> str:
    """Return the name of a rule that selects a pool size."""
    return RULES[rule]


def gain_words(v: Values) -> str:
    """Return a gain in words: see `evaluation.query_sets.holdout.Gain`."""
    best_of = f" as the best of {v['tried']}" if v["tried"] > 1 else ""
    gain = f"{v['mean']:+.4f} [{v['low']:+.4f}, {v['high']:+.4f}] {v['measure']}, p {v['p']:.4f}{best_of}"
    if v["result"] == "chance":
        return f"{gain}, which may be chance"
    if v["result"] == "no_other_half":
        return f"{gain}, but there are too few queries to report it on another half: judge at least 20"
    unseen = f"{v['unseen_mean']:+.4f} [{v['unseen_low']:+.4f}, {v['unseen_high']:+.4f}] on the other half"
    doubt = "" if v["unseen_mean"] > 0 else ", which does not confirm it: judge more queries first"
    return f"{gain}; {unseen}{doubt}"


def _elsewhere(v: Values) -> str:
    return (
        f"{v['current']:g} stays. To try {v['best']:g} at pool {v['pool']}, the reranker would have to score too many "
        f"additional passages. At pool {v['smaller_pool']}, {v['best']:g} is better than {v['current']:g}: "
        f"{gain_words(v)}. To measure {v['best']:g} at pool {v['pool']}, set this fusion weight and tune again"
    )


def _not_tried(v: Values) -> str:
    reasons = {
        "no_fusion": "stage one fuses no lists",
        "no_signals": "not tried: the hits have no signal of stage one that a weight applies to",
        "runs_apart": f"not tried: {APART}",
    }
    return reasons[v["reason"]]


def _no_threshold(v: Values) -> str:
    reasons = {
        "not_reranked": "it applies to the scores of a reranker, and the recommended search does not rerank",
        "runs_apart": APART,
        "equal_scores": "no two results have different scores",
    }
    return f"none: {reasons[v['reason']]}"


def _best_pool(v: Values) -> str:
    reasons = {
        "smallest_pool": "it is the smallest pool tried, and no larger pool is better",
        "no_smaller_near": "no smaller pool is close to it",
    }
    return f"the best pool, {v['measure']} {v['value']:.4f}; {reasons[v['reason']]}"


def _one_pass(v: Values) -> str:
    changes = (
        f" (the scores of the same pairs differ by up to {v['largest_difference']:.1e} between pools)"
        if v["largest_difference"]
        else ""
    )
    cut = (
        ". Stage one is approximate, so a search with a smaller pool may retrieve a few other passages"
        if v.get("approximate")
        else ""
    )
    return f"one scoring pass at pool {v['pool']}, and every smaller pool computed from it{changes}{cut}"


def _times_of_pass(v: Values) -> str:
    times = "the times come from that pass"
    return (
        times
        if v["queries"] is None
        else f"{times} at pool {v['pool']}, and from {counted(v['queries'], 'query')} at smaller pools"
    )


def _time_words(v: Values) -> str:
    if v["p95_ms"] is not None:
        return f"95 of 100 searches take at most {v['p95_ms']:.0f} ms ({v['searches']} searches were timed)"
    taken = "the one timed search took" if v["searches"] == 1 else f"the median of {v['searches']} timed searches is"
    median = f"{taken} {v['p50_ms']:.0f} ms"
    if v["queries_needed"] is None:
        return median
    return (
        f"{median}. To know the time of 95 of 100 searches, time at least {v['queries_needed']} queries (timed, or "
        "--timed on the command line)"
    )


def _same_pools(v: Values) -> str:
    are, they = ("is", "it is") if len(v["pools"]) == 1 else ("are", "they are")
    return (
        f"pool {', '.join(v['pools'])} {are} not measured: no query has more than "
        f"{counted(v['passages'], 'passage')} in its pool, so {they} the search of a smaller "
        "size"
    )


def _stop_rule_fit(v: Values) -> str:
    if v["result"] == "too_few_queries":
        return (
            f"nothing can be certified with {counted(v['queries'], 'query')}: alpha {v['alpha']:g} at delta "
            f"{v['delta']:g} needs at least {counted(v['queries_needed'], 'query')} that are reranked and have "
            "something relevant"
        )
    risk = f"mean loss of {v['measure']} at most {v['alpha']:g}, with confidence {1 - v['delta']:.4g}"
    if v["result"] == "no_earlier_stop":
        return f"no earlier stop keeps the {risk} on {counted(v['queries'], 'query')}"
    return f"{risk}; fitted on {counted(v['queries'], 'query')}"


def _gate_fit(v: Values) -> str:
    if v["result"] == "too_few_queries":
        return f"it never skips: {_stop_rule_fit(v)}"
    risk = f"mean loss of {v['measure']} at most {v['alpha']:g}, with confidence {1 - v['delta']:.4g}"
    if v["result"] == "no_skip":
        return f"it never skips: no share of {counted(v['queries'], 'query')} keeps the {risk}"
    return (
        f"{risk}; on these {counted(v['queries'], 'query')}, {v['saved']:.1%} of the calls of stage two are saved by "
        f"{v['signal']}, with a mean loss of {v['loss']:.4f}"
    )


def _nothing_retrieved(v: Values) -> str:
    if v["example"] is None:
        return (
            f"the retriever returned nothing for {counted(v['queries'], 'query')}, so every measure is 0. Check that "
            "the retriever has passages, and that it finds some of them for these queries"
        )
    return (
        f"no pool of the {v['queries']} queries contains a relevant id, so every measure of the pools is 0. Check that "
        f"the query set has the ids of the retriever, which returned ids such as {v['example']!r}, or try a pool "
        f"larger than {v['pool']}"
    )


WORDS: Mapping[str, Words] = {
    "nothing_retrieved": _nothing_retrieved,
    "repeated_in_queries": lambda v: (
        f"{counted(v['count'], 'row')} of the retriever left out in {counted(v['queries'], 'query')}: an earlier row "
        "has the same id"
    ),
    "same_pools": _same_pools,
    "few_queries": (
        "{queries} queries are few: their 95 % intervals are too narrow, and are empty if all values are equal. Judge "
        "at least {fewest} queries"
    ),
    "only_setting": lambda v: f"{v['current']:g} stays: there is no other {SETTINGS[v['setting']]} to try",
    "no_better_setting": lambda v: f"{v['current']:g} stays: no other {SETTINGS[v['setting']]} scores higher",
    "setting_kept": lambda v: f"{v['current']:g} stays: {v['best']:g} scores {gain_words(v)}",
    "setting_changed": lambda v: f"{v['best']:g} instead of {v['current']:g}: {gain_words(v)}",
    "setting_better_elsewhere": _elsewhere,
    "too_many_passages": lambda v: (
        f"{v['current']:g} stays. To try another {SETTINGS[v['setting']]}, the reranker would have to score too many "
        "additional passages"
    ),
    "not_tried": _not_tried,
    "no_threshold": _no_threshold,
    "threshold_found": lambda v: f"{v['threshold']:g}: {gain_words(v)} compared with showing all results",
    "threshold_not_better": lambda v: f"none: {v['threshold']:g} scores {gain_words(v)}",
    "near_best": (
        "{measure} {value:.4f}. This is the smallest pool that keeps at least {keep:.0%} of the best value ({best:.4f} "
        "at pool {best_pool}). The difference from the best may be chance: {mean:+.4f} [{low:+.4f}, {high:+.4f}]"
    ),
    "best_pool": _best_pool,
    "most_of_the_gain": "{gain:+.4f} {measure} over stage one; the best pool ({best_pool}) gains {best_gain:+.4f}",
    "no_gain": "no pool gains: {measure} {best:.4f} at best, {stage_one:.4f} without reranking",
    "within_budget": lambda v: f"{v['measure']} {v['value']:.4f} within {v['budget_ms']:.0f} ms: {_time_words(v)}",
    "over_budget": lambda v: f"no pool is within {v['budget_ms']:.0f} ms: at pool {v['pool']}, {_time_words(v)}",
    "lost_to_budget": (
        "without reranking, {measure} is {stage_one:.4f}. Pool {pool} reaches {value:.4f}: the budget costs {lost:.4f} "
        "{measure}. Allow more time, or use a faster reranker"
    ),
    "nothing_to_rank": lambda v: (
        "no pool contains a relevant id, so no order can be better than another"
        if v["returned"]
        else "the retriever returned nothing, so there is nothing to rerank"
    ),
    "too_few_to_decide": "{queries} queries are too few to decide whether to rerank: judge at least {fewest}",
    "at_ceiling": (
        "with and without reranking, {measure} is at the ceiling, {value:.4f}, so these queries cannot decide whether "
        "to rerank. Judge harder queries"
    ),
    "harmful": lambda v: (
        f"reranking is worse than no reranking at pool {', '.join(v['pools'])}: {v['measure']} is lower than in "
        "stage one, beyond chance"
    ),
    "quality_falls": "{measure} falls beyond a pool of {pool}: a larger pool costs time and quality",
    "not_split": (
        "{queries} queries are too few to choose on one half and report on the other: the figures come from the "
        "same queries as the choice, so they are too high"
    ),
    "no_gain_at_pool": "pool {pool} gains nothing over stage one: {measure} {gain:+.4f} over all queries",
    "gain_not_confirmed": lambda v: (
        f"pool {v['pool']} is below stage one on the {counted(v['queries'], 'query')} that did not influence its "
        f"choice: {v['measure']} {v['unseen_gain']:+.4f}, and {v['gain']:+.4f} over all queries. Judge more queries "
        "before you use it"
    ),
    "one_pass": _one_pass,
    "listwise": "{reranker} scores a pool as a whole: one run at each size",
    "not_pointwise": (
        "{reranker} is declared pointwise, but its scores differ by up to {largest_difference:.3g} between pools "
        "(spread {spread:.3g}): one run at each size"
    ),
    "times_of_runs": "the times come from the runs",
    "times_of_pass": _times_of_pass,
    "stop_rule_fit": _stop_rule_fit,
    "gate_fit": _gate_fit,
}
