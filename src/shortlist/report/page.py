"""The parts that every report is made of: escaped text, tables, boxes, and the page around them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from shortlist.report.style import STYLE


def text(value: object) -> str:
    """The value as text of an HTML page: every character that could be read as markup is escaped."""
    return html.escape(str(value), quote=True)


def capital(said: str) -> str:
    """The same with its first letter as a capital."""
    return said[:1].upper() + said[1:]


def section(title: str, *parts: str) -> str:
    """A heading with what belongs to it; nothing where all parts are empty."""
    held = [part for part in parts if part]
    return f"<section>\n<h2>{text(title)}</h2>\n" + "\n".join(held) + "\n</section>" if held else ""


def paragraph(said: str, kind: str = "") -> str:
    """Plain text as a paragraph, "" as nothing."""
    if not said:
        return ""
    return f'<p class="{kind}">{text(said)}</p>' if kind else f"<p>{text(said)}</p>"


def box(label: str, said: str, kind: str = "note") -> str:
    """A framed remark. The label says in words what the frame's colour says: "Recommended", "Warning"."""
    return f'<div class="box {kind}" role="note"><strong>{text(label)}</strong> {text(said)}</div>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], strong: int | None = None) -> str:
    """A table with its caption; the first cell of a row names the row. Row `strong` is set in bold.

    It scrolls within itself where the page is too narrow for it.
    """
    titles = "".join(f'<th scope="col">{text(one)}</th>' for one in head)
    body = "\n".join(_row(row, strong=place == strong) for place, row in enumerate(rows))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption>{text(caption)}'
        f"</caption>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def _row(row: Sequence[object], *, strong: bool) -> str:
    opened = '<tr class="strong">' if strong else "<tr>"
    cells = "".join(f"<td>{text(cell)}</td>" for cell in row[1:])
    return f'{opened}<th scope="row">{text(row[0])}</th>{cells}</tr>'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names with their values, such as a set-up."""
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>\n" for name, value in pairs)
    return f'<dl class="facts">\n{rows}</dl>'


def page(title: str, written: str, parts: Iterable[str]) -> str:
    """The whole page: no script, no link, no font or picture from elsewhere. `written` says when and by what."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{text(title)}</h1>\n{paragraph(written, 'quiet')}\n{body}\n</main>\n</body>\n</html>\n"
    )
