"""OAuth for MCP clients: what this server is (RFC 8414, RFC 9728), registration (RFC 7591), token, revocation.

Registration keeps nothing: a client id is the client's own description. A token is an ordinary one, without refresh: it
lives while it is used, and ends at once in DELETE /tokens/{id}.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler

from crmkit.core.oauth import connect, redeem
from crmkit.core.oauth.client import BadClient, described
from crmkit.core.oauth.redeem import Refused
from crmkit.errors import Problem
from crmkit.web.gate import ANY, DIRECT, PUBLIC, QUERY
from crmkit.web.oauth.forms import MAX_FORM, form_of
from crmkit.web.oauth.origins import RESOURCE_METADATA
from crmkit.web.reply import Response
from crmkit.web.requests import HttpRequest, body_of, crm_of, read

SERVER_METADATA = "/.well-known/oauth-authorization-server"
MAX_REGISTRATION = 16 * 1024  # bytes

_OPTIONS = {PUBLIC: True, QUERY: ANY, DIRECT: True}


@read([RESOURCE_METADATA, f"{RESOURCE_METADATA}/mcp"], opt=_OPTIONS)
async def resource_metadata(request: HttpRequest) -> Response:
    crm = crm_of(request)
    return _json(
        {
            "resource": connect.resource(crm),
            "resource_name": "crmkit",
            "authorization_servers": [crm.settings.base_url],
            "scopes_supported": [connect.SCOPE],
            "bearer_methods_supported": ["header"],
            "resource_documentation": f"{crm.settings.base_url}/help",
        }
    )


@read([SERVER_METADATA, f"{SERVER_METADATA}/mcp"], opt=_OPTIONS)
async def server_metadata(request: HttpRequest) -> Response:
    base_url = crm_of(request).settings.base_url
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
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "scopes_supported": [connect.SCOPE],
            "service_documentation": f"{base_url}/help",
        }
    )


@post("/register", opt=_OPTIONS, status_code=201, request_max_body_size=MAX_REGISTRATION)
async def register(request: HttpRequest) -> Response:
    try:
        body = await body_of(request)
    except RequestEntityTooLarge:
        return _failed("invalid_client_metadata", f"a description has at most {MAX_REGISTRATION} bytes", 413)
    except Problem as problem:
        return _failed("invalid_client_metadata", problem.hint)
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


@post("/token", opt=_OPTIONS, status_code=200, request_max_body_size=MAX_FORM)
async def token(request: HttpRequest) -> Response:
    try:
        issued = await redeem.redeem(crm_of(request), await form_of(request))
    except Refused as refused:
        return _failed(refused.error, refused.description, refused.status)
    except Problem as problem:
        return _failed("invalid_request", problem.hint)
    return _json({"access_token": issued, "token_type": "Bearer", "scope": connect.SCOPE})


@post("/revoke", opt=_OPTIONS, status_code=200, request_max_body_size=MAX_FORM)
async def revoke(request: HttpRequest) -> Response:
    try:
        form = await form_of(request)
    except Problem as problem:
        return _failed("invalid_request", problem.hint)
    if not form.get("token"):
        return _failed("invalid_request", "send the token to revoke")
    await redeem.give_back(crm_of(request), form["token"])
    return _json({})


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response.of(msgspec.json.encode(content), "application/json", status)


def _failed(error: str, description: str, status: int = 400) -> Response:
    return _json({"error": error, "error_description": description}, status)


ROUTES: list[HTTPRouteHandler] = [resource_metadata, server_metadata, register, token, revoke]
