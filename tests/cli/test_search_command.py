"""`shortlist search` with the packaged models, and `shortlist rerank` next to it."""

from __future__ import annotations

import json

import pytest

from command_line import error_of, run
from shortlist import registry
from shortlist.registry import INDEXES

PAGES = {
    "harbor.md": "# Harbor\n\nHarbor is a search server. Start the server, open its port, connect over HTTP.",
    "pebble.md": "# Pebble\n\n**Pebble** keeps everything in a local `file` and runs inside your own process.\n\n"
    "```sh\npebble open notes\n```\n",
    "bread.txt": "Let the dough rest for an hour, then bake it until the crust is brown.",
    "tax.html": "<html><title>Tax</title><body><p>Income tax is due in April.</p></body></html>",
    "rows.csv": "id,text,year\nr1,Cats sleep most of the day,2020\nr2,Dogs like to run,2021\n",
    "photo.png": "not text",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    (root / "docs").mkdir()
    for name, text in PAGES.items():
        (root / "docs" / name).write_text(text, encoding="utf-8")
    added = run("add", "docs", "--index", "ix", cwd=root)
    assert added.err.startswith("loading models\n")  # on a slow machine, lines about the progress follow
    assert "\n5 sources read, 0 unchanged" in added.err
    assert "1 not read, or read in part:" in added.err
    assert "photo.png: unsupported format .png" in added.err
    assert "longer than the window" not in added.err
    return root


def search(folder, *arguments):
    return run("search", *arguments, "--index", "ix", cwd=folder).out


def found(folder, *arguments):
    return json.loads(search(folder, *arguments, "--json"))


def test_add_again_skips_what_is_unchanged(folder):
    added = run("add", "docs", "--index", "ix", cwd=folder)
    assert "0 sources read, 5 unchanged" in added.err
    assert "0 passages added" in added.err


def test_search_shows_both_stages(folder):
    shown = search(folder, "does not need a server", "--top", "3")
    for part in ("stage one", "logit", "docs/pebble.md chars", "6 passages scored, 0 cut", "retrieve", "rerank"):
        assert part in shown


def test_rows_of_a_function_that_repeat_an_id_are_counted(folder):
    shown = search(folder, "red cat", "--retriever", "attribute_parts:repeats", "--no-rerank")
    assert "3 rows of the retriever left out: an earlier row has the same id" in shown


def test_snippets_show_text_without_markdown(folder):
    shown = search(folder, "a local file", "--top", "1")
    assert "Pebble Pebble keeps everything in a local file and runs inside your own process. pebble open notes" in shown
    assert "\x1b" not in shown, "a file gets no colours"


def test_words_of_the_query_are_bold_in_a_terminal(folder, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1mlocal\x1b[0m \x1b[1mfile\x1b[0m" in search(folder, "a local file", "--top", "1")


def test_json_is_the_ranking_with_load_seconds_and_the_settings_of_the_file(folder):
    answer = found(folder, "when is income tax due", "--top", "2")
    assert answer["hits"][0]["title"] == "Tax"
    assert answer["hits"][0]["rank"] == 1
    assert {"rerank_score", "retrieval_score", "retrieval_rank", "signals", "metadata", "text"} <= set(
        answer["hits"][0]
    )
    assert (answer["scored"], answer["truncated"], answer["status"], len(answer["hits"])) == (6, 0, "ok", 2)
    assert set(answer["seconds"]) == {"retrieve", "rerank", "load"}
    assert answer["from_file"] == {}


def test_context_is_numbered_with_sources(folder):
    shown = search(folder, "bake bread", "--context", "--top", "2")
    assert shown.startswith("[1] docs/bread.txt chars 0-70\n")
    assert "\n\n[2] " in shown


def test_options_of_a_context_print_it_and_what_was_cut(folder):
    done = run("search", "bake bread", "--budget-tokens", "60", "--index", "ix", cwd=folder)
    assert done.out.startswith("[1] docs/bread.txt chars 0-70\n")
    assert "budget_tokens is 60: " in done.err
    assert " tokens of at most 60" in done.err
    for options in (["--section"], ["--neighbours", "0"]):
        assert search(folder, "bake bread", *options).startswith("[1] docs/bread.txt")


def test_json_has_the_context_if_an_option_asks_for_it(folder):
    assert "context" not in found(folder, "bake bread")
    answer = found(folder, "bake bread", "--context", "--top", "2")
    first = answer["context"]["blocks"][0]
    assert (first["source"], first["place"], first["passages"][0]["rank"]) == ("docs/bread.txt", "chars 0-70", 1)
    assert answer["context"]["text"].startswith("[1] docs/bread.txt chars 0-70\n")
    assert answer["context"]["tokens"] == sum(block["tokens"] for block in answer["context"]["blocks"])
    assert len(answer["hits"]) == 2


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "bm25"])
def test_every_retriever_without_reranking(folder, retriever):
    answer = found(folder, "dogs run", "--retriever", retriever, "--no-rerank")
    assert answer["hits"][0]["document_id"] == "r2"
    assert (answer["status"], answer["hits"][0]["rerank_score"]) == ("off", None)


def test_where_filters_on_metadata(folder):
    answer = found(folder, "animals", "--where", "year=2020")
    assert [hit["document_id"] for hit in answer["hits"]] == ["r1"]
    either = found(folder, "animals", "--where", "year=2020", "--where", "year=2021")
    assert {hit["document_id"] for hit in either["hits"]} == {"r1", "r2"}
    shown = search(folder, "animals", "--where", "yaer=2020")
    assert "no passage has the field 'yaer': the fields are document_id, format, source, title, year" in shown


def test_blend_zero_orders_by_the_logit(folder):
    answer = found(folder, "local file", "--blend", "0")
    assert [hit["score"] for hit in answer["hits"]] == [hit["rerank_score"] for hit in answer["hits"]]
    assert answer["weights"] == {}


def test_weights_are_given_by_signal(folder):
    answer = found(folder, "local file", "--weight", "dense=3", "--weight", "bm25_share=0.5")
    assert answer["weights"] == {"dense": 3.0, "bm25_share": 0.5}
    first = answer["hits"][0]
    assert first["score"] == pytest.approx(
        first["rerank_score"] + 3 * first["signals"]["dense"] + 0.5 * first["signals"]["bm25_share"]
    )


def test_a_query_longer_than_training_saw_keeps_stage_ones_order(folder):
    answer = found(folder, "income tax " * 60)
    assert answer["status"] == "skipped"
    assert [(note["code"], note["longest"]) for note in answer["notes"]] == [("rerank_skipped", 62)]
    assert [hit["retrieval_rank"] for hit in answer["hits"]] == list(range(1, len(answer["hits"]) + 1))
    assert "not reranked: the query has 120 tokens" in search(folder, "income tax " * 60)


def test_context_prints_notes_on_standard_error(folder):
    done = run("search", "income tax " * 150, "--index", "ix", "--context", cwd=folder)
    assert done.out.startswith("[1] ")
    assert "not reranked: the query has 300 tokens" in done.err
    assert "the query is longer than the bi-encoder's window" in done.err


def test_a_bi_encoder_named_as_reranker_is_refused(folder):
    message = error_of("search", "tax", "--index", "ix", "--reranker", "all-MiniLM-L6-v2", cwd=folder, code=4)
    assert "all-MiniLM-L6-v2" in message


@pytest.mark.parametrize("retriever", ["hybrid", "bm25"])
def test_bytes_that_are_not_utf8_in_a_query_are_replaced(folder, retriever):
    query = "tax \udcff\udcfe"
    assert "Income tax is due in April." in search(folder, query, "--retriever", retriever)
    assert found(folder, query)["query"] == "tax \ufffd\ufffd"


def test_passages_of_a_search_score_the_same_in_rerank(folder):
    exact = ("--precision", "exact")
    hits = found(folder, "when is income tax due", *exact)["hits"]
    assert any(hit["title"] for hit in hits)
    lines = "\n".join(map(json.dumps, hits))
    rows = run("rerank", "when is income tax due", "-", "--json", *exact, stdin=lines).out.splitlines()
    spread = max(hit["rerank_score"] for hit in hits) - min(hit["rerank_score"] for hit in hits)
    by_id = {row["id"]: row["rerank"]["score"] for row in map(json.loads, rows)}
    assert by_id == pytest.approx({hit["id"]: hit["rerank_score"] for hit in hits}, abs=1e-3 * spread)


def test_progressive_leaves_some_behind(folder):
    """The order is that of a full search. Scores are not compared: processors round differently."""
    query = "does not need a server"
    exact, early = found(folder, query, "--top", "1"), found(folder, query, "--top", "1", "--progressive")
    assert early["hits"][0]["id"] == exact["hits"][0]["id"]
    assert early["hits"][0]["rerank_score"] is not None
    assert (early["scored"] + early["dropped"], exact["scored"]) == (6, 6)


def test_no_match_is_an_answer_without_a_formula(folder):
    shown = search(folder, "zzzzqqq", "--retriever", "bm25")
    assert "no passage matches" in shown
    assert "final score" not in shown
    context = run("search", "zzzzqqq", "--retriever", "bm25", "--context", "--index", "ix", cwd=folder)
    assert (context.out, "no passage matches" in context.err) == ("", True)


def test_tail_goes_past_the_pool(folder):
    answer = found(folder, "server", "--pool", "2", "--top", "5", "--tail")
    assert [hit["rerank_score"] is None for hit in answer["hits"]] == [False, False, True, True, True]


def test_the_score_that_orders_is_shown_with_the_terms_that_count(folder):
    query = "when is income tax due"
    blended, alone = search(folder, query), search(folder, query, "--retriever", "bm25")
    first = found(folder, query)["hits"][0]
    assert f"  1  score {first['score']:+.3f}  was" in blended
    assert f"id {first['id']}" in blended
    assert "x dense + " in blended
    assert "x dense" not in alone


def test_settings_of_the_file_are_followed_and_named(folder):
    file = folder / "shortlist.toml"
    file.write_text("[search]\nrerank = false\npool_size = 4\ntop_k = 3\nblend = 2.0\n")
    try:
        answer = found(folder, "tax")
        assert (answer["pool_size"], len(answer["hits"]), answer["status"]) == (4, 3, "off")
        assert answer["from_file"] == {"rerank": False, "pool_size": 4, "top_k": 3}
        assert "from shortlist.toml in this folder: rerank = false, pool_size = 4, top_k = 3" in search(folder, "tax")
        both = found(folder, "tax", "--rerank", "--pool", "5")
        assert (both["pool_size"], both["from_file"]) == (5, {"blend": 2.0, "top_k": 3})
        file.write_text("[search]\nmin_probability = 0.5\n")
        ignored = run("search", "tax", "--index", "ix", "--no-rerank", "--json", cwd=folder)
        assert ignored.json()["notes"][0] == {
            "code": "setting_ignored",
            "setting": "min_probability",
            "reason": "not_reranked",
        }
        assert ignored.err == "min_probability of shortlist.toml is ignored: the search does not rerank\n"
        file.write_text("[search]\npools = 3\n")
        assert "'pools' is unknown under [search]" in error_of("search", "tax", "--index", "ix", cwd=folder)
        file.write_text("[search]\npool_size = 0\n")
        message = error_of("search", "tax", "--index", "ix", cwd=folder)
        assert "shortlist.toml: pool_size must be a whole number of at least 1" in message, "the file's own name"
    finally:
        file.unlink()


def test_commands_in_notes_have_the_index_of_the_search(folder):
    for options in ([], ["--context"]):
        shown = run("search", "tax", "--pool", "auto", "--index", "ix", *options, cwd=folder)
        assert "shortlist calibrate QUERIES --index ix" in shown.text


def test_an_empty_query_is_an_error_before_a_model_loads(folder, monkeypatch):
    for name in ("load_encoder", "load_reranker"):
        monkeypatch.setattr(registry, name, lambda *_, **__: pytest.fail("a model loads"))
    for arguments in (["search", " ", "--index", "ix"], ["rerank", "", "docs/bread.txt"]):
        assert "the query is empty: give at least one word" in error_of(*arguments, cwd=folder)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", ""], 2, "the query is empty"),
        (["search", "q", "--pool", "3", "--top", "9"], 2, "--top is 9 and --pool is 3: the answer cannot be longer"),
        (["search", "q", "--top", "0"], 2, "--top must be a whole number of at least 1, not 0"),
        (["search", "q", "--top", "1000000000000"], 2, "--top is 1000000000000: use at most 10,000,000"),
        (["search", "q", "--budget-tokens", "1000000000000"], 2, "--budget-tokens is 1000000000000: use at most"),
        (["search", "q", "--top", "ten"], 2, "--top is 'ten': give a whole number"),
        (["search", "q", "--fusion", "half"], 2, "--fusion is 'half': give a number"),
        (["search", "q", "--state", "fits"], 2, "ix is an index with its own fits: leave out --state"),
        (["search", "q", "--pool", "many"], 2, "--pool must be a whole number of at least 1, or \"auto\", not 'many'"),
        (["search", "q", "--index", "nowhere"], 3, "there is no index at nowhere"),
        (["search", "q", "--index", "docs"], 3, "docs is not a shortlist index"),
        (["search", "q", "--retriever", "magic"], 2, "--retriever must be hybrid, dense, bm25, package.module"),
        (["search", "q", "--retriever", "no.such:thing"], 2, "no.such:thing cannot be loaded"),
        (["search", "q", "--bi-encoder", "hashed-64"], 3, "made with the bi-encoder all-MiniLM-L6-v2"),
        (["search", "q", "--reranker", "nope"], 4, "'nope'"),
        (["search", "q", "--where", "year"], 2, "--where: 'year' is no condition: write a field"),
        (["search", "q", "--weight", "dense"], 2, "--weight is 'dense': write key=value"),
        (["search", "q", "--weight", "foo=3"], 2, "'foo' is not a signal of stage one; the signals are dense, bm25,"),
        (["search", "q", "--section", "--neighbours", "2"], 2, "--section asks for whole sections, and"),
        (["search", "q", "--neighbours", "21"], 2, "--neighbours is 21: use 0 to 20"),
        (["search", "q", "--budget-tokens", "0"], 2, "--budget-tokens must be a whole number of at least 1, not 0"),
        (["search", "q", "--budget-tokens", "2"], 2, "--budget-tokens is 2: too few for the best hit"),
        (["search", "q", "--precision", "int3"], 2, "int3"),
        (["search", "q", "--blend", "-1"], 2, "--blend must be a number from 0 to 1,000,000, not -1.0"),
        (["search", "q", "--blend", "1e300"], 2, "--blend must be a number from 0 to 1,000,000, not 1e+300"),
        (["search", "q", "--weight", "dense=1e300"], 2, "must be a number from 0 to 1e12, not 1e+300"),
        (["search", "q", "--pool", "1" + "0" * 400], 2, "--pool is a number above 1e+308: use at most 10,000,000"),
        (["search", "q", "--top", "1" + "0" * 40], 2, "--top is 1e+40: use at most 10,000,000"),
        (["search", "q", "--fusion", "2"], 2, "--fusion must be a number from 0 to 1"),
        (["search", "q", "--min-probability", "2"], 2, "--min-probability must be a number from 0 to 1"),
        (["search", "q", "--progressive", "--reranker", "command_line:Plain"], 2, "search without --progressive"),
        (["rerank", "word " * 600, "docs/bread.txt"], 2, "horten the query"),
        (["rerank", "q", "docs/bread.txt", "--top", "0"], 2, "--top must be a whole number of at least 1"),
        (["rerank", "q", "missing.txt"], 2, "missing.txt cannot be read"),
        (["search", "q", "--index", ""], 2, "the name of the index is empty: name a folder"),
        (["search", "refund", "days"], 2, "'days' is one argument too many: write a text of several words in quotes"),
        (["search", "q", "--where", "year>abc"], 2, "--where: year>abc compares with no number and no date"),
        (["add", ""], 2, "a path is empty: give files or folders"),
        (["add", "missing"], 2, "no file or folder 'missing'"),
        (["add", "docs", "--index", "docs"], 3, "already contains"),
    ],
)
def test_errors_are_one_line_with_the_names_of_options_and_an_exit_code(folder, arguments, code, message):
    index = [] if "--index" in arguments or arguments[0] == "rerank" else ["--index", "ix"]
    assert message in error_of(*arguments, *index, cwd=folder, code=code)


def test_an_index_that_is_open_is_an_error_of_one_line(folder):
    with INDEXES.open(folder / "ix"):
        message = error_of("search", "q", "--index", "ix", cwd=folder, code=3)
    assert "open" in message


def test_the_reranker_may_read_another_text_and_other_phrasings_join_the_pool(folder):
    arguments = ("--rerank-query", "when is income tax due", "--also", "bake bread", "--top", "1", "--blend", "0")
    answer = found(folder, "a local file", *arguments)
    assert answer["hits"][0]["title"] == "Tax"
    assert (answer["rerank_query"], answer["queries"]) == ("when is income tax due", ["bake bread"])
    shown = search(folder, "a local file", *arguments)
    assert "the reranker read 'when is income tax due'" in shown
    assert "pool fused with 'bake bread'" in shown
    assert "the --rerank-query is empty" in error_of("search", "a", "--rerank-query", " ", "--index", "ix", cwd=folder)


def test_the_terms_of_an_expansion_are_shown(folder):
    shown = search(folder, "dough", "--expand", "rm3", "--no-rerank")
    assert "query expanded by rm3:" in shown
    assert "crust" in shown.partition("query expanded by rm3:")[2]
    message = error_of("search", "dough", "--expand", "rm3", "--retriever", "dense", "--index", "ix", cwd=folder)
    assert "--expand: RM3 adds terms to BM25 of an index, and Dense has no such BM25" in message
