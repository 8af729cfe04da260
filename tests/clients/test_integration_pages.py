"""The examples of frameworks in docs/retrievers.md and in examples/ run with the real frameworks and models."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import shortlist as sl
from shortlist.encoders.hashed import HashedEncoder
from shortlist.search.texts import text_of

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "retrievers.md"
EXAMPLES = sorted(
    path for path in (ROOT / "examples").glob("*.py") if path.stem not in ("chroma_report", "spark_rerank")
)
"""Those of frameworks. tests/test_examples.py has the other ones."""
TEXTS = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
ANSWER = TEXTS[2]


def blocks(heading: str) -> list[str]:
    """Return the Python blocks of a section of the page."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return re.findall(r"^```python\n(.*?)^```", section.group(1), re.DOTALL | re.MULTILINE)


def run(heading: str, **names):
    """Run the blocks of a section in order, with names that the page assumes, and return all names."""
    for block in blocks(heading):
        exec(compile(block, f"{heading} of {PAGE.name}", "exec"), names)
    return names


def test_langchain(sdk):
    vectorstores = sdk("langchain_core.vectorstores", "langchain-core")
    embeddings = sdk("langchain_core.embeddings", "langchain-core").DeterministicFakeEmbedding(size=8)
    names = run("LangChain", store=vectorstores.InMemoryVectorStore.from_texts(TEXTS, embeddings))
    assert names["retriever"].invoke("when is income tax due")[0].page_content == ANSWER
    assert names["documents"][0].page_content == ANSWER


def test_llamaindex(sdk):
    core = sdk("llama_index.core", "llama-index-core")
    nodes = [core.schema.TextNode(text=text) for text in TEXTS]
    names = run("LlamaIndex", index=core.VectorStoreIndex(nodes, embed_model=core.MockEmbedding(8)))
    assert names["retriever"].retrieve("when is income tax due")[0].text == ANSWER


def test_haystack(sdk, tmp_path, monkeypatch):
    haystack = sdk("haystack", "haystack-ai")
    store = sdk("haystack.document_stores.in_memory", "haystack-ai").InMemoryDocumentStore()
    store.write_documents([haystack.Document(content=text, meta={"year": 2024}) for text in TEXTS])
    monkeypatch.chdir(tmp_path)
    with sl.open("my-index", create=True) as index:
        index.add([{"id": str(place), "text": text} for place, text in enumerate(TEXTS)])
    names = run("Haystack", store=store)
    assert names["answer"]["ranker"]["documents"][0].content == ANSWER
    assert names["loaded"].to_dict() == names["pipeline"].to_dict()
    names["pipeline"].get_component("retriever").close()


def test_dspy(sdk):
    dspy = sdk("dspy", "dspy")
    embedder = dspy.Embedder(HashedEncoder(64).encode_passages)
    names = run("DSPy", embeddings=dspy.retrievers.Embeddings(TEXTS, embedder, k=50))
    assert names["retriever"]("when is income tax due").passages[0] == ANSWER


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path):
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        pytest.skip(f"{error.name or error} is not installed: run make clients")
    results = list(module.main())
    assert (len(results), text_of(results[0])) == (2, ANSWER)
