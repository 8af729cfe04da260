"""What a page hides: elements that no reader of the page sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shortlist.documents.html_stylesheet import hidden_by_styles

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

_SIGN = re.compile(r"hidden|display|collapse|<dialog|<datalist", re.IGNORECASE)
"""What the markup of a page with a hidden element contains."""

_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden)"
    r"\s*(?:!\s*important\s*)?(?:;|$)",
    re.IGNORECASE,
)
_DECLARED = re.compile(r"/\*.*?\*/", re.DOTALL)
_SHOWN = ("html", "body", "head")
"""Tags that are never hidden: scripts show these pages when they are loaded."""

_CONTENT = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "dl", "table", "pre", "article", "section", "main")
_DIALOGS = ("dialog", "alertdialog")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|dd|details|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|"
    "pre|section|table|td|th|tr|ul"
)
_ENDS = {
    "p": _BLOCKS,
    "li": re.compile("li"),
    **dict.fromkeys(("dt", "dd"), re.compile("dt|dd")),
    **dict.fromkeys(("td", "th"), re.compile("td|th|tr|tbody|tfoot")),
    "tr": re.compile("tr|tbody|tfoot"),
    "option": re.compile("option|optgroup"),
}
"""Tags whose end tag is optional, and the tags that end them. The parser nests the second in the first."""

_OWN = {"li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",), "td": ("table",), "th": ("table",), "tr": ("table",)}
"""Tags in which such tags are nested."""


def remove_hidden(page: BeautifulSoup, markup: str) -> int:
    """Remove the hidden elements of a page, and return the number of those that have words.

    Hidden are: `hidden`; the inline styles "display: none" and "visibility: hidden"; `<dialog>` that is not open, and
    `<datalist>`; and with `aria-hidden="true"` decorations, which contain no heading, paragraph, list or table, and
    dialogs; and what style sheets in the page hide: see `hidden_by_styles`. A tab (`role="tabpanel"`) and
    `hidden="until-found"` are not hidden, because the reader can show them.
    """
    if not _SIGN.search(markup):
        return 0
    styled = {id(tag) for tag in hidden_by_styles(page) if _may_be_hidden(tag)}
    count = 0
    for tag in page.find_all(True):
        if not tag.decomposed and (id(tag) in styled or _is_hidden(tag)):
            count += _remove(tag)
    return count


def _is_hidden(tag: Tag) -> bool:
    attributes = tag.attrs
    if tag.name in ("dialog", "datalist"):
        return "open" not in attributes
    if not attributes or not _may_be_hidden(tag):
        return False
    if "hidden" in attributes:
        return str(attributes["hidden"]).strip().lower() != "until-found"
    if "style" in attributes and _STYLE.search(_DECLARED.sub("", str(attributes["style"]))):
        return True
    if str(attributes.get("aria-hidden", "")).strip().lower() != "true":
        return False
    return attributes.get("role") in _DIALOGS or tag.find(_CONTENT) is None


def _may_be_hidden(tag: Tag) -> bool:
    return tag.name not in _SHOWN and tag.attrs.get("role") != "tabpanel"


def _remove(tag: Tag) -> bool:
    """Remove a tag up to its end, and return whether it has letters or digits."""
    end = _end_of(tag)
    if end is None:
        words = tag.get_text()
        tag.decompose()
        return any(map(str.isalnum, words))
    words = ""
    node: PageElement | None = end
    while node is not None and node is not tag:
        for before in list(node.previous_siblings):
            words += before.get_text()
            before.extract()
        node = node.parent
    tag.unwrap()
    return any(map(str.isalnum, words))


def _end_of(tag: Tag) -> Tag | None:
    """Return the tag in this tag that ends it, because its end tag is left out, or None."""
    from bs4 import Tag

    ends = _ENDS.get(tag.name)
    if ends is None:
        return None
    for inner in tag.descendants:
        if not isinstance(inner, Tag) or not ends.fullmatch(inner.name):
            continue
        own = inner.find_parent(_OWN[tag.name]) if tag.name in _OWN else None
        if own is None or own in tag.parents:
            return inner
    return None
