"""Passages that touch as one text: what two passages have in common is written once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from shortlist.search.neighbours import number_of
from shortlist.text.markdown import read_form
from shortlist.types import Passage

SHORTEST = 20
"""Characters. A shorter end that equals the next beginning counts as chance, if the places of passages are unknown."""

_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019\u00bb)\]*_`]*$")
_LIST_ITEM = re.compile(r"[-*+] |\d{1,9}[.)]|[^\w`\"'(*_\u201c\u2018\u00ab]")
_DELIMITERS = re.compile(r"[^\n]*\n[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[ \t:|-]*\n")
"""The names of the columns of a Markdown table, and the line below them."""


def touch(before: Passage, after: Passage) -> bool:
    """Return whether a passage continues the one before it, or overlaps it.

    This is true for passages of one document with consecutive numbers, or with places that meet or overlap.
    """
    if not before.document_id or before.document_id != after.document_id:
        return False
    first, second = number_of(before.id), number_of(after.id)
    if first is not None and second == (first[0], first[1] + 1):
        return True
    return _placed(before, after) and before.start <= after.start <= before.end


def continuation(before: Passage, after: Passage) -> str:
    """Return what to write after the body of `before`: white space, and the body of `after` without repeated text.

    Repeated text is the overlap of both passages, or the names of columns that `after` repeats from its table.
    """
    overlap = before.end - after.start if _placed(before, after) else 0
    if overlap > 0 or not _placed(before, after):
        repeated = _overlap(before.body, after.body, 1 if overlap > 0 else SHORTEST)
        if repeated:
            return after.body[repeated:]
        return f"\n{after.body}"
    head = _repeated_head(before, after)
    if head:
        return f"\n{after.body[head:]}"
    return f"{_between(before.body, after.body, -overlap)}{after.body}"


def joined(passages: Sequence[Passage]) -> str:
    """Return the bodies of passages that touch, in order, as one text."""
    rest = (continuation(before, after) for before, after in pairwise(passages))
    return "".join([passages[0].body, *rest])


def _placed(before: Passage, after: Passage) -> bool:
    return bool(before.end and after.end) and before.start <= after.start


def _overlap(first: str, second: str, shortest: int) -> int:
    """Return the length of the longest end of `first` that is a beginning of `second`, or 0 below `shortest`."""
    if second and first.endswith(second):
        return len(second)
    sign = second[:shortest]
    place = first.find(sign, max(0, len(first) - len(second))) if sign else -1
    while place >= 0:
        if second.startswith(first[place:]):
            return len(first) - place if len(first) - place >= shortest else 0
        place = first.find(sign, place + 1)
    return 0


def _between(before: str, after: str, gap: int) -> str:
    """Return the white space between two texts that had `gap` characters between them."""
    if gap != 1:
        return "\n\n" if gap else ""
    return " " if _SENTENCE_END.search(before, max(0, len(before) - 9)) and not _LIST_ITEM.match(after) else "\n"


def _repeated_head(before: Passage, after: Passage) -> int:
    """Return the length of the lines at the start of the body of `after` that come from its table's or record's top."""
    more = len(after.text) - (after.end - after.start)
    head = after.text[: max(0, more)]
    if more and not head.endswith("\n"):  # the text is shorter than its place, because comments are no text
        names = _DELIMITERS.match(after.text)
        head = names[0] if names else ""
    if not head.endswith("\n") or head not in f"{before.text}\n":
        return 0
    if after.read_as:
        head = read_form(head)
    return len(head) if after.body.startswith(head) else 0
