"""The interface of workers: units of work go out, and answers come back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from shortlist import errors
from shortlist.errors import InvalidInput, ShortlistError, WorkersFailed

ATTEMPTS = 3
"""The number of times that a unit is given to a worker. A worker that ends costs one of them."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work. `number` counts from 0. `content` can be pickled, and a worker turns it into a value.

    The content alone decides the value: the number of workers and their order do not.
    """

    number: int
    content: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The value of a unit. If `lost` is not empty, every worker that received the unit ended, and there is no value."""

    number: int
    value: Any
    lost: str = ""


Answers: TypeAlias = "Generator[Answer, None, None]"
"""Answers that come one after the other. `close` ends the workers."""
Worker: TypeAlias = "Callable[[Any], Any]"
"""Turns the content of a unit into a value. A ShortlistError that it raises ends the whole run."""


class Workers(Protocol):
    """Workers with models of their own, in processes or on a cluster.

    `threads` are the CPU cores of one worker. `shares_files` tells whether a worker can open the files of this machine.
    """

    threads: int
    shares_files: bool

    @property
    def count(self) -> int | None:
        """The number of workers, or None if a cluster decides."""

    def run(self, make: Callable[[], Worker], units: Iterable[Unit], *, ahead: int | None = None) -> Answers:
        """Yield the answer of each unit, in the order in which the units are done. No units start no worker.

        A worker that ends costs the unit that it worked on, which another worker then receives. The workers end with
        the iterator.

        Args:
            make: Makes the worker, in its own process. It can be pickled.
            units: The work, with numbers from 0 upwards. It is read as workers need it.
            ahead: The most units that are started after the oldest unit that is not done. None: no limit.

        Raises:
            WorkersFailed: No worker can start, or a worker raised an error that is not the package's own.
            ShortlistError: A worker raised it.
        """


def in_order(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Yield the answers by the numbers of their units, which count from 0 without a gap."""
    waiting: dict[int, Answer] = {}
    following = 0
    for answer in answers:
        waiting[answer.number] = answer
        while following in waiting:
            yield waiting.pop(following)
            following += 1


@dataclass(frozen=True, slots=True)
class Carried:
    """An error on its way to another process. The constructors of some errors do not accept their own message."""

    kind: str
    message: str
    field: str | None = None

    @classmethod
    def of(cls, error: Exception) -> Carried:
        """Return the error in a form that can be pickled."""
        known = next((kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind), None)
        if known is None:
            return cls(WorkersFailed.__name__, f"a worker failed: {type(error).__name__}: {error}")
        return cls(known.__name__, str(error), error.field if isinstance(error, InvalidInput) else None)

    def error(self) -> ShortlistError:
        """Return the error of the other process, with its class and its message."""
        kind: type[ShortlistError] = getattr(errors, self.kind)
        error = kind.__new__(kind, self.message)
        if isinstance(error, InvalidInput):
            error.field = self.field
        return error
