"""Texts to token ids: single texts for the bi-encoder, pairs of query and passage for the cross-encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput, ModelNotFound, QueryTooLong
from shortlist.inference.batches import Tokens
from shortlist.text.validation import model_text, model_texts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PASSAGE_ROOM = 32
"""The tokens of the window that a query must leave for the passage."""


class PairTokenizer:
    """A model's tokenizer with a window of `window` tokens, special tokens included. Safe to call from several threads.

    It reads every text in the form of `text.normal.normalised`.

    Raises:
        ModelNotFound: The file does not exist.
    """

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
        self._frame = self._special_frame()

    def _special_frame(self) -> tuple[list[int], list[int], list[int]]:
        """The special tokens before, between and after a pair, read from the tokenizer's own template."""
        encoding = self._tokenizer.encode("a", "b")
        ids, sides = encoding.ids, encoding.sequence_ids
        second = sides.index(1)
        last_first = len(sides) - 1 - sides[::-1].index(0)
        last_second = len(sides) - 1 - sides[::-1].index(1)
        return ids[: sides.index(0)], ids[last_first + 1 : second], ids[last_second + 1 :]

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`, without special tokens."""
        return len(self._tokenizer.encode(model_text(text), add_special_tokens=False).ids)

    @property
    def special_tokens(self) -> int:
        """The number of special tokens of a pair. A single text has no more."""
        return sum(len(part) for part in self._frame)

    def token_id(self, token: str) -> int | None:
        """Return the id of a token of the vocabulary, or None for another text."""
        return self._tokenizer.token_to_id(token)

    def singles(
        self, texts: Iterable[str], *, marker: int | None = None, window: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """Return each text with its special tokens, cut to the window, and whether each text was cut.

        `marker` is the id of a token to put in front of each text, after the special tokens there. `window` is a
        window in place of the tokenizer's own.

        Raises:
            InvalidInput: See `checked_texts`.
        """
        before, _, after = self._frame
        before = before if marker is None else [*before, marker]
        room = (self.window if window is None else window) - len(before) - len(after)
        inputs, cut = [], []
        for encoding in self._encode(texts):
            ids = [*before, *encoding[:room], *after]
            inputs.append(Tokens(ids, len(ids)))
            cut.append(len(encoding) > room)
        return inputs, cut

    def pairs(
        self,
        query: str,
        texts: Iterable[str],
        *,
        max_tokens: int | None = None,
        stored: Sequence[NDArray[np.uint8] | None] = (),
    ) -> tuple[list[Tokens], list[bool]]:
        """Return the query with each text, cut to the window, and whether each text was cut. The query is never cut.

        `max_tokens` limits each text further. `stored` has the codes of the states of each text and the special tokens
        after it, or None; they are used if the text is not cut.

        Raises:
            QueryTooLong: The query leaves less than 32 tokens of the window for a passage.
            InvalidInput: `max_tokens` is below 1, or see `checked_texts`.
        """
        if max_tokens is not None and max_tokens < 1:
            raise InvalidInput(f"max_tokens must be at least 1, not {max_tokens}", field="max_tokens")
        before, between, after = self._frame
        query_ids = self._encode([query])[0]
        head = [*before, *query_ids, *between]
        room = self.window - len(head) - len(after)
        if room < PASSAGE_ROOM:
            raise self._too_long(len(query_ids))
        room = min(room, max_tokens or room)
        given = list(texts)
        coded = [codes if codes is not None and len(codes) - len(after) <= room else None for codes in stored]
        encodings = iter(self._encode(text for text, codes in zip_longest(given, coded) if codes is None))
        inputs, cut = [], []
        for _, codes in zip_longest(given, coded):
            if codes is not None:
                inputs.append(Tokens(head, len(head), codes))
                cut.append(False)
                continue
            encoding = next(encodings)
            inputs.append(Tokens([*head, *encoding[:room], *after], len(head)))
            cut.append(len(encoding) > room)
        return inputs, cut

    def passages(self, texts: Iterable[str], room: int) -> list[Tokens | None]:
        """Return each text as it stands in a pair, without the query: its tokens and the special tokens after them.

        None for a text of more than `room` tokens with the special tokens.

        Raises:
            InvalidInput: See `checked_texts`.
        """
        after = self._frame[2]
        encodings = self._encode(texts)
        return [Tokens([*ids, *after], 0) if len(ids) + len(after) <= room else None for ids in encodings]

    def _too_long(self, tokens: int) -> QueryTooLong:
        most = self.window - self.special_tokens - PASSAGE_ROOM
        advice = f"Shorten the query to {most} tokens" if most > 0 else "Widen the window"
        return QueryTooLong(
            f"the query has {tokens} tokens and the reranker's window is {self.window}: a query must leave "
            f"{PASSAGE_ROOM} tokens for a passage. {advice}"
        )

    def _encode(self, texts: Iterable[str]) -> list[list[int]]:
        encodings = self._tokenizer.encode_batch(model_texts(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]
