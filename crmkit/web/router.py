"""From a request to its response: the handler that Litestar's routes name is found, let through the gate and called.

Litestar's own way from a route to a response has signature models, groups of dependencies, conversion of what is
returned and two layers that catch errors: nothing that a handler here needs, all of which take a request and the ids in
the path and return an answer.
"""

import asyncio
from typing import Any, cast

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import Receive
from litestar.utils import normalize_path

from crmkit.storage.lists.budget import asker
from crmkit.web.gate import Gate
from crmkit.web.problems import on_error, unfinished
from crmkit.web.reply import Response, respond
from crmkit.web.requests import HttpRequest


class Router:
    """Answers requests; whatever is raised on the way becomes the response that explains it."""

    def __init__(self, app: Litestar, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def answer(self, scope: Any, receive: Receive) -> Response:
        scope["litestar_app"] = self._app
        asker.set(scope["state"].get("is_gone"))  # a list whose client has gone is not read to its end
        request: HttpRequest = Request(scope, receive)
        try:
            handler, ids = self._found(scope)
            await self._gate.check(scope, handler.opt)
            answer = await handler.fn(request, **ids)
            return answer if isinstance(answer, Response) else respond(scope, answer)
        except asyncio.CancelledError:  # the server stops, and has waited enough
            return on_error(request, unfinished())
        except Exception as error:
            return on_error(request, error)

    def _found(self, scope: Any) -> tuple[HTTPRouteHandler, dict[str, Any]]:
        """Return the handler and what stands in the path; raises what Litestar raises when there is none."""
        path = normalize_path(scope["path"])
        _, handler, scope["path"], ids, _ = self._app.asgi_router.handle_routing(path, scope["method"])
        scope["route_handler"] = handler
        return cast("HTTPRouteHandler", handler), ids
