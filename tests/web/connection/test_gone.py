"""Whether a client is still there, as the layers below are told."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import msgspec

from crmkit.mcp import in_process
from crmkit.settings import Settings
from crmkit.web.connection.protocol import HttpConnection
from crmkit.web.connection.server import Server
from crmkit.web.metrics.requests import Requests
from tests.house import House
from tests.web.connection.raw import TAKES, answer, connected, head


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application of the test's own, through connections of ours."""
    settings = msgspec.structs.replace(Settings(), server=msgspec.structs.replace(Settings().server, port=0))
    app.requests = Requests()  # as an edge has it
    server = Server(app, settings, most=100)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(TAKES)
        assert not thread.is_alive()


def test_is_gone_in_the_state_of_a_request_tells_when_its_client_has_gone() -> None:
    told: list[bool] = []
    has_begun, has_ended = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        is_gone = scope["state"]["is_gone"]
        told.append(is_gone())
        has_begun.set()
        deadline = time.monotonic() + TAKES
        while not is_gone() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        told.append(is_gone())
        has_ended.set()

    with serving(app) as url:
        with connected(url) as connection:
            connection.sendall(head())
            assert has_begun.wait(TAKES)
        assert has_ended.wait(TAKES)
    assert told == [False, True]


def test_a_request_of_a_tool_has_the_client_of_the_call_it_came_in() -> None:
    seen: dict[str, Any] = {}

    async def edge(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope["state"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok\n"})

    state = {"request_id": "abc", "logged_id": "client:abc", "is_gone": lambda: True, "pairs": []}
    scope = {"asgi": {}, "http_version": "1.1", "scheme": "http", "headers": [], "state": state}
    outer: Any = SimpleNamespace(scope=scope, app=SimpleNamespace(state=SimpleNamespace(edge=edge)))
    assert asyncio.run(in_process.send(outer, in_process.Request("GET", "/healthz"))).body == "ok\n"
    assert seen["is_gone"]() is True
    assert (seen["request_id"], seen["logged_id"]) == ("abc", "client:abc")
    assert "pairs" not in seen


def test_a_connection_that_ended_is_freed_without_the_garbage_collector(home: House) -> None:
    def left() -> int:
        return sum(isinstance(one, HttpConnection) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        for sent in (
            head(),
            head("GET", "/" + "x" * 20_000),
            head("POST", "/auth/request", "Content-Length: 9") + b"{",
        ):
            with connected(home.url) as connection:
                connection.sendall(sent)
                if sent.endswith(b"\n"):
                    answer(connection)
        deadline = time.monotonic() + TAKES
        while left():
            assert time.monotonic() < deadline, f"{left()} connections are left"
            time.sleep(0.02)
    finally:
        gc.enable()
