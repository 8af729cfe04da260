"""Async functions as stage one, for callers with and without an event loop."""

import asyncio
import gc
import threading
import warnings

import pytest

from fakes import WordReranker
from shortlist.errors import RetrieverFailed
from shortlist.search.foreign.background import Background
from shortlist.search.search import Search


async def asynchronous(query, k):
    await asyncio.sleep(0)
    return [("a", "cats sleep", 0.2), ("b", f"{query} {k}", 0.1)]


def ids(search):
    return [hit.id for hit in search.search("tax due", pool_size=7, top_k=2)]


def test_an_async_function_is_a_retriever():
    assert ids(Search(asynchronous, WordReranker())) == ["b", "a"]


@pytest.mark.parametrize("awaited", [False, True])
def test_an_async_generator_is_read_to_the_end_of_the_pool_and_closed(awaited):
    steps = []

    async def stream(query, k):
        try:
            for number in range(100):
                steps.append(number)
                await asyncio.sleep(0)
                yield f"n{number}", f"{query} {number}"
        finally:
            steps.append("closed")

    async def opened(query, k):
        return stream(query, k)

    hits = Search(opened if awaited else stream).search("tax due", pool_size=3, top_k=3)
    assert [hit.id for hit in hits] == ["n0", "n1", "n2"]
    assert steps == [0, 1, 2, "closed"]


def test_an_error_in_an_async_generator_has_the_name_of_the_function():
    async def stream(query, k):
        yield "a", "cats sleep"
        raise TimeoutError("too slow")

    with pytest.raises(RetrieverFailed, match="the retriever stream failed: TimeoutError: too slow"):
        Search(stream).search("q", pool_size=3, top_k=1)


def test_it_works_where_an_event_loop_already_runs():
    async def main():
        return ids(Search(asynchronous, WordReranker()))

    assert asyncio.run(main()) == ["b", "a"]


def test_all_calls_run_in_one_loop_that_is_not_the_callers():
    loops = []

    async def client(query, k):
        loops.append(asyncio.get_running_loop())
        return [("a", "text")]

    search = Search(client)

    async def main():
        search.search("q")
        return asyncio.get_running_loop()

    callers = asyncio.run(main())
    search.search("q")
    thread = threading.Thread(target=lambda: search.search("q"))
    thread.start()
    thread.join()
    assert len(loops) == 3
    assert set(loops) == {loops[0]} != {callers}


def test_an_error_of_an_async_function_has_its_name():
    async def broken(query, k):
        raise TimeoutError("too slow")

    with pytest.raises(RetrieverFailed, match="the retriever broken failed: TimeoutError: too slow"):
        Search(broken).search("q")


def test_a_callable_object_and_a_method_may_be_async():
    class Client:
        async def __call__(self, query, k):
            return [("a", f"{query} {k}")]

        async def find(self, query, k, where=None):
            return [("b", str(where))]

    class Own:
        async def retrieve(self, query, k, where=None):
            return [("c", f"{where}")]

    assert Search(Client()).search("q", pool_size=9)[0].text == "q 9"
    assert Search(Client().find).search("q", where={"year": 1})[0].text == "{'year': 1}"
    assert Search(Own()).search("q", where={"year": 1})[0].id == "c"


def test_the_loop_ends_with_the_retriever():
    others = set(threading.enumerate())
    background = Background()
    assert background.result(7) == 7
    assert background.result(asyncio.sleep(0, "slept")) == "slept"
    loop = background._loop
    (thread,) = set(threading.enumerate()) - others
    assert thread.name == "shortlist-retriever"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del background
        gc.collect()
        thread.join(10)
    assert loop.is_closed()
