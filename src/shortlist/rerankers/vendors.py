"""The request and the answer of each rerank service: one record for each vendor.

Sources:
    Cohere, https://docs.cohere.com/reference/rerank (v2); Voyage, https://docs.voyageai.com/reference/reranker-api;
    Jina, https://jina.ai/reranker; Mixedbread, https://www.mixedbread.com/docs/reranking/overview;
    Together, https://docs.together.ai/docs/together-and-llamarank; Pinecone, https://docs.pinecone.io/reference/api;
    TEI, https://huggingface.github.io/text-embeddings-inference; Infinity, https://github.com/michaelfeil/infinity;
    vLLM, https://docs.vllm.ai, "Re-rank API"; llama.cpp, tools/server/README.md in its repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shortlist.errors import InvalidInput

_ADDRESS = re.compile(r"(?:(?P<model>.+?)@)?(?P<url>https?://\S+)")


@dataclass(frozen=True, slots=True)
class Vendor:
    """The request and the answer of one service.

    `base` is the service's URL, or "" for a server of the user, whose URL must be given. `path` is added to a URL
    without one. `keys` are the environment variables that may hold the key, in order, and `base_variable` the one that
    may hold the URL. The key is sent in `key_header`.

    `texts`, `top`, `results` and `score` are names of fields: the list of texts, the number of results to return ("" if
    the service returns all), the list of results ("" for a bare array), and the score of a result. `wrapped` texts are
    sent as objects. `extra` and `headers` are sent with every request.

    `max_texts` is the limit of one request. If `logits` is true, scores are not numbers from 0 to 1. If the name of a
    model starts with an entry of `listwise`, its scores depend on the rest of the list. If `needs_key` or `needs_model`
    is true, the service refuses a request without a key or a model.
    """

    name: str
    base: str
    path: str
    keys: tuple[str, ...] = ()
    base_variable: str = ""
    texts: str = "documents"
    wrapped: bool = False
    top: str = "top_n"
    results: str = "results"
    score: str = "relevance_score"
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    key_header: str = "Authorization"
    max_texts: int = 1000
    logits: bool = False
    listwise: tuple[str, ...] = ()
    needs_key: bool = True
    needs_model: bool = True

    def body(self, model: str, query: str, texts: Sequence[str]) -> dict[str, Any]:
        """Return the request for these texts. It requests a result for every text, because a default may be 10."""
        documents = [{"text": text} for text in texts] if self.wrapped else list(texts)
        body: dict[str, Any] = {"query": query, self.texts: documents, **self.extra}
        if model:
            body["model"] = model
        if self.top:
            body[self.top] = len(texts)
        return body


VENDORS: Mapping[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        Vendor("cohere", "https://api.cohere.com", "/v2/rerank", ("CO_API_KEY", "COHERE_API_KEY"), "CO_API_URL"),
        Vendor(
            "voyage",
            "https://api.voyageai.com",
            "/v1/rerank",
            ("VOYAGE_API_KEY",),
            top="top_k",
            results="data",
        ),
        Vendor(
            "jina",
            "https://api.jina.ai",
            "/v1/rerank",
            ("JINA_API_KEY", "JINAAI_API_KEY", "JINA_AI_API_KEY"),
            extra={"return_documents": False},
            listwise=("jina-reranker-v3",),
        ),
        Vendor(
            "mixedbread",
            "https://api.mixedbread.com",
            "/v1/reranking",
            ("MXBAI_API_KEY",),
            texts="input",
            top="top_k",
            results="data",
            score="score",
        ),
        Vendor("together", "https://api.together.xyz", "/v1/rerank", ("TOGETHER_API_KEY",)),
        Vendor(
            "pinecone",
            "https://api.pinecone.io",
            "/rerank",
            ("PINECONE_API_KEY",),
            wrapped=True,
            results="data",
            score="score",
            extra={"return_documents": False, "parameters": {"truncate": "END"}},
            headers={"X-Pinecone-Api-Version": "2025-04"},
            key_header="Api-Key",
            max_texts=100,
        ),
        Vendor(
            "tei",
            "",
            "/rerank",
            ("TEI_API_KEY",),
            texts="texts",
            top="",
            results="",
            score="score",
            extra={"raw_scores": False, "truncate": True},
            max_texts=32,
            needs_key=False,
            needs_model=False,
        ),
        Vendor("infinity", "", "/rerank", ("INFINITY_API_KEY",), max_texts=2048, needs_key=False, needs_model=False),
        Vendor("vllm", "", "/v1/rerank", ("VLLM_API_KEY",), needs_key=False, needs_model=False),
        Vendor("llamacpp", "", "/v1/rerank", ("LLAMA_API_KEY",), logits=True, needs_key=False, needs_model=False),
        Vendor("compatible", "", "/v1/rerank", ("RERANK_API_KEY",), needs_key=False, needs_model=False),
    )
}
"""The vendors by name. `compatible` is any other server with the request and answer of Cohere or Jina."""


@dataclass(frozen=True, slots=True)
class Address:
    """A vendor, the model ("" for the server's own), and the whole URL ("" for the vendor's own)."""

    vendor: Vendor
    model: str
    url: str

    @property
    def name(self) -> str:
        """The name that users write, without the query of the URL, because the query may contain secrets."""
        url = self.url.split("?")[0]
        return f"{self.vendor.name}:{self.model}{'@' if self.model and url else ''}{url}"

    @property
    def listwise(self) -> bool:
        """Whether a score depends on the rest of the list, according to the vendor."""
        return self.model.split("/")[-1].startswith(self.vendor.listwise) if self.vendor.listwise else False


def is_hosted(name: str) -> bool:
    """Return whether `name` is the name of a hosted reranker: it starts with a vendor's name and a colon."""
    return name.partition(":")[0] in VENDORS and ":" in name


def parse(name: str) -> Address:
    """Return the parts of `vendor:model`, `vendor:URL` or `vendor:model@URL`.

    Raises:
        InvalidInput: An unknown vendor, a missing model or URL, or a URL with a user name or password.
    """
    vendor = VENDORS.get(name.partition(":")[0])
    if vendor is None or ":" not in name:
        raise InvalidInput(
            f"{name!r} is not a hosted reranker: write vendor:model with a vendor of {', '.join(VENDORS)}"
        )
    rest = name.partition(":")[2].strip()
    match = _ADDRESS.fullmatch(rest)
    model, url = (match["model"] or "", match["url"]) if match else (rest, "")
    if url and "@" in urlsplit(url).netloc:
        raise InvalidInput(
            f"{vendor.name}: leave user name and password out of the URL; the key is read from "
            f"{' or '.join(vendor.keys)}"
        )
    if not url and not vendor.base:
        raise InvalidInput(f"{name!r} needs the server's URL: write {vendor.name}:http://host:port")
    if not model and vendor.needs_model:
        raise InvalidInput(f"{name!r} needs a model: write {vendor.name}:model")
    return Address(vendor, model, with_path(url, vendor.path) if url else "")


def with_path(url: str, path: str) -> str:
    """Return the URL, with the vendor's path if it has none of its own."""
    parts = urlsplit(url)
    return url if parts.path.strip("/") else parts._replace(path=path).geturl()
