"""uvicorn, set up to run connections of our own class, with everything else that it offers switched off."""

import socket
from collections.abc import Iterable, Mapping
from functools import partial
from types import CodeType
from typing import Any

import uvicorn

from crmkit.settings import Settings, SettingsError
from crmkit.web.connection.clients import Clients
from crmkit.web.connection.protocol import HttpConnection
from crmkit.web.edge import Edge

STOP_SECONDS = 1.2  # for running requests to finish; slow clients are cut off sooner, so that a stop takes two seconds

OPTIONS: dict[str, Any] = {
    "access_log": False,
    "date_header": False,
    "lifespan": "on",
    "log_config": None,
    "proxy_headers": False,  # web/connection/proxies.py reads them
    "server_header": False,
    "timeout_graceful_shutdown": STOP_SECONDS,
    "ws": "none",
}


class Server(uvicorn.Server):
    """Runs an application until it is told to stop."""

    def __init__(self, edge: Edge, settings: Settings, most: int) -> None:
        """`most` is how many connections the process may open files for."""
        check(OPTIONS)
        self._clients = Clients(settings, min(most, settings.limits.connections))
        edge.requests.connections = lambda: self._clients.number
        protocol: Any = partial(HttpConnection, self._clients, edge)
        address: dict[str, Any] = {"host": settings.server.host, "port": settings.server.port}
        super().__init__(uvicorn.Config(edge, http=protocol, **address, **OPTIONS))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._clients.stops = True
        await super().shutdown(sockets)


def check(options: Mapping[str, Any]) -> None:
    """Raise SettingsError for an option that no code here reads: a limit that is set but ignored is worse than none."""
    read = _names_reached(HttpConnection, vars(HttpConnection))
    for one in (uvicorn.Server, uvicorn.Config):
        read |= _names_reached(one, dir(one))
    for name in options:
        if name not in read:
            raise SettingsError(
                f"uvicorn is given {name}, which its HTTP parser here ({HttpConnection.__name__}) never reads"
            )


def _names_reached(one: type, members: Iterable[str]) -> set[str]:
    """Return the names that the code of these members of a class reads, and the code of the methods that it calls.

    `__init__` is left out: it only stores what it is given.
    """
    found: set[str] = set()
    codes = [code for name in members if name != "__init__" for code in _code_of(one, name)]
    while codes:
        code = codes.pop()
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]
        for name in set(code.co_names) - found:
            found.add(name)
            codes += _code_of(one, name)
    return found


def _code_of(one: type, name: str) -> list[CodeType]:
    member = getattr(one, name, None)
    code = getattr(getattr(member, "fget", member), "__code__", None)
    return [code] if isinstance(code, CodeType) else []
