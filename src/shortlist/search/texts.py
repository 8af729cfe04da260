"""The text and the title of a document of any shape: a string, a dict, or an object with text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.text.validation import sound

TEXT_FIELDS = ("text", "page_content", "content", "body", "passage", "document", "long_text")
"""The fields that may hold a document's text, in this order.

LangChain: page_content, Haystack: content, DSPy: long_text.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its title, which may be empty."""

    text: str
    title: str = ""

    @property
    def content(self) -> str:
        """Title and text as one string, as in `Passage.content`."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def reader(item: object) -> Callable[[str], Any]:
    """Return a function that returns a field of a record or an object by its name; None for a missing field."""
    if isinstance(item, Mapping):
        return item.get
    node: Any = getattr(item, "node", None)
    if callable(getattr(node, "get_content", None)):  # LlamaIndex: only the method has the text of every kind of node
        own = {"text": node.get_content(), "score": getattr(item, "score", None)}
        return lambda name: own[name] if name in own else getattr(node, name, None)
    return lambda name: getattr(item, name, None)


def named_text(read: Callable[[str], Any]) -> Text | None:
    """Return the first field of `TEXT_FIELDS` with text, and the title next to it.

    If all such fields are blank, the first one is returned. Without such a field, the result is None.
    """
    blank: Text | None = None
    for name in TEXT_FIELDS:
        read_holder, value = read, read(name)
        if isinstance(value, Mapping):
            read_holder, value = value.get, value.get("text")
        if isinstance(value, str):
            title = read_holder("title")
            text = Text(value, title if isinstance(title, str) else "")
            if value.strip():
                return text
            blank = blank or text
    return blank


def text_of(item: object, label: str = "the document") -> str:
    """Return the text that a model reads: a string itself, or the first field or attribute of `TEXT_FIELDS` with text.

    If the document has a string `title`, the title is the first line of the result, as in `Passage.content`. If every
    such field is empty, the text is empty. `label` is the name of the document in the error.

    Raises:
        InvalidInput: None of the fields holds a string.
    """
    text = Text(item) if isinstance(item, str) else named_text(reader(item))
    if text is not None:
        return sound(text.content)
    fields = ", ".join(TEXT_FIELDS)
    raise InvalidInput(
        f"{label} has no text ({shown_without_text(item)}): give strings, or dicts or objects with one of {fields}"
    )


def shown_without_text(item: object) -> str:
    """Return what a document without a text has: a text field of another type, the names of its fields, or its type."""
    if not isinstance(item, Mapping):
        return f"its type is {type(item).__name__}"
    wrong = next((name for name in TEXT_FIELDS if name in item), None)
    if wrong is not None:
        return f"{wrong} is {item[wrong]!r:.80}, and not a string"
    return f"its fields are {', '.join(sorted(map(str, item))) or 'none'}"
