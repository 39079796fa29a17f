"""From a request to its response: find the route in Litestar's table, check the request, call the handler.

The router calls handlers itself. Every handler here takes a HttpCall and the ids in its path and returns an answer, so
it needs none of Litestar's signature models, dependencies, response conversion and layers that catch exceptions.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty, Receive
from litestar.utils import normalize_path

from crmkit.core.crm import Crm
from crmkit.storage.lists.deadline import asker
from crmkit.web.call import HttpCall
from crmkit.web.gate import Gate
from crmkit.web.problems import on_error, stopped
from crmkit.web.reply import Response, respond
from crmkit.web.route import BadRoute, Route

_ROUTE = "route"  # under which Litestar keeps our Route

# what Litestar would do before or after a handler that it calls
_LITESTAR_OPTIONS = (
    *("guards", "dependencies", "middleware", "exception_handlers", "before_request", "after_request"),
    *("after_response", "cache", "dto", "return_dto"),
)
_UNSET: tuple[Any, ...] = (None, False, Empty, (), [], {})


class Router:
    """Answers requests; an exception becomes the response that explains it."""

    def __init__(self, app: Litestar, gate: Gate, crm: Crm) -> None:
        self._app = app
        self._gate = gate
        self._crm = crm
        self._max_body = crm.settings.limits.body_kib * 1024

    async def answer(self, scope: Any, receive: Receive) -> Response:
        scope["litestar_app"] = self._app
        asker.set(scope["state"].get("is_gone"))  # a list stops when its client has gone
        try:
            route, ids = self._found(scope)
            self._gate.check_host(scope)
            if route is None:  # Litestar adds OPTIONS to every path; no other origin may call here
                raise MethodNotAllowedException
            await self._gate.check(scope, route)
            call = HttpCall(self._crm, scope, receive, route.max_body or self._max_body)
            answer = await route.handler(call, **ids)
            return answer if isinstance(answer, Response) else respond(scope, answer)
        except asyncio.CancelledError:  # the server stops and waits no longer
            return on_error(scope, stopped())
        except Exception as error:
            return on_error(scope, error)

    def _found(self, scope: Any) -> tuple[Route | None, dict[str, Any]]:
        """Return the route (None for OPTIONS) and the ids in the path; raises Litestar's exceptions."""
        path = normalize_path(scope["path"])
        _, handler, scope["path"], ids, _ = self._app.asgi_router.handle_routing(path, scope["method"])
        return handler.opt.get(_ROUTE), ids


def litestar_handlers(routes: Iterable[Route]) -> list[HTTPRouteHandler]:
    """Return what Litestar's table needs of each route: methods and paths. Raises BadRoute for what is no Route."""
    return [_litestar_handler(route) for route in routes]


def _litestar_handler(route: Route) -> HTTPRouteHandler:
    if not isinstance(route, Route):
        options = [name for name in _LITESTAR_OPTIONS if getattr(route, name, None) not in _UNSET]
        ignored = f"; its {', '.join(options)} would be ignored" if options else ""
        raise BadRoute(f"{route}: declare a handler with crmkit.web.route, not with Litestar{ignored}")
    paths = [path.replace("}", ":str}") for path in route.paths]
    return HTTPRouteHandler(paths, http_method=list(route.methods), status_code=200, opt={_ROUTE: route})(_never_called)


async def _never_called() -> None:
    """Litestar wants a function; the router calls that of the Route."""
    raise AssertionError
