"""Evaluations whose pools are scored by workers."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

import shortlist as sl
import tiny
from command_line import run
from fakes import WordReranker
from inline_workers import InlineWorkers
from shortlist.errors import InvalidInput, WorkersFailed
from word_queries import WORDS, query_set

SHARED_WORDS = sl.SearchConfig(bi_encoder="hashed-32", reranker="attribute_parts:OwnReranker", pool_size=10)
DOCUMENTS = [{"id": word, "text": f"{word} {other}"} for word, other in itertools.pairwise([*WORDS, "end"])]


@pytest.fixture
def queries():
    return query_set()


@pytest.fixture
def crew(monkeypatch):
    """Use these workers in place of processes."""

    def use(workers):
        monkeypatch.setattr("shortlist.bulk.evaluating.choose_workers", lambda *args, **options: workers)
        return workers

    return use


def opened(folder, config=SHARED_WORDS, **options):
    """An index of thirty documents, opened with this configuration."""
    with sl.open(folder / "index", create=True, config=SHARED_WORDS) as index:
        index.add(DOCUMENTS)
    return sl.open(folder / "index", config=config, **options)


def timeless(evaluation):
    return replace(evaluation, outcomes=tuple(replace(each, seconds={}) for each in evaluation.outcomes))


@pytest.mark.parametrize("reverse", [False, True])
def test_workers_measure_what_this_process_measures(tmp_path, queries, crew, reverse):
    workers = crew(InlineWorkers(reverse=reverse))
    with opened(tmp_path) as index:
        alone = sl.evaluate(index, queries)
        shown = []
        by_workers = sl.evaluate(index, queries, workers=2, progress=lambda done, total: shown.append((done, total)))
    assert timeless(by_workers) == timeless(alone)
    assert len(workers.seen) == 30
    assert shown == [(number, 30) for number in range(1, 31)]
    assert all(outcome.seconds["rerank"] > 0 for outcome in by_workers.outcomes)


def test_a_progressive_search_and_skipped_queries(tmp_path, queries, crew):
    crew(InlineWorkers())
    folder = tmp_path / "model"
    folder.mkdir()
    tiny.staged(folder, drop=True)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "shortlist_longest_query": 1}))
    config = SHARED_WORDS.override({"reranker": str(folder), "progressive": True, "precision": "exact"})
    with opened(tmp_path, config) as index:
        alone = sl.evaluate(index, queries)
        by_workers = sl.evaluate(index, queries, workers=1)
    assert timeless(by_workers) == timeless(alone)


def test_an_evaluation_without_a_reranker_starts_no_worker(tmp_path, queries, crew):
    workers = crew(InlineWorkers())
    with opened(tmp_path, SHARED_WORDS.override({"rerank": False})) as index:
        sl.evaluate(index, queries, workers=2)
    assert workers.seen == []


def test_an_error_names_its_query(tmp_path, queries, crew):
    crew(InlineWorkers())
    folder = tiny.cross_encoder(tmp_path / "model", window=34)
    with (
        opened(tmp_path, SHARED_WORDS.override({"reranker": str(folder)})) as index,
        pytest.raises(InvalidInput, match=rf"query {next(iter(queries.queries))!r}: the query has"),
    ):
        sl.evaluate(index, queries, workers=2)


def test_a_lost_pool_ends_the_evaluation(tmp_path, queries, crew):
    crew(InlineWorkers(lost=[3]))
    name = list(queries.queries)[3]
    with opened(tmp_path) as index, pytest.raises(WorkersFailed, match=f"query {name!r}: the worker process ended"):
        sl.evaluate(index, queries, workers=2)


def test_a_reranker_without_a_name_is_an_error(tmp_path, queries):
    with opened(tmp_path, reranker=WordReranker()) as index:
        for searched in (index, index.searcher):
            with pytest.raises(InvalidInput, match="workers needs an open index or retriever") as error:
                sl.evaluate(searched, queries, workers=2)
            assert error.value.field == "workers"


def test_stored_states_are_an_error(tmp_path, queries):
    folder = tmp_path / "model"
    folder.mkdir()
    tiny.staged(folder, window=200, apart=True)
    config = SHARED_WORDS.override({"reranker": str(folder)})
    with opened(tmp_path, config) as index:
        index.add(DOCUMENTS, precompute=True)
    with (
        opened(tmp_path, config) as index,
        pytest.raises(InvalidInput, match="has stored states, which workers cannot use"),
    ):
        sl.evaluate(index, queries, workers=2)


@pytest.mark.slow
def test_one_worker_and_three_write_the_same_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened(tmp_path).close()
    folder = tiny.cross_encoder(tmp_path / "model", shows_batch=True)
    rows = [json.dumps({"query": word, "relevant": [word]}) for word in WORDS]
    Path("queries.jsonl").write_text("\n".join(rows))
    options = ("--index", "index", "--reranker", str(folder), "--pool", "10")
    for workers in ("1", "3"):
        run("evaluate", "queries.jsonl", *options, "--workers", workers, "--write-run", f"{workers}.run")
    assert Path("1.run").read_text() == Path("3.run").read_text()
    assert len(Path("1.run").read_text().splitlines()) >= 30
    assert not list(Path().glob("*.partial.jsonl"))
