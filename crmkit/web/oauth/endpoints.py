"""OAuth for MCP clients: what this server is (RFC 8414, RFC 9728), registration (RFC 7591), token, revocation.

Registration keeps nothing: a client id is the client's own description. A token is an ordinary one, without refresh: it
lives while it is used, and ends at once in DELETE /tokens/{id}.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from crmkit.core.oauth import connect, redeem
from crmkit.core.oauth.client import BadClient, described
from crmkit.core.oauth.connect import PLACES
from crmkit.core.oauth.redeem import Refused
from crmkit.errors import Problem
from crmkit.settings import Settings
from crmkit.web.call import HttpCall
from crmkit.web.oauth.forms import MAX_FORM, form_of
from crmkit.web.oauth.origins import RESOURCE_METADATA
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Handler, Route, read, route

SERVER_METADATA = "/.well-known/oauth-authorization-server"
MAX_REGISTRATION = 16 * 1024  # bytes


def resource_metadata(place: str) -> Handler:
    """Return the handler that describes the MCP endpoint at this path."""

    async def described(call: HttpCall) -> Response:
        crm = call.crm
        return _json(
            {
                "resource": connect.resource(crm, place),
                "resource_name": "crmkit",
                "authorization_servers": [crm.settings.base_url],
                "scopes_supported": [connect.SCOPE],
                "bearer_methods_supported": ["header"],
                "resource_documentation": f"{crm.settings.base_url}/help",
            }
        )

    return described


async def server_metadata(call: HttpCall) -> Response:
    base_url = call.crm.settings.base_url
    return _json(
        {
            "issuer": base_url,
            "authorization_endpoint": f"{base_url}/authorize",
            "token_endpoint": f"{base_url}/token",
            "registration_endpoint": f"{base_url}/register",
            "revocation_endpoint": f"{base_url}/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "client_id_metadata_document_supported": True,
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": [connect.SCOPE],
            "service_documentation": f"{base_url}/help",
        }
    )


@route("POST", "/register", query=ANY, max_body=MAX_REGISTRATION, public=True, direct=True)
async def register(call: HttpCall) -> Response:
    try:
        body = await call.body()
    except Problem as problem:
        if problem.code == "too_large":
            return _failed("invalid_client_metadata", f"a description has at most {MAX_REGISTRATION} bytes", 413)
        return _refused("invalid_client_metadata", problem)
    uris, name = body.get("redirect_uris"), body.get("client_name")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        return _failed("invalid_redirect_uri", "send redirect_uris, a list of strings")
    if not isinstance(name, str | None):
        return _failed("invalid_client_metadata", "client_name is a string")
    try:
        client = described(uris, name or "")
    except BadClient as error:
        return _failed("invalid_redirect_uri", str(error))
    answer: dict[str, Any] = {
        "client_id": client.id,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": connect.SCOPE,
    }
    if client.name:
        answer["client_name"] = client.name
    return _json(answer, 201)


@route("POST", "/token", query=ANY, max_body=MAX_FORM, public=True, direct=True)
async def token(call: HttpCall) -> Response:
    try:
        issued = await redeem.redeem(call, await form_of(call))
    except Refused as refused:
        return _failed(refused.error, refused.description, refused.status)
    except Problem as problem:
        return _refused("invalid_request", problem)
    return _json({"access_token": issued, "token_type": "Bearer", "scope": connect.SCOPE})


@route("POST", "/revoke", query=ANY, max_body=MAX_FORM, public=True, direct=True)
async def revoke(call: HttpCall) -> Response:
    try:
        form = await form_of(call)
    except Problem as problem:
        return _refused("invalid_request", problem)
    if not form.get("token"):
        return _failed("invalid_request", "send the token to revoke")
    await redeem.give_back(call, form["token"])
    return _json({})


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response.of(msgspec.json.encode(content), "application/json", status)


def _failed(error: str, description: str, status: int = 400) -> Response:
    return _json({"error": error, "error_description": description}, status)


def _refused(error: str, problem: Problem) -> Response:
    """Return the refusal with an error code of OAuth, which has none for a body that we cannot read."""
    if problem.code == "unsupported_encoding":
        return _failed(problem.code, problem.hint, problem.status)
    return _failed(error, problem.hint)


def routes(settings: Settings) -> list[Route]:
    """Return the routes. Metadata are where RFC 8414 (3.1) and RFC 9728 (3.1) put them for a base URL with a path."""
    of: dict[
        str, str
    ] = {}  # the endpoint that is described at each path; clients ask at the host too, and after its path
    for base in ("", settings.base_path):
        for place in ("", *PLACES):
            of.setdefault(f"{base}{place}", place or PLACES[0])
    metadata = partial(read, query=ANY, public=True, direct=True)
    described = [[f"{RESOURCE_METADATA}{path}" for path in of if of[path] == place] for place in PLACES]
    return [
        *(metadata(paths)(resource_metadata(place)) for place, paths in zip(PLACES, described, strict=True)),
        metadata([f"{SERVER_METADATA}{path}" for path in of])(server_metadata),
        *(register, token, revoke),
    ]
