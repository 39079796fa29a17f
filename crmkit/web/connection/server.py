"""uvicorn, set up to run our connections, and to run nothing that is not asked for."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import CodeType
from typing import Any

import uvicorn

from crmkit.settings import Settings, SettingsError
from crmkit.web.connection.clients import Clients
from crmkit.web.connection.protocol import Connection
from crmkit.web.edge import Edge

STOP_SECONDS = 8  # what runs may take this long to finish, however long its client takes

OPTIONS: dict[str, Any] = {
    "access_log": False,
    "date_header": False,
    "lifespan": "on",
    "log_config": None,
    "proxy_headers": False,  # crmkit.web.proxies reads them
    "server_header": False,
    "timeout_graceful_shutdown": STOP_SECONDS,
    "ws": "none",
}


class Server(uvicorn.Server):
    """Runs an application until it is told to stop."""

    def __init__(self, edge: Edge, settings: Settings, most: int) -> None:
        """`most` is how many connections the process has files for."""
        check(OPTIONS)
        self._clients = Clients(settings, min(most, settings.limits.connections))
        protocol: Any = partial(Connection, self._clients, edge)
        place: dict[str, Any] = {"host": settings.server.host, "port": settings.server.port}
        super().__init__(uvicorn.Config(edge, http=protocol, **place, **OPTIONS))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._clients.stops = True
        await super().shutdown(sockets)


def check(options: Mapping[str, Any]) -> None:
    """Raise SettingsError for an option that nothing reads: a limit that is set but not kept is worse than none."""
    read = set(_names(_codes(Connection, uvicorn.Server, uvicorn.Config)))
    for name in options:
        if name not in read:
            raise SettingsError(
                f"uvicorn is given {name}, which its HTTP parser here ({Connection.__name__}) never reads"
            )


def _codes(*classes: type) -> Iterator[CodeType]:
    """Yield the code of all methods and properties but of Config's own __init__, which only stores what it is given."""
    for one in classes:
        for member in (member for base in one.__mro__[:-1] for member in vars(base).values()):
            code = getattr(getattr(member, "fget", member), "__code__", None)
            if code is not None and code is not uvicorn.Config.__init__.__code__:
                yield code


def _names(codes: Iterable[CodeType]) -> Iterator[str]:
    """Yield every name that is looked up in code, and in the functions inside it."""
    for code in codes:
        yield from code.co_names
        yield from _names(part for part in code.co_consts if isinstance(part, CodeType))
