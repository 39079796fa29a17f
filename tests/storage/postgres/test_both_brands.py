"""The same requests, made by chance, are answered alike by both brands of database."""

import difflib
import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

STEPS = 220
_ID = re.compile(r"\b(ws|c|co|d|t|tk|a|au|op|jb|tok|v|ca|tg|f)_[a-z0-9]{6,}\b")
# what is made by chance, and what says how long a thing took
_VOLATILE = re.compile(
    r'"(next_cursor|request_id|cursor)":"[^"]*"|# next: \S+|may be the same as \S+|\bcursor=\S+|request [0-9a-f]{16}'
)
_NEXT = re.compile(r"# next: (\S+)")
_CONFIRM = re.compile(r"\bconfirm=\w+")

NAMES = [
    "Jane Kelason",
    "Jörg Müller",
    "JANE O’Brien",
    "straße",
    "Ełżbieta",
    "Ålesund AS",
    "李小龍",
    "jane",
    "Zoë",
    "x_y%z",
]
DOMAINS = ["acme.com", "example.org", "müller.de"]
SEARCHES = ["jane", "kelson", "muller", "strasse", "ål", "龍", "o'brien", "x_y%z", "acme", "+49 30 123456", "zzz", "a"]
FILTERS = [
    ("name", ["like:an", "starts:j", "ends:e", "!like:x", "jane", "in:jane,zoë", "gt:m"]),
    ("stage", ["lead", "in:lead,customer", "!lead", "is:null"]),
    ("tags", ["vip", "vip,new", "in:new,old", "like:i", "!vip"]),
    ("email", ["like:acme", "ends:.com", "is:null", "not:null"]),
    ("phone", ["like:123", "+4930123456", "is:null"]),
    ("rating", ["gte:2.5", "lt:4", "is:null", "3"]),
    ("custom.size", ["5", "gt:3", "like:1", "is:null", "!5", "in:5,seven"]),
    ("custom.deep.x", ["true", "1", "b", "not:null"]),
    ("updated_at", ["gte:2026-06-01", "lt:2026-06-11"]),
    ("score", ["gte:0", "gt:1"]),
]
SORTS = [
    "name",
    "-name",
    "stage,-name",
    "-rating",
    "custom.size",
    "-custom.size",
    "email",
    "-updated_at",
    "-score",
]
COUNTS = [
    *("by=stage", "by=tags", "by=created_at.month", "by=custom.size", "by=stage,tags", "sum=estimated_cents"),
    *("avg=rating", "min=rating&max=rating", "by=stage&sum=rating", "sum=custom.size", "by=created_at.week"),
]


class Both:
    """One person at a server of each brand, to whom the same is said."""

    def __init__(self, servers: tuple[House, House], people: tuple[Person, Person]) -> None:
        self._servers, self._people = servers, people
        self._names: tuple[dict[str, str], dict[str, str]] = ({}, {})  # id -> what both call it
        self.ids: dict[str, list[tuple[str, str]]] = {}  # prefix -> the pairs of ids

    def say(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, Any]:
        """Send a request to both, with `<0>` and so on in place of ids, and return what each answered."""
        answers = []
        for at, person in enumerate(self._people):
            self._servers[at].rested()
            own = self._own(path, at)
            answer = person.send_it(method, own, self._own(body, at), headers=headers)
            asked = _CONFIRM.search(answer.text)
            if asked:
                answer = person.send_it(method, f"{own}?{asked[0]}", headers=headers)
            answers.append((answer.status_code, self._shared(answer.text, at)))
        first, second = answers
        assert first == second, _difference(f"{method} {path} {body}", first, second)
        return first

    def read(self, path: str) -> None:
        """Read all pages of a list at both."""
        cursors: list[str] = ["", ""]
        while True:
            answers = []
            for at, person in enumerate(self._people):
                more = f"&cursor={cursors[at]}" if cursors[at] else ""
                answer = person.send_it("GET", self._own(path, at) + more)
                found = _NEXT.search(answer.text)
                cursors[at] = found[1] if found else ""
                answers.append((answer.status_code, self._shared(answer.text, at)))
            assert answers[0] == answers[1], _difference(path, *answers)
            if not all(cursors):
                return

    def _own(self, value: Any, at: int) -> Any:
        if isinstance(value, str):
            back = {name: id for id, name in self._names[at].items()}
            return re.sub(r"<[a-z]+\d+>", lambda found: back.get(found[0], found[0]), value)
        if isinstance(value, dict):
            return {key: self._own(each, at) for key, each in value.items()}
        if isinstance(value, list):
            return [self._own(each, at) for each in value]
        return value

    def _shared(self, text: str, at: int) -> str:
        names = self._names[at]

        def name(found: re.Match[str]) -> str:
            if found[0] not in names:
                names[found[0]] = f"<{found[1]}{len(names)}>"
            return names[found[0]]

        lines = _ID.sub(name, _VOLATILE.sub("…", text)).splitlines()
        places = [number for number, line in enumerate(lines) if line.startswith("duplicates ")]
        # found together, so they are in the order of their ids, which is of chance
        for place, line in zip(places, sorted(lines[place] for place in places), strict=True):
            lines[place] = line
        return "\n".join(lines)

    def pass_a_second(self) -> None:
        """Let time pass, so that no two records are made at once: the order of ids is of chance."""
        self._servers[0].clock.move(seconds=1)

    def known(self, prefix: str) -> list[str]:
        """Return what both call the ids of a sort that both have named."""
        first, second = (set(names.values()) for names in self._names)
        return sorted(name for name in first & second if re.fullmatch(rf"<{prefix}\d+>", name))


def _difference(what: str, here: tuple[int, str], there: tuple[int, str]) -> str:
    lines = difflib.unified_diff(here[1].splitlines(), there[1].splitlines(), "here", "there", lineterm="", n=0)
    return "\n".join([f"{what}: {here[0]} {there[0]}", *lines])


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    folder = {"CRMKIT_SERVER_DATA": str(tmp_path / "folder")}
    with (
        house(tmp_path / "here", UNLIMITED) as one,
        house(tmp_path / "folder", {**UNLIMITED, **folder}, one.clock) as two,
        one.sign_in(ALICE) as here,
        two.sign_in(ALICE) as there,
    ):
        yield Both((one, two), (here, there))


def _contact(chance: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"name": chance.choice(NAMES) + chance.choice(["", " II", f" {chance.randrange(9)}"])}
    for name, make in {
        "email": lambda: f"p{chance.randrange(12)}@{chance.choice(DOMAINS)}",
        "phone": lambda: chance.choice(["+49 30 123456", "030 123456", "(212) 555-0100", "ext. 12"]),
        "stage": lambda: chance.choice(["lead", "Customer", "lost"]),
        "tags": lambda: chance.sample(["vip", "New", "old", "ß"], chance.randrange(4)),
        "rating": lambda: chance.choice([1, 2.5, 3, 4.75, 5]),
        "estimated_cents": lambda: chance.choice([0, 5, 10**12, 99]),
        "currency": lambda: chance.choice(["EUR", "USD"]),
        "notes": lambda: chance.choice(NAMES) * 3,
        "custom": lambda: {
            "size": chance.choice([5, 5.5, "seven", "5", True, None, [1, "a"], {"x": 1}, -3, 10]),
            "deep": {"x": chance.choice([True, 1, "B", None])},
        },
    }.items():
        if chance.random() < 0.45:
            body[name] = make()
    return body


def _step(both: Both, chance: random.Random) -> None:
    both.pass_a_second()
    contacts, companies = both.known("c"), both.known("co")
    contact = chance.choice(contacts) if contacts else "<c0>"
    match chance.randrange(14):
        case 0 | 1 | 2:
            both.say("POST", "/contacts", _contact(chance))
        case 3:
            both.say("POST", "/companies", {"name": chance.choice(NAMES), "domain": chance.choice([None, *DOMAINS])})
        case 4:
            deal = {"title": chance.choice(NAMES), "amount_cents": chance.randrange(9999), "contact_id": contact}
            both.say("POST", "/deals", deal)
        case 5:
            both.say("PATCH", f"/contacts/{contact}", _contact(chance))
        case 6:
            company = chance.choice(companies) if companies else None
            both.say("PATCH", f"/contacts/{contact}", {"company_id": company})
        case 7:
            body = {"kind": chance.choice(["call", "note", "email"]), "body": chance.choice(NAMES)}
            both.say("POST", f"/contacts/{contact}/activities", body)
        case 8:
            both.read(f"/contacts?search={chance.choice(SEARCHES)}&limit={chance.choice([2, 50])}&count=exact")
        case 9 | 10:
            pairs = chance.sample(FILTERS, chance.randrange(3))
            filters = "&".join(f"{name}={chance.choice(values)}" for name, values in pairs)
            sort, limit = chance.choice(SORTS), chance.choice([3, 100])
            both.read(f"/contacts?{filters}&sort={sort},-created_at&limit={limit}&count=exact")
        case 11:
            both.read(f"/contacts/count?{chance.choice(COUNTS)}")
        case 12:
            path = [
                "/audit?limit=20",
                "/reminders",
                f"/contacts/{contact}/history",
                "/search?q=jane",
                "/brief",
            ]
            both.read(chance.choice(path))
        case 13:
            both.say("DELETE", f"/contacts/{contact}")


@pytest.mark.parametrize("seed", range(4))
def test_generated_requests_are_answered_alike(both: Both, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(STEPS):
        _step(both, chance)
    for name, values in FILTERS:
        for value, sort in itertools.product(values, ("name", "custom.size")):
            both.read(f"/contacts?{name}={value}&sort={sort},-created_at&limit=100&count=exact")
    for search in SEARCHES:
        both.read(f"/contacts?search={search}&limit=100")
    for count in COUNTS:
        both.read(f"/contacts/count?{count}")
