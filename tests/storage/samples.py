"""What the records of every kind hold in tests of queries, and what their fields are compared with.

Everything follows from the kinds' declarations: a new field needs nothing here, a new type of field its samples.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from crmkit import ids
from crmkit.core.call import Call
from crmkit.core.records import memberships
from crmkit.errors import Problem
from crmkit.model import fields
from crmkit.model.actor import Actor
from crmkit.model.fields import FieldType
from crmkit.model.fold import fold
from crmkit.model.form import Field
from crmkit.model.record import Kind
from crmkit.storage import records as rows
from crmkit.storage.columns import given_names
from crmkit.storage.interface.tx import Tx
from tests.house import ALICE, BOB
from tests.kinds import KINDS, REGISTRY
from tests.storage.desk import Desk
from tests.storage.reference import PATHS, Shown, value_of

TEXTS = [
    None,
    "Anna Müller",
    "ANNA MÜLLER",
    "anna muller",
    "Zoë O'Hara",
    "Zoe\u0308 O'Hara",
    "100% Real_Name",
    "100 RealXName",
    "Doe, Jane",
    "Zoë O’Hara",
    "“Anne‑Marie”\u00a0Doe",
    "x",
    "Łukasz",
    "李小龍",
    "straße",
    "STRASSE",
    "lead",
    "Lead",
    "a:b",
    "eq:lead",
    "is:null",
    "null",
    "10",
    "9",
    "%",
    "_",
    "+41 44 668 18 00",
]
PHONES = [text for text in TEXTS if text not in ("10", "100 RealXName")]  # the country says what these two mean
NOTES = [None, "Met on a boat.\nLikes 100% wool_socks", "boat", "BOAT", "Ärger\twith \"quotes\" and 'such'", "%", "_"]
TIMES = [None, "2026-06-10T09:00:00Z", "2026-06-10T11:00:00+02:00", "2026-06-11", "2025-12-31T23:59:59Z"]
DATES = [None, "2026-06-30", "2026-07-01", "2025-12-31", "2028-02-29", "0001-01-01"]
TAGS = [None, ["vip"], ["VIP", "a"], ["a", "b"], ["b"], ["ab"], ["ünïcode"], ["a.b", "x:y"]]
CUSTOMS: list[dict[str, Any] | None] = [
    None,
    {"a": 5, "b": "five"},
    {"a": 5.0, "b": "FIVE"},
    {"a": "5", "b": True},
    {"a": -1.5, "b": False},
    {"a": 10, "b": "true"},
    {"a": 9, "b": {"c": "deep", "d e": 1}},
    {"a": "ten", "b": {"c": 7, "d e": 2}},
    {"a": 9_007_199_254_740_993, "b": [1, "x"]},
    {"a": 1e300, "b": "Ünï"},
    {"odd.key": "dotted", 'q"uote': "quoted", "a": "", "b": "%_"},
    {"odd.key": "DOT", 'q"uote': "Q", "b": {"c": "DEEP"}},
]

Operands = Callable[[Any, list[str]], list[str]]


@dataclass(frozen=True)
class Samples:
    """`values` are what a client may send, `own` what differs from record to record; `operands` are given what
    some records hold."""

    values: Callable[[Any], list[Any]]
    operands: Operands
    own: Callable[[int], list[Any]] = lambda number: []


def as_text(type_: Any, held: list[str]) -> list[str]:
    """Return what is held, that in other cases, parts of it, and near misses."""
    swapped = {text.swapcase() for text in held[:2] if fold(text.swapcase()) == fold(text)}
    cut = {text[1:4] for text in held[:3] if text[1:4].strip()}
    return sorted({*held, *swapped, *cut, "%", "_", "m"})


def as_address(type_: Any, held: list[str]) -> list[str]:
    unicode = [text.replace("xn--exmple-cua", "Exämple") for text in held]
    return sorted({*held, *(f" {text.upper()} " for text in held[:3]), *unicode, "example", "P1", "@", ".COM"})


def as_id(type_: Any, held: list[str]) -> list[str]:
    """Return ids in all their spellings, and one that leads to nothing."""
    kind = next(kind for kind in KINDS if kind.prefix == type_.prefix)
    spelled = [text for id in held for text in (id, kind.handle(id), f" {id}", f"{kind.handle(id)} ")]
    return [*spelled, ids.numbered(kind.prefix, 1)]


def as_number(type_: Any, held: list[str]) -> list[str]:
    near = {str(int(text) + step) for text in held for step in (-1, 1) if type_.least < int(text) < type_.most}
    return sorted({*held, *near, "0", "-0", "+1", "007", str(type_.least), str(type_.most)})


def among(texts: list[str]) -> Operands:
    """Return the operands that are what is held and these."""
    return lambda type_, held: sorted({*held, *texts})


SAMPLES: dict[type[FieldType], Samples] = {
    fields.Text: Samples(lambda type_: TEXTS, as_text, lambda number: [f"No. {number}", f"NO. {number}"]),
    fields.Identifier: Samples(lambda type_: TEXTS, as_text, lambda number: [f"id-{number}", f"ID-{number}"]),
    fields.LongText: Samples(lambda type_: NOTES, as_text),
    fields.Phone: Samples(lambda type_: [*PHONES, "\u202a+41 44 668\u00a018 00\u202c"], as_text),
    fields.Email: Samples(
        lambda type_: [None, "bob@example.com", "Alice@Example.com", "bob@Exämple.com"],
        as_address,
        lambda number: [f"p{number}@example.com", f"P{number}@Exämple.com"],
    ),
    fields.Domain: Samples(
        lambda type_: [None, "acme.com", "Acme.Exämple.com"],
        as_address,
        lambda number: [f"p{number}.example.com", f"P{number}.Exämple.com"],
    ),
    fields.Website: Samples(
        lambda type_: [None, "acme.com", "https://www.Acme.com/About?x=1", "HTTP://acme.com/about?X=1"],
        lambda type_, held: sorted({*held, *map(str.upper, held), "acme", "https://", "/ABOUT", "example.com", "?x="}),
        lambda number: [f"p{number}.example.com", f"https://P{number}.Exämple.com/Ü"],
    ),
    fields.Choice: Samples(
        lambda type_: [None, *type_.choices],
        lambda type_, held: [*type_.choices, *(f" {word.upper()}" for word in type_.choices)],
    ),
    fields.Currency: Samples(lambda type_: [None, "USD", "eur", "CHF"], among(["usd", "EUR", "Chf ", "JPY"])),
    fields.Country: Samples(lambda type_: [None, "CH", "de"], among(["ch", " De", "FR"])),
    fields.Timezone: Samples(
        lambda type_: [None, "Europe/Zurich", "utc"], among(["EUROPE/ZURICH", " UTC", "Asia/Tokyo"])
    ),
    fields.Date: Samples(lambda type_: DATES, among(["2026-06-29", "2028-02-29", "1999-01-01", "9999-12-31"])),
    fields.Time: Samples(
        lambda type_: TIMES,
        among(["2026-06-10", "2026-06-10T11:30:00+02:30", "2026-06-10T10:00:00Z", "1999-01-01", "2026-06-11"]),
    ),
    fields.Integer: Samples(
        lambda type_: [
            None,
            *(number for number in (0, 1, -7, 100, 999, 1000) if type_.least <= number <= type_.most),
            *(type_.least, type_.most, type_.most - 1),
        ],
        as_number,
    ),
    fields.Number: Samples(
        lambda type_: [None, 0, -7.25, 8.5, 47.376887, 90],
        among(["0", "-0", "8.50", "47.4", "85e-1", "-7.3", "007"]),
    ),
    fields.Flag: Samples(lambda type_: [None, True, False], among([" TRUE", "false", "True"])),
    fields.Repeat: Samples(
        lambda type_: [None, "weekly", "Weekly", "FREQ=DAILY", "RRULE:FREQ=DAILY"],
        among(["WEEKLY", "freq=daily", "daily"]),
    ),
    fields.Link: Samples(lambda type_: [], as_id),
    fields.Tags: Samples(
        lambda type_: TAGS,
        lambda type_, held: ["vip", "VIP", "a", "a,b", "B, A", "v", "ünï", "ÜNÏCODE", "nothing", "ab", "X:Y"],
    ),
    fields.Addresses: Samples(
        lambda type_: [], lambda type_, held: [BOB, "BOB@example.com", f"{ALICE}, {BOB}", "nobody@example.com"]
    ),
    fields.Custom: Samples(lambda type_: CUSTOMS, among([])),
}
CIRCLES = [
    "47.376887, 8.5, 100",
    "0,0,0",
    "-7.25,-7.25,1200.5",
    "90,17,4800",
    "8.5,180,5000",
    "8.5,-180,30000",
    "85,0,1e4",
]
IN_CUSTOM = ["5", "5.0", "-2", "1e1", "9", "five", "Fünf", "true", "TRUE", "%", "9007199254740992"]


def samples_of(kind: Kind, field: Field) -> Samples:
    found = next((SAMPLES[each] for each in type(field.type).__mro__ if each in SAMPLES), None)
    assert found, f"{kind.name}.{field.name} is of the type {type(field.type).__name__}, which has no sample values"
    return found


def names(kind: Kind) -> list[str]:
    """Return what records of a kind can be filtered by."""
    return [*(name for name in kind.filters if name not in kind.joined), *(PATHS if kind.custom else ())]


def sort_keys(kind: Kind) -> list[str]:
    return [field.name for field in kind.fields if field.type.sortable] + (list(PATHS) if kind.custom else [])


def operands(kind: Kind, name: str, records: list[Shown], choice: random.Random, most: int = 4) -> list[str]:
    """Return texts to compare a field with: what some records hold, that spelled otherwise, and near misses."""
    held = [value for value in (value_of(record, name) for record in records) if value not in (None, "")]
    texts = sorted({str(value).lower() if isinstance(value, bool) else str(value) for value in held})
    texts = choice.sample(texts, min(most, len(texts)))
    if name in PATHS:
        return sorted({*texts, *IN_CUSTOM})
    if name == "location":
        return CIRCLES
    field = kind.by_name[name]
    return samples_of(kind, field).operands(field.type, texts)


def is_taken(kind: Kind, name: str, operator: str, operand: str) -> bool:
    """Tell whether a filter takes this: eq, ne and in take no part of an address or a domain, like takes one tag.

    No domain holds an @.
    """
    if name not in PATHS and name != "location" and isinstance(kind.by_name[name].type, fields.Tags):
        return operator not in ("like", "unlike", "starts", "ends") or "," not in operand
    type_ = None if name in PATHS or name == "location" else type(kind.by_name[name].type)
    if operator not in ("eq", "ne", "in", "out"):
        return type_ is not fields.Domain or "@" not in operand
    whole: dict[Any, str] = {
        fields.Email: r"\S+@\S+",
        fields.Domain: r"[^.@\s]+\.\S+",
        fields.Website: r"(?i:https?://)?[^./?]+\.\S+",
    }
    pattern = whole.get(type_)
    return pattern is None or re.fullmatch(pattern, operand.strip()) is not None


def body(kind: Kind, number: int, choice: random.Random) -> dict[str, Any]:
    """Return a body with every field that a client writes, but the links."""
    found = {}
    for field in kind.writable.values():
        samples = samples_of(kind, field)
        own = samples.own(number)
        values = [None, *own] if field.name in kind.merges_by else [*samples.values(field.type), *own]
        if values and not isinstance(field.type, fields.Link):
            may_be_empty = field.nullable or field.default is not None
            found[field.name] = choice.choice([value for value in values if value is not None or may_be_empty])
    period = [day for day in map(found.get, ("starts_on", "ends_on")) if day]
    if len(period) > 1:
        found["starts_on"], found["ends_on"] = sorted(period)
    if "repeat" in found and found["due_at"] is None:
        found["repeat"] = None  # it needs due_at
    return found


def agreeing(found: dict[str, Any]) -> dict[str, Any]:
    """Return a body without what may contradict the rest of it: a status beside a stage."""
    return {name: value for name, value in found.items() if name != "status" or "stage" not in found}


def stock(back: Desk, actor: Actor, size: int, choice: random.Random) -> dict[str, list[Any]]:
    """Return what is there after `size` records of every kind were made, linked, changed, logged on, some deleted."""
    made: dict[str, list[Any]] = {}
    for kind in KINDS:
        made[kind.name] = []
        for number in range(size):
            back.clock.move(hours=choice.choice([0, 0, 5]))
            sent = {**body(kind, number, choice), **needed(kind, made, choice)}
            values = kind.draft(sent) | _settled(kind, choice)
            made[kind.name].append(_made(back, actor, kind, values, choice.choice([BOB, ""])))
    for kind in KINDS:
        for record in made[kind.name]:
            back.clock.move(seconds=choice.choice([0, 1]))
            back.change(actor, record, **_links(kind, made, choice))
            if kind in [link.to for link in REGISTRY.members]:
                for campaign in choice.sample(made[REGISTRY.whole.to.name], choice.choice([0, 0, 0, 1, 2])):
                    back.do(memberships.add(Call(back.crm, actor), campaign.id, {"id": record.id}))
            for _ in range(choice.choice([0, 0, 1, 2]) if kind.is_logged else 0):
                drawn = {"kind": choice.choice(["call", "note"]), "on_behalf_of": choice.choice([None, ALICE, BOB])}
                back.log(actor, record, body="hello", occurred_at=choice.choice(TIMES), **drawn)
    for kind in reversed(KINDS):  # what goes with another record before that
        for record in choice.sample(made[kind.name], size // 10):
            back.remove(actor, made[kind.name].pop(made[kind.name].index(record)))
        for record in choice.sample(made[kind.name], size // 10):
            name = kind.title.name if kind.is_searched else "event"
            back.change(actor, record, **{name: choice.choice(TEXTS[1:])})
    return {name: list(filter(None, (_there(back, actor, each) for each in records))) for name, records in made.items()}


def _there(back: Desk, actor: Actor, record: Any) -> Any:
    """Return the record as it is now, None if it went with another."""
    try:
        return back.fetch(actor, record)
    except Problem:
        return None


def needed(kind: Kind, made: dict[str, list[Any]], choice: random.Random) -> dict[str, str]:
    """Return the links that a new record needs."""
    links = [field for field in kind.writable.values() if field.required and isinstance(field.type, fields.Link)]
    return {field.name: choice.choice(_others(field, made)).id for field in links}


def _others(field: Field, made: dict[str, list[Any]]) -> list[Any]:
    """Return the records that a link may lead to."""
    return next(made[kind.name] for kind in KINDS if kind.prefix == getattr(field.type, "prefix", ""))


def _settled(kind: Kind, choice: random.Random) -> dict[str, Any]:
    """Return values of the fields that rules give a record."""
    given = [field for field in kind.fields if field.name in given_names(kind) and not field.writable]
    return {
        field.name: field.type.accept(choice.choice(samples_of(kind, field).values(field.type)))
        for field in given
        if not field.name_of and not isinstance(field.type, fields.Link)
    }


def _made(back: Desk, actor: Actor, kind: Kind, values: dict[str, Any], by: str) -> Any:
    def unit(tx: Tx) -> Any:
        tx.actor = replace(tx.by, email=by or actor.email)
        return rows.put(tx, kind, None, kind.new(values))

    return back.do(Call(back.crm, actor).write(unit))


def _links(kind: Kind, made: dict[str, list[Any]], choice: random.Random) -> dict[str, str | None]:
    """Return a body that links a record to one of a few others, or to none."""
    found = {}
    for field in kind.writable.values():
        if isinstance(field.type, fields.Link):
            other = choice.choice([*([] if field.required else [None]), *_others(field, made)[:12]])
            found[field.name] = other and choice.choice([other.id, other.handle, f" {other.id} "])
    return found


def shown(records: list[Any]) -> list[Shown]:
    return [msgspec.to_builtins(record) for record in records]


@dataclass(frozen=True)
class Library:
    """Records of every kind, as they are shown, in a workspace beside which there is another with its own."""

    back: Desk
    alice: Actor
    records: dict[str, list[Shown]]

    @property
    def today(self) -> date:
        return self.back.clock.now.date()
