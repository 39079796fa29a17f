"""The sample data goes in over HTTP and comes out again: each contact once, whole, in text and in JSON."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import httpx
import pytest

from crmkit.render import parse
from tests.house import ROOT, UNLIMITED, Person, process, record_in
from tests.kinds import CONTACT
from tests.render.lines import is_visible

pytestmark = pytest.mark.slow

T = TypeVar("T")

LANES = 4  # connections at a time
LINE = re.compile(r"(?:contact/c_[a-z2-9]{8}(?:  .+)?|OK .+|ERROR [a-z_]+|FIELD .+|HINT  .+|# .+)")
OWN = (
    "handle",
    "id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "last_interaction_at",
)  # what the server adds


@dataclass
class Sample:
    """The running server and what it should hold by now: id -> the JSON of each contact."""

    token: str
    url: str
    sent: list[dict[str, Any]]  # a body for each row of the file
    statuses: list[int] = field(default_factory=list)
    lines: int = 0
    expected: dict[str, dict[str, Any]] = field(default_factory=dict)

    def person(self) -> Person:
        """Return someone who looks at every line that arrives."""
        return Person(self.url, self.token, event_hooks={"response": [self.look]})

    def look(self, answer: httpx.Response) -> None:
        if answer.headers["Content-Type"].startswith("text/plain"):
            lines = answer.read().decode().removesuffix("\n").split("\n")
            forged = [line for line in lines if not is_visible(line) or not LINE.fullmatch(line)]
            assert not forged, forged
            self.lines += len(lines)

    def each(self, work: Callable[[Person, Any], T], things: list[list[Any]]) -> list[T]:
        """Return what `work` made of each thing; the things of one list go over one connection, in order."""

        def lane(mine: list[Any]) -> list[T]:
            with self.person() as person:
                return [work(person, thing) for thing in mine]

        with ThreadPoolExecutor(len(things)) as pool:
            return [made for batch in pool.map(lane, things) for made in batch]

    def by_id(self) -> list[list[str]]:
        return [list(self.expected)[lane::LANES] for lane in range(LANES)]


def body_of(row: dict[str, str]) -> dict[str, Any]:
    """Return what to send for a row: empty cells left out, each cell in its own type."""
    body: dict[str, Any] = {}
    for name, cell in row.items():
        if cell == "":
            continue
        value: Any = cell
        if name in ("custom.score", "custom.newsletter", "custom.langs"):
            value = json.loads(cell)
        elif name == "tags":
            value = cell.split(",")
        if name == "custom.address.city":
            body.setdefault("custom", {})["address"] = {"city": value}
        elif name.startswith("custom."):
            body.setdefault("custom", {})[name.removeprefix("custom.")] = value
        else:
            body[name] = value
    return body


def merged(before: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a contact after a POST, by the rules of the manual and no code of ours."""
    after = before | sent
    if "name" in sent:
        after["name"] = sent["name"].strip("\x1b")  # the one character in the file that nobody sees at an end
    if "email" in sent:
        local, domain = sent["email"].lower().split("@")
        after["email"] = f"{local}@{domain.encode('idna').decode()}"
    if "tags" in sent:
        spelled: dict[str, str] = {}
        for tag in sent["tags"]:
            spelled.setdefault(tag.casefold(), tag)
        after["tags"] = list(spelled.values())
    if "custom" in sent:
        after["custom"] = before.get("custom", {}) | sent["custom"]
    if "follow_up_at" in sent:
        after["follow_up_at"] = f"{datetime.fromisoformat(sent['follow_up_at']).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return after


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """The real program with every row of the file in it; rows of one address go in in the order of the file."""
    with (ROOT / "data" / "sample" / "contacts.csv").open(encoding="utf-8", newline="") as file:
        sent = [body_of(row) for row in csv.DictReader(file)]
    lanes: list[list[Any]] = [[] for _ in range(LANES)]
    place: dict[str, int] = {}
    for number, body in enumerate(sent):
        address = body.get("email", f"row {number}").lower()
        lanes[place.setdefault(address, len(place) % LANES)].append(body)

    folder = tmp_path_factory.mktemp("sample") / "data"
    with process(folder, **UNLIMITED) as served, served.sign_in() as me:
        loaded = Sample(me.token, served.url, sent)

        def save(person: Person, body: dict[str, Any]) -> int:
            answer = person.post("/contacts", json=body, headers={"Accept": "application/json"})
            contact = record_in(answer.json())
            for told in ("remarks", "potential_duplicate"):  # of the create, not of the contact
                contact.pop(told, None)
            known = loaded.expected.get(contact.get("id"), {})
            loaded.expected[contact["id"]] = {**contact, **merged(_filled(known), body)}
            return answer.status_code

        loaded.statuses = loaded.each(save, lanes)
        yield loaded
        assert served.stop() == 0


def _filled(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name not in OWN and value is not None}


def test_rows_of_one_address_in_any_case_become_one_contact(sample: Sample) -> None:
    addresses = {body["email"].lower() for body in sample.sent if "email" in body}
    nameless = [body for body in sample.sent if "email" not in body]
    assert (len(sample.sent), len(addresses), len(nameless)) == (2030, 1808, 162)
    assert (sample.statuses.count(201), sample.statuses.count(200)) == (1970, 60)
    with sample.person() as me:
        used = me.json_of("GET", "/whoami")["usage"]["contacts"]["used"]
        total = me.json_of("GET", "/contacts?limit=1&count=exact&email=not:null")["total"]
    assert used == len(sample.expected)
    assert total == sum(contact["email"] is not None for contact in sample.expected.values())


@pytest.mark.parametrize("sort", ["", "&sort=name,-follow_up_at", "&sort=custom.score"])
def test_pages_of_text_show_each_contact_once(sample: Sample, sort: str) -> None:
    seen: list[str] = []
    cursor = ""
    with sample.person() as me:
        while True:
            lines = me.text("GET", f"/contacts?limit=200{sort}{cursor}").splitlines()
            found = [line.split("  ")[0] for line in lines if line.startswith("contact/")]
            total = [] if cursor else [f"# total: {len(sample.expected)}"]
            last = lines[-1]
            following = [last] if last.startswith("# next: ") else []
            assert lines[len(found) :] == [f"# {len(found)} contacts", *total, *following]
            seen += found
            if not following:
                break
            cursor = f"&cursor={last.removeprefix('# next: ')}"
    assert len(seen) == len(set(seen))
    assert {handle.partition("/")[2] for handle in seen} == set(sample.expected)


def test_pages_of_json_show_each_contact_whole_and_once(sample: Sample) -> None:
    with sample.person() as me:
        assert everyone(me) == sample.expected


def everyone(me: Person) -> dict[str, dict[str, Any]]:
    """Return all contacts, read page by page; none may come twice."""
    found: list[dict[str, Any]] = []
    cursor, total = "", None
    while cursor is not None:
        page = me.json_of("GET", "/contacts", params={"limit": "200", **({"cursor": cursor} if cursor else {})})
        found += page["items"]
        total = page["total"] if cursor == "" else total
        assert (page["total"] is None) == (cursor != "")
        cursor = page["next_cursor"]
    assert len(found) == total
    by_id = {contact["id"]: contact for contact in found}
    assert len(by_id) == len(found)
    return by_id


def test_every_contact_reads_the_same_in_text_and_in_json_and_is_what_was_sent(sample: Sample) -> None:
    def both(person: Person, id: str) -> tuple[Any, Any]:
        (line,) = person.text("GET", f"/contacts/{id}").removesuffix("\n").split("\n")
        return parse.record(CONTACT, line), person.json_of("GET", f"/contacts/contact%2F{id}")

    answers = sample.each(both, sample.by_id())
    assert len(answers) == len(sample.expected)
    for told, known in answers:
        assert told == known
        assert known == sample.expected[known["id"]]


def test_a_filtered_total_stops_past_a_thousand_unless_the_exact_one_is_asked_for(sample: Sample) -> None:
    with_email = sum(contact["email"] is not None for contact in sample.expected.values())
    with sample.person() as me:
        assert "\n# total: 1000+\n" in me.text("GET", "/contacts?email=not:null")
        page = me.json_of("GET", "/contacts?email=not:null")
        assert (page["total"], page["total_at_least"]) == (None, 1000)
        assert f"\n# total: {with_email}\n" in me.text("GET", "/contacts?email=not:null&count=exact")
        page = me.json_of("GET", "/contacts?email=not:null&count=exact")
        assert page["total"] == with_email
        assert "total_at_least" not in page


@pytest.mark.parametrize(
    "words",
    [
        *("Анна", "Φωτεινή", "გიორგი", "Անահիտ", "田中", "이수빈", "สมชาย", "शर्मा", "فاطمة", "דוד", "𠮷野家", "李秀英"),
        *("Yıldız", "Müller-Lüdenscheidt", "Đặng Thị", "Łukasz", "Søren", "undefined", "Robert'); DROP", "a=b=c"),
    ],
)
def test_a_name_in_any_script_is_found(sample: Sample, words: str) -> None:
    named = {
        id
        for id, contact in sample.expected.items()
        if all(word.casefold() in contact["name"].casefold() for word in words.split())
    }
    assert named, f"nobody in the file is called {words}"
    with sample.person() as me:
        page = me.json_of("GET", "/contacts", params={"search": words, "limit": "200"})
    assert named <= {contact["id"] for contact in page["items"]}
    assert page["total"] == len(page["items"])
    assert "notes" not in page


@pytest.mark.parametrize(
    ("plain", "name"),
    [
        ("ilgin YILDIZ", "Ilgın Yıldız"),
        ("lukasz wisniewska", "Łukasz Wiśniewska"),
        ("jurgen weiss", "Jürgen Weiß"),
        ("ludenscheidt", "Müller-Lüdenscheidt"),
        ("dang thi hong", "Đặng Thị Hồng"),
        ("κωνσταντινου γιωργος", "Γιώργος Κωνσταντίνου"),
    ],
)
def test_a_name_is_found_without_case_and_accents(sample: Sample, plain: str, name: str) -> None:
    named = {id for id, contact in sample.expected.items() if name in contact["name"]}
    assert named, f"nobody in the file is called {name}"
    with sample.person() as me:
        page = me.json_of("GET", "/contacts", params={"search": plain, "limit": "200"})
    assert named <= {contact["id"] for contact in page["items"]}
    assert "notes" not in page  # nothing had to be forgiven


def test_what_is_changed_or_deleted_leaves_the_others_untouched(sample: Sample) -> None:
    changed, deleted = list(sample.expected)[::97], list(sample.expected)[5::101]
    deleted = [id for id in deleted if id not in changed]
    news = {
        "notes": "two\nlines\u2028and \x1b[31mred",
        "tags": ["neu", "Größe"],
        "custom": {"score": None, "seen": True},
    }
    with sample.person() as me:
        for id in changed:
            before = sample.expected[id]
            answer = record_in(me.json_of("PATCH", f"/contacts/{id}", news))
            assert answer["version"] == before["version"] + 1
            assert [answer["notes"], answer["tags"]] == [news["notes"], news["tags"]]
            custom = {key: value for key, value in (before["custom"] or {}).items() if key != "score"}
            assert answer["custom"] == {**custom, "seen": True}
            untouched = set(before) - {"version", "updated_at", *news}
            assert {name: answer[name] for name in untouched} == {name: before[name] for name in untouched}
            sample.expected[id] = answer
        for id in deleted:
            refused = me.text("DELETE", f"/contacts/{id}")
            assert refused.startswith("ERROR confirmation_required\nHINT  ")
            path, query = re.findall(r"DELETE (\S+)\?(\S+)", refused)[0]
            assert me.text("DELETE", path, params=parse_qsl(query)).startswith(
                f"OK deleted contact/{id}\n# undo: POST /undo/op_"
            )
            del sample.expected[id]
            assert me.get(f"/contacts/{id}").status_code == 404
        assert everyone(me) == sample.expected


def test_another_account_sees_nothing_of_the_sample(sample: Sample) -> None:
    with httpx.Client(base_url=sample.url, headers={"Accept": "application/json"}) as stranger:
        code = stranger.post("/auth/request", json={"email": "charlie@example.com"}).json()["local_code"]
        entry = {"email": "charlie@example.com", "code": code}
        token = stranger.post("/auth/verify", json=entry).json()["token"]
    with Person(sample.url, token) as charlie:
        assert charlie.json_of("GET", "/contacts") == {"items": [], "total": 0, "next_cursor": None}
        assert charlie.get(f"/contacts/{next(iter(sample.expected))}").status_code == 404
        assert charlie.json_of("GET", "/contacts?search=Yıldız")["items"] == []


def test_every_line_that_was_sent_is_printable_and_of_a_known_form(sample: Sample) -> None:
    """Sample.look checks each line as it arrives; here it is made sure that it looks at what arrives."""
    with sample.person() as me:
        before = sample.lines
        me.get("/contacts?limit=200")
        assert sample.lines == before + 203
    with pytest.raises(AssertionError):
        sample.look(httpx.Response(200, text="fine\x1b[31m\n", headers={"Content-Type": "text/plain"}))
