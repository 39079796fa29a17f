"""The list of endpoints, read from Litestar's routes, for the manual and OpenAPI."""

from collections.abc import Iterable

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from crmkit.render.manual import Endpoint

_ORDER = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def endpoints_of(handlers: Iterable[HTTPRouteHandler]) -> list[Endpoint]:
    """Return the manual's line of each endpoint, in the order of the handlers."""
    return [
        Endpoint(method, shown(path), handler.summary or "")
        for handler in handlers
        for path in sorted(handler.paths)
        for method in methods(handler)
    ]


def handlers_of(app: Litestar) -> list[HTTPRouteHandler]:
    """Return every handler of the application once, in the order in which it was registered."""
    found: dict[str, HTTPRouteHandler] = {}
    for route in app.routes:
        # Litestar keeps the handlers of one path in any order
        for handler in sorted(getattr(route, "route_handlers", ()), key=_rank):
            if handler.summary:
                found.setdefault(handler.handler_id, handler)
    return list(found.values())


def _rank(handler: HTTPRouteHandler) -> int:
    return min(map(_ORDER.index, methods(handler)), default=0)


def methods(handler: HTTPRouteHandler) -> list[str]:
    return sorted(method for method in handler.http_methods if method not in ("HEAD", "OPTIONS"))


def shown(path: str) -> str:
    """Return a path as people write it: `/contacts/{id}`."""
    return path.replace(":str}", "}")
