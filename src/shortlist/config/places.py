"""The folders that apply if none is named. Both are in the current folder, next to `shortlist.toml`."""

from __future__ import annotations

from pathlib import Path

INDEX = Path(".shortlist")
"""The index folder."""
STATE = Path(".shortlist-state")
"""The folder for what belongs to retrievers without an index."""
