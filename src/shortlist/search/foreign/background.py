"""Results of async functions for callers without an event loop, or with one that waits for the result."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import weakref
from collections.abc import AsyncIterable, Awaitable, Iterator
from typing import Any

END = object()


class Background:
    """An event loop in a thread of its own, for all coroutines of one retriever.

    A client of a database belongs to the loop that first used it. All coroutines therefore run in one loop, and never
    in the loop of the caller. The thread starts at the first coroutine, and ends with this object.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def result(self, answer: Any) -> Any:
        """Return the answer, or its result if it is awaitable. Raises what the awaitable raises.

        The items of an async generator come as an iterator, which raises what the generator raises.
        """
        if inspect.isawaitable(answer):
            answer = self._awaited(answer)
        return self._items(answer) if isinstance(answer, AsyncIterable) else answer

    def _awaited(self, answer: Awaitable[Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(_awaited(answer), self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _items(self, answer: AsyncIterable[Any]) -> Iterator[Any]:
        iterator = aiter(answer)
        try:
            while (item := self._awaited(anext(iterator, END))) is not END:
                yield item
        finally:
            if inspect.isasyncgen(iterator):
                self._awaited(iterator.aclose())

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop. A forked process has no threads of its parent, and gets a loop of its own."""
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=_run, args=(self._loop,), name="shortlist-retriever", daemon=True).start()
                weakref.finalize(self, _stop, self._loop, self._process)
            return self._loop


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop, process: int) -> None:
    if process == os.getpid():
        loop.call_soon_threadsafe(loop.stop)
