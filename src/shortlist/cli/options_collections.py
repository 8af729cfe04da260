"""The options of commands that search several collections together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from shortlist.cli.options import INDEX_WORDS, NO_INDEX, option, pair_of
from shortlist.errors import InvalidInput

SearchedIndexesOption = Annotated[
    list[str] | None,
    option(
        "--index",
        "INDEX",
        f"{INDEX_WORDS} Repeat the option to search several collections together; NAME=INDEX names a collection. "
        f"{NO_INDEX}",
    ),
]
BoostOption = Annotated[
    list[str] | None,
    option("--boost", "NAME=X", "The boost of a collection: at 0.5, it gets half as many places in the pool."),
]


def boosts_of(texts: Sequence[str] | None) -> dict[str, float]:
    """Return the boosts of collections by name, from `NAME=X`.

    Raises:
        InvalidInput: A text of another form.
    """
    boosts = {}
    for text in texts or ():
        name, value = pair_of(text, "--boost", "docs=0.5")
        try:
            boosts[name] = float(value)
        except ValueError as error:
            raise InvalidInput(f"--boost is {text!r}: write NAME=X with a number above 0, such as docs=0.5") from error
    return boosts
