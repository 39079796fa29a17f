"""A connection: bytes become requests, within bounds of size, number and time."""

import math
import socket
from collections import deque
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr

from crmkit import ip
from crmkit.errors import Problem
from crmkit.web.connection.clients import RETRY, Clients
from crmkit.web.connection.exchange import Exchange
from crmkit.web.edge import Edge

MOST_HEAD = 64 * 1024  # bytes of a request's head: request line and headers
MOST_HEADERS = 100
MOST_URL = 16 * 1024  # bytes
MOST_WAITING = 100  # requests of one connection that wait for the answer to the one before them
# bytes that the parser gets at once: an unfinished header, and requests sent ahead, take memory only as far as they are
# parsed
PIECE = 1024
BODY_PIECE = 16 * 1024

LINGER_SECONDS = 1.0  # how long, and
LINGER_BYTES = 256 * 1024  # how much is still read after a refusal, so that the client sees it and not a reset
GRACE_SECONDS = 0.8  # that a client has to send its body, or to read its answer, once the server stops
AGAIN_SECONDS = 0.2  # after which a connection that is to end is looked at once more

# how much of its answers the kernel keeps for a client that does not read them, beside what is on its way; by itself it
# keeps megabytes, and so many requests sent ahead would be answered to nobody
UNREAD_BYTES = 64 * 1024
UNWRITTEN_BYTES = 16 * 1024  # that are kept here once the kernel takes no more; the next part of an answer then waits

NEVER = math.inf


class Connection(HttpToolsProtocol):
    """One client's connection. Requests are answered in the order in which they come, one at a time."""

    def __init__(self, clients: Clients, edge: Edge, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.peer = ""  # with whose connections this one is counted
        self.deadline = NEVER  # of what is waited for: a head, more of a body, the next request
        self._clients = clients
        self._limits = clients.limits
        self.edge = edge
        self._running: Exchange | None = None
        self._waiting: deque[tuple[Exchange, Any]] = deque()  # requests sent ahead of the answer to another
        self._rest = b""  # what came after them, not yet parsed
        self._newest: Exchange | None = None  # the one whose body comes
        self._is_lost = False
        self._is_deaf = False  # whatever still comes is thrown away
        self._is_hurried = False
        self._thrown = 0  # bytes
        self._in_head = False
        self._head_since: float | None = None  # since when the head is waited for; None if it is not
        self._head = 0  # bytes of the head, parsed
        self._fed = 0  # bytes since it began
        self._unread = (0, NEVER)  # bytes that the client has not read, and until when it may read none of them

    # the transport's side

    def connection_made(self, transport: Any) -> None:
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        host, port = get_remote_addr(transport) or ("unknown", 0)
        self.client = (ip.plain(host), port)
        self.server = transport.get_extra_info("sockname")[:2]
        self.scheme = "http"
        self.app_state = {**self.app_state, "is_gone": self.is_in_vain}
        self.peer = self._clients.peer(self.client[0])
        self._head_since = self.loop.time()
        self.deadline = self._head_since + self._limits.head_seconds
        transport.set_write_buffer_limits(high=UNWRITTEN_BYTES)
        with suppress(OSError):  # of a client that has left already
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNREAD_BYTES)
        refusal = self._clients.enter(self, self.loop)
        if refusal is not None:
            self._refuse(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        self._clients.leave(self)
        self._is_lost = True
        self._waiting.clear()
        if self._running is not None:
            self._running.wake()
        self.flow.resume_writing()
        self._rest = b""
        # these hold this connection: left in place, only the collector of cycles could free it
        self.parser = self.scope = None  # type: ignore[assignment]
        self._running = self._newest = None
        self.app_state = {}

    def is_gone(self) -> bool:
        """Tell whether the client has left, so that nobody reads an answer any more."""
        return self._is_lost or self.transport.is_closing()

    def is_in_vain(self) -> bool:
        """Tell whether work for this client is to be dropped: it has left, or the server stops and waited for it."""
        return self._is_hurried or self.is_gone()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        self._read_on()

    def _read_on(self) -> None:
        """Parse what came, as far as no request waits for the answer to another."""
        data, self._rest = self._rest, b""
        start = 0
        while start < len(data):
            if self._is_deaf:
                self._throw_away(len(data) - start)
                break
            if self._waiting:
                self._rest = data[start:]
                break
            end = start + (PIECE if self._newest is None or self._newest.is_received else BODY_PIECE)
            self._feed(data[start:end])
            start = end

    def _feed(self, data: bytes) -> None:
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # to a protocol that is not spoken here: the answer is HTTP, and the last
            self._is_deaf = True
        except httptools.HttpParserError as error:
            self._refuse(_raised_in(error) or unreadable())
        else:
            if self._in_head:
                self._wait_for_head()

    def _wait_for_head(self) -> None:
        if self._fed > MOST_HEAD:
            self._refuse(too_large())
        elif self._head_since is None:
            self._head_since = self.loop.time()
            if self._running is None:
                self.deadline = self._head_since + self._limits.head_seconds

    # the parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head = self._fed = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head += len(url)
        if self._head > MOST_URL:
            raise too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) + 4
        if self._head > MOST_HEAD or len(self.headers) >= MOST_HEADERS:
            raise too_large()
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise Problem("busy", f"Send at most {MOST_WAITING} requests ahead of their answers.", headers=RETRY)
        parser, scope, url = self.parser, self.scope, httptools.parse_url(self.url)
        if url.path is None or (parser.should_upgrade() and _announces_body(self.headers)):
            raise unreadable()
        version = parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        scope["method"] = parser.get_method().decode("ascii")
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        self._in_head, self._head_since = False, None
        keep_alive = version != "1.0" and parser.should_keep_alive() and not parser.should_upgrade()
        self._newest = Exchange(self, scope, keep_alive, self._limits.stall_seconds)
        self._answer(self._newest, self.app)

    def on_body(self, body: bytes) -> None:
        if self._newest is not None and not self._newest.is_answered:
            self._newest.take(body, self._limits.stall_seconds)

    def on_message_complete(self) -> None:
        if self._newest is not None:
            self._newest.is_received = True
            self._newest.wake()

    # from one request to the next

    def _answer(self, exchange: Exchange, app: Any) -> None:
        """Have a request answered, after those that came before it."""
        self.deadline = NEVER
        if self._running is None:
            self._running = exchange
            self._start_asgi_task(exchange, app)  # type: ignore[arg-type]
        else:
            self.flow.pause_reading()
            self._waiting.append((exchange, app))

    def answered(self, exchange: Exchange) -> None:
        """Go on to the next request, or end the connection."""
        self.server_state.total_requests += 1
        self._running = None
        if not exchange.keep_alive:
            self._end(is_clean=exchange.is_received and not self._is_deaf)
            return
        if self._waiting:
            self._answer(*self._waiting.popleft())
        if not self._waiting:
            self._read_on()
        if not self._waiting:
            self.flow.resume_reading()
        if self._running is None:
            now = self.loop.time()
            if self._in_head:
                self._head_since = now
                self.deadline = now + self._limits.head_seconds
            else:
                self.deadline = now + self._limits.idle_seconds

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem that was found before the application had a say; what comes after it is not read."""
        self._is_deaf = True
        if self._newest is not None and not self._newest.is_received:
            self._newest.fail(problem)  # it is the body that is at fault
            return
        if not self._in_head:
            super().on_message_begin()
        named = {
            "method": self.parser.get_method().decode("ascii"),
            "path": self.url.partition(b"?")[0].decode("latin-1"),
        }
        scope = {"method": "-", "path": "-", **self.scope, **(named if self.url else {}), "query_string": b""}
        self._answer(Exchange(self, scope, keep_alive=False), self.edge.refusing(problem))

    def _end(self, is_clean: bool) -> None:
        """Close after the last answer.

        What the client still sends is read for a moment: a reset would take the answer from it.
        """
        if is_clean or self._clients.stops:
            self.transport.close()
            return
        self._is_deaf = True
        self.deadline = self.loop.time() + LINGER_SECONDS
        self.transport.write_eof()
        if self._thrown <= LINGER_BYTES:
            self.flow.resume_reading()

    def _throw_away(self, size: int) -> None:
        self._thrown += size
        if self._thrown > LINGER_BYTES:
            self.flow.pause_reading()

    # time

    def look(self, now: float) -> None:
        """Give up what has waited too long; called about once a second."""
        if now > self.deadline:
            self.deadline = NEVER
            self._give_up()
        if self.flow.write_paused or self.transport.is_closing():
            unread = self.transport.get_write_buffer_size()
            if unread != self._unread[0]:
                self._unread = (unread, now + self._limits.stall_seconds)
            elif now > self._unread[1]:
                self.transport.abort()
        else:
            self._unread = (0, NEVER)

    def _give_up(self) -> None:
        seconds = self._limits
        if self._running is not None and self._running.is_waiting:
            self._is_deaf = True
            self._running.fail(
                late(
                    f"Send at least 1 KiB of the body in {seconds.stall_seconds} seconds; then send the request again."
                )
            )
        elif self._in_head and not self._is_deaf:
            self._refuse(late(f"Send the head of a request within {seconds.head_seconds} seconds."))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """End once what runs is answered (uvicorn calls this when the server stops)."""
        if self._running is None:
            self.transport.close()
        else:
            self._running.keep_alive = False
        self.loop.call_later(GRACE_SECONDS, self._hurry)

    def _hurry(self) -> None:
        """Wait no longer for the client, only for the application, which drops what reads long."""
        self._is_hurried = True
        if self._is_lost:
            return
        if self._running is None or self.flow.write_paused:
            self.transport.abort()
        elif self._running.is_waiting:
            self._running.fail(Problem("busy", "The server stops; send the request again in a moment.", headers=RETRY))
        self.loop.call_later(AGAIN_SECONDS, self._hurry)


def too_large() -> Problem:
    return Problem(
        "head_too_large",
        f"Send a URL of at most {MOST_URL // 1024} KiB and at most {MOST_HEADERS} headers, all within "
        f"{MOST_HEAD // 1024} KiB; what is long goes into a body.",
    )


def unreadable() -> Problem:
    return Problem("invalid_value", "Send HTTP/1.1 as RFC 9112 has it, without TLS and without an upgrade.")


def late(hint: str) -> Problem:
    return Problem("request_timeout", hint)


def _raised_in(error: BaseException) -> Problem | None:
    """Return the Problem that one of the parser's callbacks raised, without the frames it passed, which refer to it."""
    cause = error.__context__
    return cause.with_traceback(None) if isinstance(cause, Problem) else None


def _announces_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
