"""The application: Litestar with our routes, our Response and our one way to answer an error."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from crmkit.core.crm import Crm
from crmkit.records import KINDS
from crmkit.web import account, activities, documents, overview, teams
from crmkit.web.accesslog import AccessLog
from crmkit.web.activities import log_routes
from crmkit.web.edge import Edge
from crmkit.web.gate import Gate
from crmkit.web.problems import on_error
from crmkit.web.records import record_routes
from crmkit.web.reply import Reply


def build(crm: Crm, log: AccessLog, running: Callable[[], AbstractAsyncContextManager[None]]) -> Edge:
    """Return the ASGI application; `running` is entered at startup and left at shutdown."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with running():
            yield

    app = Litestar(
        route_handlers=routes(),
        response_class=Reply,
        middleware=[Gate(crm)],
        exception_handlers={Exception: on_error},
        lifespan=[lifespan],
        state=State({"crm": crm}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=crm.settings.limits.body_kib * 1024,
    )
    return Edge(app, log, crm.clock)


def routes() -> list[HTTPRouteHandler]:
    """Return every route, in the order in which the manual lists them."""
    of_kinds = [handler for kind in KINDS for handler in (*record_routes(kind), *log_routes(kind))]
    return [*documents.ROUTES, *account.ROUTES, *of_kinds, *activities.ROUTES, *overview.ROUTES, *teams.ROUTES]
