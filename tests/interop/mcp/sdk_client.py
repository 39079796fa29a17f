"""The official Python client as a program; it runs in the interpreter that has the client, not in ours.

sdk_client.py URL MODE STORE [DOCUMENT]: connects, lists what is there, calls tools, and prints what came as JSON in its
last line. Where its user has to sign in, it prints the URL. STORE is a file that keeps registration and token from run
to run. DOCUMENT is the URL of the document that describes it, which it then is known by.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import ElicitResult


class Store:
    """Keeps what the client wants kept in a JSON file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _read(self) -> dict[str, Any]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def _keep(self, name: str, content: Any) -> None:
        self._file.write_text(json.dumps({**self._read(), name: content.model_dump(mode="json", exclude_none=True)}))

    async def get_tokens(self) -> OAuthToken | None:
        kept = self._read().get("tokens")
        return OAuthToken.model_validate(kept) if kept else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._keep("tokens", tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        kept = self._read().get("client")
        return OAuthClientInformationFull.model_validate(kept) if kept else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._keep("client", client_info)


class Callback:
    """The page on this machine that a user comes back to, on a free port."""

    def __init__(self) -> None:
        self._came: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://localhost:{self._server.sockets[0].getsockname()[1]}/callback"

    async def wait(self) -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(await asyncio.wait_for(self._came, 30)).query)
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0], iss=query["iss"][0])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        self._came.set_result(target.decode())


async def agree(_: Any, asked: Any) -> ElicitResult:
    """Answer a question as a user who agrees."""
    print(asked.message, flush=True)
    return ElicitResult(action="accept", content=dict.fromkeys(asked.requested_schema["properties"], True))


async def ask(url: str) -> None:
    print(url, flush=True)


async def main(url: str, mode: str, file: str, document: str | None = None) -> None:
    callback = Callback()
    app = OAuthClientMetadata(
        client_name="Python client", redirect_uris=[await callback.open()], token_endpoint_auth_method="none"
    )
    auth = OAuthClientProvider(
        server_url=url,
        client_metadata=app,
        storage=Store(Path(file)),
        redirect_handler=ask,
        callback_handler=callback.wait,
        client_metadata_url=document,
    )
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            read_timeout_seconds=30,
            elicitation_callback=agree,
        ) as client,
    ):
        tools = await client.list_tools()
        contact = {"name": "José Peña", "email": "jose@globex.com"}
        if url.endswith("/typed"):
            changed = await client.call_tool("create_contact", contact)
            read = await client.call_tool("list_contacts", {"search": "jose pena"})
            wrong = await client.call_tool("get_contact", {"id": "nobody@globex.com"})
            gone = await client.call_tool("delete_contact", {"id": "jose@globex.com"})
        else:
            changed = await client.call_tool("write", {"method": "POST", "path": "/contacts", "body": contact})
            read = await client.call_tool("read", {"path": "/contacts?search=jose pena"})
            wrong = await client.call_tool("read", {"path": "/nowhere"})
            gone = await client.call_tool("request", {"method": "DELETE", "path": "/contacts/jose@globex.com"})
        resources = await client.list_resources()
        page = await client.read_resource(str(resources.resources[0].uri))
        prompts = await client.list_prompts()
        prompt = await client.get_prompt("log_a_call", {"who": "José", "notes": "Hello"})
        got = {
            "version": client.protocol_version,
            "server": client.server_info.name,
            "instructions": client.instructions,
            "tools": [tool.name for tool in tools.tools],
            "page": page.contents[0].text,
            "prompts": [each.name for each in prompts.prompts],
            "prompt": prompt.messages[0].content.text,
            **{
                name: {"text": result.content[0].text, "is_error": result.is_error}
                for name, result in (("changed", changed), ("read", read), ("wrong", wrong), ("gone", gone))
            },
        }
    print(json.dumps(got))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
