"""The end of a workspace: not a row, not a word of it is left in any table; the neighbours notice nothing."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from crmkit.core import upkeep
from crmkit.storage.sqlite.search import vocabulary
from tests.house import House
from tests.teams.filling import filled
from tests.teams.office import JSON, Books, asked, enter, new, office, person_of, stepped, working_in

CANARIES = ("xylophonist", "quagmirean", "zwiebelmuster", "bandersnatch", "jabberwockian")
KEPT = "marmalade"
NOT_FILLED = {
    "migrations",
    "audit_seals",
    "audit_ends",
    "sqlite_sequence",
    "erasures",
    "grants",
    "signins",
    "unpaired",
    "unfilled",
}  # of no workspace, or of apps


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(vocabulary, "SAMPLED", 1)  # of so few texts none might be in the sample
    with office(tmp_path / "data") as running:
        yield running


def traces(books: Books, needles: tuple[str, ...], first: int = 0, last: int = -1) -> dict[str, int]:
    """Return table -> how many of its rows hold one of the needles in any column, or have a rowid in the range."""
    found: dict[str, int] = {}
    wanted = [needle.encode() for needle in needles]
    for table in books.tables():
        for row in books.rows(table):
            content = b"\0".join(v if isinstance(v, bytes) else str(v).lower().encode() for v in row.values())
            numbers = (row.get("rowid"), row.get("seq"), row.get("id"), row.get("place"))
            in_range = any(isinstance(number, int) and first <= abs(number) <= last for number in numbers)
            if any(needle in content for needle in wanted) or in_range:
                found[table] = found.get(table, 0) + 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [True, False])
def test_a_deleted_workspace_leaves_no_row_and_its_neighbours_do_not_change(
    home: House, caplog: pytest.LogCaptureFixture, indexed: bool
) -> None:
    alice, charlie = enter(home, "alice@example.com"), enter(home, "charlie@example.com")
    doomed, kept = new(alice, "/workspaces", name=f"{CANARIES[0]} Ltd"), new(alice, "/workspaces", name=KEPT)
    with Books(home.folder) as books:
        inside = filled(home, alice, doomed, CANARIES)
        beside = filled(home, alice, kept, (KEPT, f"{KEPT}s"))
        theirs = filled(home, charlie, charlie.json_of("GET", "/whoami")["workspace"], ("rhubarb", "custard"))
        code = asked(home, alice, "DELETE", f"/workspaces/{doomed}")
        books.settled(alice)
        if not indexed:
            late = new(inside, "/contacts", name=f"late {CANARIES[0]}", notes=CANARIES[1])
            new(inside, "/companies", name=CANARIES[2])
            new(inside, "/deals", title=CANARIES[3], contact_id=late)
        number = books.number(doomed)
        needles = (doomed, *CANARIES)
        span = (number << 32, number << 32 | 0xFFFFFFFF)
        before = traces(books, needles, *span)
        owned = {
            table
            for table in books.tables()
            if "_search_" not in table and not table.endswith("_unindexed") and table not in NOT_FILLED
        }
        assert owned - before.keys() == set()  # it is filled, and the scan finds it everywhere
        names = {email for (email,) in books.ask("SELECT email FROM users")}
        neighbours = books.digest({doomed: number}, (alice.email,))
        members = [beside.json_of("GET", f"/workspaces/{kept}/members"), theirs.json_of("GET", "/contacts")]

        with caplog.at_level(logging.WARNING, "crmkit"):
            answer = alice.delete(f"/workspaces/{doomed}?code={code}", headers=JSON)
        assert answer.status_code == 200
        (line,) = [record.getMessage() for record in caplog.records if doomed in record.getMessage()]
        assert line.startswith(f"workspace {doomed} deleted by {alice.email} at 2026-06-10T")
        assert not any(word in line for word in CANARIES)

        books.settled(alice)
        left = traces(books, needles, *span)
        # people outlive it, with a workspace of their own named after their address, and a limit counts mails by
        # address; none of these names the deleted one
        assert left.keys() <= {"users", "attempts", "workspaces", "audit"}, left
        assert traces(books, (doomed,), *span) == {}
        assert {email for (email,) in books.ask("SELECT email FROM users")} == names
        assert books.digest({doomed: number}, (alice.email,)) == neighbours
        assert [beside.json_of("GET", f"/workspaces/{kept}/members"), theirs.json_of("GET", "/contacts")] == members
        for table in books.virtual():  # the index agrees with its content, word by word
            assert not any(
                books.ask(f"SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT 1", f'"{word}"') for word in CANARIES
            )
        assert set(books.ask("PRAGMA integrity_check")) == {("ok",)}
        assert books.ask("PRAGMA foreign_key_check") == []

    assert all(count for count in (len(beside.json_of("GET", f"/search?q={KEPT}")[k]) for k in ("contacts", "deals")))
    for word in CANARIES:
        for person in (alice, beside, charlie):
            shown = person.json_of("GET", f"/search?q={word}")
            assert not any(shown[kind] for kind in ("contacts", "companies", "deals"))


@pytest.mark.slow
@pytest.mark.sqlite
def test_after_upkeep_no_byte_of_a_deleted_workspace_is_in_the_files(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_all = upkeep.merge_all
    monkeypatch.setattr(upkeep, "merge_all", unmerged)
    alice = enter(home, "alice@example.com")
    doomed, kept = new(alice, "/workspaces", name="Doomed"), new(alice, "/workspaces", name="Kept")
    needles = [word.encode() for word in CANARIES[1:]]  # the first stands in addresses of people, who stay

    def found(words: Iterable[bytes]) -> dict[str, int]:
        content = b"".join(file.read_bytes().lower() for file in home.folder.iterdir())
        return {word.decode(): content.count(word) for word in words if word in content}

    with Books(home.folder) as books:
        inside = filled(home, alice, doomed, CANARIES)
        filled(home, alice, kept, (KEPT, f"{KEPT}s"))
        books.settled(alice)
        for contact in inside.json_of("GET", "/contacts")[
            "items"
        ]:  # the index holds what was changed, too, for a while
            assert inside.patch(f"/contacts/{contact['id']}", json={"name": "Jane", "notes": None}).status_code == 200
        books.settled(alice)
        assert found(needles).keys() == {needle.decode() for needle in needles}
        assert max(segments(books)) > 1
        monkeypatch.setattr(upkeep, "merge_all", merge_all)
        assert stepped(home, alice, "DELETE", f"/workspaces/{doomed}").status_code == 200
        books.settled(alice)
        assert segments(books) == {1}
    assert found(needles) == {}
    assert found([KEPT.encode()])


async def unmerged(*_: object) -> None:
    """Leave the segments of indexes as they are."""


def segments(books: Books) -> set[int]:
    """Return how many segments each search index has: in one alone, nothing is left of what it only marked as gone."""
    tables = ("activities", "companies", "contacts", "deals", "tasks", "tickets", "campaigns")
    return {books.ask(f"SELECT count(DISTINCT segid) FROM {table}_search_idx")[0][0] for table in tables}


def test_a_new_workspace_finds_nothing_of_a_deleted_one(home: House) -> None:
    """The newest workspace goes and another comes in its place, so nothing may lie in the range of its rows."""
    alice = enter(home, "alice@example.com")
    with Books(home.folder) as books:
        doomed = new(alice, "/workspaces", name="Doomed")
        inside = filled(home, alice, doomed, CANARIES)
        page = inside.json_of("GET", "/contacts?limit=1")["next_cursor"]
        stale = inside.json_of("GET", "/contacts")["items"][0]["id"]
        assert stepped(home, alice, "DELETE", f"/workspaces/{doomed}").status_code == 200
        fresh = new(alice, "/workspaces", name="Fresh")
        there = working_in(alice, fresh)
        assert there.json_of("GET", "/whoami")["usage"] == {
            "contacts": {"used": 0, "cap": None}, "companies": {"used": 0, "cap": None},
            "deals": {"used": 0, "cap": None}, "tickets": {"used": 0, "cap": None},
            "tasks": {"used": 0, "cap": None},
            "campaigns": {"used": 0, "cap": None}, "conversions": {"used": 0, "cap": None},
            "members": {"used": 1, "cap": None},
            "workspaces": {"used": 2, "cap": None}, "activities": {"used": 0, "cap": None},
            "fields": {"used": 0, "cap": None}, "webhooks": {"used": 0, "cap": None},
        }  # fmt: skip
        new(there, "/contacts", name="Fresh Jane")
        books.settled(there)
        for word in (*CANARIES, "xylophonits"):
            assert there.json_of("GET", f"/contacts?search={word}")["items"] == []
        assert there.json_of("GET", f"/contacts?limit=1&cursor={page}")["error"] == "invalid_cursor"
        assert there.json_of("GET", f"/contacts/{stale}")["hint"].startswith("There is no contact")
        log = there.json_of("GET", "/audit")["items"]
        assert {entry["action"] for entry in log} == {"workspace.create", "token.create", "contact.create"}


def test_who_deletes_their_last_workspace_gets_a_fresh_one_at_the_next_sign_in(home: House) -> None:
    alice = enter(home, "alice@example.com")
    place = alice.json_of("GET", "/whoami")["workspace"]
    code = asked(home, alice, "DELETE", f"/workspaces/{place}")
    assert alice.delete(f"/workspaces/{place}?code={code}").status_code == 200
    again = enter(home, "alice@example.com")
    card = again.json_of("GET", "/whoami")
    assert (card["workspace_name"], card["role"]) == ("alice@example.com", "admin")
    assert card["workspace"] != place
    assert person_of(home.url, alice.token, "").get("/whoami").status_code == 401
