"""Text to token ids: single texts for the bi-encoder, query and passage pairs for the cross-encoder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from shortlist.errors import InvalidInput, ModelNotFound, QueryTooLong
from shortlist.inference.batches import Tokens
from shortlist.text.validation import checked_texts, sound

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LEAST_ROOM = 32
"""Tokens of the window that a query has to leave for the passage."""


class Words:
    """A model's tokenizer under a window of `window` tokens, special tokens included. Safe to share by threads."""

    def __init__(self, file: Path, window: int) -> None:
        from tokenizers import Tokenizer

        if not file.is_file():
            raise ModelNotFound(f"{file} is missing: a model folder needs a tokenizer.json")
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.window = window
        padding = self._tokenizer.token_to_id("[PAD]")
        self.pad = padding if padding is not None else self._tokenizer.token_to_id("<pad>") or 0
        self._frame = self._find_frame()

    def _find_frame(self) -> tuple[list[int], list[int], list[int]]:
        """The special tokens before, between and after a pair, read off the tokenizer's own template."""
        encoding = self._tokenizer.encode("a", "b")
        ids, sides = encoding.ids, encoding.sequence_ids
        second = sides.index(1)
        last_first = len(sides) - 1 - sides[::-1].index(0)
        last_second = len(sides) - 1 - sides[::-1].index(1)
        return ids[: sides.index(0)], ids[last_first + 1 : second], ids[last_second + 1 :]

    def count(self, text: str) -> int:
        """Tokens of `text` without special tokens."""
        return len(self._tokenizer.encode(sound(text), add_special_tokens=False).ids)

    @property
    def special_tokens(self) -> int:
        """How many special tokens a pair takes of the window; a single text takes no more."""
        return sum(len(part) for part in self._frame)

    def singles(self, texts: Iterable[str]) -> tuple[list[Tokens], list[bool]]:
        """Each text with its special tokens, cut at the window; the second list says which were cut.

        Raises:
            InvalidInput: As `checked_texts`.
        """
        before, _, after = self._frame
        room = self.window - len(before) - len(after)
        out, cut = [], []
        for encoding in self._encode(texts):
            ids = [*before, *encoding[:room], *after]
            out.append(Tokens(ids, len(ids)))
            cut.append(len(encoding) > room)
        return out, cut

    def pairs(
        self, query: str, texts: Iterable[str], *, max_tokens: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """The query with each text. Only the text is cut, and the second list says where.

        `max_tokens` caps each text below what the window leaves for it.

        Raises:
            QueryTooLong: The query leaves less than 32 tokens of the window for a passage.
            InvalidInput: `max_tokens` below 1, or `texts` is no list of strings, see `checked_texts`.
        """
        if max_tokens is not None and max_tokens < 1:
            raise InvalidInput(f"a passage needs at least 1 token, not {max_tokens}")
        before, between, after = self._frame
        asked = self._encode([query])[0]
        head = [*before, *asked, *between]
        room = self.window - len(head) - len(after)
        if room < LEAST_ROOM:
            most = self.window - len(before) - len(between) - len(after) - LEAST_ROOM
            todo = f"Shorten the query to {most} tokens, or search without reranking." if most > 0 else "Widen it."
            raise QueryTooLong(
                f"the query has {len(asked)} tokens and the reranker's window is {self.window}: it must leave "
                f"{LEAST_ROOM} for a passage. {todo}"
            )
        room = min(room, max_tokens or room)
        out, cut = [], []
        for encoding in self._encode(texts):
            out.append(Tokens([*head, *encoding[:room], *after], len(head)))
            cut.append(len(encoding) > room)
        return out, cut

    def _encode(self, texts: Iterable[str]) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch(checked_texts(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encoded]
