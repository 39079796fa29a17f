"""What handlers read from a request."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from litestar import Litestar
from litestar.types import Receive, Scope

from crmkit import ip
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model import body
from crmkit.model.query.chosen import ALL, ByKind
from crmkit.model.query.listing import Batches
from crmkit.render.formats import Format
from crmkit.storage.interface.connection import Connection
from crmkit.storage.transfer.uploads import Upload
from crmkit.web.negotiate import format_of
from crmkit.web.reply import CHOSEN, SPREADSHEET, TOKENS, Response, streamed

CAME = "came"  # in the state of a request: when it came, as a stamp
INSIDE = "inside"  # in the state of a request that a tool call of MCP stands for
BY_WRITE = "by_write"  # in the state of such a request: whether the tool `write` sends it
KNOWN = "known"  # in the state of a request without a token: the actor that asks
WITHIN = "within"  # in the state of a request that is part of another, which was counted
LINKED = "linked"  # in the state of a request that a link stands for: who made the link
PROBLEM = "problem"  # in the state of a request of a tool that was refused: why
NEEDS = "needs"  # in the state of a request: the scopes that its route needs
DRY = "dry"  # in the state of a request: whether it is a dry run
LONG = 256 * 1024  # bytes of a body that is decoded beside the event loop: some milliseconds
FLAGS = {"1": True, "true": True, "0": False, "false": False}


def header_of(scope: Scope, name: bytes) -> str:
    """Return the first header of this (lower-case) name, empty without one."""
    for known, content in scope["headers"]:
        if known == name:
            return content.decode("latin-1")
    return ""


def credentials(scope: Scope) -> str:
    """Return what the header Authorization has, or stands for where the token came as X-API-Key; empty without.

    Raises `invalid_value` where both are sent and differ.
    """
    sent = raw_key = None
    for name, content in scope["headers"]:
        if name == b"authorization" and sent is None:
            sent = content.decode("latin-1")
        elif name == b"x-api-key" and raw_key is None:
            raw_key = content
    sent = sent or ""
    if not raw_key:
        return sent
    key = raw_key.decode("latin-1").strip()
    if not key:
        return sent
    if sent and sent.split()[1:] != [key]:
        wrong = {"X-API-Key": "is another token than that in Authorization"}
        raise Problem("invalid_value", "Send the token in one of the two headers.", fields=wrong)
    return f"Bearer {key}"


def address_of(scope: Scope) -> str:
    """Return the network address of the client, as `edge` found it."""
    return (scope.get("client") or ("unknown", 0))[0]


def flag(name: str, text: str) -> bool:
    """Return what a text sets that is 1 or true, 0 or false; raises `invalid_value`."""
    found = FLAGS.get(text.strip().lower())
    if found is None:
        wrong = {name: "must be 1 or 0, true or false"}
        raise Problem("invalid_value", f"Send {name}=1, or leave it out.", fields=wrong)
    return found


def check_not_by_write(state: Mapping[str, Any]) -> None:
    """Refuse a request of the tool `write` for what a client should ask its user first; raises `invalid_value`."""
    if state.get(BY_WRITE):
        raise Problem(
            "invalid_value",
            "The tool write leaves to the tool request what the user is asked first: deletes, merges, undo, approvals, "
            "changes by filter, starting imports, links, tokens, team, webhooks, settings. Ask, then send the same "
            "with request.",
        )


class HttpCall(Call):
    """What a handler is given: the call, and the HTTP request that it came as."""

    __slots__ = ("_body", "_max_body", "_receive", "_upload", "scope")

    def __init__(self, crm: Crm, scope: Scope, receive: Receive, max_body: int) -> None:
        super().__init__(crm, scope["state"].get("actor"))
        self.scope = scope
        self._receive = receive
        self._max_body = max_body
        self._body: bytes | None = None
        self._upload: Upload | None = None

    @property
    def app(self) -> Litestar:
        return self.scope["litestar_app"]

    @property
    def needs(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self.scope["state"].get(NEEDS, ())
        return found

    @property
    def method(self) -> str:
        return str(self.scope.get("method"))

    @property
    def is_tool(self) -> bool:
        """Whether a tool call of MCP stands behind it, which sends method, path and body alone."""
        return bool(self.scope["state"].get(INSIDE))

    @property
    def is_dry(self) -> bool:
        """Whether it is a dry run."""
        return bool(self.scope["state"].get(DRY))

    @property
    def client(self) -> str:
        """The client to count the request for: its address, or its IPv6 network, as `edge` found it."""
        return ip.client(self.address)

    @property
    def address(self) -> str:
        return address_of(self.scope)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of the query string, in order, as the gate read them."""
        found: list[tuple[str, str]] = self.scope["state"]["pairs"]
        return found

    @property
    def sent(self) -> list[tuple[str, str]]:
        """The pairs of the query string, but for those that say how it is done or answered; with `timezone`."""
        return [pair for pair in self.scope["state"]["sent"] if pair[0] not in ("format", "confirm")]

    @property
    def chosen(self) -> ByKind:
        """What `fields=` chose of the records in the answer."""
        found: ByKind = self.scope["state"].get(CHOSEN, ALL)
        return found

    @property
    def may_be_cut(self) -> bool:
        """Whether `max_tokens=` may end the page that is answered before its last row."""
        return TOKENS in self.scope["state"]

    def parameters(self) -> dict[str, str]:
        """Return the query parameters, each of which may be sent once; raises `invalid_value`."""
        found: dict[str, str] = {}
        for name, text in self.pairs:
            if name in found and name != "format":
                raise Problem("invalid_value", f"Send {name} once.", fields={name: "stands twice"})
            found[name] = text
        return found

    def page(self) -> tuple[list[tuple[str, str]], bool]:
        """Return the pairs of the query, and whether the answer has all fields or those of list lines."""
        return self.pairs, self.format.is_whole_record

    @property
    def format(self) -> Format:
        """The format of the answer; raises `unknown_format`."""
        return format_of(self.scope)

    async def in_pieces(
        self, work: Callable[..., Batches], *args: Any, filename: str = "", told: Sequence[tuple[str, str]] = ()
    ) -> Response:
        """Return the response that sends the list `work(connection, *args)` of one moment in the format asked for.

        The route is declared with streams=True, so all its formats have `pieces`. See `spooled`.
        """
        format, asked = self.format, self.scope["state"].get(SPREADSHEET)
        if asked and format.as_asked:
            format = format.as_asked(*asked)
        pieces = format.pieces
        if pieces is None:
            raise TypeError(f"declare {self.scope['path']} with streams=True, and formats that have pieces")

        def written(connection: Connection) -> Iterator[bytes]:
            return pieces(work(connection, *args))

        return await self.spooled(
            written, content_type=format.content_type, filename=filename, told=told, is_whole=format.fails_late
        )

    async def spooled(
        self,
        work: Callable[..., Iterator[bytes]],
        *args: Any,
        content_type: str,
        filename: str = "",
        told: Sequence[tuple[str, str]] = (),
        is_whole: bool = False,
    ) -> Response:
        """Return the response that sends the bytes that `work(connection, *args)` yields, of one moment, as they come.

        `filename` is what a browser saves them as, `told` are further headers, with any text. What is raised before the
        first bytes is raised here, also what Database.stream raises; later it cuts the client off. If it `is_whole`, no
        byte is sent before the last is made. A tool call is refused a format that is no text.
        """
        if self.is_tool and self.format.is_binary:
            raise self._no_text(filename)
        return await streamed(self.stream(work, *args, is_whole=is_whole), content_type, filename, told)

    def _no_text(self, filename: str) -> Problem:
        """Return the refusal of a file that no tool can show, with the line that gets it."""
        query = self.scope["query_string"].decode("ascii").replace("'", "%27")
        url = f"{self.crm.settings.base_url}{self.scope['path']}{f'?{query}' if query else ''}"
        return Problem(
            "unknown_format",
            f"The answer is a {self.format.name.upper()} file, which no tool can show. Send it over HTTP with a token: "
            f"curl -H 'Authorization: Bearer ck_…' -o {filename} '{url}'",
        )

    async def body(self) -> dict[str, Any]:
        """Return the JSON object in the body, whatever the Content-Type says."""
        return body.decode(await self.raw_body())

    async def items(self) -> list[Any]:
        """Return the items of a batch, in any of its forms (see decode_items)."""
        raw = await self.raw_body()
        return await asyncio.to_thread(body.decode_items, raw) if len(raw) > LONG else body.decode_items(raw)

    def flag(self, name: str) -> bool:
        """Tell whether a parameter is sent as 1 or true, not as 0 or false; raises `invalid_value`."""
        return flag(name, self.parameters().get(name, "0"))

    async def raw_body(self) -> bytes:
        """Return the bytes of the body, without a byte order mark.

        It is bounded as announced and as it comes. Raises `too_large`, `unsupported_encoding`, or `invalid_json` when
        the client left too early.
        """
        if self._body is None:
            self._body = await self._read_body()
        return self._body

    @property
    def upload(self) -> Upload:
        """The body as a file, of a route that takes uploads; raises RuntimeError elsewhere."""
        if self._upload is None:
            raise RuntimeError(f"declare {self.scope['path']} with uploads=True")
        return self._upload

    @upload.setter
    def upload(self, upload: Upload) -> None:
        self._upload = upload

    async def identity(self) -> bytes:
        """Return what tells the body from another: its bytes, or the hash of an upload."""
        return await self.raw_body() if self._upload is None else self._upload.digest

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes; raises as `raw_body`, but for its encoding."""
        self._check_announced()
        size, more = 0, True
        while more:
            part, more = await self._part()
            size += len(part)
            if size > self._max_body:
                raise self._too_large()
            yield part

    async def _part(self) -> tuple[bytes, bool]:
        """Return the next part of the body, and whether more follows."""
        event: Any = await self._receive()
        if event["type"] == "http.disconnect":
            raise Problem("invalid_json", "The connection ended before the body did; send the request again.")
        return event.get("body", b""), event.get("more_body", False)

    def _check_announced(self) -> None:
        digits = header_of(self.scope, b"content-length").strip().lstrip("0")  # there may be thousands of zeros
        if int(digits[:20] or 0) > self._max_body:
            raise self._too_large()

    async def _read_body(self) -> bytes:
        self._check_announced()
        read, more = bytearray(), True
        while more:
            part, more = await self._part()
            read += part
            if len(read) > self._max_body:
                raise self._too_large()
        codings = b",".join(content for name, content in self.scope["headers"] if name == b"content-encoding")
        return body.uncoded(bytes(read), codings.decode("latin-1"), header_of(self.scope, b"content-type"))

    def _too_large(self) -> Problem:
        kib, mib = self._max_body // 1024, self._max_body // 1024**2
        most = f"{mib} MiB" if mib > 1 and kib % 1024 == 0 else f"{kib} KiB"
        return Problem("too_large", f"Send at most {most} in one request; split it into several.")

    async def left(self) -> None:
        """Return once nobody waits for the answer any more. A body that was not read yet is thrown away."""
        with suppress(Problem):  # the rest of the body is not read
            while (await self._receive())["type"] != "http.disconnect":
                pass

    @property
    def code(self) -> str:
        """The step-up code of the request, from `?code=` or X-Escalation-Code; empty without one."""
        return (self.parameters().get("code", "") or header_of(self.scope, b"x-escalation-code")).strip()

    @property
    def confirm(self) -> str:
        sent = [text.strip() for name, text in self.pairs if name == "confirm"]  # beside filters that may stand twice
        if len(sent) > 1:
            raise Problem("invalid_value", "Send confirm once.", fields={"confirm": "stands twice"})
        return sent[0] if sent else ""

    def if_match(self) -> int | None:
        """Return the version that If-Match names, None without one (or for `*`); raises `invalid_value`."""
        header = header_of(self.scope, b"if-match").strip()
        if header in ("", "*"):
            return None
        found = re.fullmatch(r'(?:W/)?"?([1-9][0-9]{0,17})"?', header, re.ASCII)
        if found is None:
            raise Problem(
                "invalid_value", "Send If-Match: N with the version you read.", fields={"If-Match": "must be a version"}
            )
        return int(found.group(1))
