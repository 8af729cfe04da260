"""The sub-commands, each imported when it is asked for: `search` need not wait for what `tune` reads."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

NAMES = (
    "add",
    "list",
    "remove",
    "search",
    "rerank",
    "evaluate",
    "tune",
    "why",
    "mcp",
    "serve",
    "calibrate",
    "demo",
    "models",
    "probe",
    "queries",
)
"""In the order of `--help`. `cli/commands/NAME.py` holds a function of that name, or an `app` with commands of its own."""


class Commands(TyperGroup):
    """A group that finds its commands by module.

    Contexts and commands are of classes that typer does not name publicly.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, importing nothing."""
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; None for a name that there is not."""
        if cmd_name not in NAMES:
            return None
        module = import_module(f"shortlist.cli.commands.{cmd_name}")
        own: typer.Typer | None = getattr(module, "app", None)
        if own is None:
            own = typer.Typer(add_completion=False, rich_markup_mode=None)
            own.command(cmd_name)(getattr(module, cmd_name))
        command = typer.main.get_command(own)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As its base does, with a suggestion that knows commands not imported yet."""
        close = get_close_matches(args[0], NAMES)
        if args[0] not in NAMES and close:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {', '.join(map(repr, close))}?")
        return super().resolve_command(ctx, args)
