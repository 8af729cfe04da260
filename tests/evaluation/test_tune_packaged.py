"""The sweep with a model instead of a stand-in: batches move its scores by their rounding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import shortlist.demo
from shortlist import CrossEncoder
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.tune import tune
from shortlist.types import Passage
from spread import apart
from worlds import PoolRetriever, hits, searching, whole_ranking

SIZES = (2, 7, 16)
QUERIES = ("which store runs without a server", "how long does bread bake", "what is due in April")
ROUNDING = 1e-4
"""The largest change of a score by rounding, as a share of the spread of the scores of a pool."""


@pytest.fixture(scope="module")
def packaged():
    """The packaged cross-encoder in fp32, three drawn pools of short and long texts, and judgments."""
    lines = (Path(shortlist.demo.__file__).parent / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    draw = np.random.default_rng(3)
    pools, qrels = {}, {}
    for number, query in enumerate(QUERIES):
        drawn = [texts[place] for place in draw.choice(len(texts), 16, replace=False)]
        longer = [text * (1 + place % 3) for place, text in enumerate(drawn)]
        pools[query] = hits([Passage(f"p{place}", text) for place, text in enumerate(longer)], [{"dense": 0.5}] * 16)
        qrels[f"q{number}"] = {f"p{place}": 1 for place in draw.choice(16, 3, replace=False)}
    judged = Judged("notes", {f"q{number}": query for number, query in enumerate(QUERIES)}, qrels, "passage")
    return searching(PoolRetriever(pools), CrossEncoder(precision="exact"), {"dense": 2.0}), judged


def test_the_sweep_equals_separate_runs_to_rounding(packaged):
    search, judged = packaged
    tuning = tune(search, judged, TuneOptions(sizes=SIZES, measures=("nDCG@10",), blends=(), timed=1))
    checked = tuning.curves.checked
    assert checked.largest_difference <= ROUNDING * checked.spread
    for place, size in enumerate(SIZES):
        for query_id, query in judged.queries.items():
            read = {hit.passage.id: hit.score for hit in tuning.curves.ranking(query_id, size, 1.0).hits[:size]}
            separate = whole_ranking(search, query, size, 16)
            expected = {hit.passage.id: hit.score for hit in separate.hits[:size]}
            assert apart([read[key] for key in expected], list(expected.values())) <= ROUNDING
            value = parse("nDCG@10").of([hit.passage.id for hit in separate.hits], judged.qrels[query_id])
            assert tuning.curve.reranked["nDCG@10"][place][int(query_id[1])] == value
