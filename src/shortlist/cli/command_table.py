"""The sub-commands. Each is imported when it runs, so `search` does not wait for what `tune` needs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from shortlist.errors import InvalidInput

SUMMARIES: Mapping[str, str] = {
    "add": "Read files and folders, or the passages of a store, into an index.",
    "watch": "Bring an index up to date with folders, again after each change in them.",
    "list": "List the sources of an index.",
    "export": "Write the passages of an index or a store into a file.",
    "remove": "Remove sources or documents from an index.",
    "move": "Copy an index to a server, or back to a folder, without embedding again.",
    "search": "Search an index, a store, or several collections together, in two stages, and show the scores of both.",
    "rerank": "Rerank the candidates of any other retriever.",
    "bulk": "Rerank a whole run, or turn a file of texts into vectors, in several processes or on a Ray cluster.",
    "evaluate": "Measure both stages on judged queries.",
    "tune": "Find the pool size, the blend, the fusion weight and the smallest score for your queries.",
    "why": "Show which words of a query put one passage above another.",
    "mcp": "Offer an index or a store to agents as tools (MCP).",
    "serve": "Serve reranking and search over HTTP, with a page that shows both stages.",
    "adapt": "Fit the reranker to your judged queries, and keep the result only if it is better on other queries.",
    "calibrate": "Fit a stop rule for the pool, a gate, and a curve from scores to probabilities.",
    "plan": "Compute memory, disk, shards and cores for a number of passages and queries.",
    "demo": "Watch both stages answer one query.",
    "models": "List the known models, or download one.",
    "probe": "Test the models on small sets of hard cases.",
    "queries": "Make a query set, or convert one.",
}
"""Name -> the line of `shortlist --help`, in the order shown.

`cli/commands/NAME.py` has a function of that name, or an `app` with commands of its own. The line here is the first
line of its docstring; a test compares them.
"""
NAMES = tuple(SUMMARIES)
KINDS: Mapping[str, str] = {"integer": "give a whole number", "number": "give a number", "float": "give a number"}
"""A word in Typer's message for a value that is no number -> what to do."""


class Commands(TyperGroup):
    """A group that imports a command when it is needed. Its help imports none."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the help."""
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command, or None if the name is unknown."""
        return command(cmd_name) if cmd_name in NAMES else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of `args`. An unknown name is an error that suggests a similar one."""
        close = get_close_matches(args[0], NAMES)
        if args[0] not in NAMES and close:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {', '.join(map(repr, close))}?")
        return super().resolve_command(ctx, args)


class OneIndex(TyperCommand):
    """A command that refuses a second `--index`, unless it takes several. Otherwise the last one would win silently.

    A value that an option cannot have is one line, as the errors of all other values.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            InvalidInput: `--index` is given more than once, and the command takes one index; an argument is too
                many; or a value is no number.
        """
        values, extra, given = self.make_parser(ctx).parse_args(args=list(args))
        times = sum("--index" in parameter.opts and not getattr(parameter, "multiple", False) for parameter in given)
        if times > 1:
            count = "twice" if times == 2 else f"{times} times"
            raise InvalidInput(f"--index is given {count}: this command takes one index")
        if extra:
            raise InvalidInput(f"{extra[0]!r} is one argument too many: write a text of several words in quotes")
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            parameter = error.param
            value = None if parameter is None or parameter.name is None else values.get(parameter.name)
            if parameter is None or value is None:  # an argument is missing: the usage helps
                raise
            kind = next((words for name, words in KINDS.items() if name in error.message), error.message)
            raise InvalidInput(f"{parameter.opts[0]} is {value!r}: {kind}") from error


def command(name: str) -> Any:
    """Return the command with this name, which must be one of `NAMES`."""
    module = import_module(f"shortlist.cli.commands.{name}")
    own: typer.Typer | None = getattr(module, "app", None)
    if own is None:
        own = typer.Typer(add_completion=False, rich_markup_mode=None)
        own.command(name)(getattr(module, name))
    for each in own.registered_commands:
        each.cls = OneIndex
    result = typer.main.get_command(own)
    result.name = name
    return result
