"""The command line."""

from shortlist.cli.app import main

__all__ = ["main"]
