"""The reference of the command line, docs/cli.md, made from the commands: `python -m shortlist.cli.reference FILE`."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shortlist.cli.app import EXIT_CODES
from shortlist.cli.command_table import NAMES, command
from shortlist.cli.options import FLAGS
from shortlist.cli.search_options import OPTIONS
from shortlist.config import FILE
from shortlist.errors import FolderError, InvalidInput, ModelError

HEAD = """\
# Command line

`shortlist COMMAND --help` shows the same text in the terminal. `make docs` makes this page from the commands.

"""
SHARED = """\
A search option has the same meaning in every command. Without the option, a command takes the value of
[`shortlist.toml`](settings.md) in the current folder, if the file has the setting.
"""
WIDTH = 120
CODE = "| exit code | meaning |\n|---|---|\n"


def reference() -> str:
    """Return the page: every command with its arguments and options, their defaults and their help."""
    parts = [HEAD, _exit_codes(), "## Commands\n"]
    parts.append("".join(f"- [`shortlist {name}`](#shortlist-{name}): {summary_of(name)}\n" for name in NAMES))
    for name in NAMES:
        parts += _sections(command(name), f"shortlist {name}", "##")
    parts.append(f"## Search options\n\n{SHARED}")
    parts.append(_table([parameter for parameter in command("search").params if _is_shared(parameter)]))
    return "\n".join(parts)


def summary_of(name: str) -> str:
    """Return the first line of a command's help."""
    return _paragraphs(command(name))[0]


def _exit_codes() -> str:
    codes = dict(EXIT_CODES)
    rows = (
        (0, "The command did its work."),
        (
            1,
            "A rule of `evaluate --fail-if` failed, `adapt` gained nothing, rows of `bulk` failed, workers failed, or "
            "`serve` cannot listen.",
        ),
        (codes[InvalidInput], "An option, a query or a file cannot be used."),
        (codes[FolderError], "The index folder, the store or the retriever is missing, or cannot be used."),
        (codes[ModelError], "A model cannot be used, or an optional package is missing."),
        (130, "Ctrl-C."),
    )
    return "## Exit codes\n\n" + CODE + "".join(f"| {code} | {meaning} |\n" for code, meaning in rows)


def _sections(source: Any, path: str, level: str) -> Iterator[str]:
    """Yield the section of a command, and those of its sub-commands."""
    yield f"{level} {path}\n"
    yield (
        "\n\n".join(
            textwrap.fill(_escaped(paragraph), WIDTH, break_on_hyphens=False) for paragraph in _paragraphs(source)
        )
        + "\n"
    )
    shared = [_flag(parameter) for parameter in source.params if _is_shared(parameter)]
    own = [parameter for parameter in source.params if not _is_shared(parameter) and parameter.name != "help"]
    if own:
        yield _table(own)
    if shared:
        names = ", ".join(f"`{name}`" for name in shared)
        yield textwrap.fill(f"[Search options](#search-options): {names}.", WIDTH, break_on_hyphens=False) + "\n"
    for name, child in getattr(source, "commands", {}).items():
        yield from _sections(child, f"{path} {name}", f"{level}#")


def _paragraphs(source: Any) -> list[str]:
    text = inspect.cleandoc(source.help or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _table(parameters: list[Any]) -> str:
    rows = [f"| {_names(parameter)} | {_default(parameter)} | {_help(parameter)} |\n" for parameter in parameters]
    return "| argument or option | default | meaning |\n|---|---|---|\n" + "".join(rows)


def _is_shared(parameter: Any) -> bool:
    """Return whether the parameter is the option of a setting, and not another parameter with its name."""
    return parameter.name in OPTIONS and _flag(parameter) == FLAGS[parameter.name]


def _flag(parameter: Any) -> str:
    return str(parameter.opts[0])


def _is_argument(parameter: Any) -> bool:
    return str(parameter.param_type_name) == "argument"


def _names(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"`{parameter.metavar or str(parameter.name).upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    metavar = "" if parameter.is_flag else f" {parameter.metavar}"
    return ", ".join(f"`{name}{metavar}`" for name in names).replace("|", "\\|")


def _default(parameter: Any) -> str:
    text = parameter.help or ""
    if "[default: " in text:
        return _escaped(text.split("[default: ")[1].rstrip("] ").replace(f"{FILE}, or ", ""))
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or value is False or value == ():
        return ""
    return f"`{value}`"


def _help(parameter: Any) -> str:
    return _escaped((parameter.help or "").split(" [default: ")[0])


def _escaped(text: str) -> str:
    """Return the text for a table cell and outside of one: characters of Markdown and HTML keep their meaning."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
