"""Clients that do not read their answers, or do not end their requests."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import uvicorn
from standins import SECONDS, until

from shortlist.server.middleware.guard import PART_BYTES, Guard, GuardLimits
from shortlist.server.middleware.stalled_connections import StallDetector
from shortlist.server.operations import Operations
from shortlist.server.problems import Problem
from shortlist.server.run import Draining

SIZE = 8_000_000


@dataclass(eq=False)
class FakeCycle:
    response_complete: bool = True
    more_body: bool = True


@dataclass(eq=False)
class FakeConnection:
    """A connection with bytes that wait, or with a request that continues after its answer."""

    waiting: int = 0
    cycle: FakeCycle | None = None
    transport: SimpleNamespace = field(init=False)

    def __post_init__(self):
        self.transport = SimpleNamespace(get_write_buffer_size=lambda: self.waiting)


def cut_at(connection, changes, *, unread=4.0, unended=8.0):
    """The second at which the connection is cut, of seconds 0 to 29; `changes` maps a second to new attributes."""
    detector = StallDetector(unread, unended)
    for second in range(30):
        for name, value in changes.get(second, {}).items():
            setattr(connection, name, value)
        if detector.stalled([connection], float(second)):
            return second
    return None


def test_an_answer_that_is_not_read_is_cut():
    assert cut_at(FakeConnection(waiting=100), {}) == 4


def test_a_client_that_reads_slowly_is_not_cut():
    assert (
        cut_at(FakeConnection(waiting=100), {second: {"waiting": 100 - second} for second in range(0, 30, 3)}) is None
    )
    assert cut_at(FakeConnection(waiting=100), {3: {"waiting": 99}}) == 7


def test_a_request_that_continues_after_its_answer_is_cut():
    assert cut_at(FakeConnection(cycle=FakeCycle()), {}) == 8
    assert cut_at(FakeConnection(cycle=FakeCycle()), {6: {"cycle": FakeCycle()}}) == 14


def test_a_connection_that_waits_for_nothing_is_not_cut():
    for cycle in (None, FakeCycle(more_body=False), FakeCycle(response_complete=False)):
        assert cut_at(FakeConnection(cycle=cycle), {}) is None


async def large(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    headers = [(b"content-length", str(SIZE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * SIZE})


def server(app, unread, unended=600.0):
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    return Draining(config, Operations(logger=logging.getLogger("test")), 0, unread, unended)


def connect(web_server, request):
    client = socket.create_connection(web_server.servers[0].sockets[0].getsockname())
    client.sendall(request)
    client.setblocking(False)
    return client


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_an_unread_answer_is_counted_then_cut_and_does_not_delay_the_end():
    guard = Guard(large)
    web_server = server(guard, 0.4)

    async def run():
        serving = asyncio.ensure_future(web_server.serve())
        await until(lambda: web_server.started)
        with connect(web_server, GET):
            await until(lambda: guard.body_bytes)
            counted = guard.body_bytes
            assert guard.requests == 1
            web_server.should_exit = True
            await asyncio.wait_for(serving, SECONDS)
        return counted

    assert asyncio.run(run()) == SIZE
    assert (guard.requests, guard.body_bytes) == (0, 0)


def test_a_client_that_reads_gets_the_whole_answer():
    web_server = server(Guard(large), 600)

    async def run():
        serving = asyncio.ensure_future(web_server.serve())
        await until(lambda: web_server.started)
        loop, received = asyncio.get_running_loop(), 0
        with connect(web_server, GET) as client:
            while received < SIZE:
                part = await loop.sock_recv(client, SIZE // 8)
                assert part, received
                received += len(part)
        web_server.should_exit = True
        await asyncio.wait_for(serving, SECONDS)

    asyncio.run(asyncio.wait_for(run(), SECONDS))


async def refusing(scope, receive, send):
    """Answers at once and reads nothing of the request."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def dribble(client):
    while True:
        await asyncio.get_running_loop().sock_sendall(client, b"x")
        await asyncio.sleep(0.01)


def test_a_request_that_continues_after_its_answer_loses_its_connection_and_another_does_not():
    web_server = server(refusing, 600, 0.2)

    def post(length):
        return connect(web_server, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length)

    async def run():
        serving = asyncio.ensure_future(web_server.serve())
        await until(lambda: web_server.started)
        loop = asyncio.get_running_loop()
        with post(99_999_999) as dribbling, post(0) as whole:
            answers = [await loop.sock_recv(client, 1000) for client in (dribbling, whole)]
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await dribble(dribbling)
            assert len(web_server.server_state.connections) == 1
        web_server.should_exit = True
        await asyncio.wait_for(serving, SECONDS)
        return answers

    assert [answer.split()[1] for answer in asyncio.run(asyncio.wait_for(run(), SECONDS))] == [b"413", b"413"]


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_answers_are_sent_in_parts_and_whole(size):
    messages = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(size)})

    async def receive():
        if messages:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    asyncio.run(Guard(app)({"type": "http", "path": "/"}, receive, send))
    parts = messages[1:]
    assert sum(len(part["body"]) for part in parts) == size
    assert max(len(part["body"]) for part in parts) <= PART_BYTES
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]


def test_unsent_answers_leave_no_room_for_more_bodies():
    guard = Guard(large, GuardLimits(body_bytes=1000))

    async def run():
        free, statuses = asyncio.Event(), []

        async def receive():
            if len(statuses) > 1:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message):
            statuses.append(message.get("status"))
            if message["type"] == "http.response.body":
                await free.wait()

        first = asyncio.ensure_future(guard({"type": "http", "path": "/"}, receive, send))
        await until(lambda: guard.body_bytes > 1000)
        with pytest.raises(Problem, match="as many bytes"):
            guard.admit(2)
        free.set()
        await first
        guard.admit(2)

    asyncio.run(run())
