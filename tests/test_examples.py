"""The examples compile, their files parse, and they run if their library is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shortlist.search.texts import text_of
from test_readme import SUBJECTS

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LIBRARIES = {
    "langchain_retriever.py": "langchain_core",
    "llamaindex_postprocessor.py": "llama_index.core",
    "haystack_ranker.py": "haystack",
    "dspy_retriever.py": "dspy",
}
REPORT = "chroma_report.py"
SPARK = "spark_rerank.py"
NAMES = (*LIBRARIES, REPORT, SPARK)


def test_every_example_is_known():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_examples_compile(name):
    compile((EXAMPLES / name).read_text(encoding="utf-8"), name, "exec")


@pytest.mark.parametrize("name", NAMES)
def test_examples_use_public_names_only(name):
    import shortlist as sl

    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert set(re.findall(r"\bsl\.(\w+)", text)) <= set(sl.__all__)
    modules = set(re.findall(r"^(?:import|from) (shortlist[\w.]*)", text, re.MULTILINE))
    assert modules
    assert all(module == "shortlist" or module.startswith("shortlist.integrations.") for module in modules)


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"example_{name[:-3]}", EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_report_on_a_chroma_collection(tmp_path, monkeypatch, capsys):
    chromadb = pytest.importorskip("chromadb", reason="chromadb is not installed")
    import shortlist as sl

    monkeypatch.chdir(tmp_path)
    rooms = [f"room {number}" for number in range(20)]
    texts = [f"The {name} are kept in {room}." for name, room in zip(SUBJECTS, rooms, strict=True)]
    collection = chromadb.PersistentClient(str(tmp_path / "chroma")).create_collection("notes")
    collection.add(ids=rooms, documents=texts, embeddings=sl.load_encoder().encode_passages(texts))
    lines = [f"where are the {name},{room}" for name, room in zip(SUBJECTS, rooms, strict=True)]
    Path("queries.csv").write_text("\n".join(["query,relevant", *lines]), encoding="utf-8")
    size = loaded(REPORT).main(f"chroma:notes@{tmp_path / 'chroma'}", "queries.csv", "report.html")
    printed = capsys.readouterr().out
    assert size == 5
    assert "stage one alone: nDCG@10 1.000\npool   5: nDCG@10 1.000, ceiling 1.000\n" in printed
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


PAIRS = {
    "query_id": ["2", "1", "2", "1"],
    "query": ["when is tax due", "where do cats sleep", "when is tax due", "where do cats sleep"],
    "passage_id": ["a", "a", "b", "b"],
    "text": [
        "Income tax is due in April.",
        "Income tax is due in April.",
        "Cats sleep all day.",
        "Cats sleep all day.",
    ],
}


def expected_scores():
    import shortlist as sl

    reranker = sl.load_reranker()
    rows = zip(*PAIRS.values(), strict=True)
    return {(query_id, passage_id): reranker.score(query, [text])[0] for query_id, query, passage_id, text in rows}


def test_the_function_for_spark_scores_frames_in_their_order():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(PAIRS, index=[7, 7, 3, 1])
    (first, empty) = loaded(SPARK).scores(iter([frame, frame.iloc[:0]]))
    assert list(first.columns) == list(empty.columns) == ["query_id", "passage_id", "score"]
    assert len(empty) == 0
    assert first["query_id"].tolist() == PAIRS["query_id"]
    found = dict(zip(zip(first["query_id"], first["passage_id"], strict=True), first["score"], strict=True))
    assert found == pytest.approx(expected_scores(), abs=0.05)


@pytest.mark.slow
def test_spark_scores_a_table(tmp_path):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    pandas.DataFrame(PAIRS).to_parquet(tmp_path / "pairs.parquet")
    command = [
        sys.executable,
        str(EXAMPLES / SPARK),
        str(tmp_path / "pairs.parquet"),
        str(tmp_path / "out"),
        "local[2]",
    ]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "4 pairs scored\n", done.stderr
    out = pandas.read_parquet(tmp_path / "out")
    found = dict(zip(zip(out["query_id"], out["passage_id"], strict=True), out["score"], strict=True))
    assert found == pytest.approx(expected_scores(), abs=0.05)


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_examples_put_the_answer_first(name, library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    results = list(loaded(name).main())
    assert len(results) == 2
    first = results[0]
    assert text_of(first) == "Income tax is due in April."


def test_the_settings_of_mcp_clients_name_a_command():
    from shortlist.cli.command_table import NAMES

    (entry,) = json.loads((EXAMPLES / "mcp.json").read_text(encoding="utf-8"))["mcpServers"].values()
    assert entry["command"] == "shortlist"
    assert entry["args"][0] in NAMES


def test_the_request_of_open_webui_gets_the_answer_that_it_reads():
    pytest.importorskip("fastapi", reason="the server extra is not installed")
    from starlette.testclient import TestClient

    import shortlist as sl
    from fakes import ListRetriever, WordReranker

    documents = ["cats sleep", "when tax is due", "a tax"]
    body = {"model": "words", "query": "when is tax due", "documents": documents, "top_n": len(documents)}
    with TestClient(sl.asgi(sl.Search(ListRetriever(documents), WordReranker()))) as client:
        answer = client.post("/v1/rerank", json=body, headers={"Authorization": "Bearer any"})
    assert answer.status_code == 200
    results = sorted(answer.json()["results"], key=lambda result: result["index"])
    scores = [result["relevance_score"] for result in results]
    assert len(scores) == 3
    assert max(scores) == scores[1]
    assert all(0 <= score <= 1 for score in scores)
