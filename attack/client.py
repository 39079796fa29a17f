"""A client over one raw connection that stays open, so that what it measures is the server and not a library."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PATIENCE = 60  # seconds that an answer may take before the campaign that waits for it fails
LONGEST_HEAD = 256 * 1024  # bytes of an answer's head


class Gone(Exception):
    """The connection ended before the answer was whole: whether the request was done is not known."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Return the code of a refusal, in text or JSON; empty when it is none."""
        if self.body.startswith(b"ERROR "):
            return self.text.split()[1]
        try:
            return str(self.json().get("error", ""))
        except (ValueError, AttributeError):
            return ""


class Client:
    """One who asks; opens a connection when there is none. `forwarded` is the address that a proxy would report,
    `source` the one of loopback that it comes from."""

    def __init__(self, port: int, token: str = "", forwarded: str = "", source: str = "") -> None:
        self.port, self.token = port, token
        self._source = source
        self.forwarded = forwarded
        self._more = {"X-Forwarded-For": forwarded} if forwarded else {}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the connection, a new one when the last has ended."""
        if self._reader is None or self._writer is None or self._reader.at_eof() or self._writer.is_closing():
            local = (self._source, 0) if self._source else None
            opened = asyncio.open_connection("127.0.0.1", self.port, local_addr=local, limit=LONGEST_HEAD)
            try:
                self._reader, self._writer = await opened
            except OSError as error:
                raise Gone(str(error)) from None
        return self._reader, self._writer

    async def ask(
        self, method: str, path: str, body: Any = None, accept: str = "application/json", **headers: str
    ) -> Answer:
        """Return the answer to a request, whatever its status; raises Gone when none comes."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await self.open()
            writer.write(self.written(method, path, body, accept, **headers))
            try:
                answer = await read_answer(reader, method)
            except Gone:
                self.close()
                raise
            if answer.headers.get("connection", "").lower() == "close":
                self.close()
            return answer

    async def get(self, path: str, **more: str) -> Answer:
        return await self.ask("GET", path, **more)

    def written(self, method: str, path: str, body: Any = None, accept: str = "*/*", **headers: str) -> bytes:
        """Return the bytes of a request; a body that is no bytes is sent as JSON."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Host": f"127.0.0.1:{self.port}", "Accept": accept, **self._more}
        if self.token:
            told["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            told["Content-Length"] = str(len(content))
        told |= {name.replace("_", "-"): text for name, text in headers.items()}
        lines = "".join(f"{name}: {text}\r\n" for name, text in told.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> Answer:
    """Return the next answer on a connection; raises Gone when the connection ends first."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding", "").lower() == "chunked" and method != "HEAD":
            return Answer(int(first.split()[1]), headers, await _chunks(reader))
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return Answer(int(first.split()[1]), headers, await reader.readexactly(length))
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise Gone(str(error)) from None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a body that comes in chunks, as exports do."""
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
