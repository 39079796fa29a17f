"""The routes that need no token: the manual in its forms, and health. Only /help with a token holds data."""

import msgspec

from crmkit import __version__
from crmkit.core.configuration import own_manual as configuration
from crmkit.core.people import sessions
from crmkit.errors import Problem
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, Document
from crmkit.render.formats import FORMATS
from crmkit.render.manual.pages import ALL, Manual, manual, own_part
from crmkit.web import openapi
from crmkit.web.call import HttpCall, address_of, credentials
from crmkit.web.handlers import welcome
from crmkit.web.reply import Response
from crmkit.web.route import Route, read
from crmkit.web.routing.table import endpoints_of

# the pages that end with what the caller's workspace declares
WITH_OWN_PART = ("", ALL, "setup")


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


@read("/help", summary="this manual: daily work, one topic, or topic=all", public=True, query=("topic",), tool="help")
async def help_(call: HttpCall) -> Answer:
    topic = call.parameters().get("topic", "")
    text = written(call).page(topic)
    if sent := credentials(call.scope):
        actor = await sessions.authenticate(call.crm, sent, address_of(call.scope))
        if topic.strip().lower() in WITH_OWN_PART and actor.access.allows("workspace.read"):
            text += own_part(await configuration.told(call.crm, actor))
    return _page(text)


@read("/SKILL.md", summary="the manual of daily work as a skill", public=True)
async def skill(call: HttpCall) -> Answer:
    return _page(
        "---\n"
        "name: crmkit\n"
        f"description: Operate the team's CRM ({_holds(call.crm.kinds)}, follow-ups) over plain HTTP. "
        "Use when the user asks to look up, log, add or change the people, companies, deals, tickets and "
        "campaigns they work with.\n"
        "metadata:\n"
        f"  base_url: {call.crm.settings.base_url}\n"
        "  required_secrets: CRMKIT_TOKEN\n"
        "---\n\n" + written(call).daily
    )


@read("/llms.txt", summary="the index of topics, where language models look", public=True)
async def llms(call: HttpCall) -> Answer:
    base_url = call.crm.settings.base_url
    topics = written(call).topics.values()
    return _page(
        "# crmkit\n\n"
        f"> A headless CRM operated over plain-text HTTP: {_holds(call.crm.kinds)}, teams.\n\n"
        f"- [Manual]({base_url}/help): daily work, read it first\n"
        f"- [Whole manual]({base_url}/llms-full.txt): all topics on one page\n"
        f"- [Skill]({base_url}/SKILL.md): the manual of daily work with front matter\n"
        f"- [OpenAPI]({base_url}/openapi.json): the API for machines\n\n"
        "## Topics\n\n"
        + "".join(f"- [{topic.name}]({base_url}/help?topic={topic.name}): {topic.about}\n" for topic in topics)
    )


@read("/llms-full.txt", summary="the whole manual", public=True)
async def llms_full(call: HttpCall) -> Answer:
    return _page(written(call).whole)


@read("/llms-small.txt", summary="the manual of daily work", public=True)
async def llms_small(call: HttpCall) -> Answer:
    return _page(written(call).daily)


@read("/.well-known/agent.json", summary="where the manual is and how to sign in, for machines", public=True)
async def agent_json(call: HttpCall) -> Response:
    base_url = call.crm.settings.base_url
    card = {
        "name": "crmkit",
        "description": f"A headless CRM operated over plain-text HTTP: {_holds(call.crm.kinds)}, teams.",
        "version": __version__,
        "base_url": base_url,
        "manual_url": f"{base_url}/help",
        "openapi_url": f"{base_url}/openapi.json",
        "mcp_url": f"{base_url}/mcp",
        "content_types": [each.media for each in FORMATS],
        "authentication": {
            "type": "bearer",
            "description": "A code is mailed to the user and exchanged for a token, which every request sends.",
            "request_endpoint": f"{base_url}/auth/request",
            "verify_endpoint": f"{base_url}/auth/verify",
        },
    }
    return Response.of(msgspec.json.encode(card), "application/json")


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


def written(call: HttpCall) -> Manual:
    """Return the manual of the running application, which is made once."""
    state = call.app.state
    if "manual" not in state:
        state["manual"] = manual(call.crm.settings, call.crm.kinds, endpoints_of(state["routes"]))
    found: Manual = state["manual"]
    return found


def _page(text: str) -> Document:
    return Document(text.rstrip("\n"), {"manual": text})


ROUTES: list[Route] = [
    *(root, help_, skill, llms, llms_full, llms_small, agent_json),
    *(openapi_json, healthz, readyz),
]
