"""The routes that need no token and hold no data: the manual in its forms, and health."""

from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from crmkit.errors import Problem
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, Document
from crmkit.render.manual import manual
from crmkit.web import openapi
from crmkit.web.gate import PUBLIC
from crmkit.web.reply import Response
from crmkit.web.requests import HttpRequest, crm_of, read
from crmkit.web.table import endpoints_of, handlers_of


def _holds(kinds: Kinds) -> str:
    return ", ".join(kind.plural for kind in (*kinds.records, kinds.activity))


@read("/", summary="where to start", opt={PUBLIC: True})
async def root(request: HttpRequest) -> Answer:
    base_url = crm_of(request).settings.base_url
    lines = [
        "crmkit: a plain-text CRM that an AI agent operates",
        f"base url: {base_url}",
        f"manual: GET {base_url}/help (read it first)",
        'sign in: POST /auth/request {"email":"you@example.com"}, then POST /auth/verify',
        "then: Authorization: Bearer TOKEN on every request",
    ]
    return Document("\n".join(lines), {"service": "crmkit", "base_url": base_url, "manual": f"{base_url}/help"})


@read("/help", summary="this manual", opt={PUBLIC: True})
async def help_(request: HttpRequest) -> Answer:
    text = written(request.app)
    return Document(text.rstrip("\n"), {"manual": text})


@read("/SKILL.md", summary="the manual as a skill", opt={PUBLIC: True})
async def skill(request: HttpRequest) -> Answer:
    text = (
        "---\n"
        "name: crmkit\n"
        f"description: Operate the team's CRM ({_holds(crm_of(request).kinds)}, follow-ups) over plain HTTP. "
        "Use when the user asks to look up, log, add or change the people, companies and deals they work with.\n"
        "metadata:\n"
        f"  base_url: {crm_of(request).settings.base_url}\n"
        "  required_secrets: CRMKIT_TOKEN\n"
        "---\n\n"
    ) + written(request.app)
    return Document(text.rstrip("\n"), {"manual": text})


@read("/llms.txt", summary="the manual, where language models look", opt={PUBLIC: True})
async def llms(request: HttpRequest) -> Answer:
    base_url = crm_of(request).settings.base_url
    text = (
        "# crmkit\n\n"
        f"> A headless CRM operated over plain-text HTTP: {_holds(crm_of(request).kinds)}, teams.\n\n"
        f"- [Manual]({base_url}/help): everything an agent needs\n"
        f"- [Skill]({base_url}/SKILL.md): the manual with front matter\n"
        f"- [OpenAPI]({base_url}/openapi.json): the same for machines\n\n"
    ) + written(request.app)
    return Document(text.rstrip("\n"), {"manual": text})


@read("/openapi.json", summary="the API for machines", opt={PUBLIC: True})
async def openapi_json(request: HttpRequest) -> Response:
    return Response.of(msgspec.json.encode(openapi.document(request.app)), "application/json")


@read("/healthz", summary="ok while the process runs", opt={PUBLIC: True})
async def healthz(request: HttpRequest) -> Answer:
    return Document("ok", {"status": "ok"})


@read("/readyz", summary="ready when the database can be read and written", opt={PUBLIC: True})
async def readyz(request: HttpRequest) -> Answer:
    try:
        await crm_of(request).database.check()
    except Problem:
        raise
    except Exception as error:
        raise Problem("not_ready", "The database does not answer. Try again shortly.") from error
    return Document("ready", {"status": "ready"})


def written(app: Any) -> str:
    """Return the manual of the running application."""
    return manual(app.state.crm.settings, app.state.crm.kinds, endpoints_of(handlers_of(app)))


ROUTES: list[HTTPRouteHandler] = [root, help_, skill, llms, openapi_json, healthz, readyz]
