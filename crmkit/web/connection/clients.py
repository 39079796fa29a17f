"""The connections that are open: how many each client may have, and which have waited too long."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from crmkit import ip
from crmkit.errors import Problem
from crmkit.settings import Settings

if TYPE_CHECKING:
    from crmkit.web.connection.protocol import Connection

SWEEP_SECONDS = 1.0  # between two looks at all connections: one timer for all costs less than one for each request
SPARE = 64  # connections past a limit that are still told so; more are closed without a word

RETRY = {"Retry-After": "1"}


class Clients:
    """Lets connections in and looks once a second at what they wait for."""

    def __init__(self, settings: Settings, most: int) -> None:
        """`most` is the number of connections at once, those of all clients together."""
        self.limits = settings.limits
        self.stops = False  # the server ends: who comes now is sent away
        self._most = most
        self._trusted = ip.Networks(settings.server.trusted_proxies)
        self._open: set[Connection] = set()
        self._per_client: Counter[str] = Counter()
        self._sweeping = False

    def enter(self, connection: "Connection", loop: asyncio.AbstractEventLoop) -> Problem | None:
        """Count a connection that opened, until it leaves; return why it cannot stay, if it cannot."""
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

    def leave(self, connection: "Connection") -> None:
        """Forget a connection that is lost."""
        self._open.discard(connection)
        self._per_client[connection.peer] -= 1
        if not self._per_client[connection.peer]:
            del self._per_client[connection.peer]

    def peer(self, host: str) -> str:
        """Return whose connections are counted together with one from this address; empty for a trusted proxy."""
        return "" if host in self._trusted else ip.client(host)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = bool(self._open)
        if self._sweeping:
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)  # first, so that nothing below can end it
        now = loop.time()
        for connection in list(self._open):
            connection.look(now)
