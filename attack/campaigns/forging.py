"""Stored text that looks like lines of ours, through every way out, read back by an independent reader."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

from attack import report
from attack.client import Answer, Client
from attack.lab import Lab
from attack.ledger import items
from attack.reader import Forged, flat, records
from attack.report import Row

# what would be a line, a field, a value of another type, or markup, and characters that show as something else
PARTS = (
    "\n", "\r\n", "\r", "\x0b", "\x0c", "\x1b[2J", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\u202e",
    "\u2066", "\u200b", "\ufeff", "\U000e0041", "\t", "  ", " ", '"', "\\", "\\n", "=", ",", ".", "#", "# total: 9",
    "# next: abc", "# created", "ERROR not_found", "HINT  curl evil", "OK deleted", "contact/c_aaaaaaaa  name=x",
    "token: ck_x", "  stage=won", "true", "null", "0", "-1e9", "NaN", "[", "[1]", "{", "{}", '{"a":1}', "<script>",
    "'; DROP TABLE", "%0a", "%s", "${x}", "é", "e\u0301", "ß", "漢字", "\U0001f600", "\ud7ff", "\uffff", "a",
)  # fmt: skip
WORDS = tuple(part for part in PARTS if not any(c.isspace() or c == "," or not c.isprintable() for c in part))
MARKS = dict.fromkeys(map(ord, "\u202e\u2066"))  # of direction, which a phone number loses
OURS = ("at=", "mail |")  # how a line begins that follows those of the start
AT_ONCE = 8


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield how many of the stored values came back as they were, and what else a stranger's text could make."""
    served = await lab.start()
    alice = await served.sign_in("alice@example.com")
    count = lab.many(2_000, 40_000)
    bodies = [_body(lab.choice, number) for number in range(count)]
    stored: dict[str, dict[str, Any]] = {}

    async def store(share: list[dict[str, Any]]) -> None:
        async with served.client(alice.token) as client:
            for body in share:
                answer = await client.ask("POST", "/contacts", body)
                if answer.status == 201:
                    stored[answer.json()["id"]] = body

    await asyncio.gather(*(store(bodies[start::AT_ONCE]) for start in range(AT_ONCE)))
    wrong = [fault async for fault in _read_back(alice, stored)]
    values = sum(len(flat(body)) for body in stored.values())
    yield report.exactly("values refused", f"{count:,} contacts", count - len(stored), 0)
    yield report.exactly("forged, changed or lost on the way back", f"{values:,} values, 2 ways", len(wrong), 0)
    answers = [text async for text in _answers(alice, list(stored)[:50], bodies[:200])]
    forged = [fault for text in answers for fault in record_faults(text)]
    yield report.exactly("forged in single records, audit, search, MCP", f"{len(answers)} answers", len(forged), 0)
    refusals = [answer async for answer in _refusals(alice, bodies[:200])]
    forged = [fault for answer in refusals for fault in refusal_faults(answer)]
    yield report.exactly("forged in refusals", f"{len(refusals):,} answers", len(forged), 0)
    printed = served.printed()[:-1].split("\n")
    lines = printed[next(at for at, line in enumerate(printed) if line.startswith(OURS)) :]
    odd = [line for line in lines if not line.startswith(OURS) or not line.isprintable()]
    yield report.exactly("odd lines of the log", f"{len(lines):,}", len(odd), 0)


async def _read_back(alice: Client, stored: dict[str, dict[str, Any]]) -> AsyncIterator[str]:
    """Yield what differs between what was stored and what lists show in JSON and in text."""
    shown: dict[str, dict[str, Any]] = {}
    async for item in items(alice, "/contacts?limit=200&sort=id&fields=name,notes,stage,phone,tags,custom"):
        shown[item["id"]] = item
        body = stored[item["id"]]
        if {name: item[name] for name in body} != body:
            yield f"{item['id']} differs in JSON"
    seen: set[str] = set()
    path = cursor = "/contacts?limit=200&sort=id&fields=name,notes,stage,phone,tags,custom"
    while cursor:
        text = (await alice.get(cursor, accept="text/plain")).text
        try:
            lines = list(records(text))
        except (Forged, ValueError) as error:
            yield str(error)
            return
        for line in lines:
            seen.add(line.handle)
            if line.values != flat(shown.get(line.handle.partition("/")[2], {})):
                yield f"{line.handle} differs in text"
        following = text.rstrip("\n").rpartition("\n")[2]
        cursor = f"{path}&cursor={following[8:]}" if following.startswith("# next: ") else ""
    if seen != {f"contact/{id}" for id in stored}:
        yield "the text shows other records than JSON"


def _body(choice: random.Random, number: int) -> dict[str, Any]:
    """Return a contact of hostile texts; what may be trimmed begins and ends with a letter."""

    def text(most: int = 5) -> str:
        return "".join(choice.choices(PARTS, k=choice.randint(1, most)))

    return {
        "name": f"N{text()}n",
        "notes": f"N{text(12)}n",
        "stage": f"S{text()}s",
        "phone": f"P{text()}p".translate(MARKS),
        "tags": [f"t{at}{''.join(choice.choices(WORDS, k=2))}" for at in range(3)],
        "custom": {
            f"k{number}{text(2)}": text(),
            "plain": text(),
            "deep": {text(2): [text(), {text(2): text()}], "n": number},
        },
    }


async def _answers(alice: Client, ids: list[str], bodies: list[dict[str, Any]]) -> AsyncIterator[str]:
    """Yield the text of answers that may show stored or sent text: lists, single records, the log, MCP."""
    for path in ("/audit?limit=200", "/search?q=true", "/contacts?search=ERROR", *(f"/contacts/{id}" for id in ids)):
        yield (await alice.get(path, accept="text/plain")).text
        call = {"name": "read", "arguments": {"path": path}}
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        told = await alice.ask("POST", "/mcp", rpc, "application/json, text/event-stream")
        yield told.json()["result"]["content"][0]["text"]
    for body in bodies:
        made = await alice.ask("POST", "/contacts", {"name": body["name"]}, "text/plain")
        yield made.text


async def _refusals(alice: Client, bodies: list[dict[str, Any]]) -> AsyncIterator[Answer]:
    """Yield refusals of requests whose names, values and paths are hostile."""
    for body in bodies:
        odd = body["notes"]
        for method, path, sent in (
            ("POST", "/contacts", {odd: 1}),
            ("POST", "/contacts", {"name": "x", "company_id": odd}),
            ("GET", f"/contacts/{quote(odd, safe='')}", None),
            ("GET", f"/contacts?{quote(odd, safe='')}=1", None),
            ("GET", f"/contacts?sort={quote(odd, safe='')}", None),
            ("GET", f"/{quote(odd, safe='')}", None),
        ):
            yield await alice.ask(method, path, sent, "text/plain")


def record_faults(text: str) -> Iterator[str]:
    """Yield what is wrong with an answer of records."""
    try:
        list(records(text))
    except (Forged, ValueError) as error:
        yield str(error)


def refusal_faults(answer: Answer) -> Iterator[str]:
    """Yield what is wrong with a refusal: it is one ERROR, lines for fields, one HINT, all of them printable."""
    if answer.status < 400:
        return
    lines = answer.text[:-1].split("\n")
    kinds = [line.partition(" ")[0] for line in lines]
    if kinds != ["ERROR", *["FIELD"] * (len(kinds) - 2), "HINT"] or not all(map(str.isprintable, lines)):
        yield f"no refusal of ours: {answer.text[:120]!r}"
    if answer.status >= 500:
        yield f"{answer.status}"
