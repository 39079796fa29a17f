"""The routes that need no token: the manual in its forms, and health. Only /help with a token holds data."""

import msgspec

from crmkit.core.configuration import told as configuration
from crmkit.core.people import sessions
from crmkit.errors import Problem
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, Document
from crmkit.render.manual import manual, own_part
from crmkit.web import openapi
from crmkit.web.call import HttpCall, header_of
from crmkit.web.handlers import welcome
from crmkit.web.reply import Response
from crmkit.web.route import Route, read
from crmkit.web.routing.table import endpoints_of


def _holds(kinds: Kinds) -> str:
    return ", ".join(kind.plural for kind in (*kinds.records, kinds.activity))


@read("/", summary="where to start", public=True, page=welcome.page)
async def root(call: HttpCall) -> Answer:
    base_url = call.crm.settings.base_url
    lines = [
        "crmkit: a plain-text CRM that an AI agent operates",
        f"base url: {base_url}",
        f"manual: GET {base_url}/help (read it first)",
        'sign in: POST /auth/request {"email":"you@example.com"}, then POST /auth/verify',
        "then: Authorization: Bearer TOKEN on every request",
    ]
    return Document("\n".join(lines), {"service": "crmkit", "base_url": base_url, "manual": f"{base_url}/help"})


@read("/help", summary="this manual", public=True)
async def help_(call: HttpCall) -> Answer:
    text = written(call)
    authorization = header_of(call.scope, b"authorization")
    if authorization:
        text += own_part(await configuration.told(call.crm, await sessions.authenticate(call.crm, authorization)))
    return Document(text.rstrip("\n"), {"manual": text})


@read("/SKILL.md", summary="the manual as a skill", public=True)
async def skill(call: HttpCall) -> Answer:
    text = (
        "---\n"
        "name: crmkit\n"
        f"description: Operate the team's CRM ({_holds(call.crm.kinds)}, follow-ups) over plain HTTP. "
        "Use when the user asks to look up, log, add or change the people, companies, deals, tickets and "
        "campaigns they work with.\n"
        "metadata:\n"
        f"  base_url: {call.crm.settings.base_url}\n"
        "  required_secrets: CRMKIT_TOKEN\n"
        "---\n\n"
    ) + written(call)
    return Document(text.rstrip("\n"), {"manual": text})


@read("/llms.txt", summary="the manual, where language models look", public=True)
async def llms(call: HttpCall) -> Answer:
    base_url = call.crm.settings.base_url
    text = (
        "# crmkit\n\n"
        f"> A headless CRM operated over plain-text HTTP: {_holds(call.crm.kinds)}, teams.\n\n"
        f"- [Manual]({base_url}/help): everything an agent needs\n"
        f"- [Skill]({base_url}/SKILL.md): the manual with front matter\n"
        f"- [OpenAPI]({base_url}/openapi.json): the same for machines\n\n"
    ) + written(call)
    return Document(text.rstrip("\n"), {"manual": text})


@read("/openapi.json", summary="the API for machines", public=True)
async def openapi_json(call: HttpCall) -> Response:
    document = openapi.document(call.crm, call.app.state["routes"])
    return Response.of(msgspec.json.encode(document), "application/json")


@read("/healthz", summary="ok while the process runs", public=True)
async def healthz(call: HttpCall) -> Answer:
    return Document("ok", {"status": "ok"})


@read("/readyz", summary="ready when the database can be read and written", public=True)
async def readyz(call: HttpCall) -> Answer:
    try:
        await call.crm.database.check()
    except Problem:
        raise
    except Exception as error:
        raise Problem("not_ready", "The database does not answer. Try again shortly.") from error
    return Document("ready", {"status": "ready"})


def written(call: HttpCall) -> str:
    """Return the manual of the running application."""
    return manual(call.crm.settings, call.crm.kinds, endpoints_of(call.app.state["routes"]))


ROUTES: list[Route] = [root, help_, skill, llms, openapi_json, healthz, readyz]
