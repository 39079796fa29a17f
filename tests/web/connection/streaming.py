"""A format in pieces and routes that stream, which the product does not have."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from crmkit.model.query.listing import Batches
from crmkit.records.contact import CONTACT
from crmkit.render.formats import Format
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response
from crmkit.web.route import Route, read

BATCH = 100
MEDIA = "application/jsonl"
SENT_SECONDS = 0.3  # in which what was read is sent


def lines(page: Batches) -> Iterator[bytes]:
    names = ("id", *page.fields)
    for rows in page.batches:
        yield b"".join(msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows)


JSON_LINES = Format("jsonl", MEDIA, MEDIA, pieces=lines, is_whole_record=True)


def _contacts(connection: Connection, workspace: Workspace) -> Batches:
    sql = "SELECT id, name FROM contacts WHERE seq BETWEEN ? AND ? AND workspace_id = ? ORDER BY seq"
    rows = connection.execute(sql, (workspace.first, workspace.last, workspace.id))
    return Batches(CONTACT, ("name",), iter(lambda: rows.fetchmany(BATCH), []))


def _numbered(connection: Connection, many: int, width: int) -> Batches:
    """Return rows of a table that each test fills, each read from the file."""
    rows = connection.execute("SELECT number, word FROM scratch ORDER BY number LIMIT ?", (many,))
    return Batches(CONTACT, ("name",), iter(lambda: rows.fetchmany(BATCH), []))


def _made(_: Connection, many: int, seconds: float) -> Batches:
    def batches() -> Iterator[list[Any]]:
        for at in range(many):
            yield [(at, "x" * 1000)] * 20
            time.sleep(seconds)

    return Batches(CONTACT, ("name",), batches())


def _broken(_: Connection, at: int) -> Batches:
    def batches() -> Iterator[list[Any]]:
        for _ in range(at):
            yield [("c_1", "Jane")] * BATCH
        if at:
            time.sleep(SENT_SECONDS)
        raise ValueError("broken in the middle")

    return Batches(CONTACT, ("name",), batches())


@read("/all", kind=CONTACT, formats=(JSON_LINES,), streams=True)
async def everybody(call: HttpCall) -> Response:
    return await call.in_pieces(_contacts, Workspace.of(call.actor))


@read("/scratch", kind=CONTACT, formats=(JSON_LINES,), streams=True, query=("many",))
async def scratch(call: HttpCall) -> Response:
    return await call.in_pieces(_numbered, int(call.parameters()["many"]), 0)


@read("/made", kind=CONTACT, formats=(JSON_LINES,), streams=True, query=("many", "seconds"))
async def made(call: HttpCall) -> Response:
    asked = call.parameters()
    return await call.in_pieces(_made, int(asked["many"]), float(asked.get("seconds", 0)))


@read("/broken", kind=CONTACT, formats=(JSON_LINES,), streams=True, query=("at",))
async def broken(call: HttpCall) -> Response:
    return await call.in_pieces(_broken, int(call.parameters()["at"]))


ROUTES: list[Route] = [everybody, scratch, made, broken]
