"""Clients that do not read their answers, or do not end their requests."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import pytest
import uvicorn

from shortlist.server.middleware.guard import PART_BYTES, Guard, GuardLimits
from shortlist.server.operations import Operations
from shortlist.server.problems import Problem
from shortlist.server.run import Draining

SIZE = 8_000_000


async def large(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    headers = [(b"content-length", str(SIZE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * SIZE})


async def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def server(app, unread, unended=60.0):
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    return Draining(config, Operations(logger=logging.getLogger("test")), 0, unread, unended)


def asking(held):
    client = socket.create_connection(held.servers[0].sockets[0].getsockname())
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.setblocking(False)
    return client


def test_an_unread_answer_is_counted_then_cut_and_holds_up_no_shutdown():
    guard = Guard(large)
    held = server(guard, 0.4)

    async def run():
        serving = asyncio.ensure_future(held.serve())
        await until(lambda: held.started)
        with asking(held):
            await until(lambda: guard.requests)
            counted = guard.body_bytes
            assert guard.requests == 1
            held.should_exit = True
            await asyncio.wait_for(serving, 10)
        return counted

    assert asyncio.run(run()) == SIZE
    assert (guard.requests, guard.body_bytes) == (0, 0)


def test_a_client_that_reads_slowly_gets_the_whole_answer():
    guard = Guard(large)
    held = server(guard, 0.4)

    async def run():
        serving = asyncio.ensure_future(held.serve())
        await until(lambda: held.started)
        loop, got, began = asyncio.get_running_loop(), 0, time.monotonic()
        with asking(held) as client:
            while got < SIZE:
                part = await loop.sock_recv(client, SIZE // 8)
                assert part, got
                got += len(part)
                await asyncio.sleep(0.1)
        held.should_exit = True
        await asyncio.wait_for(serving, 10)
        return time.monotonic() - began

    assert asyncio.run(run()) > 0.4


async def refusing(scope, receive, send):
    """Answers at once and reads nothing of the request."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def dribble(client):
    while True:
        await asyncio.get_running_loop().sock_sendall(client, b"x")
        await asyncio.sleep(0.01)


def test_a_request_that_goes_on_after_its_answer_is_cut_and_one_that_ends_is_not():
    held = server(refusing, 60, 0.2)

    def connected(length):
        client = socket.create_connection(held.servers[0].sockets[0].getsockname())
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length)
        client.setblocking(False)
        return client

    async def run():
        serving = asyncio.ensure_future(held.serve())
        await until(lambda: held.started)
        loop = asyncio.get_running_loop()
        with connected(99_999_999) as dribbling, connected(0) as whole:
            answers = [await loop.sock_recv(client, 1000) for client in (dribbling, whole)]
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await dribble(dribbling)
            assert len(held.server_state.connections) == 1
        held.should_exit = True
        await asyncio.wait_for(serving, 10)
        return answers

    assert [answer.split()[1] for answer in asyncio.run(asyncio.wait_for(run(), 30))] == [b"413", b"413"]


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_answers_go_out_in_parts_and_whole(size):
    sent = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(size)})

    async def receive():
        if sent:
            await asyncio.sleep(10)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app)({"type": "http", "path": "/"}, receive, send))
    bodies = sent[1:]
    assert sum(len(one["body"]) for one in bodies) == size
    assert max(len(one["body"]) for one in bodies) <= PART_BYTES
    assert [one["more_body"] for one in bodies] == [True] * (len(bodies) - 1) + [False]


def test_unsent_answers_leave_no_room_for_more_bodies():
    guard = Guard(large, GuardLimits(body_bytes=1000))

    async def run():
        free, statuses = asyncio.Event(), []

        async def receive():
            if len(statuses) > 1:
                await asyncio.sleep(10)
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
