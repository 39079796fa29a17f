"""The ASGI application: Litestar with our routes, within our edge."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State

from crmkit import ip
from crmkit.core.configuration import fields
from crmkit.core.crm import Crm
from crmkit.core.records import write
from crmkit.model.record import Kind, Kinds
from crmkit.records.settings.field import DeclaredField
from crmkit.records.settings.view import View
from crmkit.records.settings.webhook import Webhook
from crmkit.settings import Settings, SettingsError
from crmkit.storage.interface.database import InUse, Newer, Unusable
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.edge import Edge
from crmkit.web.gate import Gate
from crmkit.web.handlers import configuration, documents, jobs, operator, proposals
from crmkit.web.handlers.people import account, teams, tokens
from crmkit.web.handlers.reading import analytics, overview
from crmkit.web.handlers.reading import log as reading_log
from crmkit.web.handlers.reading.count import count_route
from crmkit.web.handlers.reading.log import history_routes
from crmkit.web.handlers.records import activities, duplicates, scoring, undo
from crmkit.web.handlers.records.activities import log_routes
from crmkit.web.handlers.records.batch import batch_route
from crmkit.web.handlers.records.by_filter import many_routes
from crmkit.web.handlers.records.kinds import record_routes
from crmkit.web.handlers.records.members import member_routes
from crmkit.web.handlers.records.merge import merge_routes
from crmkit.web.handlers.records.scoring import score_routes
from crmkit.web.handlers.transfer import imports, links, snapshots
from crmkit.web.handlers.transfer.exports import export_route
from crmkit.web.handlers.views import check_of, view_routes
from crmkit.web.handlers.webhooks import webhook_routes
from crmkit.web.limits.sharing import sharing
from crmkit.web.oauth import endpoints as oauth
from crmkit.web.oauth import signin
from crmkit.web.route import Route
from crmkit.web.router import Application, Router
from crmkit.web.routing.face import Face


def build(
    crm: Crm,
    log: AccessLog,
    running: Callable[[], AbstractAsyncContextManager[None]],
    more: Sequence[Route] = (),
    faces: Sequence[Face] = (),
) -> Edge:
    """Return the ASGI application: the API, OAuth, `more` routes, and those of `faces`. Raises BadRoute, SettingsError.

    `running` is entered at startup and left at shutdown.
    """

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(running())
            except (InUse, Newer, Unusable) as error:
                edge.refusal = str(error)
                raise
            await stack.enter_async_context(sharing(gate.limit, crm))
            yield

    gate = Gate(crm)
    every = [*routes(crm.kinds), *links.FOR_PEOPLE, *signin.ROUTES, *oauth.routes(crm.settings), *more]
    every += [route for face in faces for route in face.routes]
    state = State({"crm": crm, "limit": gate.limit, "routes": every})
    app = Application(lifespan=[lifespan], state=state)
    router = Router(app, every, gate, crm, faces)
    _check_base_path(crm.settings, every, crm.kinds)
    app.state.router = router
    crm.checks.update({kind.name: check_of(app, kind) for kind in crm.kinds.settings if kind.record is View})
    edge = app.state.edge = Edge(app, router, log, crm, ip.Networks(crm.settings.server.trusted_proxies))
    return edge


def _check_base_path(settings: Settings, every: Sequence[Route], kinds: Kinds) -> None:
    """Raise SettingsError for a base path that begins like a route: no request would tell which of the two it means."""
    taken = {path.split("/")[1] for route in every for path in route.paths} | set(kinds.prefixes.values())
    first = settings.base_path.split("/")[1:2]
    if taken.intersection(first):
        raise SettingsError(
            f"[server] base_url has the path {settings.base_path}, but /{first[0]} is a path of the API"
        )


def _setting_routes(kind: Kind) -> list[Route]:
    if kind.record is View:
        return view_routes(kind)
    if kind.record is Webhook:
        return webhook_routes(kind)
    return record_routes(kind, verbs=fields if kind.record is DeclaredField else write)


def routes(kinds: Kinds) -> list[Route]:
    """Return every route of the API, in the order in which the manual lists them."""
    of_kinds = [
        route
        for kind in kinds.records
        for route in (
            *record_routes(kind),
            batch_route(kind),
            *many_routes(kind),
            *merge_routes(kind),
            *log_routes(kinds, kind),
            *history_routes(kinds, kind),
            count_route(kinds, kind),
            export_route(kinds, kind),
            *score_routes(kinds, kind),
        )
    ]
    of_kinds += member_routes(kinds)
    across = [
        *activities.routes(kinds),
        count_route(kinds, kinds.activity),
        export_route(kinds, kinds.activity),
        *history_routes(kinds, kinds.activity),
        *undo.ROUTES,
    ]
    across += [
        *duplicates.routes(kinds),
        *overview.routes(kinds),
        *analytics.ROUTES,
        *reading_log.routes(kinds),
        export_route(kinds, kinds.audit),
        *jobs.ROUTES,
        *imports.ROUTES,
        *links.ROUTES,
        *proposals.ROUTES,
    ]
    of_settings = [
        route
        for kind in kinds.settings
        for route in (
            *_setting_routes(kind),
            *history_routes(kinds, kind),
            count_route(kinds, kind),
            export_route(kinds, kind),
        )
    ]
    of_settings += [*scoring.ROUTES, *configuration.routes(kinds)]
    return [
        *documents.ROUTES,
        *operator.ROUTES,
        *account.ROUTES,
        *tokens.ROUTES,
        *of_kinds,
        *across,
        *teams.ROUTES,
        *snapshots.ROUTES,
        *of_settings,
    ]
