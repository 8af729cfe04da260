"""Scores that were computed before."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

from shortlist.errors import InvalidInput
from shortlist.protocols import Reranker
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.middleware.observer import NoWatch, Watch

CACHE_BYTES = 64 * 1024 * 1024
ENTRY_BYTES = 400
"""What one entry takes, measured on CPython 3.11: key, value and the ordered map's own share, rounded up."""
KEY_BYTES = 16

Entry = tuple[float, bool, int]
"""Score, whether the text was cut, and the tokens of the pair, 0 where they are not known."""


class ScoreCache:
    """The scores used last, at most `most_bytes` of memory by the size of an entry. Safe to share by threads.

    Raises:
        InvalidInput: `most_bytes` is negative.
    """

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        if most_bytes < 0:
            raise InvalidInput(f"a cache can't hold {most_bytes} bytes: give 0 to turn it off")
        self._most = most_bytes // ENTRY_BYTES
        self._held: OrderedDict[bytes, Entry] = OrderedDict()
        self._turn = threading.Lock()

    def __len__(self) -> int:
        """How many scores it holds."""
        return len(self._held)

    @property
    def used_bytes(self) -> int:
        """Memory that the scores take, by the size of an entry."""
        return len(self._held) * ENTRY_BYTES

    def get(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """The entry of each key, None where there is none."""
        with self._turn:
            out: list[Entry | None] = []
            for key in keys:
                found = self._held.get(key)
                if found is not None:
                    self._held.move_to_end(key)
                out.append(found)
            return out

    def put(self, keys: Sequence[bytes], entries: Sequence[Entry]) -> None:
        """Keeps the entries; those unused for longest make room."""
        with self._turn:
            for key, entry in zip(keys, entries, strict=True):
                self._held[key] = entry
                self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)


class CachedScorer:
    """Satisfies `Scorer`: only pairs that the cache lacks go on to `inner`.

    `model` has to change with all that a score depends on beside the pair, such as `CrossEncoder.fingerprint`; the
    rest of the key is the query, the text and `max_tokens`. Use it for pointwise rerankers only: another one's score
    depends on the list that the pair stands in. A pair scored again elsewhere may differ by what its batch does to
    it (under 0.01); a cached one stays as it was first.
    """

    def __init__(self, inner: Scorer, cache: ScoreCache, model: str, watch: Watch | None = None) -> None:
        self._inner, self._cache, self._model = inner, cache, model
        self._watch: Watch = watch or NoWatch()

    @property
    def name(self) -> str:
        """The model's id."""
        return self._inner.name

    @property
    def reranker(self) -> Reranker:
        """See `Scorer.reranker`."""
        return self._inner.reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        keys = pair_keys(self._model, query, texts, max_tokens)
        entries = self._cache.get(keys)
        missing = [place for place, entry in enumerate(entries) if entry is None]
        if missing or not texts:
            found = await self._inner.score(query, [texts[place] for place in missing], max_tokens=max_tokens)
            lengths = found.lengths or [0] * len(missing)
            made = list(zip(found.scores, found.truncated, lengths, strict=True))
            for place, entry in zip(missing, made, strict=True):
                entries[place] = entry
            self._cache.put([keys[place] for place in missing], made)
        self._watch.looked_up(len(texts) - len(missing), len(missing))
        held = [entry for entry in entries if entry is not None]
        sizes = [size for _, _, size in held]
        return Scored([score for score, _, _ in held], [cut for _, cut, _ in held], sum(sizes), sizes)


def pair_keys(model: str, query: str, texts: Sequence[str], max_tokens: int | None) -> list[bytes]:
    """A 16-byte key a text. Lengths are hashed along, so that no two pairs read alike."""
    head = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in (model, query, str(max_tokens)):
        _feed(head, part)
    out = []
    for text in texts:
        one = head.copy()
        _feed(one, text)
        out.append(one.digest())
    return out


def _feed(digest: hashlib.blake2b, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    digest.update(len(raw).to_bytes(8, "little"))
    digest.update(raw)
