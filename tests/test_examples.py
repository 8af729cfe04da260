"""The examples compile, their files parse, and they run if their library is installed."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from shortlist.search.texts import text_of

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LIBRARIES = {
    "langchain_retriever.py": "langchain_core",
    "llamaindex_postprocessor.py": "llama_index.core",
    "haystack_ranker.py": "haystack",
    "dspy_retriever.py": "dspy",
}


def test_every_example_is_known():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(LIBRARIES)


@pytest.mark.parametrize("name", LIBRARIES)
def test_examples_compile(name):
    compile((EXAMPLES / name).read_text(encoding="utf-8"), name, "exec")


@pytest.mark.parametrize("name", LIBRARIES)
def test_examples_use_public_names_only(name):
    import shortlist as sl

    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert set(re.findall(r"\bsl\.(\w+)", text)) <= set(sl.__all__)
    modules = set(re.findall(r"^(?:import|from) (shortlist[\w.]*)", text, re.MULTILINE))
    assert modules
    assert all(module == "shortlist" or module.startswith("shortlist.integrations.") for module in modules)


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_examples_put_the_answer_first(name, library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    spec = importlib.util.spec_from_file_location(f"example_{name[:-3]}", EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    results = list(module.main())
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
