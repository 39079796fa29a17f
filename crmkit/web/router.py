"""From a request to its response: find the handler by Litestar's routes, check the request, call the handler.

The router calls handlers itself. Every handler here takes a request and the ids in its path and returns an answer, so
it needs none of Litestar's signature models, dependencies, response conversion and layers that catch exceptions.
"""

import asyncio
from typing import Any, cast

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import Receive
from litestar.utils import normalize_path

from crmkit.storage.lists.deadline import asker
from crmkit.web.gate import Gate
from crmkit.web.problems import on_error, stopped
from crmkit.web.reply import Response, respond
from crmkit.web.requests import HttpRequest


class Router:
    """Answers requests; an exception becomes the response that explains it."""

    def __init__(self, app: Litestar, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def answer(self, scope: Any, receive: Receive) -> Response:
        scope["litestar_app"] = self._app
        asker.set(scope["state"].get("is_gone"))  # a list stops when its client has gone
        request: HttpRequest = Request(scope, receive)
        try:
            handler, ids = self._found(scope)
            await self._gate.check(scope, handler.opt)
            answer = await handler.fn(request, **ids)
            return answer if isinstance(answer, Response) else respond(scope, answer)
        except asyncio.CancelledError:  # the server stops and waits no longer
            return on_error(request, stopped())
        except Exception as error:
            return on_error(request, error)

    def _found(self, scope: Any) -> tuple[HTTPRouteHandler, dict[str, Any]]:
        """Return the handler and the ids in the path; raises Litestar's exceptions if there is none."""
        path = normalize_path(scope["path"])
        _, handler, scope["path"], ids, _ = self._app.asgi_router.handle_routing(path, scope["method"])
        scope["route_handler"] = handler
        return cast("HTTPRouteHandler", handler), ids
