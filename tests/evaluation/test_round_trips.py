"""Any query set that a form can hold comes back from a file as it was written."""

import contextlib
import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import QuerySet, files
from shortlist.evaluation.query_sets.files.tables import SEPARATOR

# A lone surrogate is not text, a null character is in no form, and a byte-order mark at the start of a file is no text.
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff")
WORD = st.text(CHARACTERS.filter(lambda c: not c.isspace()), min_size=1, max_size=6)
LINE = st.text(CHARACTERS, min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)
TEXT = st.text(CHARACTERS, min_size=1, max_size=12).map(str.strip).filter(bool)
GRADES = st.integers(-1, 3)


@st.composite
def query_sets(draw, texts, ids, snippets=False):
    """At least two judged queries with texts of their own, and a relevant judgment."""
    keys = draw(st.lists(ids, min_size=2, max_size=4, unique=True))
    queries = draw(st.lists(texts, min_size=len(keys), max_size=len(keys), unique=True))
    qrels = {key: draw(st.dictionaries(ids, GRADES, min_size=1, max_size=3)) for key in keys}
    qrels[keys[0]] = {**qrels[keys[0]], next(iter(qrels[keys[0]])): 1}
    by_snippet = draw(st.dictionaries(st.sampled_from(keys), st.dictionaries(texts, GRADES, min_size=1, max_size=2)))
    return QuerySet("set", dict(zip(keys, queries, strict=True)), qrels, by_snippet if snippets else {})


def content(query_set):
    return dict(query_set.queries), dict(query_set.qrels), dict(query_set.snippets)


def written(query_set, name, qrels=None):
    """The query set, written and read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        judgments = None if qrels is None else Path(folder) / qrels
        files.write(query_set, path, qrels=judgments)
        return QuerySet.read(path, qrels=judgments)


@settings(max_examples=60, deadline=None)
@given(query_sets(TEXT, LINE, snippets=True))
def test_json_lines(query_set):
    assert content(written(query_set, "set.jsonl")) == content(query_set)


@settings(max_examples=60, deadline=None)
@given(query_sets(TEXT, LINE.filter(lambda key: SEPARATOR not in key), snippets=True))
def test_csv(query_set):
    assert content(written(query_set, "set.csv")) == content(query_set)


@settings(max_examples=40, deadline=None)
@given(query_sets(TEXT, LINE))
def test_a_beir_folder(query_set):
    assert content(written(query_set, "set")) == content(query_set)


@settings(max_examples=40, deadline=None)
@given(query_sets(LINE, WORD))
def test_trec_topics_and_judgments(query_set):
    assert content(written(query_set, "topics.tsv", "qrels.txt")) == content(query_set)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(WORD, st.lists(WORD, min_size=1, max_size=4, unique=True), min_size=1, max_size=3), WORD)
def test_a_run_keeps_its_order(rankings, tag):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.txt"
        files.write_run(rankings, file, tag=tag)
        run = files.read_run(file)
    assert {query: sorted(scores, key=scores.get, reverse=True) for query, scores in run.items()} == rankings


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["set.jsonl", "set.csv", "set.tsv"]))
def test_any_text_is_a_query_set_or_invalid_input(text, name):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8", errors="replace", newline="")
        with contextlib.suppress(InvalidInput):
            assert QuerySet.read(file).queries


def test_the_csv_reader_stays_in_its_default_state():
    """The field limit of the csv module is global: a reader must not change it for the rest of the process."""
    assert csv.field_size_limit() == 131_072


def test_a_string_is_a_path(tmp_path):
    query_set = QuerySet("set", {"a": "what", "b": "why"}, {"a": {"p": 1}, "b": {"p": 0}})
    files.write(query_set, tmp_path / "set.jsonl")
    assert content(QuerySet.read(str(tmp_path / "set.jsonl"))) == content(query_set)
    with pytest.raises(InvalidInput, match="there is no query set at"):
        QuerySet.read("missing.jsonl")
