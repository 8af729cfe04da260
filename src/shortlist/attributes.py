"""Objects of the user by name: `package.module:attribute`."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from shortlist.errors import InvalidInput, ShortlistError

METHODS = ("score", "retrieve", "encode_queries", "forward")
"""The methods that tell a part that can be called from a function that makes a part (DSPy: forward)."""


def is_attribute(name: str) -> bool:
    """Return whether the name has the form "package.module:attribute"."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def load_attribute(name: str) -> Any:
    """Return the object that "package.module:attribute" names.

    A class or function that needs no arguments is called, and its result is returned. The module must be importable:
    installed, or in a folder of PYTHONPATH. The command line also searches the current folder, if an option gives the
    name. A name in shortlist.toml does not search it, because a file in the folder could then run.

    Raises:
        InvalidInput: The module cannot be imported, the attribute does not exist, a class needs arguments, or the call
            fails.
    """
    module, _, attribute = name.partition(":")
    try:
        part: Any = importlib.import_module(module)
        for step in attribute.split("."):
            part = getattr(part, step)
        if not _is_factory(part):
            return part
        return part()
    except ShortlistError:
        raise
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"{name} cannot be loaded: there is no module {error.name!r}. Install it, or put its folder into PYTHONPATH"
            ". The current folder is searched for a name in an option, and not for one in shortlist.toml"
        ) from error
    except Exception as error:  # a module of the user's own may raise anything
        raise InvalidInput(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error


def _is_factory(part: Any) -> bool:
    """Whether `part` makes the object: a class, or a function without required parameters."""
    if isinstance(part, type):
        return True
    if not callable(part) or any(callable(getattr(part, method, None)) for method in METHODS):
        return False
    try:
        inspect.signature(part).bind()
    except (TypeError, ValueError):
        return False
    return True
