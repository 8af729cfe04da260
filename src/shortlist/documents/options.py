"""What a user may say about the files to read: passwords, OCR, an encoding, and parts that are left out otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shortlist.documents.codec_names import codec_of
from shortlist.documents.patterns import Patterns
from shortlist.errors import InvalidInput

PARTS = ("comments", "headers")
"""Parts of Word files that are read only if the user asks for them. Headers include footers."""

WITH_PARTS = frozenset({"docx"})
"""The formats whose readers read such parts."""

OF_TEXT = frozenset(
    {"beir", "code", "csv", "eml", "epub", "html", "ipynb", "json", "jsonl", "md", "mhtml", "txt", "warc", "xml"}
)
"""The formats whose files are text, or contain texts with an encoding."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read files.

    `password` is the password of encrypted files, or several to try in turn. `ocr` reads pages of PDF files without
    text: a function from the PNG image of a page (bytes) to its text, or a command. The command gets the path of the
    image in the place of "{}", or as its last argument, and prints the text as UTF-8. No shell reads the command.
    `encoding` names the encoding of texts that are not UTF-8 and declare none; without it, the encoding is a guess.
    `include` names parts that are left out otherwise: "comments", and "headers" (with footers). `exclude` has patterns
    of files and folders that a walk leaves out, as in .gitignore and relative to each given folder.

    Raises:
        InvalidInput: `include` names another part, a pattern of `exclude` can match no path, `ocr` is no function
            and no command, a password is not a string, or Python does not know the encoding.
    """

    password: str | Sequence[str] = field(default=(), repr=False)
    ocr: Callable[[bytes], str] | str | None = None
    include: Sequence[str] = ()
    encoding: str = ""
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("password", "include", "exclude"):
            given = getattr(self, name)
            values = (given,) if isinstance(given, str) else tuple(given)
            if not all(isinstance(value, str) for value in values):
                raise InvalidInput(f"{name} is a string, or a list of strings", field=name)
            object.__setattr__(self, name, tuple(value for value in values if value))
        for part in self.include:
            if part not in PARTS:
                raise InvalidInput(f"include names {part!r}; the parts are {', '.join(PARTS)}", field="include")
        Patterns(self.exclude)
        if not (self.ocr is None or callable(self.ocr) or (isinstance(self.ocr, str) and self.ocr.strip())):
            raise InvalidInput("ocr is a function from the bytes of an image to its text, or a command", field="ocr")
        if self.encoding:
            object.__setattr__(self, "encoding", _codec(self.encoding))

    def marks(self, format_name: str) -> str:
        """Return the options that change how a file of this format is read, for the record of what was read."""
        parts = ",".join(sorted(self.include)) if format_name in WITH_PARTS else ""
        encoding = f" encoding={self.encoding}" if self.encoding and format_name in OF_TEXT else ""
        return (f" include={parts}" if parts else "") + encoding

    def may_read(self, code: str) -> bool:
        """Return whether content that was not read for this reason can be read with these options."""
        return (
            code == "missing_extra"
            or bool(self.password and code == "encrypted")
            or bool(self.encoding and code == "undecodable")
            or bool(self.ocr and code in ("no_page_text", "ocr_failed"))
        )


def _codec(name: object) -> str:
    """Return Python's name of the codec of an encoding. Raises InvalidInput if Python has none for text."""
    if isinstance(name, str) and (codec := codec_of(name)):
        return codec
    raise InvalidInput(
        f"the encoding {name!r} is unknown: give a name such as cp1252, shift_jis or koi8-r", field="encoding"
    )


DEFAULT = ReadOptions()
