"""Patterns of paths that a walk leaves out, in the form of .gitignore."""

from __future__ import annotations

from collections.abc import Sequence

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
        for pattern in patterns:
            if not _means_something(pattern):
                raise InvalidInput(
                    f"the pattern {pattern!r} matches no path: give one as in .gitignore, such as '*.log', 'drafts/' "
                    "or 'docs/**/old.md'",
                    field="exclude",
                )
        self._spec = GitIgnoreSpec.from_lines(patterns)
        self._unused = {name: GitIgnoreSpec.from_lines([name]) for name in patterns if not name.startswith("!")}

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


def _means_something(pattern: str) -> bool:
    try:
        return any(rule.include is not None for rule in GitIgnoreSpec.from_lines([pattern]).patterns)
    except ValueError:
        return False
