"""Stand-ins with the methods and signatures of the retrievers of LangChain, LlamaIndex, Haystack and DSPy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

TEXTS = {"a": "cats sleep", "b": "tax is due", "c": "a tax", "d": "the sea", "e": "red", "f": "blue"}


class Document:
    """A LangChain document, which may have no id."""

    def __init__(self, page_content: str, id: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self.page_content, self.id, self.metadata = page_content, id, metadata or {}


DOCUMENTS = [Document(text, key, {"source": f"{key}.md"}) for key, text in TEXTS.items()]


class VectorStore:
    """A LangChain vector store. The second number is a distance."""

    def similarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        return [(document, 0.1 * place) for place, document in enumerate(self.similarity_search(*args, **kwargs))]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return DOCUMENTS[:k]

    def as_retriever(self, search_kwargs: dict[str, Any] | None = None) -> VectorStoreRetriever:
        return VectorStoreRetriever(search_kwargs)


class PlainVectorStore(VectorStore):
    """A store with the methods of the base class, which raises an error instead of scores."""

    def similarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        raise NotImplementedError


class AsyncVectorStore(PlainVectorStore):
    """A store with async methods alone."""

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        raise NotImplementedError("use the async method")

    async def asimilarity_search_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
        return [(document, 0.5) for document in DOCUMENTS[: kwargs["k"]]]


class VectorStoreRetriever:
    """The retriever of a LangChain vector store."""

    def __init__(self, search_kwargs: dict[str, Any] | None = None) -> None:
        self.search_kwargs = search_kwargs or {}

    def invoke(self, input: str, config: Any = None, **kwargs: Any) -> list[Document]:
        return DOCUMENTS[: self.search_kwargs.get("k", 4)]

    async def ainvoke(self, input: str, config: Any = None, **kwargs: Any) -> list[Document]:
        return self.invoke(input, config)


class AsyncRetriever(VectorStoreRetriever):
    """A LangChain retriever with `_aget_relevant_documents` alone."""

    def invoke(self, input: str, config: Any = None, **kwargs: Any) -> list[Document]:
        raise NotImplementedError("use ainvoke")

    async def ainvoke(self, input: str, config: Any = None, **kwargs: Any) -> list[Document]:
        return DOCUMENTS[:2]


class Node:
    """A LlamaIndex node."""

    def __init__(self, key: str, text: str) -> None:
        self.node_id, self.metadata, self.ref_doc_id, self._text = key, {"page": 3}, f"document of {key}", text

    def get_content(self) -> str:
        return self._text


class NodeWithScore:
    """A LlamaIndex result. `text` raises an error if the node is no text node."""

    def __init__(self, node: Node, score: float | None) -> None:
        self.node, self.score = node, score

    @property
    def text(self) -> str:
        raise ValueError("Node must be a TextNode to get text.")


NODES = [NodeWithScore(Node(key, text), 0.9 - 0.1 * place) for place, (key, text) in enumerate(TEXTS.items())]


class LlamaIndexRetriever:
    """A LlamaIndex retriever: `retrieve` has one parameter."""

    def __init__(self, similarity_top_k: int = 2) -> None:
        self.similarity_top_k = similarity_top_k

    def retrieve(self, str_or_query_bundle: Any) -> list[NodeWithScore]:
        return NODES[: self.similarity_top_k]

    async def aretrieve(self, str_or_query_bundle: Any) -> list[NodeWithScore]:
        return self.retrieve(str_or_query_bundle)


def haystack_documents(top_k: int) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(id=key, content=text, score=0.1 * place, meta={"source_id": f"{key} file"})
        for place, (key, text) in enumerate(TEXTS.items())
    ][:top_k]


class HaystackRetriever:
    """A retriever component of Haystack."""

    def __init__(self, top_k: int = 3) -> None:
        self.top_k = top_k
        self.calls: list[Any] = []

    def warm_up(self) -> None:
        self.calls.append("warm_up")

    def run(self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None) -> dict[str, Any]:
        self.calls.append((query, filters, top_k))
        return {"documents": haystack_documents(top_k or self.top_k)}


class Pipeline:
    """A pipeline of Haystack: an embedder and a retriever."""

    def __init__(self, inputs: dict[str, dict[str, bool]], answer: dict[str, Any] | None = None) -> None:
        self._inputs, self._answer = inputs, answer
        self.data: Any = None

    def inputs(self) -> dict[str, dict[str, dict[str, bool]]]:
        return {
            component: {socket: {"is_mandatory": mandatory} for socket, mandatory in sockets.items()}
            for component, sockets in self._inputs.items()
        }

    def outputs(self) -> dict[str, Any]:
        return {"retriever": {"documents": {"type": list}}}

    def run(self, data: dict[str, Any], include_outputs_from: Any = None) -> dict[str, Any]:
        self.data = data
        return self._answer or {"retriever": {"documents": haystack_documents(data["retriever"].get("top_k", 10))}}


class DspyEmbeddings:
    """DSPy's `Embeddings`: a callable object with `forward` and its own k."""

    def __init__(self, k: int = 2) -> None:
        self.k = k

    def __call__(self, query: str) -> Any:
        return self.forward(query)

    def forward(self, query: str) -> Any:
        passages = list(TEXTS.values())[: self.k]
        return SimpleNamespace(passages=passages, indices=list(range(self.k)), scores=[0.5] * self.k)


class DspyRetrieve:
    """DSPy's `Retrieve`, which accepts k and returns passages alone."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, query: str, k: int | None = None, **kwargs: Any) -> Any:
        return SimpleNamespace(passages=list(TEXTS.values())[:k])


DSPY = DspyRetrieve()
LANGCHAIN = VectorStoreRetriever()


async def asynchronous(query: str, k: int) -> list[tuple[str, str]]:
    """An async function as a retriever."""
    return list(TEXTS.items())[:k]
