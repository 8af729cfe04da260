"""What each rerank service expects and answers: one record a vendor.

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
    """One service's request and answer.

    `base` is where it lives, "" for a server of one's own, whose URL has to be given; `path` is added to a URL without
    one. `keys` are the environment variables that may hold the key, tried in order. `texts`, `top`, `results` and
    `score` are the names of its fields: the list of texts, the number of results wanted ("" where all come back), the
    list of results ("" for a bare array) and a result's score. `wrapped` texts go as objects. `most` is how many fit in
    one request. `logits`: its scores are no numbers in 0 to 1 yet. Models whose names start with one of `listwise`
    score a text by the rest of the list too. `needs_key`, `needs_model`: it refuses requests without.
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
    most: int = 1000
    logits: bool = False
    listwise: tuple[str, ...] = ()
    needs_key: bool = True
    needs_model: bool = True

    def body(self, model: str, query: str, texts: Sequence[str]) -> dict[str, Any]:
        """The request for these texts; every one of them is wanted back, since a default may be 10."""
        held = [{"text": text} for text in texts] if self.wrapped else list(texts)
        made: dict[str, Any] = {"query": query, self.texts: held, **self.extra}
        if model:
            made["model"] = model
        if self.top:
            made[self.top] = len(texts)
        return made


VENDORS: Mapping[str, Vendor] = {
    one.name: one
    for one in (
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
            most=100,
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
            most=32,
            needs_key=False,
            needs_model=False,
        ),
        Vendor("infinity", "", "/rerank", ("INFINITY_API_KEY",), most=2048, needs_key=False, needs_model=False),
        Vendor("vllm", "", "/v1/rerank", ("VLLM_API_KEY",), needs_key=False, needs_model=False),
        Vendor("llamacpp", "", "/v1/rerank", ("LLAMA_API_KEY",), logits=True, needs_key=False, needs_model=False),
        Vendor("compatible", "", "/v1/rerank", ("RERANK_API_KEY",), needs_key=False, needs_model=False),
    )
}
"""Name -> record. `compatible` is any other server that speaks Cohere's or Jina's shape."""


@dataclass(frozen=True, slots=True)
class Address:
    """A vendor, the model asked of it ("" where the server has its own), and the whole URL ("" for the vendor's)."""

    vendor: Vendor
    model: str
    url: str

    @property
    def name(self) -> str:
        """As it is written on the command line, without the URL's query, which may hold secrets."""
        at = self.url.split("?")[0]
        return f"{self.vendor.name}:{self.model}{'@' if self.model and at else ''}{at}"

    @property
    def listwise(self) -> bool:
        """Whether the vendor says that a score depends on the rest of the list."""
        return self.model.split("/")[-1].startswith(self.vendor.listwise) if self.vendor.listwise else False


def is_hosted(name: str) -> bool:
    """Whether `name` starts with a vendor's name and a colon, so that it names a hosted reranker."""
    return name.partition(":")[0] in VENDORS and ":" in name


def parse(name: str) -> Address:
    """`vendor:model`, `vendor:URL` or `vendor:model@URL` taken apart.

    Raises:
        InvalidInput: An unknown vendor, no model or no URL where one is needed, or a URL with a user name or password.
    """
    vendor = VENDORS.get(name.partition(":")[0])
    if vendor is None or ":" not in name:
        raise InvalidInput(f"{name!r} names no hosted reranker: write vendor:model with one of {', '.join(VENDORS)}")
    rest = name.partition(":")[2].strip()
    found = _ADDRESS.fullmatch(rest)
    model, url = (found["model"] or "", found["url"]) if found else (rest, "")
    if url and _has_user(url):
        raise InvalidInput(f"{vendor.name}: leave user name and password out of the URL; {_said(vendor)}")
    if not url and not vendor.base:
        raise InvalidInput(f"{name!r} needs the server's URL: write {vendor.name}:http://host:port")
    if not model and vendor.needs_model:
        raise InvalidInput(f"{name!r} needs a model: write {vendor.name}:model")
    return Address(vendor, model, with_path(url, vendor.path) if url else "")


def with_path(url: str, path: str) -> str:
    """The URL, with the vendor's path where it has none of its own."""
    parts = urlsplit(url)
    return url if parts.path.strip("/") else parts._replace(path=path).geturl()


def _has_user(url: str) -> bool:
    return "@" in urlsplit(url).netloc


def _said(vendor: Vendor) -> str:
    return f"its key is read from {' or '.join(vendor.keys)}"
