"""The table of endpoints: Litestar's own routes, as the manual and OpenAPI read them."""

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from crmkit.render.manual import Endpoint


def endpoints(app: Litestar) -> list[Endpoint]:
    """Return the table of endpoints, read from the application's own routes."""
    found = []
    for handler in handlers(app):
        for path in sorted(handler.paths):
            spelled = shown(path)
            found += [Endpoint(method, spelled, handler.summary or "") for method in methods(handler)]
    return found


def handlers(app: Litestar) -> list[HTTPRouteHandler]:
    """Return every handler of ours once, in the order they were given to the application."""
    ours: dict[int, HTTPRouteHandler] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.summary:
                ours.setdefault(id(handler), handler)
    return list(ours.values())


def methods(handler: HTTPRouteHandler) -> list[str]:
    return sorted(method for method in handler.http_methods if method not in ("HEAD", "OPTIONS"))


def shown(path: str) -> str:
    """Return a path as people write it: `/contacts/{id}`."""
    return path.replace(":str}", "}")
