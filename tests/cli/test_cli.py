"""The commands as a user types them: each in its own process, on a real index with the models in the box."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.cli.commands.rerank import ARRAY, _lines
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedIndex

PAGES = {
    "harbor.md": "# Harbor\n\nHarbor is a search server. Start the server, open its port, connect over HTTP.",
    "pebble.md": "# Pebble\n\nPebble keeps everything in a local file and runs inside your own process.",
    "bread.txt": "Let the dough rest for an hour, then bake it until the crust is brown.",
    "tax.html": "<html><title>Tax</title><body><p>Income tax is due in April.</p></body></html>",
    "rows.csv": "id,text,year\nr1,Cats sleep most of the day,2020\nr2,Dogs like to run,2021\n",
    "photo.png": "not text",
}


def run(*arguments, cwd=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "shortlist", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        timeout=120,
        encoding="utf-8",
        env=None,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    (root / "docs").mkdir()
    for name, text in PAGES.items():
        (root / "docs" / name).write_text(text, encoding="utf-8")
    done = run("add", "docs", "--index", "ix", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "5 sources read, 0 unchanged" in done.stderr
    assert "0 passages exceed the window of shortlist-reranker-v1" in done.stderr
    assert "1 not read:" in done.stderr
    assert "photo.png: unsupported format .png" in done.stderr
    return root


def search(folder, *arguments):
    done = run("search", *arguments, "--index", "ix", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_add_again_skips_what_is_unchanged(folder):
    done = run("add", "docs", "--index", "ix", cwd=folder)
    assert "0 sources read, 5 unchanged" in done.stderr
    assert "0 passages added" in done.stderr


def test_ctrl_c_in_add_says_what_stays(tmp_path, monkeypatch):
    class Interrupted(HashedEncoder):
        def encode_passages(self, texts):
            raise KeyboardInterrupt

    monkeypatch.setattr(import_module("shortlist.collection.add"), "load_encoder", lambda name, **_: Interrupted(64))
    (tmp_path / "one.txt").write_text("one passage")
    done = CliRunner().invoke(app, ["add", str(tmp_path / "one.txt"), "--index", str(tmp_path / "ix")])
    assert done.exit_code == 130
    assert "interrupted; what was committed stays, and the same command goes on from there" in done.stderr


def test_add_names_the_first_of_what_was_not_read_and_all_with_verbose(tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("shortlist.collection.add"), "load_encoder", lambda name, **_: HashedEncoder(64))
    folder = tmp_path / "docs"
    for name in ["corpus.jsonl", "queries.jsonl", *(f"{n}.md" for n in range(21))]:
        (folder / "set").mkdir(parents=True, exist_ok=True)
        (folder / "set" / name).write_text('{"text": "a"}\nno json\n')
    for number in range(20):
        (folder / f"{number}.png").write_bytes(b"x")
    told = ["add", str(folder), "--index", str(tmp_path / "ix")]
    first, whole = (CliRunner().invoke(app, arguments).stderr for arguments in (told, [*told, "--verbose"]))
    assert "21 passed over (beside a BEIR corpus): docs/set/0.md, " in first
    assert first.count(" and 1 more (--verbose names all)") == 2
    assert first.index("corpus.jsonl line 2: not JSON") < first.index("0.png: unsupported")
    assert (first.count(".png: "), whole.count(".png: ")) == (19, 20)
    assert (first.count("/set/"), whole.count("/set/")) == (21, 22)
    assert "more" not in whole


def test_add_that_reads_nothing_fails_and_an_empty_index_is_called_so(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "x.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "docs" / "x.png").write_bytes(b"x")
    (tmp_path / "docs" / ".hidden.md").write_text("# Hidden")
    for _ in range(2):
        done = run("add", "docs", "--index", "ix", cwd=tmp_path)
        assert done.returncode == 2
        counted = (
            "0 sources read, 0 unchanged, 1 gave nothing, 0 removed; 0 documents written, 0 unchanged, 0 removed\n"
        )
        assert counted in done.stderr
        assert "passed over (hidden, or node_modules and the like): docs/.hidden.md\n" in done.stderr
        assert "\n  docs/x.png: unsupported format .png\n" in done.stderr
        assert "docs/x.pdf: not readable as PDF" in done.stderr
        assert "error: nothing could be read from docs, and ix is empty" in done.stderr
    assert "the index is empty: add files" in run("search", "q", "--index", "ix", "--no-rerank", cwd=tmp_path).stdout
    (tmp_path / "docs" / "a.txt").write_bytes("Grüße".encode("latin-1"))
    done = run("add", "docs", "--index", "ix", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 read with bytes that are not UTF-8" in done.stderr
    assert "docs/a.txt: 2 bytes" in done.stderr
    assert run("add", "docs/x.pdf", "--index", "ix", cwd=tmp_path).returncode == 2


def test_search_shows_both_stages(folder):
    shown = search(folder, "does not need a server", "--top", "3")
    assert "stage one" in shown
    assert "logit" in shown
    assert "docs/pebble.md chars" in shown
    assert "6 passages scored, 0 cut" in shown
    assert "retrieve" in shown
    assert "rerank" in shown


def test_search_as_json_holds_everything(folder):
    found = json.loads(search(folder, "when is income tax due", "--json", "--top", "2"))
    assert found["hits"][0]["title"] == "Tax"
    assert found["hits"][0]["rank"] == 1
    assert {"rerank_score", "retrieval_score", "retrieval_rank", "signals", "metadata", "text"} <= set(found["hits"][0])
    assert (found["scored"], found["truncated"], found["reranked"], len(found["hits"])) == (6, 0, True, 2)
    assert set(found["seconds"]) == {"retrieve", "rerank", "load"}


def test_search_as_context_is_numbered_with_sources(folder):
    shown = search(folder, "bake bread", "--context", "--top", "2")
    assert shown.startswith("[1] docs/bread.txt chars 0-70\n")
    assert "\n\n[2] " in shown


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "bm25"])
def test_every_retriever_without_reranking(folder, retriever):
    found = json.loads(search(folder, "dogs run", "--retriever", retriever, "--no-rerank", "--json"))
    assert found["hits"][0]["document_id"] == "r2"
    assert (found["reranked"], found["hits"][0]["rerank_score"]) == (False, None)


def test_where_filters_on_metadata(folder):
    found = json.loads(search(folder, "animals", "--where", "year=2020", "--json"))
    assert [hit["document_id"] for hit in found["hits"]] == ["r1"]
    shown = search(folder, "animals", "--where", "yaer=2020")
    assert "none has a field 'yaer'; the fields are document_id, format, source, title, year" in shown


def test_blend_zero_orders_by_the_logit(folder):
    found = json.loads(search(folder, "local file", "--blend", "0", "--json"))
    assert [hit["score"] for hit in found["hits"]] == [hit["rerank_score"] for hit in found["hits"]]
    assert found["weights"] == {}


def test_a_query_longer_than_training_saw_keeps_stage_ones_order(folder):
    found = json.loads(search(folder, "income tax " * 60, "--json"))
    assert not found["reranked"]
    assert "trained on queries of up to 62" in found["why_not"]
    assert [hit["retrieval_rank"] for hit in found["hits"]] == list(range(1, len(found["hits"]) + 1))
    assert "not reranked: the query has" in search(folder, "income tax " * 60)


def test_context_says_too_why_it_did_not_rerank_and_that_the_query_was_cut(folder):
    done = run("search", "income tax " * 150, "--index", "ix", "--context", cwd=folder)
    assert done.stdout.startswith("[1] ")
    assert "not reranked: the query has 300 tokens" in done.stderr
    assert "the query is longer than the bi-encoder's window: stage one read its start only" in done.stderr


def test_a_bi_encoder_named_as_cross_encoder_is_refused(folder):
    done = run("search", "tax", "--index", "ix", "--cross-encoder", "all-MiniLM-L6-v2", cwd=folder)
    assert (done.returncode, done.stdout) == (4, "")
    assert "all-MiniLM-L6-v2 is not a cross-encoder with one label" in done.stderr


@pytest.mark.parametrize("retriever", ["hybrid", "bm25"])
def test_bytes_that_are_no_utf8_in_a_query_count_as_replaced(folder, retriever):
    query = "tax \udcff\udcfe"
    shown = search(folder, query, "--retriever", retriever)
    assert "Income tax is due in April." in shown
    assert json.loads(search(folder, query, "--json"))["query"] == "tax \ufffd\ufffd"


def test_passages_of_a_search_score_the_same_in_rerank(folder):
    given = ("--precision", "exact")
    found = json.loads(search(folder, "when is income tax due", "--json", *given))["hits"]
    assert any(hit["title"] for hit in found)
    lines = "\n".join(map(json.dumps, found))
    done = run("rerank", "when is income tax due", "-", "--json", *given, stdin=lines)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(found)
    assert [row["rerank"]["score"] for row in rows] == pytest.approx([row["rerank_score"] for row in rows], abs=1e-4)


def test_progressive_leaves_some_behind(folder):
    exact = json.loads(search(folder, "does not need a server", "--json", "--top", "1"))
    found = json.loads(search(folder, "does not need a server", "--json", "--top", "1", "--progressive"))
    assert found["hits"][0]["id"] == exact["hits"][0]["id"]
    assert abs(found["hits"][0]["rerank_score"] - exact["hits"][0]["rerank_score"]) < 0.05
    assert found["scored"] == 6


def test_no_match_is_an_answer(folder):
    assert "no passage matches" in search(folder, "zzzzqqq", "--retriever", "bm25")


def test_tail_goes_past_the_pool(folder):
    found = json.loads(search(folder, "server", "--pool", "2", "--top", "5", "--tail", "--json"))
    assert [hit["rerank_score"] is None for hit in found["hits"]] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "", "--index", "ix"], 2, "the query is empty"),
        (
            ["search", "q", "--index", "ix", "--pool", "3", "--top", "9"],
            2,
            "k (--top) is 9 but the pool (pool_size, --pool)",
        ),
        (["search", "q", "--index", "ix", "--top", "0"], 2, "k (--top) must be at least 1, not 0"),
        (["search", "q", "--index", "nowhere"], 3, "there is no index at nowhere"),
        (["search", "q", "--index", "docs"], 3, "docs is no shortlist index"),
        (["search", "q", "--index", "ix", "--retriever", "magic"], 2, "choose one of hybrid, dense, bm25"),
        (["search", "q", "--index", "ix", "--bi-encoder", "hashed-64"], 3, "made with the bi-encoder all-MiniLM-L6-v2"),
        (["search", "q", "--index", "ix", "--cross-encoder", "nope"], 4, "'nope' is not a packaged model"),
        (["search", "q", "--index", "ix", "--where", "year"], 2, "write key=value"),
        (["search", "q", "--index", "ix", "--json", "--context"], 2, "exclude each other"),
        (["search", "q", "--index", "ix", "--precision", "int3"], 2, "choose one of auto, exact, fast"),
        (["search", "q", "--index", "ix", "--blend", "-1"], 2, "blend must be 0"),
        (["rerank", "word " * 600, "docs/bread.txt"], 2, "Shorten the query to"),
        (["search", "q", "--index", "ix", "--progressive", "--cross-encoder", "docs"], 2, "no early exits"),
        (["add", "missing", "--index", "ix"], 2, "no file or folder 'missing'"),
        (["add", "docs", "--index", "docs"], 3, "already holds"),
        (["rerank", "q", "docs/bread.txt", "--top", "0"], 2, "k (--top) must be at least 1"),
        (["rerank", "q", "missing.txt"], 2, "missing.txt can't be read"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(folder, arguments, code, message):
    done = run(*arguments, cwd=folder)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_an_index_open_elsewhere_is_one_line(folder):
    with EmbeddedIndex.open(folder / "ix"):
        done = run("search", "q", "--index", "ix", cwd=folder)
    assert done.returncode == 3
    assert "is open in another process" in done.stderr


def test_rerank_reads_lines_and_keeps_them(folder):
    done = run("rerank", "when is tax due", "-", "--json", stdin="Cats sleep.\nIncome tax is due in April.\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["Income tax is due in April.", "Cats sleep."]
    assert [(row["rerank"]["rank"], row["rerank"]["index"]) for row in rows] == [(1, 1), (2, 0)]


def test_rerank_reads_jsonl_and_keeps_ids_and_fields(folder):
    lines = "\n".join(
        json.dumps({"id": key, "text": text, "rank": 7, "index": 42}) for key, text in (("a", "bread"), ("b", "a tax"))
    )
    done = run("rerank", "tax", "-", "--json", "--top", "1", stdin=lines)
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert {key: row[key] for key in row if key != "rerank"} == {"id": "b", "text": "a tax", "rank": 7, "index": 42}
    assert (row["rerank"]["rank"], row["rerank"]["index"], row["rerank"]["truncated"]) == (1, 1, False)
    assert set(row["rerank"]) == {"score", "rank", "index", "truncated"}
    again = run("rerank", "tax", "-", "--json", stdin=done.stdout)
    assert (again.returncode, "candidate 1 has a field 'rerank'" in again.stderr) == (2, True)
    shown = run("rerank", "tax", "-", stdin=lines)
    assert shown.stdout.split()[:5] == ["1", "was", "2", "logit", shown.stdout.split()[4]]


def test_rerank_says_that_a_query_is_longer_than_training_saw(folder):
    done = run("rerank", "income tax " * 60, "-", "--json", stdin="Cats sleep.\nA tax.\n")
    assert len(done.stdout.splitlines()) == 2
    assert "note: the query has 120 tokens and" in done.stderr
    assert "scored all the same; a search would keep stage one's order" in done.stderr
    assert "note" not in run("rerank", "tax", "-", stdin="Cats sleep.\n").stderr


def test_rerank_shows_a_snippet_of_a_long_candidate_and_json_the_whole():
    text = "Cats sleep. " * 100 + "Income tax is due in April. " + "Dogs run. " * 100
    (line, *more) = run("rerank", "when is tax due", "-", stdin=text + "\n").stdout.splitlines()
    assert (len(line) < 300, more) == (True, [])
    assert "Income tax is due in April" in line
    assert json.loads(run("rerank", "tax", "-", "--json", stdin=text + "\n").stdout)["text"] == text


@pytest.mark.parametrize("indent", [None, 2])
def test_rerank_reads_a_json_array(indent):
    given = ["Cats sleep.", {"id": "tax", "text": "Income tax is due in April."}]
    done = run("rerank", "when is tax due", "-", "--json", stdin=json.dumps(given, indent=indent))
    assert [json.loads(line).get("id") for line in done.stdout.splitlines()] == ["tax", None]


def test_lines_are_text_where_none_is_an_object_and_no_array_begins():
    lines = ["{x} is a set", "[1] a footnote", "[2]", "{"]
    assert _lines(list(enumerate(lines[:3], start=1)), "f") == lines[:3]
    with pytest.raises(InvalidInput, match="f line 1 is no JSON object"):
        _lines(list(enumerate(lines, start=1)), "f")
    plain = ("[1] a footnote", "[ ] to do", "[2]", '["Come in," she said] and smiled')
    assert not [text for text in plain if ARRAY.match(text)]


def test_plain_text_may_begin_like_an_array(folder):
    text = '["Introduction"](#intro) tax\nother\n'
    rows = [json.loads(line) for line in run("rerank", "tax", "-", "--json", stdin=text).stdout.splitlines()]
    assert sorted(row["text"] for row in rows) == ['["Introduction"](#intro) tax', "other"]


def test_half_a_surrogate_pair_in_a_candidate_is_shown_as_replaced(folder):
    text = '{"text": "\\ud800 lone", "id": "\\udfff"}\n{"text": "b"}\n'
    done = run("rerank", "x", "-", "--json", stdin=text)
    assert {json.loads(line)["text"] for line in done.stdout.splitlines()} == {"\ufffd lone", "b"}
    assert "\ufffd lone" in run("rerank", "x", "-", stdin=text).stdout


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        ("", "holds no candidates"),
        ("[]", "holds no candidates"),
        ('{"id": 1}\n\n{oops', "- line 3 is no JSON object"),
        ('{"text": "a"}\nplain\n{"text": "b"}\n', "- line 2 is no JSON object, and the file looks like JSON"),
        ('{\n  "text": "a"\n}\n', "- line 1 is no JSON object"),
        ("{oops", "- line 1 is no JSON object"),
        ('[\n  "a",\n', "looks like a JSON array and is not"),
        ('["a", "b', "looks like a JSON array and is not"),
        ('["a"]\n["b"]\n', "looks like a JSON array and is not"),
        ('[{"text": "a"}, {"text": }]', "looks like a JSON array and is not"),
        ('["a", 3]', "candidate 2 of the JSON array is 3"),
    ],
)
def test_rerank_names_bad_input(stdin, message):
    done = run("rerank", "q", "-", stdin=stdin)
    assert done.returncode == 2
    assert message in done.stderr


def test_demo_shows_three_steps_and_says_what_happened():
    done = run("demo")
    assert done.returncode == 0, done.stderr
    for part in ("1. Stage one alone", "2. The pool of 24 reranked", "3. The pool-size knob", "recall ceiling R@1"):
        assert part in done.stdout
    assert "The trap:" in done.stdout or "No trap here" in done.stdout
    assert "now stands first" in done.stdout or "did not climb out" in done.stdout


def test_models_lists_the_box_and_says_what_runs_here():
    done = run("models")
    assert done.returncode == 0, done.stderr
    for part in ("all-MiniLM-L6-v2", "shortlist-reranker-v1", "in the box", "bge-small-en-v1.5", "exact:"):
        assert part in done.stdout
    assert "auto for shortlist-reranker-v1: " in done.stdout
    assert "auto for other models: " in done.stdout


def test_every_command_has_help():
    listed = run("--help").stdout
    for command in ("add", "search", "rerank", "evaluate", "tune", "demo", "models"):
        assert command in listed
        assert run(command, "--help").stdout.count("\n") > 5
    for command in ("models", "probe", "queries"):
        assert "--install-completion" not in run(command, "--help").stdout
    assert run("--version").stdout.startswith("shortlist ")


def test_an_unknown_command_is_named_with_what_was_meant():
    done = run("serach", "x")
    assert done.returncode == 2
    assert "No such command 'serach'. Did you mean 'search'?" in done.stderr
    assert "Did you mean" not in run("xyzzy").stderr


def test_help_lists_every_command():
    from shortlist.cli.command_table import NAMES

    said = run("--help").stdout
    assert [name for name in NAMES if f"\n  {name} " not in said] == []


def test_the_number_that_orders_is_shown_and_only_with_the_terms_that_count(folder):
    blended = run("search", "when is income tax due", "--index", "ix", cwd=folder).stdout
    alone = run("search", "when is income tax due", "--index", "ix", "--retriever", "bm25", cwd=folder).stdout
    held = json.loads(run("search", "when is income tax due", "--index", "ix", "--json", cwd=folder).stdout)
    assert f"  1  score {held['hits'][0]['score']:+.3f}  was" in blended
    assert f"id {held['hits'][0]['id']}" in blended
    assert "x dense + " in blended
    assert "x dense" not in alone
