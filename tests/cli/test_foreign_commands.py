"""Every command over a store and over a retriever of your own, without an index folder."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

import foreign_parts
import shortlist as sl
from command_line import error_of, run
from foreign_parts import ENCODER, SECRET, STORE
from hashed import index_of
from shortlist import config
from shortlist.errors import InvalidInput
from shortlist.evaluation.saved import load
from word_queries import WORDS

OWN = "foreign_parts:rows"
RERANKER = "word_queries:PointwiseWords"
MODELS = ("--bi-encoder", ENCODER, "--reranker", RERANKER)
RETRIEVERS = (STORE, OWN, "foreign_parts:Listing")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder with the thirty queries, where `fake` is a kind of store."""
    monkeypatch.chdir(tmp_path)
    rows = [{"query": word, "relevant": [word]} for word in WORDS]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    foreign_parts.install(monkeypatch)
    return tmp_path


def files(here):
    return sorted(path.name for path in here.iterdir())


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_search_needs_no_index(retriever, here):
    answer = run("search", WORDS[2], "--retriever", retriever, *MODELS, "--json").json()
    assert (answer["hits"][0]["id"], answer["status"]) == (WORDS[2], "ok")
    shown = run("search", WORDS[2], "--retriever", retriever, *MODELS).text
    assert "the reranker alone orders the answer" in shown
    assert files(here) == ["q.jsonl"]


def test_a_filter(here):
    halves = ("--where", "half=second")
    for retriever in (STORE, "foreign_parts:filtering"):
        answer = run("search", WORDS[0], "--retriever", retriever, *MODELS, *halves, "--json").json()
        assert {hit["id"] in WORDS[15:] for hit in answer["hits"]} == {True}
    assert "cannot filter" in error_of("search", "q", "--retriever", OWN, *MODELS, *halves)


def test_weights_of_signals_that_no_hit_has_are_reported():
    shown = run("search", WORDS[2], "--retriever", OWN, *MODELS, "--weight", "dense=8").text
    assert "the hits of foreign_parts:rows have no signals" in " ".join(shown.split())


def test_the_values_of_a_filter_have_types():
    texts = {"year": ["2024", "2023"], "size": ["1.5"], "open": ["true"], "version": ["1.10"], "code": ["007", "x"]}
    options = [part for key, values in texts.items() for value in values for part in ("--where", f"{key}={value}")]
    answer = run("search", "q", "--retriever", "foreign_parts:with_years", "--no-rerank", *options, "--json").json()
    assert [hit["text"] for hit in answer["hits"]] == [
        "year 2024 int",
        "year 2023 int",
        "size 1.5 float",
        "open True bool",
        "version '1.10' str",
    ]
    again = run("search", "q", "--retriever", "foreign_parts:with_years", "--no-rerank", *options[-4:], "--json")
    assert [hit["text"] for hit in again.json()["hits"]] == ["code '007' str", "code 'x' str"]


def test_a_function_that_cannot_filter_is_named_and_the_option_is_too():
    message = error_of("search", "q", "--retriever", OWN, *MODELS, "--where", "year=2024")
    assert message == f"--where: {OWN} cannot filter, because the function has no parameter 'where'"


@pytest.mark.parametrize("own", ["nothing", "NoList"])
def test_a_retriever_that_returns_none_has_one_exit_code(own):
    commands = (("search", "q"), ("evaluate", "q.jsonl"), ("tune", "q.jsonl"), ("calibrate", "q.jsonl"))
    for command in (*commands, ("why", "q", "a", "b")):
        shown = run(*command, "--retriever", f"foreign_parts:{own}", *MODELS, code=3).err
        assert "returned None: " in shown
        assert f"foreign_parts:{own} returned None: it must return a list of rows" in shown or own == "NoList"


def test_a_missing_collection_has_the_exit_code_of_a_missing_index(here):
    sqlite3.connect(here / "notes.db").execute("create table notes(id text, text text)").connection.close()
    for name, message in (
        ("sqlite:other@notes.db", "there is no table 'other'; the file has notes"),
        ("sqlite:notes@none.db", "there is no file 'none.db'"),
    ):
        for command in (("search", "q"), ("evaluate", "q.jsonl"), ("export", "--out", "x.jsonl")):
            assert error_of(*command, "--retriever", name, code=3) == f"{name}: {message}"
        assert error_of("add", name, "--index", "ix", code=3) == f"{name}: {message}"
    assert files(here) == ["notes.db", "q.jsonl"]
    missing = "3 the index folder, the store or the retriever is missing or cannot be used"
    assert missing in run("--help").text


def test_the_file_names_the_retriever_and_its_fields(here, monkeypatch):
    backends = foreign_parts.install(monkeypatch)
    config.write({"retriever": STORE, "bi_encoder": ENCODER, "reranker": RERANKER, "fields": {"text": "body"}})
    assert '[fields]\ntext = "body"' in (here / config.FILE).read_text()
    assert run("search", WORDS[1], "--json").json()["hits"][0]["id"] == WORDS[1]
    assert backends[-1].given == {"text": "body"}
    run("search", WORDS[1], "--field", "text=content")
    assert backends[-1].given == {"text": "content"}
    shown = run("search", WORDS[1], "--retriever", "fake:others@somewhere")
    assert backends[-1].given == {}
    assert "fields of shortlist.toml is ignored: it is valid for another retriever" in shown.err
    message = error_of("search", "q", "--index", "my-index")
    assert message.startswith(f"shortlist.toml: retriever is {STORE!r}, and the index my-index is given, too")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--field", "text"), "write key=value, such as text=body"),
        (("--field", "body=text", "--retriever", STORE), "--field: 'body' is unknown; the fields are id, text"),
        (("--field", "text=body", "--retriever", "hybrid"), "the retriever is 'hybrid': name a store"),
        (("--field", "text=body", "--retriever", OWN), f"--field: {OWN} is no store, so it has no fields"),
        (("--field", "text=body", "--retriever", OWN, "--index", "ix"), f"{OWN} is no store"),
        (("--retriever", STORE, "--index", "ix"), "--retriever is"),
        (("--retriever", "foreign_parts:absent"), "cannot be loaded"),
        (("--retriever", STORE, "--weight", "bm52=1"), "'bm52' is not a signal of stage one"),
    ],
)
def test_bad_input(arguments, message):
    assert message in error_of("search", "q", *arguments)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_evaluate_and_its_files(retriever, here):
    pytest.importorskip("matplotlib", reason="the report extra is not installed")
    outputs = ("--save", "run.json", "--report", "run.html", "--write-run", "run.txt", "--markdown", "run.md")
    shown = run("evaluate", "q.jsonl", "--retriever", retriever, *MODELS, *outputs)
    (saved,) = load(here / "run.json")
    assert saved.estimate("reranked", "nDCG@10").mean == 1.0
    assert (saved.about["retriever"], saved.about["index"]) == (retriever, "none")
    assert saved.about["passages"] == ("unknown" if retriever == OWN else "30")
    assert ("resolved against the first 100 hits of each query" in shown.err) == (retriever == OWN)
    assert run("evaluate", "q.jsonl", "--retriever", retriever, *MODELS, "--baseline", "run.json").code == 0
    external = run("evaluate", "q.jsonl", "--retriever", retriever, *MODELS, "--run", "again:run.txt").text
    assert "30 of 30 judged queries answered" in external
    assert not (here / ".shortlist-state").exists()


def test_set_ups_with_an_index_a_store_and_a_retriever(here):
    index_of(foreign_parts.PASSAGES, here / "ours")
    (here / "set-ups.toml").write_text(
        f'[ours]\nretriever = "hybrid"\n[theirs]\nretriever = "{STORE}"\n[theirs.fields]\ntext = "text"\n'
        f'[own]\nretriever = "{OWN}"\n'
    )
    shown = run("evaluate", "q.jsonl", "--index", "ours", "--set-up", "set-ups.toml", *MODELS, "--save", "run.json").err
    assert shown.count("30 queries judged by passage ids\n") == 1
    differing = ("--set-up", "ours:index=ours", "--set-up", f"own:retriever={OWN}")
    shown = run("evaluate", "q.jsonl", *differing, *MODELS).err
    assert shown.count("30 queries judged by passage ids\n") == 1
    assert shown.count("30 queries judged by passage ids; resolved against the first 100 hits") == 1
    ours, theirs, own = load(here / "run.json")
    assert [each.about["index"] for each in (ours, theirs, own)] == ["ours", "none", "ours"]
    assert ours.values("stage one", "nDCG@10") == theirs.values("stage one", "nDCG@10")
    message = error_of("evaluate", "q.jsonl", "--set-up", f"theirs:retriever={STORE},index=ours", *MODELS)
    assert message.startswith("set-up 'theirs': retriever is")


def test_snippets_over_a_store_that_cannot_list(here, monkeypatch):
    foreign_parts.install(monkeypatch, lists=False)
    rows = [{"query": word, "snippets": [f"{word} is a word"]} for word in WORDS]
    (here / "s.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shown = run("evaluate", "s.jsonl", "--retriever", STORE, *MODELS, "--save", "run.json").err
    assert "judged by snippets; resolved against the first 100 hits of each query" in shown
    assert load(here / "run.json")[0].estimate("stage one", "R@10").mean == 1.0


def test_tune_writes_the_file_and_reports_an_approximate_stage_one(here, monkeypatch):
    backends = foreign_parts.install(monkeypatch, exact=False)
    sizes = ("--sizes", "5,10,20", "--timed", "1", "--write")
    shown = run("tune", "q.jsonl", "--retriever", STORE, *MODELS, *sizes)
    assert "stage one is approximate" in shown.err
    assert "Stage one is approximate, so a search with a smaller pool" in shown.text
    assert set(backends[-1].asked) == {100}
    assert (here / config.FILE).exists() == ("written to" in shown.out)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_calibrate_stores_fits_beside_the_file(retriever, here):
    state = here / ".shortlist-state"
    missing = run("search", WORDS[0], "--retriever", retriever, *MODELS, "--pool", "auto").text
    assert f"Make one with: shortlist calibrate QUERIES --retriever {retriever}" in missing
    shown = run("calibrate", "q.jsonl", "--retriever", retriever, *MODELS, "--pool", "20", "--top", "5")
    assert sorted(path.name for path in state.rglob("*.json")) == ["calibration.json", "gate.json", "stop-rule.json"]
    assert str(next(state.iterdir()).name) in shown.text
    answer = run("search", WORDS[0], "--retriever", retriever, *MODELS, "--min-probability", "0.01", "--json").json()
    assert answer["hits"][0]["probability"] is not None
    other = ("search", WORDS[0], "--retriever", retriever, *MODELS, "--state", "elsewhere")
    assert "has no calibration.json" in error_of(*other, "--min-probability", "0.01", code=3)
    assert f"--retriever {retriever} --state elsewhere" in run(*other, "--pool", "auto").text


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_why_finds_the_passages(retriever):
    shown = run("why", f"{WORDS[0]} word", WORDS[0], WORDS[1], "--retriever", retriever, *MODELS)
    assert "reranker alone: A above B" in shown.text
    assert ("stage one is explained with the cosine of" in shown.text) == (retriever != STORE)
    message = error_of("why", "q", WORDS[0], "absent", "--retriever", retriever, *MODELS)
    assert f"{retriever} has no passage 'absent'" in message


def test_failures_are_one_line_with_exit_code_3(monkeypatch):
    for command in (("search", "q"), ("evaluate", "q.jsonl"), ("tune", "q.jsonl"), ("calibrate", "q.jsonl")):
        result = run(*command, "--retriever", "foreign_parts:failing", *MODELS, code=3)
        assert "error: foreign_parts:failing failed: ConnectionError: no route to the service" in result.err
    for failure, words in ((foreign_parts.UNREACHABLE, "start it"), (foreign_parts.REFUSED, "set FAKE_KEY")):
        foreign_parts.install(monkeypatch, failure=failure)
        assert words in error_of("search", "q", "--retriever", STORE, *MODELS, code=3)


def test_passwords_are_in_no_output_and_no_file(here):
    pytest.importorskip("matplotlib", reason="the report extra is not installed")
    outputs = ("--save", "run.json", "--report", "run.html")
    results = [
        run("evaluate", "q.jsonl", "--retriever", SECRET, *MODELS, *outputs),
        run("calibrate", "q.jsonl", "--retriever", SECRET, *MODELS, "--pool", "20", "--top", "5"),
        run("search", "q", "--retriever", SECRET, *MODELS, "--pool", "auto", "--state", "other"),
        run("search", "q", "--retriever", SECRET, "--index", "ix", code=2),
        run("evaluate", "q.jsonl", "--retriever", SECRET, "--reranker", "foreign_parts:Exhausted", *MODELS[:2], code=1),
    ]
    assert list(here.glob("*.partial.jsonl"))
    texts = [result.out + result.err for result in results]
    texts += [path.read_text() for path in here.rglob("*") if path.is_file()] + [str(path) for path in here.rglob("*")]
    assert [word for word in ("secret", "hidden") for text in texts if word in text] == []


def test_queries_init_proposes_from_a_store(here):
    result = run("queries", "init", "--out", "own.jsonl", "--retriever", STORE, *MODELS, stdin="q\n", code=None)
    assert "query 1 of" in result.text


def full_text(file):
    with sqlite3.connect(file) as connection:
        connection.execute("create virtual table notes using fts5(id unindexed, text)")
        connection.executemany("insert into notes values(?, ?)", [(word, f"{word} is a word") for word in WORDS])
    connection.close()


def test_why_has_the_words_of_search():
    command = ("why", f"{WORDS[0]} word", WORDS[0], WORDS[1], "--retriever", STORE, "--words", *MODELS)
    assert "has a full-text search of its own" in error_of(*command)


def test_why_over_a_store_with_words_alone_compares_bm25(here):
    full_text(here / "notes.db")
    own = ("--retriever", "sqlite:notes@notes.db", *MODELS)
    shown = run("why", f"{WORDS[0]} word", WORDS[0], WORDS[1], *own).text
    assert "stage one, BM25 alone: A above B by" in shown
    assert "cosine" not in shown
    answer = run("why", f"{WORDS[0]} word", WORDS[0], WORDS[1], *own, "--json").json()
    with sqlite3.connect(here / "notes.db") as connection:
        sql = "select -rank from notes where notes match ? and id = ?"
        query = f"{WORDS[0]} OR word"
        of_a, of_b = (connection.execute(sql, [query, word]).fetchone()[0] for word in WORDS[:2])
    assert answer["retrieval_score"] == "BM25"
    assert answer["retrieval_margin"] == pytest.approx(of_a - of_b)
    effects = [word["retrieval"] for word in answer["words"]]
    assert effects == [pytest.approx(of_a - of_b), pytest.approx(0, abs=1e-9)]


def test_a_fusion_weight_of_a_store_with_words_alone_is_an_error(here):
    full_text(here / "notes.db")
    own = ("--retriever", "sqlite:notes@notes.db", *MODELS)
    result = run("search", WORDS[0], *own, "--fusion", "0.3", code=None)
    assert result.code == 2
    assert "--fusion is 0.3: it weighs vectors against words, and sqlite:notes@notes.db cannot" in result.err
    (here / "shortlist.toml").write_text("[search]\nfusion = 0.3\n")
    result = run("search", WORDS[0], *own)
    assert "fusion of shortlist.toml is ignored: it is valid for another retriever" in result.text


OWN_MODULE = """
def by_words(query, k):
    return [("a", f"{query} in the current folder")]
"""


def test_an_option_finds_a_module_in_the_current_folder_and_the_file_does_not(here):
    (here / "my_own_search.py").write_text(OWN_MODULE)
    name = "my_own_search:by_words"
    (here / "scripts").mkdir()
    script = here / "scripts" / "run.py"  # Python searches the folder of a script, as of an installed command
    script.write_text("import sys; from shortlist.cli.app import exit_code; sys.exit(exit_code(sys.argv[1:]))")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def shown(*arguments):
        command = [sys.executable, str(script), "search", "q", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=here)

    found = shown("--retriever", name, "--no-rerank", "--json")
    assert json.loads(found.stdout)["hits"][0]["text"] == "q in the current folder", found
    config.write({"retriever": name})
    missing = shown("--no-rerank")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "there is no module 'my_own_search'. Install it, or put its folder into PYTHONPATH" in missing.stderr


def test_a_fusion_weight_in_python_needs_lists_to_fuse(here):
    full_text(here / "notes.db")
    store, weighed = f"sqlite:notes@{here / 'notes.db'}", sl.SearchConfig(bi_encoder="hashed-64", fusion=0.3)
    with pytest.raises(InvalidInput, match="cannot search by both: leave out fusion"):
        sl.open(store, config=weighed)
    with sl.open(here / "ix", create=True, config=weighed) as index:
        index.add([{"id": "a", "text": WORDS[0]}])
    with sl.open([here / "ix", store], config=weighed.override({"rerank": False})) as both:
        assert {hit.collection for hit in both.search(WORDS[0])} == {"ix", "notes"}
    with (
        sl.open(here / "ix", config=weighed.override({"retriever": "dense", "rerank": False})) as index,
        pytest.raises(InvalidInput, match="the retriever is 'dense'"),
    ):
        index.search(WORDS[0])
