"""From a request to its response: find the route of its path, check the request, call the handler.

The router finds and calls handlers itself. Every handler takes an HttpCall and the ids in its path and returns an
answer, so it needs none of Litestar's signature models, dependencies, response conversion and layers that catch
exceptions.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.types import Empty, Receive

from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.storage.lists.deadline import asker
from crmkit.web import writes
from crmkit.web.call import HttpCall
from crmkit.web.gate import Gate
from crmkit.web.negotiate import ERRORS, OFFERED, wants_page
from crmkit.web.problems import on_error, stopped
from crmkit.web.query.reading import read_query
from crmkit.web.reply import Response, respond
from crmkit.web.route import BadRoute, Route
from crmkit.web.routing.face import Face, of_path
from crmkit.web.routing.logged import LoggedPaths
from crmkit.web.routing.nearest import Nearest
from crmkit.web.routing.paths import Paths, normal
from crmkit.web.routing.segments import content
from crmkit.web.upload.receiving import Receiver

ROUTE = "route"  # in the state of a request: the pattern of its path, once its route is found
LOGGED = "logged_path"  # in the state of a request: its path as the log has it, once its route is found

_NOWHERE = ("unknown_path", "method_not_allowed")  # errors of requests that reach no route

# what Litestar would do before or after a handler that it calls
_LITESTAR_OPTIONS = (
    *("guards", "dependencies", "middleware", "exception_handlers", "before_request", "after_request"),
    *("after_response", "cache", "dto", "return_dto"),
)
_UNSET: tuple[Any, ...] = (None, False, Empty, (), [], {})


class Router:
    """Answers requests; an exception becomes the response that explains it."""

    def __init__(
        self, app: Litestar, routes: Iterable[Route], gate: Gate, crm: Crm, faces: Sequence[Face] = ()
    ) -> None:
        """`routes` are all there are, those of the faces too."""
        self._app = app
        self.faces = faces
        self._routes: dict[str, dict[str, Route]] = {}  # of each path, by method
        every = tuple(_checked(route) for route in routes)
        for route in every:
            for path in route.paths:
                self._add(path, route)
        self._paths = Paths(self._routes)
        self._nearest = Nearest(every, crm.kinds)
        # how the ids in a path begin; a face has ids of its own
        self._starts = {path: () if of_path(faces, path) else self._nearest.starts(path) for path in self._routes}
        self.logged = LoggedPaths(every, crm.kinds.prefixes)
        self._gate = gate
        self._crm = crm
        self.base_url = crm.settings.base_url
        limits = crm.settings.limits
        self._max_body = {False: limits.body_kib * 1024, True: limits.batch_mib * 1024**2}  # by Route.is_batch
        self._max_upload = limits.import_mib * 1024**2
        self._receiver = Receiver(crm.uploads)

    def _add(self, path: str, route: Route) -> None:
        taken = self._routes.setdefault(path, {})
        for method in route.methods:
            if method in taken:
                raise BadRoute(f"{method} {path} is declared twice: {taken[method].name} and {route.name}")
            taken[method] = route

    async def answer(self, scope: Any, receive: Receive) -> Response:
        scope["litestar_app"] = self._app
        asker.set(scope["state"].get("is_gone"))  # a list stops when its client has gone
        try:
            return await self.answered(scope, receive)
        except asyncio.CancelledError:  # the server stops and waits no longer
            return on_error(scope, stopped())
        except Exception as error:
            return on_error(scope, error)

    async def answered(self, scope: Any, receive: Receive, call_of: type[HttpCall] = HttpCall) -> Response:
        """Return the response to a request; raises what was raised meanwhile. `call_of` makes what its handler gets."""
        try:
            found = await self._admitted(scope)
        except Problem as problem:
            if ERRORS in scope["state"] and problem.code in _NOWHERE:  # each answer of a face tells the limit
                await self._gate.count(scope)
            raise
        if isinstance(found, Response):
            return found
        route, ids = found
        if route.uploads:
            call = call_of(self._crm, scope, receive, self._max_upload)
            if route.admits is not None:
                await route.admits(call)
            async with self._receiver.upload(call):
                return await self._handled(call, route, ids)
        call = call_of(self._crm, scope, receive, route.max_body or self._max_body[route.is_batch])
        return await self._handled(call, route, ids)

    async def admitted(self, scope: Any) -> tuple[Route, dict[str, Any]]:
        """Return the route of a request that is part of another, and the ids in its path; raises what refuses it."""
        found = await self._admitted(scope)
        if isinstance(found, Response):
            raise TypeError("a request that is part of another asks for no page")
        return found

    async def _admitted(self, scope: Any) -> tuple[Route, dict[str, Any]] | Response:
        """Return the route of a request, and the ids in its path; or the page that a browser is shown instead."""
        path, ids = self._found(scope)
        state = scope["state"]
        state[ROUTE] = path
        state[LOGGED] = self.logged.of_route(path, ids) if ids else path
        self._gate.check_host(scope)
        routes, method = self._routes[path], scope["method"]
        route = routes.get(method)
        if route is None:
            for name, starts in self._starts[path]:
                self._nearest.check(ids[name], starts, method, scope["path"])
            raise self._nearest.lacking(method, path, ", ".join(sorted(routes)))
        if not (route.looks or route.apps):  # the request of a tool call is noted when it comes here itself
            self._crm.traffic.request()
        if route.page is not None and wants_page(scope):
            return route.page(self._crm)
        scope["state"][OFFERED] = route.formats
        await self._gate.check(scope, route)
        for name, starts in self._starts[path]:
            if not ids[name].startswith(starts):
                self._nearest.check(ids[name], starts, method, scope["path"])
        if "\x00" in scope["path"]:
            raise Problem("invalid_value", "Leave NUL characters (%00) out of the path.")
        read_query(scope, route)
        return route, ids

    async def _handled(self, call: HttpCall, route: Route, ids: dict[str, Any]) -> Response:
        if route.shows is not None:
            return await writes.answered(call, route, route.shows, ids)
        answer = await route.handler(call, **ids)
        return answer if isinstance(answer, Response) else respond(call.scope, answer)

    def reading(self, scope: Any) -> Route | None:
        """Return the route of a GET, None where the path has no such method; raises `unknown_path`."""
        path, _ = self._found(scope)
        return self._routes[path].get("GET")

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """The paths of lists, which a view may keep."""
        methods = self._routes.items()
        return tuple(path for path, routes in methods if "{" not in path and "GET" in routes and routes["GET"].is_list)

    def takes(self, path: str) -> bool:
        """Tell whether a route has just this path."""
        return path in self._routes

    def _found(self, scope: Any) -> tuple[str, dict[str, Any]]:
        """Return the path of the route, and the ids in it; a kind in it may be singular (/contact/c_…)."""
        found = self._paths.find(scope["path"])
        if found is None:
            path = normal(scope["path"])
            if plural := self._nearest.of_singular(path):
                scope["path"] = plural
                return self._found(scope)
            meant = " ".join(filter(None, (face.meant(path, self.base_url) for face in self.faces)))
            problem = self._nearest.unknown(scope["method"], path)
            raise problem.after(meant) if meant else problem
        if "%" in scope["path"]:
            path, segments = found
            return path, {name: content(segment) for name, segment in segments.items()}
        return found


class Application(Litestar):
    """Litestar without routes, which the router has, and without plugins: each would be imported at the start."""

    def __init__(self, **options: Any) -> None:
        super().__init__(openapi_config=None, logging_config=None, **options)

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return plugins


def _checked(route: Route) -> Route:
    if not isinstance(route, Route):
        options = [name for name in _LITESTAR_OPTIONS if getattr(route, name, None) not in _UNSET]
        ignored = f"; its {', '.join(options)} would be ignored" if options else ""
        raise BadRoute(f"{route}: declare a handler with crmkit.web.route, not with Litestar{ignored}")
    return route
