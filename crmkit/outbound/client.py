"""Sending a request to a server that somebody named, within bounds of addresses, size and time.

Each request has a connection of its own, and its address is checked as it is made. Redirects are not followed: their
status is the answer. Proxies of the environment, cookies and compression have no part in it.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import cached_property

from msgspec import Struct

from crmkit import __version__
from crmkit.errors import Problem
from crmkit.ip import Networks
from crmkit.outbound import guard
from crmkit.outbound.guard import Target
from crmkit.outbound.names import Resolve, Resolver

LONGEST_SECONDS = 10.0  # of any request, whatever its caller asks for


class Unreached(OSError):
    """Why a request got no answer: a short sentence that repeats nothing of what a server sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer(Struct, frozen=True):
    """What a server answered. Names of headers are in small letters; `body` is empty unless it was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: int


class _Request(Struct, frozen=True):
    """`most` bytes of the answer's body are read."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    most: int = 0


class Outbound:
    """Sends requests to public addresses, and to those in the `allowed` networks; to others nothing is sent.

    `context` is for other certificate authorities than the system's, `resolve` for another way to look names up.
    """

    def __init__(
        self, allowed: Networks, resolve: Resolve | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.allowed = allowed
        self._resolve = resolve
        self._given = context

    def check(self, url: str) -> Target:
        """Return the parts of a URL; raises `address_refused` for one that will never be asked for.

        A name is judged at each connection.
        """
        return guard.check(url, self.allowed)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float = 5) -> Answer:
        """Send a body and return the answer without its own, which is not read; raises Unreached."""
        return await self._sent(url, _Request("POST", headers, body), seconds)

    async def get(self, url: str, most: int, seconds: float = 5, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an answer whose body has at most so many bytes; raises Unreached."""
        return await self._sent(url, _Request("GET", headers or {}, None, most), seconds)

    async def _sent(self, url: str, request: _Request, seconds: float) -> Answer:
        try:
            target = guard.check(url, self.allowed)
        except Problem as problem:
            raise Unreached(problem.hint) from None
        seconds = min(seconds, LONGEST_SECONDS)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._answer(target, request, limit.when() or 0)
        except TimeoutError:
            raise Unreached(f"no answer within {seconds:g} seconds") from None

    async def _answer(self, target: Target, request: _Request, deadline: float) -> Answer:
        import httpcore  # imported late, by the first request: the start must not wait for it

        from crmkit.outbound.connecting import Checked, reason

        start = time.monotonic()
        sent = [("Host", target.authority), ("User-Agent", f"crmkit/{__version__}"), ("Connection", "close")]
        sent += [("Accept-Encoding", "identity"), *request.headers.items()]
        if request.body is not None:
            sent.append(("Content-Length", str(len(request.body))))
        place = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        network = Checked(target, self.allowed, self._resolver, deadline)
        connection = httpcore.AsyncHTTPConnection(
            place.origin, ssl_context=self._context if target.scheme == "https" else None, network_backend=network
        )
        try:
            exchange = connection.stream(request.method, place, headers=sent, content=request.body)
            async with connection, exchange as answer:
                read = await _read(answer.aiter_stream(), request.most) if request.most else b""
                ms = round(1000 * (time.monotonic() - start))
                return Answer(answer.status, _named(answer.headers), read, ms)
        except Unreached:
            raise
        except Exception as error:  # not httpcore's alone: uvloop has no socket any more where a server resets at once
            raise Unreached(reason(error)) from None
        finally:
            await network.aclose()

    @cached_property
    def _resolver(self) -> Resolve:
        return self._resolve or Resolver()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given or ssl.create_default_context()  # takes 20 ms, so it is made when it is needed


async def _read(pieces: AsyncIterable[bytes], most: int) -> bytes:
    """Return the body of an answer; raises Unreached for a longer one."""
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > most:
            raise Unreached(f"the answer has more than {most} bytes")
    return body


def _named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their names; what one says several times is joined (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found
