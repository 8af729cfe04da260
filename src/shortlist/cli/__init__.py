"""The command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, and exit with its code. `--version` alone loads nothing else."""
    if sys.argv[1:] == ["--version"]:
        from shortlist import __version__

        sys.stdout.write(f"shortlist {__version__}\n")
        return
    from shortlist.cli.app import run

    run()


__all__ = ["main"]
