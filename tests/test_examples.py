"""The examples compile, their files parse, and they run where their library is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NEEDS = {
    "langchain_retriever.py": "langchain_core",
    "llamaindex_postprocessor.py": "llama_index.core",
    "haystack_ranker.py": "haystack",
}


def test_every_example_is_known():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_examples_compile(name):
    compile((EXAMPLES / name).read_text(encoding="utf-8"), name, "exec")


@pytest.mark.parametrize(("name", "library"), NEEDS.items())
def test_examples_put_the_answer_first(name, library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    spec = importlib.util.spec_from_file_location(f"example_{name[:-3]}", EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main()
    assert len(found) == 2
    first = found[0]
    text = next(getattr(first, kind) for kind in ("page_content", "text", "content") if hasattr(first, kind))
    assert text == "Income tax is due in April."


def test_the_mcp_clients_settings_name_a_real_command():
    from shortlist.cli.command_table import NAMES

    (entry,) = json.loads((EXAMPLES / "mcp.json").read_text(encoding="utf-8"))["mcpServers"].values()
    assert entry["command"] == "shortlist"
    assert entry["args"][0] in NAMES


def test_what_open_webui_sends_is_answered_as_it_reads_it():
    pytest.importorskip("fastapi", reason="the server extra is not installed")
    from starlette.testclient import TestClient

    from fakes import WordReranker
    from shortlist.server.app import Parts, create_app
    from shortlist.server.batching.scorer import InlineScorer

    documents = ["cats sleep", "when tax is due", "a tax"]
    sent = {"model": "words", "query": "when is tax due", "documents": documents, "top_n": len(documents)}
    with TestClient(create_app(Parts(InlineScorer(WordReranker())))) as client:
        answer = client.post("/v1/rerank", json=sent, headers={"Authorization": "Bearer any"})
    assert answer.status_code == 200
    by_index = sorted(answer.json()["results"], key=lambda one: one["index"])
    scores = [one["relevance_score"] for one in by_index]
    assert len(scores) == 3
    assert max(scores) == scores[1]
    assert all(0 <= score <= 1 for score in scores)
