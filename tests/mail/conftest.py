"""SMTP servers on the loopback interface, and a certificate authority that only the tests trust."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller

HOST = "127.0.0.1"


class Server(Controller):
    """A server on a port of the system's choice."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers: `serve(handler, **options of aiosmtpd's SMTP)`; they stop when the test is over."""
    with ExitStack() as running:

        def start(handler: object, **options: Any) -> Server:
            server = Server(handler, hostname=HOST, port=0, **options)
            server.start()
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture
def serve_raw() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Start servers that do with each connection what a function says; gives the port."""
    with ExitStack() as running:

        def start(talk: Callable[[socket.socket], None]) -> int:
            listener = running.enter_context(socket.create_server((HOST, 0)))

            def accept() -> None:
                with suppress(OSError):
                    while True:
                        connection, _ = listener.accept()
                        with connection, suppress(OSError):
                            talk(connection)

            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            running.callback(thread.join)
            running.callback(listener.shutdown, socket.SHUT_RDWR)
            return int(listener.getsockname()[1])

        yield start


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give the port of a server that accepts connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Give a client context that trusts the tests' authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def certified(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """Make server contexts with a certificate for a name."""

    def context(name: str) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(made)
        return made

    return context
