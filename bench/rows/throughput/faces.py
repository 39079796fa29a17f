"""The rows of the faces: what a client of another service waits for, beside the same call of our own API."""

import random
from typing import Any

import msgspec

from bench.data.drawn import Drawn, another
from bench.lab import Lab, Shot
from bench.load.generators import SERIAL_TEXT
from bench.report import Line
from bench.rows.requests import AT_ONCE, CREATING, cpu, middle, rates
from bench.servers.processes import Server
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.words import PREFIX, THEIRS
from crmkit.faces.konektor.words import PREFIX as KONEKTOR
from crmkit.settings import FACES

JSON = "format=json"  # as faces answer


def klozeo(lab: Lab) -> list[Line]:
    """A lead by its id, and leads created, beside the same contacts."""
    made, drawn = lab.data(lab.usual), lab.drawn(lab.data(lab.usual), "id")
    contacts = [f"GET /contacts/{id}?{JSON}" for id in drawn]
    leads = [f"GET {PREFIX}/leads/{ids.of(id, ids.LEAD)}" for id in drawn]
    bodies = shared()
    new_contacts = [f"POST /contacts?{JSON} {text(body)}" for body in bodies]
    new_leads = [f"POST {PREFIX}/leads {text(lead_of(body))}" for body in bodies]
    return [
        _line(lab, "GET one lead of Klozeo", (contacts, leads), Shot(speaking(lab), lab.creates, AT_ONCE, made.token)),
        _line(
            lab,
            "leads of Klozeo created/s",
            (new_contacts, new_leads),
            Shot(speaking(lab), lab.creates, CREATING, made.token, writes=True),
        ),
    ]


def konektor(lab: Lab) -> list[Line]:
    """A page of leads, which tells exactly how many there are, beside a page of contacts."""
    like = Shot(speaking(lab), lab.creates, AT_ONCE, lab.data(lab.usual).token)
    theirs = _shot(lab, "page of leads", [f"GET {KONEKTOR}/leads?limit=50"], like)
    ours = _shot(lab, "page of contacts", [f"GET /contacts?limit=50&{JSON}"], like)
    found, before = lab.rounds(theirs, ours)
    return [
        Line(
            f"time of a page of Konektor at {lab.usual:,}",
            "a page of contacts as JSON",
            rates(before, found),
            5.0,
            2.0,
            at_most=True,
            absolute=f"leads {middle(found)}; contacts {middle(before)}",
            cpu=cpu(before, found),
        )
    ]


def speaking(lab: Lab) -> Server:
    """Return crmkit with all faces."""
    return lab.product(lab.usual, kind="faces", environ={"CRMKIT_SERVER_FACES": ",".join(FACES)})


def shared() -> list[dict[str, Any]]:
    """Return contacts that were never there, of what Klozeo has fields for."""
    drawn = Drawn(random.Random(11), 10**9)
    bodies = [another(drawn.contact(number, None), f"1{SERIAL_TEXT}") for number in range(3, 2003)]
    known = [{name: body[name] for name in body if name in THEIRS and name != "stage"} for body in bodies]
    return [{"source": "bench", **body} for body in known]


def lead_of(body: dict[str, Any]) -> dict[str, Any]:
    return {THEIRS[name]: value for name, value in body.items()}


def text(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body).decode()


def _line(lab: Lab, what: str, lines: tuple[list[str], list[str]], like: Shot) -> Line:
    ours, theirs = (_shot(lab, f"{what} {number}", each, like) for number, each in enumerate(lines))
    found, before = lab.rounds(theirs, ours)
    absolute = f"lead {middle(found)}; contact {middle(before)}"
    return Line(what, "the contact, as JSON", rates(found, before), 0.8, 0.9, absolute=absolute, cpu=cpu(found, before))


def _shot(lab: Lab, name: str, lines: list[str], like: Shot) -> Shot:
    file = lab.requests(name.replace(" ", "-").replace("/", "-"), lines)
    return Shot(like.server, file, like.connections, like.token, like.writes)
