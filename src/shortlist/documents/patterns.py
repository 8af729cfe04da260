"""Patterns of paths that a walk leaves out, in the form of .gitignore."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pathspec import GitIgnoreSpec

from shortlist.errors import InvalidInput


class Patterns:
    """Patterns as those of a .gitignore file: https://git-scm.com/docs/gitignore#_pattern_format.

    A pattern that begins with "!" takes files back that an earlier pattern matches. No patterns match no path.

    Raises:
        InvalidInput: A pattern is not of the form, or it can match no path.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(patterns)
        self._spec = GitIgnoreSpec.from_lines(())
        self._unused: dict[str, GitIgnoreSpec] = {}
        for pattern in patterns:
            spec = _spec_of(pattern)
            self._spec += spec
            if not pattern.startswith("!"):
                self._unused[pattern] = spec

    @property
    def unused(self) -> tuple[str, ...]:
        """The patterns that matched no path until now, without those that begin with "!"."""
        return tuple(self._unused)

    def match(self, path: str, *, folder: bool) -> str | None:
        """Return the pattern that leaves out a path, or None. The path is relative, with forward slashes."""
        if not self._patterns:
            return None
        shown = f"{path}/" if folder else path
        for pattern in [name for name, spec in self._unused.items() if spec.match_file(shown)]:
            del self._unused[pattern]
        result = self._spec.check_file(shown)
        return self._patterns[result.index] if result.include and result.index is not None else None


def _spec_of(pattern: str) -> GitIgnoreSpec:
    with suppress(ValueError):
        spec = GitIgnoreSpec.from_lines([pattern])
        if any(rule.include is not None for rule in spec.patterns):
            return spec
    raise InvalidInput(
        f"the pattern {pattern!r} matches no path: give one as in .gitignore, such as '*.log', 'drafts/' or "
        "'docs/**/old.md'",
        field="exclude",
    )
