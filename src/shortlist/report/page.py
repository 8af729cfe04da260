"""The parts of every report: escaped text, tables, boxes, and the page around them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from shortlist.report.style import STYLE


def text(value: object) -> str:
    """Return the value as text of an HTML page, with every character of markup escaped."""
    return html.escape(str(value), quote=True)


def capital(sentence: str) -> str:
    """Return the sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def section(title: str, *parts: str) -> str:
    """Return a heading with its parts, or an empty string if every part is empty."""
    content = [part for part in parts if part]
    return f"<section>\n<h2>{text(title)}</h2>\n" + "\n".join(content) + "\n</section>" if content else ""


def paragraph(content: str, kind: str = "") -> str:
    """Return plain text as a paragraph. Empty text gives an empty string."""
    if not content:
        return ""
    return f'<p class="{kind}">{text(content)}</p>' if kind else f"<p>{text(content)}</p>"


def box(label: str, content: str, kind: str = "note") -> str:
    """Return a framed remark. The label repeats the meaning of the frame's colour: "Recommended", "Warning"."""
    return f'<div class="box {kind}" role="note"><strong>{text(label)}</strong> {text(content)}</div>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], strong: int | None = None) -> str:
    """Return a table with its caption. The first cell of a row names the row. Row `strong` is in bold.

    The table scrolls if the page is too narrow for it.
    """
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "\n".join(_row(row, strong=place == strong) for place, row in enumerate(rows))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption>{text(caption)}'
        f"</caption>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def _row(row: Sequence[object], *, strong: bool) -> str:
    start = '<tr class="strong">' if strong else "<tr>"
    cells = "".join(f"<td>{text(cell)}</td>" for cell in row[1:])
    return f'{start}<th scope="row">{text(row[0])}</th>{cells}</tr>'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Return names with their values, such as the settings of a search."""
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>\n" for name, value in pairs)
    return f'<dl class="facts">\n{rows}</dl>'


def written(version: str = "") -> str:
    """Return the line with the time of the report, and the version of shortlist if it is given."""
    return f"Written by {f'shortlist {version}'.strip()} on {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC."


def page(title: str, date: str, parts: Iterable[str]) -> str:
    """Return the whole page, without scripts, links, and external fonts and pictures. `date` is the date line."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{text(title)}</h1>\n{paragraph(date, 'quiet')}\n{body}\n</main>\n</body>\n</html>\n"
    )
