"""The names and URLs of models behind an API that is compatible with OpenAI's: `PREFIX:MODEL` and `PREFIX:MODEL@URL`.

Servers such as vLLM, llama.cpp, Ollama and LiteLLM have this API, too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from shortlist.errors import HostedRefused, InvalidInput
from shortlist.http_service import key_in

KEY, BASE = "OPENAI_API_KEY", "OPENAI_BASE_URL"
"""The environment variables with the key, and with the URL of a server if the name has none."""
OWN_URL = "https://api.openai.com/v1"
_ADDRESS = re.compile(
    r"localhost\b.*|\d+(\.\d+){3}\b.*|\[.*|[\w-]+(\.[\w-]+)*\.[a-z]{2,}([/:?].*)?|.*:\d+([/?].*)?|.*/v1\b.*|.*://.*",
    re.IGNORECASE | re.DOTALL,
)
"""A host, with or without a port and a path. Without http, it would pass for a part of the model's name."""

_ONLY_ADDRESS = re.compile(r"localhost\b.*|\d+(\.\d+){3}\b.*|\[.*|.*:\d+/.*|.*/v1/?", re.IGNORECASE | re.DOTALL)
"""An address without http in place of the model. It is narrower: a model may be named `llama3.1:8b` or `org/model`."""


@dataclass(frozen=True, slots=True)
class OpenAIAddress:
    """The prefix of the name, the model, the URL of the server ("" if the name has none), and the path of the route."""

    prefix: str
    model: str
    url: str
    path: str

    @property
    def name(self) -> str:
        """The name that users write, without the query of the URL, because the query may contain secrets."""
        return f"{self.prefix}{self.model}{'@' if self.url else ''}{self.url.split('?')[0]}"

    @property
    def endpoint(self) -> str:
        """The whole URL: of this server, of OPENAI_BASE_URL, or of OpenAI."""
        url = self.url or os.environ.get(BASE, "").strip() or OWN_URL
        parts = urlsplit(url)
        path = parts.path.rstrip("/") or "/v1"
        return parts._replace(path=path if path.endswith(self.path) else f"{path}{self.path}").geturl()

    def key(self) -> str:
        """Return the key of OPENAI_API_KEY, or an empty string for a server of your own that needs none.

        Raises:
            HostedRefused: OpenAI itself needs a key, and the variable is not set; or the key cannot be sent.
        """
        key = key_in((KEY,))
        if not key and self.endpoint.startswith(OWN_URL):
            raise HostedRefused(f"{self.name} needs a key: set {KEY}")
        return key


def parse(name: str, prefix: str, path: str, kind: str) -> OpenAIAddress:
    """Return the parts of `PREFIX:MODEL` or `PREFIX:MODEL@URL`. The name of a model may contain "@".

    `path` is the end of the URL, such as "/embeddings". `kind` names the kind of model in messages.

    Raises:
        InvalidInput: No model, or a URL that is not http, or has a user name or password; or an address without http.
    """
    rest = name.removeprefix(prefix).strip()
    model, at, url = rest.partition("@http")
    url = f"http{url}" if at else ""
    address = rest.rpartition("@")[2].strip()
    if not at and "@" in rest and _ADDRESS.fullmatch(address):
        raise InvalidInput(
            f"{prefix}MODEL@{address.split('?')[0]} is no {kind}: the part after @ is no URL: write "
            "http://localhost:8000/v1"
        )
    host = urlsplit(url).netloc if url.startswith(("http://", "https://")) else ""
    no_model = not model or model.startswith(("http://", "https://")) or _ONLY_ADDRESS.fullmatch(model)
    if no_model or (url and not host):
        raise InvalidInput(f"{name!r} is no {kind}: write {prefix}MODEL or {prefix}MODEL@http://host:port/v1")
    if "@" in host:
        raise InvalidInput(f"{prefix} leave user name and password out of the URL; the key is read from {KEY}")
    return OpenAIAddress(prefix, model, url, path)
