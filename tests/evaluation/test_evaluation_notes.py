"""Every note of the evaluation has a code in the table, and every code has words that use its values."""

import pytest

from note_codes import PACKAGE, codes_of_notes, codes_of_table
from shortlist.evaluation import notes
from shortlist.types import Note
from shortlist.wording import describe
from shortlist.wording.measuring import RULES, WORDS, rule_name

GAIN = {"result": "chance", "measure": "nDCG@10", "mean": 0.01, "low": -0.02, "high": 0.04, "p": 0.3, "tried": 4}
BETTER = {**GAIN, "result": "better", "p": 0.01, "unseen_mean": -0.01, "unseen_low": -0.02, "unseen_high": 0.0}


def test_the_table_the_source_and_the_words_have_the_same_codes():
    assert codes_of_notes(PACKAGE / "evaluation") == codes_of_table(notes) == set(WORDS)


def test_the_words_of_another_room_are_other_words():
    from shortlist.wording import WORDS as SEARCH_WORDS

    assert not set(SEARCH_WORDS) & set(WORDS)


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note("few_queries", queries=3, fewest=20), "3 queries are few"),
        (Note("only_setting", setting="fusion", current=0.5), "0.5 stays: there is no other fusion weight to try"),
        (Note("setting_kept", setting="blend", current=1.0, best=2.0, **GAIN), "1 stays: 2 scores +0.0100"),
        (Note("setting_kept", setting="blend", current=1.0, best=2.0, **GAIN), "as the best of 4, which may be chance"),
        (
            Note("setting_changed", setting="blend", current=1.0, best=2.0, **BETTER),
            "on the other half, which does not confirm it: judge more queries first",
        ),
        (
            Note(
                "near_best",
                measure="nDCG@10",
                value=0.51,
                pool=20,
                best_pool=50,
                best=0.512,
                keep=0.98,
                mean=-0.002,
                low=-0.01,
                high=0.006,
            ),
            "nDCG@10 0.5100. This is the smallest pool that keeps at least 98% of the best value (0.5120 at pool 50). "
            "The difference from the best may be chance: -0.0020 [-0.0100, +0.0060]",
        ),
        (Note("not_tried", setting="fusion", reason="no_fusion"), "stage one fuses no lists"),
        (
            Note("no_threshold", reason="not_reranked"),
            "none: it applies to the scores of a reranker, and the recommended search does not",
        ),
        (
            Note("harmful", measure="RR@10", pools=["5", "10"]),
            "worse than no reranking at pool 5, 10: RR@10 is lower than in stage one",
        ),
        (
            Note("over_budget", budget_ms=300.0, pool=5, searches=40, p50_ms=200.0, p95_ms=412.3, queries_needed=None),
            "no pool is within 300 ms: at pool 5, 95 of 100 searches take at most 412 ms (40 searches were timed)",
        ),
        (
            Note("over_budget", budget_ms=300.0, pool=5, searches=1, p50_ms=412.3, p95_ms=None, queries_needed=20),
            "at pool 5, the one timed search took 412 ms. To know the time of 95 of 100 searches, time at least 20 "
            "queries (timed, or --timed on the command line)",
        ),
        (
            Note(
                "within_budget",
                measure="R@5",
                value=0.5,
                budget_ms=300.0,
                searches=19,
                p50_ms=212.3,
                p95_ms=None,
                queries_needed=None,
            ),
            "R@5 0.5000 within 300 ms: the median of 19 timed searches is 212 ms",
        ),
        (
            Note("lost_to_budget", measure="nDCG@10", pool=20, value=0.6, stage_one=0.55, lost=0.05),
            "without reranking, nDCG@10 is 0.5500. Pool 20 reaches 0.6000: the budget costs 0.0500 nDCG@10",
        ),
        (Note("nothing_to_rank", returned=False), "the retriever returned nothing"),
        (Note("nothing_to_rank", returned=True), "no pool contains a relevant id"),
        (Note("times_of_pass", pool=100, queries=4), "that pass at pool 100, and from 4 queries at smaller pools"),
        (
            Note(
                "stop_rule_fit",
                result="certified",
                measure="nDCG@10",
                alpha=0.05,
                delta=0.05,
                queries=200,
                queries_needed=0,
            ),
            "mean loss of nDCG@10 at most 0.05, with confidence 0.95; fitted on 200 queries",
        ),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_words(note, words):
    assert words in describe(note)


def test_every_rule_has_a_name():
    from typing import get_args

    from shortlist.evaluation.tuning.recommend import RuleName

    assert {rule_name(rule) for rule in get_args(RuleName)} == set(RULES.values())
