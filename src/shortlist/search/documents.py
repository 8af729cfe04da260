"""The documents of a rerank pass as hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shortlist.errors import InvalidInput
from shortlist.search.foreign.rows import finite_score, row_of
from shortlist.search.texts import TEXT_FIELDS, Text, named_text, reader, shown_without_text
from shortlist.text.validation import item_name, sound
from shortlist.types import Hit, Note

SCORE, SIGNALS = "score", "signals"
"""The fields with the numbers of a document."""
FORMS = (
    f"give strings, (id, text) or (id, text, score) tuples, or dicts or objects with one of {', '.join(TEXT_FIELDS)}"
)


class Given(NamedTuple):
    """A document as a hit, whose id is its place, and the names of its numbers. Those of a `Hit` have no names."""

    hit: Hit
    numbers: tuple[str, ...] = ()


def given(item: object, place: int, total: int) -> Given:
    """Return a document: a string, a hit, a dict or an object with text, or a tuple as of `foreign.rows.row_of`.

    The signals of a dict are those of the hit, if the dict names their `bi_encoder`. A score has no known unit, so the
    hit does not have it.

    Raises:
        InvalidInput: No text, or a score or a signal that is not a finite number. The message names the document.
    """
    label = item_name("document", place, total)
    if isinstance(item, Hit):
        return Given(Hit.of(place, sound(_text(item).content), signals=item.signals, bi_encoder=item.bi_encoder))
    text, key, score = _read(item)
    if text is None:
        raise InvalidInput(f"{label} has no text ({shown_without_text(item)}): {FORMS}")
    own = item if isinstance(item, Mapping) else {}
    name = label if key is None else f"document {key!r:.80}"
    signals = _signals(own.get(SIGNALS), name)
    encoder = own.get("bi_encoder")
    known = bool(signals) and isinstance(encoder, str)
    if score is not None:
        finite_score(score, f"the score of {name}")
    numbers = [SCORE] * (score is not None) + [SIGNALS] * bool(signals)
    hit = Hit.of(place, sound(text.content), signals=signals if known else {}, bi_encoder=str(encoder) if known else "")
    return Given(hit, tuple(numbers))


def unused_note(documents: Iterable[Given], weighted: bool) -> list[Note]:
    """Return the note about the numbers that are no part of the final scores. `weighted`: the signals are a part."""
    counts = Counter(name for document in documents for name in document.numbers if not (weighted and name == SIGNALS))
    return [Note("numbers_unused", count=max(counts.values()), fields=list(counts))] if counts else []


def _read(item: Any) -> tuple[Text | None, Any, Any]:
    """Return the text, the id and the score of a document. Names take precedence over the order of a tuple."""
    if isinstance(item, str):
        return Text(item), None, None
    text = named_text(reader(item))
    if text is not None and not isinstance(item, Mapping):  # the score of an object may be anything
        return text, None, None
    row = row_of(item) if isinstance(item, Sequence | Mapping) and not isinstance(item, list) else None
    if row is None:
        return text, None, None
    own = Text(row.text, row.title or "") if isinstance(row.text, str) else None
    return text or own, row.id, row.score


def _text(item: object) -> Text:
    text = named_text(reader(item))
    assert text is not None
    return text


def _signals(signals: Any, name: str) -> dict[str, float]:
    if signals is None:
        return {}
    if not isinstance(signals, Mapping):
        raise InvalidInput(f"the signals of {name} are {signals!r:.80}, not a dict of names and numbers")
    return {str(key): finite_score(value, f"the signal {key!r} of {name}") for key, value in signals.items()}
