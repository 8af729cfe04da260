"""Records to pieces that fit: each piece names the record by its first column, and the column of its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shortlist.text.fitting import Chunk, Cost, Fit, Piece


def record_pieces(text: str, columns: Sequence[str], room: int, cost: Cost, chunk: Chunk) -> Iterator[Piece]:
    """Yield a record in pieces that fit. The text has a line "column: value" for each of the columns, in this order.

    The head of each piece but the first is the line of the first column. If a piece starts in a value, the name of the
    column follows in the head. A long first value is shortened in the head.
    """
    fit = Fit(room, cost, chunk)
    fields = _fields(text, columns)
    if cost(text) <= room or not fields:
        yield from fit.pieces(text, 0, len(text), "")
        return
    most = max(room // 4, 1)
    key = fit.short(text[fields[0].start : fields[0].end].strip(), most)
    key = f"{key}\n" if key else ""
    last = Piece(0, fields[0].start)
    for field in fields:
        if fit.cost(last.head + text[last.start : field.end]) <= room:
            last = last._replace(end=field.end)
            continue
        head = key if last.end else ""
        if fit.cost(head + text[field.start : field.end]) <= room:
            whole, last = [last], Piece(field.start, field.end, head)
        else:
            *whole, last = _value_pieces(text, last, field, key, fit)
        yield from (piece for piece in whole if piece.end > piece.start)
    yield last


def _value_pieces(text: str, before: Piece, field: Piece, key: str, fit: Fit) -> list[Piece]:
    """Return the piece before a long field, and the field in pieces. Their first one joins the one before if it fits.

    Each piece of the value names the column, the first one by its own text.
    """
    head = key if before.end else ""
    name = fit.short(field.head.rstrip(": "), max(fit.room // 8, 1))
    label = f"{name}: " if name else ""
    value = field.start + len(field.head)
    pieces = list(fit.pieces(text, value, field.end, head + label))
    if not pieces:
        return [before, Piece(field.start, field.end, head)]
    for joined in (before._replace(end=pieces[0].end), Piece(field.start, pieces[0].end, head)):
        if fit.cost(joined.head + text[joined.start : joined.end]) <= fit.room:
            return [*([] if joined.start == before.start else [before]), joined, *pieces[1:]]
    return [before, *fit.pieces(text, field.start, value, head), *pieces]


def _fields(text: str, columns: Sequence[str]) -> list[Piece]:
    """Return the lines of the columns, each with its name and ": " as its head."""
    starts: list[tuple[int, str]] = []
    place = 0
    for column in columns:
        label = f"{column}: "
        start = 0 if not starts and text.startswith(label) else text.find(f"\n{label}", place) + 1
        if start or not starts:
            starts.append((start, label if text.startswith(label, start) else ""))
            place = start + len(label) - 1
    ends = [*(start for start, _ in starts[1:]), len(text)]
    return [Piece(start, end, label) for (start, label), end in zip(starts, ends, strict=True)]
