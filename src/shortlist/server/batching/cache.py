"""A cache of scores."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from cachetools import LRUCache

from shortlist.errors import InvalidInput
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.middleware.observer import Observer
from shortlist.server.options import CACHE_BYTES

ENTRY_BYTES = 400
"""The memory of one entry, measured on CPython 3.11 and rounded up: key, value, and its share of the map."""
KEY_BYTES = 16

Entry = tuple[float, bool, int]
"""The score, whether the text was cut, and the tokens of the pair (0 if unknown)."""


class ScoreCache:
    """The most recently used scores, in at most `max_bytes` of memory. Thread-safe.

    Each score counts as `ENTRY_BYTES`. The cache holds at least one score.

    Raises:
        InvalidInput: `max_bytes` is negative.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        if max_bytes < 0:
            raise InvalidInput(f"a cache cannot hold {max_bytes} bytes: use 0 to turn it off")
        self._entries: LRUCache[bytes, Entry] = LRUCache(max(1, max_bytes // ENTRY_BYTES))
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of scores."""
        return len(self._entries)

    @property
    def used_bytes(self) -> int:
        """The memory of the scores: `ENTRY_BYTES` for each score."""
        return len(self._entries) * ENTRY_BYTES

    def get(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """Return the entry of each key, or None for a key without an entry."""
        with self._lock:
            return [self._entries.get(key) for key in keys]

    def put(self, keys: Sequence[bytes], entries: Sequence[Entry]) -> None:
        """Store the entries. If the cache is full, the least recently used entries are removed."""
        with self._lock:
            self._entries.update(zip(keys, entries, strict=True))


class CachedScorer:
    """A `Scorer` that passes only pairs without a cached score on to `inner`.

    `model` must change with everything that a score depends on besides the pair, such as `CrossEncoder.fingerprint`.
    The rest of the key is the query, the text and `max_tokens`. Use the cache for pointwise rerankers only: the scores
    of other rerankers depend on the whole list. A new score of a pair may differ from the cached one by up to 0.01,
    because it depends on the batch.
    """

    def __init__(self, inner: Scorer, cache: ScoreCache, model: str, observer: Observer | None = None) -> None:
        self._inner, self._cache, self._model = inner, cache, model
        self._observer = observer or Observer()
        self.name, self.reranker = inner.name, inner.reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        keys = pair_keys(self._model, query, texts, max_tokens)
        entries = self._cache.get(keys)
        missing = [place for place, entry in enumerate(entries) if entry is None]
        if missing or not texts:
            scored = await self._inner.score(query, [texts[place] for place in missing], max_tokens=max_tokens)
            lengths = scored.lengths or [0] * len(missing)
            computed = list(zip(scored.scores, scored.truncated, lengths, strict=True))
            for place, entry in zip(missing, computed, strict=True):
                entries[place] = entry
            self._cache.put([keys[place] for place in missing], computed)
        self._observer.looked_up(len(texts) - len(missing), len(missing))
        complete = [entry for entry in entries if entry is not None]
        sizes = [size for _, _, size in complete]
        return Scored([score for score, _, _ in complete], [cut for _, cut, _ in complete], sum(sizes), sizes)


def pair_keys(model: str, query: str, texts: Sequence[str], max_tokens: int | None) -> list[bytes]:
    """Return a 16-byte key for each text. The lengths are hashed too, so two pairs never have the same hash input."""
    head = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in (model, query, str(max_tokens)):
        _hash_part(head, part)
    keys = []
    for text in texts:
        digest = head.copy()
        _hash_part(digest, text)
        keys.append(digest.digest())
    return keys


def _hash_part(digest: hashlib.blake2b, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    digest.update(len(raw).to_bytes(8, "little"))
    digest.update(raw)
