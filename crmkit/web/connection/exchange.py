"""One request on a connection and its response, by the interface ASGI."""

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from crmkit.errors import Problem

if TYPE_CHECKING:
    from crmkit.web.connection.protocol import HttpConnection

log = logging.getLogger("crmkit")

STEP = 1024  # bytes of a body that count as progress; a client that sends one byte now and then makes none

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Exchange:
    """Hands the body to the application as it arrives, and writes the response."""

    __slots__ = (
        "_connection",
        "_head",
        "_is_chunked",
        "_is_delivered",
        "_is_wanted",
        "_problem",
        "_progress",
        "_received",
        "_stall_left",
        "_waiter",
        "is_answered",
        "is_received",
        "keep_alive",
        "scope",
    )

    def __init__(self, connection: "HttpConnection", scope: Any, keep_alive: bool, stall_seconds: float = 0.0) -> None:
        """`stall_seconds` is how long the body may make no progress."""
        self.scope = scope
        self.keep_alive = keep_alive  # whether the connection stays open after the answer
        self.is_received = False  # the body has come to its end
        self.is_answered = False
        self._connection = connection
        self._received = b""  # of the body, not yet read by the application
        # the application has asked for the body; `100 Continue` was sent if the client waits for it
        self._is_wanted = False
        self._is_delivered = False  # the application has read the body to its end
        self._problem: Problem | None = None  # why the rest of the body is not read
        self._waiter: asyncio.Future[None] | None = None  # the application waits on it for more of the body
        self._stall_left = stall_seconds
        self._progress = 0  # bytes of the body since the last step
        self._head = b""  # of the response, written together with the first part of its body
        self._is_chunked = False  # the length of the response's body is not known (RFC 9112, 7.1)

    async def run_asgi(self, app: Any) -> None:
        """Run the application; reset the connection if it did not finish the response."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:  # the time to stop is over
            pass
        except Exception as error:
            id = self.scope["state"].get("logged_id", "")
            log.error("a request failed outside the application", exc_info=error, extra={"request": id})
        if not self.is_answered:
            self._connection.reset()

    async def receive(self) -> dict[str, Any]:
        """Wait for the next part of the body and return it; raises the Problem for which the rest is not read."""
        if self._is_delivered or not (self._received or self.is_received or self._problem):
            await self._more()
        if self._problem is not None:
            raise self._problem
        if self._is_over():
            return {"type": "http.disconnect"}
        body, self._received = self._received, b""
        self._is_delivered = self.is_received
        return {"type": "http.request", "body": body, "more_body": not self.is_received}

    async def _more(self) -> None:
        """Wait for more of the body or, if all of it was read, for the client to disconnect."""
        connection = self._connection
        if self._is_over():
            return
        if not self._is_wanted:
            self._is_wanted = True
            if not self.is_received and self._expects_continue():
                connection.transport.write(_CONTINUE)
        self._waiter = connection.loop.create_future()
        if not self.is_received:
            connection.flow.resume_reading()
            connection.deadline = connection.loop.time() + self._stall_left
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._stall_left = connection.deadline - connection.loop.time()
            connection.deadline = math.inf

    def _is_over(self) -> bool:
        """Tell whether the application need not wait any longer: to a stop of the server, once it has the body."""
        connection = self._connection
        return self.is_answered or connection.is_gone() or (self._is_delivered and connection.stops())

    def _expects_continue(self) -> bool:
        """Tell whether the client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1)."""
        headers = self.scope["headers"]
        asks = any(name == b"expect" and content.lower() == b"100-continue" for name, content in headers)
        return asks and bool(self.scope["http_version"] == "1.1")

    def _is_coming(self) -> bool:
        """Tell whether the rest of the body is small and on its way."""
        return self._is_small() and (self._is_wanted or not self._expects_continue())

    def _is_small(self) -> bool:
        """Tell whether the client announced a body of at most 64 KiB, which is on its way already."""
        lengths = [content for name, content in self.scope["headers"] if name == b"content-length"]
        return len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0][:9]) <= HIGH_WATER_LIMIT

    def take(self, body: bytes, stall_seconds: float) -> None:
        """Keep a part of the body until the application reads it; past 64 KiB no more is read from the client."""
        self._received += body
        if len(self._received) > HIGH_WATER_LIMIT:
            self._connection.flow.pause_reading()
        self._progress += len(body)
        if self._progress >= STEP:
            self._progress, self._stall_left = 0, stall_seconds
            if self.is_waiting:
                self._connection.deadline = self._connection.loop.time() + stall_seconds
        self.wake()

    def wake(self) -> None:
        """Wake the application if it waits: there is more of the body, or its end, or the client has gone."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def fail(self, problem: Problem) -> None:
        """Have the application's next read of the body raise this Problem."""
        self._problem = problem
        self.keep_alive = False
        self.wake()

    @property
    def is_waiting(self) -> bool:
        """Whether the application waits for more of the body."""
        return self._waiter is not None

    async def send(self, message: Any) -> None:
        """Write the head of the response, or a part of its body.

        The application sets content-length itself; without one the body is chunked, and for HTTP/1.0 it ends with the
        connection.
        """
        connection = self._connection
        if connection.flow.write_paused:
            await connection.flow.drain()
        if connection.is_gone():
            return
        if message["type"] == "http.response.start":
            self._head = self._head_of(message)
            return
        body = b"" if self.scope["method"] == "HEAD" else message.get("body", b"")
        is_last = not message.get("more_body", False)
        if self._is_chunked:
            body = _chunk(body) + (_LAST_CHUNK if is_last else b"")
        connection.write(self._head + body)
        self._head = b""
        if is_last:
            self.is_answered = True
            connection.answered(self)

    def _head_of(self, message: Any) -> bytes:
        """Return status line and headers. A 204 has no body, and no header about one (RFC 9112, 6.1).

        The rest of the request's body is thrown away; the connection closes unless that is small and on its way.
        """
        if not self.is_received and not self._is_coming():
            self.keep_alive = False
        headers = (*self._connection.server_state.default_headers, *message["headers"])
        lines = [*map(b": ".join, headers)]
        has_length = any(line.startswith(b"content-length:") for line in reversed(lines))
        if not has_length and message["status"] != 204 and self.scope["http_version"] == "1.1":
            lines.append(b"transfer-encoding: chunked")
            self._is_chunked = self.scope["method"] != "HEAD"
        if not self.keep_alive:
            lines.append(b"connection: close")
        head = b"%b%b\r\n\r\n" % (STATUS_LINE[message["status"]], b"\r\n".join(lines))
        breaks = len(lines) + 2
        if head.count(b"\r") != breaks or head.count(b"\n") != breaks:
            raise ValueError("a header holds a line break")
        return head


def _chunk(body: bytes) -> bytes:
    """Return a part of a body as a chunk; of an empty part, which would mean the end, nothing."""
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""
