"""The command: reads the other service, then sends what it read, contacts first; what came and what did not is told."""

import asyncio
import getpass
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, Protocol, TextIO
from urllib.parse import urlsplit

from crmkit.ip import Networks
from crmkit.operate import sending
from crmkit.operate.moving.client import Client, Page, is_key
from crmkit.operate.moving.klozeo import Klozeo
from crmkit.operate.moving.konektor import Konektor
from crmkit.operate.moving.rows import Note, note_row
from crmkit.operate.moving.spool import Spool
from crmkit.operate.sending import LINE_SECONDS, Server
from crmkit.outbound.client import Outbound

KEY = "CRMKIT_FROM_KEY"
# of one's own network (RFC 1918, 4193, 6598) and machine; http is spoken there alone
PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")


class Service(Protocol):
    """Another service: how it is asked, and what becomes of what it answers."""

    name: str
    prefix: str  # of the paths of its API
    left: Counter[str]

    def headers(self, key: str) -> dict[str, str]: ...

    def pages(self, client: Client) -> AsyncIterator[Page]: ...

    async def contact(self, client: Client, lead: Mapping[str, Any]) -> dict[str, Any]: ...

    async def notes(self, client: Client, lead: Mapping[str, Any]) -> list[Note]: ...


SERVICES: Mapping[str, Callable[[], Service]] = {"klozeo": Klozeo, "konektor": Konektor}


def base_of(url: str, prefix: str) -> str:
    """Return the address below which an API is, for the base URL of a client; raises ValueError."""
    if any(urlsplit(url)[3:]) or "?" in url:
        raise ValueError(f"give the address without a query: the key is read from {KEY}, or asked for")
    return url.rstrip("/").removesuffix(prefix) + prefix


def key_of(environ: Mapping[str, str], name: str) -> str:
    """Return the key of the other service: from the environment, else typed on a terminal; raises ValueError."""
    key = environ.get(KEY, "").strip()
    if not key and not sys.stdin.isatty():
        raise ValueError(f"set {KEY} to the key of {name}; without a terminal nobody can be asked for it")
    key = key or getpass.getpass(f"Key of {name} (not shown): ").strip()
    if not is_key(key):
        raise ValueError(f"the key of {name} must be visible ASCII characters without blanks")
    return key


async def read(service: Service, client: Client, spools: tuple[Spool, Spool], out: TextIO) -> None:
    """Read all leads with their notes into two files, of contacts and of notes; raises Stopped."""
    contacts, notes = spools
    leads, total, told_at = 0, None, time.monotonic()
    async for page in service.pages(client):
        leads, total = leads + len(page.leads), page.total
        for lead in page.leads:
            row = await service.contact(client, lead)
            if not contacts.add(row):
                service.left["a lead: longer than an import reads"] += 1
                continue
            for note in await service.notes(client, lead):
                service.left["a note: longer than an import reads"] += not notes.add(note_row(row, note))
            if time.monotonic() - told_at >= LINE_SECONDS:
                told_at = time.monotonic()
                print(f"read {_count(contacts, 'lead')}, {_count(notes, 'note')}", file=out, flush=True)
    if total is not None and total > leads:
        service.left["a lead: counted, and on no page"] += total - leads


def main(name: str, url: str, allows_private: bool, is_dry: bool, is_agreed: bool) -> int:
    """Run the command; raises ValueError, OSError."""
    service = SERVICES[name]()
    base = base_of(url, service.prefix)
    server = Server(os.environ)
    key = key_of(os.environ, name)
    outbound = Outbound(Networks(PRIVATE if allows_private else ()))
    client = Client(name, base, service.headers(key), outbound, lambda text: print(text, file=sys.stderr, flush=True))

    def work() -> int:
        server.json("GET", "/whoami")  # a wrong token is told before the other service is read for an hour
        with ExitStack() as stack:
            contacts, notes = (stack.enter_context(closing(Spool(each))) for each in ("contacts", "notes"))
            asyncio.run(read(service, client, (contacts, notes), sys.stderr))
            print(f"read {_count(contacts, 'lead')} and {_count(notes, 'note')} of {name}", flush=True)
            return _sent(server, (contacts, notes), service.left, is_dry, is_agreed)

    return sending.exit_status(server, work)


def _sent(server: Server, spools: tuple[Spool, Spool], left: Counter[str], is_dry: bool, is_agreed: bool) -> int:
    """Import the contacts, then the notes, which are activities; return the exit status."""
    contacts, notes = spools
    if is_dry:
        if contacts.rows:
            sending.run(server, contacts.upload(), {"kind": "contacts"}, True, True)
        print(f"{_count(notes, 'note')} would follow as activities")
        _tell(left)
        return 0
    ended = []
    for spool, kind in ((contacts, "contacts"), (notes, "activities")):
        if spool.rows:
            found = sending.imported(server, spool.upload(), {"kind": kind}, is_agreed)
            if found is None:
                return 1
            ended.append(found)
            is_agreed = True
            if found["state"] != "done":
                break
    print(f"imported {_came(ended, 'creates')}")
    if any(each["updates"] for each in ended):
        print(f"there already, merged where they differ: {_came(ended, 'updates')}")
    for each, what in zip(ended, ("contact", "note"), strict=False):
        missing = each["rows"] - each["done"] + each["refused"]
        if missing:
            where = f"GET /imports/{each['id']}?format=csv lists those that were refused"
            print(f"not imported: {_counted(missing, what)}; {where}")
    if notes.rows and len(ended) == 1 and contacts.rows:
        print(f"not imported: {_count(notes, 'note')}; the contacts ended early: run this again once they can go on")
    _tell(left)
    return 0 if all(each["state"] == "done" for each in ended) else 1


def _came(ended: Sequence[Mapping[str, Any]], what: str) -> str:
    """Return of how many contacts and notes the imports that ended tell this."""
    contacts, notes, *_ = [each[what] for each in ended] + [0, 0]
    return f"{_counted(contacts, 'contact')}, {_counted(notes, 'note')}"


def _tell(left: Counter[str]) -> None:
    """Tell what could not be read."""
    for reason, count in sorted(left.items()):
        if count:
            print(f"not read ({count:,}): {reason}")


def _count(spool: Spool, noun: str) -> str:
    return _counted(spool.rows, noun)


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"
