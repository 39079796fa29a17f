"""One connection: parses bytes into requests, with limits on their size, number and time."""

import math
import re
import socket
import struct
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

MAX_HEAD = 64 * 1024  # bytes of a request line with its headers
MAX_HEADERS = 100
MAX_URL = 16 * 1024  # bytes
MAX_WAITING = 100  # requests of one connection that wait for the answer to the one before them
# bytes fed to the parser at once, so that an unfinished head or pipelined requests cost little memory
PIECE = 1024
BODY_PIECE = 16 * 1024

# how much is still read after a refusal, so that the client gets the response and not a TCP reset
LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024
GRACE_SECONDS = 0.8  # for a client to send its body, or to read its response, once the server stops
AGAIN_SECONDS = 0.2  # between two looks at a connection that has to end

# unsent bytes of responses that the kernel buffers for a client that does not read (TCP_NOTSENT_LOWAT). Its default is
# megabytes, so many requests sent ahead would be answered for nobody
UNREAD_BYTES = 64 * 1024
# that we buffer when the kernel takes no more; past that, the next part of a response waits
UNWRITTEN_BYTES = 16 * 1024

NEVER = math.inf
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no seconds

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
# what the parser says of a mistake that clients make -> what to do about it
_MISTAKES = {
    "Expected HTTP/": "Percent-encode blanks in the URL (%20). ",
    " url": "Begin the path with / and percent-encode odd characters. ",
    "Invalid header": "Send each header as NAME: VALUE, without control characters. ",
}


class HttpConnection(HttpToolsProtocol):
    """One client's connection. Requests are answered one at a time, in the order in which they arrive."""

    def __init__(self, clients: Clients, edge: Edge, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.peer = ""  # the client that this connection is counted for
        self.deadline = NEVER  # until when to wait for a head, more of a body, or the next request
        self._clients = clients
        self._limits = clients.limits
        self.edge = edge
        self._running: Exchange | None = None
        self._waiting: deque[tuple[Exchange, Any]] = deque()  # requests sent ahead of the answer to another
        self._rest = b""  # bytes after those requests, not yet parsed
        self._newest: Exchange | None = None  # the request whose body is being received
        self._is_lost = False
        self._discards_input = False  # what the client still sends is thrown away
        self._is_hurried = False  # the server stops, and the client has had GRACE_SECONDS
        self._discarded = 0  # bytes
        self._in_head = False
        self._in_line = False  # within the request line, if in a head
        self._head_since: float | None = None  # since when the head is waited for; None if it is not
        self._head = 0  # bytes of the head, parsed
        self._fed = 0  # bytes given to the parser since the head began
        self._written = 0  # bytes of answers
        self._taken = (-1, NEVER)  # (bytes of them that the kernel took, deadline by which it must take more)

    # the transport's side

    def connection_made(self, transport: Any) -> None:
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        host, port = get_remote_addr(transport) or ("unknown", 0)
        self.client = (ip.plain(host), port)
        self.server = transport.get_extra_info("sockname")[:2]
        self.scheme = "http"
        self.app_state = {**self.app_state, "is_gone": self.may_be_dropped}
        self.peer = self._clients.peer(self.client[0])
        self._head_since = self.loop.time()
        self.deadline = self._head_since + self._limits.head_seconds
        transport.set_write_buffer_limits(high=UNWRITTEN_BYTES)
        with suppress(OSError):  # the client has disconnected already
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
        # these refer to this connection: without this, it would stay in memory until the garbage collector runs
        self.parser = self.scope = None  # type: ignore[assignment]
        self._running = self._newest = None
        self.app_state = {}

    def is_gone(self) -> bool:
        """Tell whether the client has disconnected."""
        return self._is_lost or self.transport.is_closing()

    def stops(self) -> bool:
        """Tell whether the server stops."""
        return self._clients.stops

    def may_be_dropped(self) -> bool:
        """Tell whether work for this client may stop: it has disconnected, or the server stops and waited for it."""
        return self._is_hurried or self.is_gone()

    def write(self, data: bytes) -> None:
        """Send a part of an answer."""
        self._written += len(data)
        self.transport.write(data)

    def reset(self) -> None:
        """Disconnect the client with a TCP reset, so that it cannot take what it got for the whole answer."""
        with suppress(OSError, ValueError):  # the socket is closed already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        self._read_on()

    def _read_on(self) -> None:
        """Parse received bytes until a complete request has to wait for the response to another."""
        data, self._rest = self._rest, b""
        start = 0
        while start < len(data):
            if self._discards_input:
                self._discard(len(data) - start)
                break
            if self._waiting:
                self._rest = data[start:]
                break
            end = start + (PIECE if self._newest is None or self._newest.is_received else BODY_PIECE)
            self._feed(data[start:end])
            start = end

    def _feed(self, data: bytes) -> None:
        """Parse bytes; those of a URL that are not ASCII are taken as if the client had percent-encoded them."""
        if data.isascii():
            self._parse(data)
            return
        start = 0
        while start < len(data) and not self._discards_input:
            if self._in_head or self._newest is None or self._newest.is_received:
                end = data.find(b"\n", start) + 1 or len(data)
                line = data[start:end]
                self._parse(line if self._in_head and not self._in_line else _percent_encoded(line))
            else:  # a body
                end = len(data)
                self._parse(data[start:])
            start = end

    def _parse(self, data: bytes) -> None:
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # we speak no other protocol: this request is answered, in HTTP, and no further one
            self._discards_input = True
        except httptools.HttpParserError as error:
            self._refuse(_raised_in(error) or unreadable(error))
        else:
            if self._in_head:
                self._wait_for_head(data)

    def _wait_for_head(self, data: bytes) -> None:
        """Wait for the rest of a head whose beginning, or a further part of it, was in `data`."""
        _, ended, rest = data.rpartition(b"\n")
        if ended:  # a request line begins after the break if nothing was parsed yet, or just that
            begun = b"%b " % self.parser.get_method() if self.url else b""
            self._in_line = not self.headers and rest.startswith(begun)
        if self._fed > MAX_HEAD:
            self._refuse(too_large())
        elif self._head_since is None:
            self._head_since = self.loop.time()
            if self._running is None:
                self.deadline = self._head_since + self._limits.head_seconds

    # the parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._in_line = True
        self._head = self._fed = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head += len(url)
        if self._head > MAX_URL:
            raise too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) + 4
        if self._head > MAX_HEAD or len(self.headers) >= MAX_HEADERS:
            raise too_large()
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise Problem("busy", f"Send at most {MAX_WAITING} requests ahead of their answers.", headers=RETRY)
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
        """Answer a request, after those that arrived before it."""
        self.deadline = NEVER
        if self._running is None:
            self._running = exchange
            self._start_asgi_task(exchange, app)  # type: ignore[arg-type]
        else:
            self.flow.pause_reading()
            self._waiting.append((exchange, app))

    def answered(self, exchange: Exchange) -> None:
        """Start the next request, or end the connection; called when a response is complete."""
        self.server_state.total_requests += 1
        self._running = None
        if not exchange.keep_alive:
            self._end(is_clean=exchange.is_received and not self._discards_input)
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
        """Answer with a Problem without running the application; what the client sends after it is thrown away."""
        self._discards_input = True
        if self._newest is not None and not self._newest.is_received:
            self._newest.fail(problem)  # the Problem is in the body
            return
        if not self._in_head:
            super().on_message_begin()
        path, _, query = self.url.partition(b"?")
        named = {"method": self.parser.get_method().decode("ascii"), "raw_path": path}
        format = b"format=json" if b"format=json" in query.split(b"&") else b""
        scope = {"method": "-", "raw_path": b"-", **self.scope, **(named if self.url else {}), "query_string": format}
        self._answer(Exchange(self, scope, keep_alive=False), self.edge.refusing(problem))

    def _end(self, is_clean: bool) -> None:
        """Close the connection after its last response.

        Unless all is received, reading goes on for a moment: closing at once would send a TCP reset, which may keep the
        client from reading the response.
        """
        if is_clean or self._clients.stops:
            self.transport.close()
            return
        self._discards_input = True
        self.deadline = self.loop.time() + LINGER_SECONDS
        self.transport.write_eof()
        if self._discarded <= LINGER_BYTES:
            self.flow.resume_reading()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self.flow.pause_reading()

    # time

    def check_deadlines(self, now: float) -> None:
        """Refuse or close what has waited too long; called about once a second."""
        if now > self.deadline:
            self.deadline = NEVER
            self._time_out()
        if self.flow.write_paused or self.transport.is_closing():
            taken = self._written - self.transport.get_write_buffer_size()
            if taken != self._taken[0]:
                self._taken = (taken, now + self._limits.stall_seconds)
            elif now > self._taken[1]:
                self.reset()
        else:
            self._taken = (-1, NEVER)

    def _time_out(self) -> None:
        seconds = self._limits
        if self._running is not None and self._running.is_waiting:
            self._discards_input = True
            self._running.fail(
                late(
                    f"Send at least 1 KiB of the body in {seconds.stall_seconds} seconds; then send the request again."
                )
            )
        elif self._in_head and not self._discards_input:
            self._refuse(late(f"Send the head of a request within {seconds.head_seconds} seconds."))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Close once the running request is answered (uvicorn calls this when the server stops)."""
        if self._running is None:
            self.transport.close()
        else:
            self._running.keep_alive = False
            if self._running.is_received:
                self._running.wake()  # it may wait for the client to disconnect
        self.loop.call_later(GRACE_SECONDS, self._hurry)

    def _hurry(self) -> None:
        """Wait no longer for the client, only for the application, which stops its long reads."""
        self._is_hurried = True
        if self._is_lost:
            return
        if self._running is None:
            self.transport.abort()
        elif self.flow.write_paused:
            self.reset()
        elif self._running.is_waiting:
            self._running.fail(Problem("busy", "The server stops; send the request again in a moment.", headers=RETRY))
        self.loop.call_later(AGAIN_SECONDS, self._hurry)


def too_large() -> Problem:
    return Problem(
        "head_too_large",
        f"Send a URL of at most {MAX_URL // 1024} KiB and at most {MAX_HEADERS} headers, all within "
        f"{MAX_HEAD // 1024} KiB; what is long goes into a body.",
    )


def unreadable(error: httptools.HttpParserError | None = None) -> Problem:
    """Return the Problem of bytes that are no request; the parser's `error` tells some mistakes apart."""
    wrong = next((what for reason, what in _MISTAKES.items() if reason in str(error)), "")
    return Problem("invalid_value", f"{wrong}Send HTTP/1.1 as RFC 9112 has it, without TLS and without an upgrade.")


def late(hint: str) -> Problem:
    return Problem("request_timeout", hint)


def _raised_in(error: BaseException) -> Problem | None:
    """Return the Problem that a parser callback raised, without its traceback, whose frames refer to the connection."""
    cause = error.__context__
    return cause.with_traceback(None) if isinstance(cause, Problem) else None


def _percent_encoded(line: bytes) -> bytes:
    return _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line)


def _announces_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
