"""`python -m bench.references.applications KIND PORT`: bare applications on the server that crmkit has.

`bare` is a Litestar text handler; `floor` the same with one indexed read over aiosqlite and rendering, nothing else;
`plain` is ASGI without a framework that reads with sqlite3 in the loop and renders strings: the text of a list of 50.
The last two read the file BENCH_DATABASE, workspace BENCH_WORKSPACE, with SQL and rendering of their own.
"""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from litestar import Litestar, get, post

LINE = (
    'contact/c_k7m2q9xa  name="Jane Doe"  email=jane@acme.com  phone="+49 523183147"  company_id=co_hcvkts7e  '
    'company_name="Acme Labs"  owner=fay@example.com  stage=lead  tags=vip,fintech  notes="Prefers a call."  '
    "version=1  created_at=2024-05-11T09:00:00Z  updated_at=2024-05-11T09:00:00Z  created_by=ada@example.com\n"
)

_WORD = re.compile(r"[A-Za-z@_+/][!#-\[\]-~]*", re.ASCII)

_NUMBER_IN_LIST = re.compile(r'"-?[0-9.]+"')


def _text(value: str) -> str:
    if _WORD.fullmatch(value):
        return value
    return f'"{value}"' if " " in value and '"' not in value and "\\" not in value else value


def _tags(value: str) -> str:
    return value if _NUMBER_IN_LIST.search(value) else value[2:-2].replace('","', ",")


def _custom(value: str) -> str:
    found = json.loads(value).items()
    return "  ".join(f"custom.{key}={_text(one) if isinstance(one, str) else one}" for key, one in found)


_SPELLED: dict[str, Callable[[Any], str] | None] = {
    "name": _text,
    "email": None,
    "phone": _text,
    "company_id": None,
    "company_name": _text,
    "latitude": str,
    "longitude": str,
    "owner": None,
    "stage": _text,
    "tags": _tags,
    "notes": _text,
    "custom": _custom,
    "follow_up_at": None,
    "follow_up_note": _text,
    "version": str,
    "created_at": None,
    "updated_at": None,
    "created_by": None,
    "activities": str,
    "last_activity_at": None,
    "last_contacted_at": None,
    "contacts_made": str,
    "score": "{:g}".format,
    "last_interaction_at": None,
}
_DETAILS = (
    *("latitude", "longitude", "notes", "version", "created_at", "created_by", "contacts_made", "score"),
    "last_interaction_at",
)


def _renderer(names: list[str]) -> Callable[[Any], str]:
    labels = [("  " if name == "custom" else f"  {name}=", _SPELLED[name]) for name in names]

    def render(row: Any) -> str:
        parts = ["contact/", row[0]]
        for (label, spell), value in zip(labels, row[1:], strict=True):
            if value is not None:
                parts.append(label)
                parts.append(value if spell is None else spell(value))
        return "".join(parts)

    return render


_WHOLE, _LISTED = list(_SPELLED), [name for name in _SPELLED if name not in _DETAILS]
_ONE_SQL = f"SELECT id, {', '.join(_WHOLE)} FROM contacts WHERE workspace_id = ? AND id = ?"
_MATCHING = "FROM contacts WHERE workspace_id = ? AND stage_key = ?"
_LIST_SQL = f"SELECT id, {', '.join(_LISTED)} {_MATCHING} ORDER BY updated_at DESC, id DESC LIMIT 51"
_COUNT_SQL = f"SELECT count(*) FROM (SELECT 1 {_MATCHING} LIMIT 1001)"


@get("/", media_type="text/plain", sync_to_thread=False)
def answer() -> str:
    return LINE


@post("/", media_type="text/plain", sync_to_thread=False)
def take() -> str:
    return LINE


def bare() -> Any:
    return Litestar([answer, take], openapi_config=None, logging_config=None)


def floor() -> Any:
    import aiosqlite  # imported late, as crmkit is: the bare application is to hold nothing that it does not use

    from crmkit.storage.sqlite.engine.connection import connect

    database, workspace = Path(os.environ["BENCH_DATABASE"]), os.environ["BENCH_WORKSPACE"]
    render = _renderer(_WHOLE)
    connection = aiosqlite.Connection(lambda: connect(database, False), 64)

    @asynccontextmanager
    async def opened(_: Any) -> AsyncIterator[None]:
        async with connection:
            yield

    @get("/contacts/{id:str}", media_type="text/plain")
    async def one(id: str) -> str:
        rows = await connection.execute_fetchall(_ONE_SQL, (workspace, id))
        return render(*rows) + "\n"

    return Litestar([answer, one], lifespan=[opened], openapi_config=None, logging_config=None)


def plain() -> Any:
    from crmkit.storage.sqlite.engine.connection import connect

    workspace, cursor = os.environ["BENCH_WORKSPACE"], os.environ["BENCH_CURSOR"]
    render = _renderer(_LISTED)
    connection = connect(Path(os.environ["BENCH_DATABASE"]), False)

    def listed(stage: str) -> str:
        rows = connection.execute(_LIST_SQL, (workspace, stage)).fetchall()
        ((total,),) = connection.execute(_COUNT_SQL, (workspace, stage)).fetchall()
        lines = list(map(render, rows[:50]))
        lines.append(f"# {len(lines)} contacts\n# total: {total if total <= 1000 else '1000+'}")
        if len(rows) > 50:
            lines.append(f"# next: {cursor}")
        return "\n".join(lines) + "\n"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = dict(parse_qsl(scope["query_string"].decode()))
        body = (listed(asked["stage"]) if asked else LINE).encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def main() -> None:
    kind, port = sys.argv[1:]
    uvicorn.run(
        {"bare": bare, "floor": floor, "plain": plain}[kind](),
        host="127.0.0.1",
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off" if kind == "plain" else "on",
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )


if __name__ == "__main__":
    main()
