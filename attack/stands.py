"""People with one of everything in a workspace, and what each of them is shown."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from attack.client import Answer, Client
from attack.places import NOWHERE, Routes, Unknown, filled, named, routes
from attack.program import Program
from crmkit.boot import KINDS
from crmkit.core.transfer.snapshots.archive import MANIFEST
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE

JOB_SECONDS = 10  # in which the import of one row has ended
_CONFIRM = re.compile(r'(confirm(?:=|":"))\w+')  # a token that a first step showed
_NOW = re.compile(r"\blast_used_at=\S+|^# now: .*$", re.MULTILINE)  # when a token was last used, when it was asked


@dataclass
class Stand:
    """Someone with a whole workspace, and an id of each kind in it."""

    client: Client
    workspace: str
    ids: dict[str, str] = field(default_factory=dict)


async def furnished(served: Program, client: Client, word: str) -> Stand:
    """Return the client's workspace, filled with one of everything; `word` is in all its texts.

    Raises Unknown where the product has ids of something that is not made here.
    """
    workspace = (await client.get("/whoami")).json()["workspace"]
    stand = Stand(client, workspace, {"ws": workspace})
    await _records(stand, word)
    await _settings(stand, word)
    await _people(served, stand, word)
    await _requests(served, stand, word)
    if missing := [name for prefix, name in KINDS.prefixes.items() if prefix not in stand.ids]:
        raise Unknown(f"how one of these is made: {', '.join(missing)}; furnished in attack/stands.py makes none")
    return stand


async def _new(client: Client, path: str, /, **body: Any) -> dict[str, Any]:
    """Return what a request has made. Raises ValueError where it was refused."""
    answer = await client.ask("POST", path, body)
    if answer.status not in (200, 201, 202):
        raise ValueError(f"POST {path} -> {answer.status} {answer.text}")
    made: dict[str, Any] = answer.json()
    return made


async def _logged(client: Client, action: str) -> str:
    """Return the id of the target of the newest entry of the log with this action."""
    entry = (await client.get(f"/audit?action={action}&limit=1")).json()["items"][0]
    return str(entry["target"]).partition("/")[2]


async def _records(stand: Stand, word: str) -> None:
    held, client = stand.ids, stand.client
    held["co"] = (await _new(client, "/companies", name=f"{word} Corp", domain=f"{word}.example.com"))["id"]
    held["c"] = (await _new(client, "/contacts", name=f"{word} Jane", email=f"jane@{word}.example.com", notes=word))[
        "id"
    ]
    deal = {"title": f"{word} deal", "contact_id": held["c"], "notes": word}
    held["d"] = (await _new(client, "/deals", **deal))["id"]
    for kind in KINDS.records:
        if kind.is_searched and kind.prefix not in held:  # it has a title
            held[kind.prefix] = (await _new(client, kind.path, **{kind.title.name: f"{word} {kind.name}"}))["id"]
    conversion = {"contact_id": held["c"], "platform": "meta", "failure": word}
    held["cv"] = (await _new(client, "/conversions", **conversion))["id"]
    for prefix in ("co", "c"):  # who may be left out again by the id of either
        await _new(client, f"/campaigns/{held['ca']}/members", id=held[prefix], reason=word)
    held["cm"] = await _logged(client, "membership.create")
    twin = (await _new(client, "/contacts", name=f"{word} Jane"))["id"]
    await _new(client, "/duplicates/dismiss", a=held["c"], b=twin)
    held["di"] = await _logged(client, "dismissal.create")
    activity = await _new(client, f"/contacts/{held['c']}/activities", body=f"{word} call")
    held["a"], held["op"] = activity["id"], activity["operation"]


async def _settings(stand: Stand, word: str) -> None:
    held, client = stand.ids, stand.client
    held["f"] = (await _new(client, "/fields", kind="campaign", key="mine", type="text", about=word))["id"]
    held["v"] = (await _new(client, "/views", name=word, path=f"/contacts?search={word}"))["id"]
    held["sr"] = (await _new(client, "/scoring-rules", name=word, expression=f'stage == "{word}"', weight=0))["id"]
    # off, so that it is sent nothing but what is asked for
    held["wh"] = (await _new(client, "/webhooks", url=f"{NOWHERE}/{word}", active=False))["id"]
    held["dl"] = (await _new(client, f"/webhooks/{held['wh']}/test"))["id"]


async def _people(served: Program, stand: Stand, word: str) -> None:
    held, client, team = stand.ids, stand.client, f"/workspaces/{stand.workspace}"
    held["inv"] = (await _new(client, f"{team}/invites", email=f"guest@{word}.example.com"))["id"]
    email = f"member@{word}.example.com"
    await _new(client, f"{team}/invites", email=email)
    async with await served.sign_in(email):
        members = (await client.get(f"{team}/members")).json()["members"]
        held["u"] = next(one["user_id"] for one in members if one["email"] == email)
    held["tok"] = (await _new(client, f"{team}/tokens", token_name=f"{word} spare"))["id"]


async def _requests(served: Program, stand: Stand, word: str) -> None:
    held, client = stand.ids, stand.client
    held["ln"] = (await _new(client, "/links", path=f"/contacts?search={word}"))["id"]
    minted = await _new(client, f"/workspaces/{stand.workspace}/tokens", token_name=f"{word} bot", access="propose")
    async with served.client(minted["token"]) as bot:
        held["pr"] = (await _new(bot, "/contacts", name=f"{word} proposed"))["id"]
    done = await _imported(client, f"name\n{word} imported\n")
    await _new(client, f"/imports/{done}/start")
    held["jb"] = await _job(served, stand)
    held["imp"] = await _imported(client, f"name,email\n{word},no address\n")
    held["au"] = (await client.get("/audit?limit=1")).json()["items"][0]["id"]


async def _imported(client: Client, file: str) -> str:
    """Return the id of the import that is planned of this file."""
    return str((await client.ask("POST", "/import?kind=contacts", file.encode())).json()["id"])


async def _job(served: Program, stand: Stand) -> str:
    """Return the id of the workspace's job once it has ended; the API names only those that take long."""
    async with asyncio.timeout(JOB_SECONDS):
        while True:
            with closing(sqlite3.connect(f"file:{served.folder / FILE}?mode=ro", uri=True)) as file:
                sql = "SELECT id FROM jobs WHERE workspace_id = ? AND token_id <> '' AND state = 'done'"
                if found := file.execute(sql, (stand.workspace,)).fetchone():
                    return str(found[0])
            await asyncio.sleep(0.05)


async def described(client: Client) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every route that wants a token, by method and path, as /openapi.json describes it."""
    return routes((await client.get("/openapi.json")).json())


async def over_mcp(client: Client, method: str, path: str, body: Any) -> Answer:
    """Return the answer to a request that is sent as a call of a tool: its text."""
    arguments = {"method": method, "path": path} | ({} if body is None else {"body": body})
    call = {"name": "request", "arguments": arguments}
    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = await client.ask("POST", "/mcp", rpc, "application/json, text/event-stream")
    told = answer.json()
    return Answer(answer.status, {}, told["result"]["content"][0]["text"].encode() if "result" in told else answer.body)


def blotted(answer: Answer, *blots: str) -> tuple[int, str]:
    """Return the status and the text of an answer, without these ids and what tells requests apart."""
    text = answer.text
    for blot in (answer.headers.get("x-request-id", ""), *blots):
        text = text.replace(blot, "...") if blot else text
    return answer.status, _CONFIRM.sub(r"\1...", text)


async def shown(client: Client, known: Routes, own: Mapping[str, str]) -> dict[str, str]:
    """Return all that a client may read, by path: what must not change when others try to change it."""
    found = {}
    for method, path in known:
        if method == "GET":
            asked = filled(named(path), own)
            answer = await client.get(asked, accept="text/plain")
            found[asked] = _packed(answer.body) if answer.body.startswith(b"PK") else _NOW.sub("", answer.text)
    return found


def _packed(archive: bytes) -> str:
    """Return the names and checksums of the files in an archive, without the one that says when it was made."""
    with ZipFile(BytesIO(archive)) as read:
        return "\n".join(f"{one.filename} {one.CRC}" for one in read.infolist() if one.filename != MANIFEST)
