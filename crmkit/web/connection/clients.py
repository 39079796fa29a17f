"""Counts open connections per client, and once a second refuses or closes those past their deadline."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from crmkit import ip
from crmkit.errors import Problem
from crmkit.settings import Settings

if TYPE_CHECKING:
    from crmkit.web.connection.protocol import HttpConnection

SWEEP_SECONDS = 1.0  # between two checks of all connections: one timer for all costs less than one for each request
SPARE = 64  # connections past a limit that get a response which says so; more are closed without one

RETRY = {"Retry-After": "1"}


class Clients:
    """Counts connections as they open and close, and checks their deadlines once a second."""

    def __init__(self, settings: Settings, most: int) -> None:
        """`most` is how many connections all clients together may have at once."""
        self.limits = settings.limits
        self.stops = False  # the server stops: new connections are closed
        self._most = most
        self._trusted = ip.Networks(settings.server.trusted_proxies)
        self._open: set[HttpConnection] = set()
        self._per_client: Counter[str] = Counter()
        self._sweeping = False

    @property
    def number(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def enter(self, connection: "HttpConnection", loop: asyncio.AbstractEventLoop) -> Problem | None:
        """Count a connection that opened; return the Problem to refuse it with, if it is one too many."""
        self._open.add(connection)
        self._per_client[connection.peer] += 1
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        most = self.limits.connections_per_client
        beyond = self._per_client[connection.peer] - most if connection.peer and most else 0
        if self.stops or max(beyond, len(self._open) - self._most) > SPARE:
            connection.transport.abort()
        elif len(self._open) > self._most:
            return Problem("busy", "This server has as many connections as it takes; try again shortly.", headers=RETRY)
        elif beyond > 0:
            return Problem("busy", f"Keep at most {most} connections open at once, and use them again.", headers=RETRY)
        return None

    def leave(self, connection: "HttpConnection") -> None:
        """Count a connection no longer, which has closed."""
        self._open.discard(connection)
        self._per_client[connection.peer] -= 1
        if not self._per_client[connection.peer]:
            del self._per_client[connection.peer]

    def peer(self, host: str) -> str:
        """Return the client whose connections this one is counted with; empty, so not counted, for a trusted proxy."""
        return "" if host in self._trusted else ip.client(host)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = bool(self._open)
        if self._sweeping:
            # first, so that an exception below does not end the checks
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        now = loop.time()
        for connection in list(self._open):
            connection.check_deadlines(now)
