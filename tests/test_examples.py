"""The examples compile, their files parse, and they run if their library is installed."""

from __future__ import annotations

import importlib.util
import json
import re
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
NAMES = (*LIBRARIES, REPORT)


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
