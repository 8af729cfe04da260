"""Every constant of the planner is the number of its saved benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortlist.planning.constants import CONSTANTS

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def read(name):
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def speed(length, engine):
    table = read("speed.json")
    return table[length]["engines"][f"shortlist {engine}"]["median_ms"] * table["cores"] / 100


def sizes():
    """The bytes for a passage, for a number of its vector and for a word, on disk and in memory."""
    cases = read("sizes.json")["cases"]
    (few, some, long) = cases
    out = {}
    for kind, key in (("disk", "disk_per_passage"), ("memory", "memory_per_passage")):
        totals = [sum(case[key].values()) for case in cases]
        number = (totals[1] - totals[0]) / (some["dimension"] - few["dimension"])
        word = (totals[2] - totals[1]) / (long["words"] - some["words"])
        fixed = totals[1] - number * some["dimension"] - word * some["words"]
        out |= {f"{kind}_number": number, f"{kind}_word": word, f"{kind}_passage": fixed}
    return out


def expected():
    index = read("index.json")
    stage_one = index["stage one"]
    largest = read("large.json")["sizes"][-1]
    return {
        "pair_auto_65": speed("short", "default"),
        "pair_auto_193": speed("long", "default"),
        "pair_exact_65": speed("short", "exact"),
        "pair_exact_193": speed("long", "exact"),
        "encode_core_ms": 2 * 1000 / index["encode"]["ours_passages_per_s"],
        "write_core_ms": 2 * 1000 * stage_one["write_seconds"] / stage_one["passages"],
        "encode_query_ms": stage_one["hybrid_p50_ms"] - stage_one["dense_p50_ms"] - stage_one["bm25_p50_ms"],
        "dense_ms": stage_one["dense_p50_ms"],
        "bm25_ms": stage_one["bm25_p50_ms"],
        "exact_largest": stage_one["passages"],
        "embedded_largest": largest["passages"],
        "compact_dense_core_ms": largest["dense_core_ms"],
        "compact_bm25_core_ms": largest["bm25_core_ms"],
        "compact_memory": (largest["anonymous_MiB"] + largest["files_MiB"]) * 2**20 / largest["passages"],
        "server_bytes": max(read("serve-flood.json")["memory_MiB_before_after"]) * 2**20,
        "tokens_per_word": read("sizes.json")["tokens_per_word"],
        **sizes(),
    }


EXPECTED = expected()
FROM_PAGES = {"states_share": "0.44", "state_bytes": "130"}
FROM_OTHERS = {"qdrant_number", "qdrant_int8"}


def test_every_constant_has_a_source():
    assert set(CONSTANTS) == set(EXPECTED) | set(FROM_PAGES) | FROM_OTHERS
    assert {name for name, constant in CONSTANTS.items() if not constant.measured} == FROM_OTHERS


@pytest.mark.parametrize("name", EXPECTED)
def test_a_constant_is_that_of_its_benchmark(name):
    constant = CONSTANTS[name]
    assert constant.value == pytest.approx(EXPECTED[name], rel=0.01)
    assert (ROOT / constant.source).is_file()


@pytest.mark.parametrize(("name", "text"), FROM_PAGES.items())
def test_a_constant_is_on_its_page(name, text):
    page = CONSTANTS[name].source.partition(",")[0]
    assert f"{CONSTANTS[name].value:g}" == text
    assert text in (ROOT / page).read_text(encoding="utf-8")
