"""`shortlist plan`."""

from __future__ import annotations

import re

import pytest

from command_line import error_of, run


def test_a_plan_names_its_numbers_and_assumptions():
    text = run("plan", "--passages", "1e8", "--qps", "50").out
    assert text.startswith("100,000,000 passages of 65 words")
    assert re.search(r"Qdrant with \d+ shards, 2 copies of each, on \d+ machines of 32 GB", text)
    assert "The time and the cores of stage one in Qdrant were not measured here" in text
    assert "benchmarks/results/speed.json; two cores of an AMD EPYC with AVX-512, VNNI and bf16" in text
    assert "https://qdrant.tech/documentation/capacity-planning" in text
    assert "M/D/1" in text


def test_a_small_plan_with_costs():
    text = run("plan", "--passages", "20000", "--core-price", "0.05", "--gb-price", "0.1", "--precompute").out
    assert "an index folder, with one copy for each server" in text
    assert "for stored states" in text
    assert " for cores, " in text
    assert "p95" in text


def test_json():
    made = run("plan", "--passages", "2e6", "--qps", "5", "--p95-ms", "500", "--json").json()
    assert (made["engine"], made["shards"]) == ("qdrant", 1)
    assert made["p95_ms"] <= 500
    assert {"value", "unit", "meaning", "source", "machine", "measured"} == set(made["constants"][0])
    assert made["assumptions"]


@pytest.mark.parametrize("option", ["--pool", "--pool-size"])
def test_the_pool_has_two_spellings(option):
    assert run("plan", "--passages", "1e4", option, "0", "--json").json()["stage_two_ms"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--passages", "-3"], "--passages must be at least 1 and at most 1e+12, not -3"),
        (["--passages", "1e5", "--words", "9", "--tokens", "9"], "give words or --tokens, not both"),
        (["--passages", "1e5", "--p95-ms", "3"], "a p95 of 3 ms cannot be met"),
        (["--passages", "1e5", "--pool", "-1"], "--pool must be at least 0"),
        (["--passages", "1e5", "--memory-gb", "0"], "--memory-gb must be at least 1"),
    ],
)
def test_bad_input_is_one_line(options, message):
    assert message in error_of("plan", *options)


def test_the_number_of_passages_is_required():
    assert "--passages" in run("plan", code=2).err
    assert "--passages is 'many': give a number" in run("plan", "--passages", "many", code=2).err
