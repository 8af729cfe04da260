"""Matplotlib figures as SVG inside a page. They use the colours of the page, and words stay text."""

from __future__ import annotations

import importlib.util
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shortlist.errors import MissingExtra
from shortlist.report.page import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, LINE, FIRST, SECOND, THIRD = "#010101", "#020202", "#030303", "#040404", "#050505"
"""Placeholders for the colours of the page, which differ in light mode, in dark mode and in print."""
_COLOURS = {INK: "ink", LINE: "line", FIRST: "first", SECOND: "second", THIRD: "third"}
WIDTH = 5.1
"""The width of a figure in inches. It is small, so that words stay readable on a phone."""
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "shortlist",
    "font.size": 10.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.7,
    "text.parse_math": False,
}


def check_plots() -> None:
    """Check that figures can be drawn.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtra("a report with figures", "report")


def figure(name: str, title: str, described: str, draw: Callable[[Axes], None], height: float = 3.1) -> str:
    """Return an HTML figure: what `draw` draws on the axes, with the caption `title`.

    `described` is the content in words, for readers who do not see the picture. `name` is unique on the page: the ids
    inside the SVG begin with it.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    check_plots()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with rc_context(_SETTINGS), warnings.catch_warnings():
        # Matplotlib's font, which lacks some scripts, only measures widths. The fonts of the page draw the text.
        warnings.filterwarnings("ignore", message=r"(?s).*Glyph .* missing from", category=UserWarning)
        drawing = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(drawing.add_subplot())
        drawing.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return (
        f'<figure id="{name}">\n<figcaption>{text(title)}</figcaption>\n'
        f"{_inline(buffer.getvalue(), name, title, described)}\n</figure>"
    )


def _inline(svg: str, name: str, title: str, described: str) -> str:
    """Return the `<svg>` element with unique ids, the colours of the page, a title and a description."""
    body = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    head, _, rest = body.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    for placeholder, colour in _COLOURS.items():
        rest = rest.replace(placeholder, f"var(--{colour})")
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', rest)
    rest = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", rest)
    rest = rest.replace("xlink:href", "href")
    return (
        f'<svg {box[0] if box else ""} role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{text(title)}</title><desc id="{name}-desc">{text(described)}</desc>'
        f"{rest.strip()}"
    )
