"""The benchmark for GPUs, with a stand-in for torch and small models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

import standin_torch
import tiny

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu

    monkeypatch.setattr(gpu, "PASSAGES", 3)
    monkeypatch.setattr(gpu, "BUDGETS", (1024, 65536))
    with standin_torch.installed():
        yield gpu
    sys.modules.pop("gpu")


def test_the_engines_of_shortlist_run_with_every_budget(gpu, tmp_path, monkeypatch):
    folder = str(tiny.cross_encoder(tmp_path))
    clock = gpu.Clock(1000.0, "short")
    pairs = [("query", ["the cat", "a dog runs", "red"]), ("cat", ["cat", "green", "blue"])]
    runs = gpu.best_of_ours(folder, "tiny", "torch:cuda", pairs, clock)
    assert clock.not_measured == {}
    assert {name[:14] for name in runs} == {"shortlist tiny"}
    assert any("fp16" in name for name in runs)
    rates = gpu.rounds({gpu.BASE: next(iter(runs.values())), **runs}, pairs, 2, clock)
    assert rates[gpu.BASE]["ratio"] == 1.0
    assert all(row["pairs_per_second"] > 0 and row["rounds"] == 2 for row in rates.values())
    scores = [run(pairs) for run in runs.values()]
    assert all(values == pytest.approx(scores[0], abs=0.1) for values in scores)


def test_an_engine_that_fails_is_named(gpu):
    clock = gpu.Clock(1000.0, "short")
    assert gpu.best_of_ours("shortlist-reranker-v1", "packaged", "torch:mps", [("a", ["b"])], clock) == {}
    assert all(name.startswith("short: shortlist packaged") for name in clock.not_measured)
    assert all("InvalidInput: device torch:mps is not available" in why for why in clock.not_measured.values())


def test_nothing_begins_after_the_time(gpu):
    options = argparse.Namespace(device="torch:cuda", queries=1, rounds=1, seconds=0.0)
    gpu.machine = lambda device: "a stand-in"
    gpu.agreement = lambda device, pairs: {}
    out = gpu.measured(options, Path("nowhere"))
    assert out["short"]["bulk"] == out["long"]["bulk"] == {}
    assert set(out["not_measured"].values()) == {"no time was left"}
    assert any(name.startswith("long: sentence-transformers fp16, sdpa") for name in out["not_measured"])


def test_texts_have_the_lengths_of_passages(gpu):
    pairs = gpu.corpus(4, 56, 21)
    assert [len(texts) for _, texts in pairs] == [3] * 4
    lengths = [len(text.split()) for _, texts in pairs for text in texts]
    assert 30 < sum(lengths) / len(lengths) < 80
    assert gpu.corpus(4, 56, 21) == pairs
