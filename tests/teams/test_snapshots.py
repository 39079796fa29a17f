"""A workspace moves to another server: what is there afterwards is what was here, row by row."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crmkit import boot, ids
from crmkit.core.transfer.snapshots.archive import MEMBERS, Manifest
from crmkit.settings import Settings
from crmkit.storage.sqlite.search import vocabulary
from crmkit.storage.sqlite.search.texts import COUNTS
from crmkit.storage.workspaces import owned
from tests import postgres
from tests.house import ALICE, BOB, House, Person
from tests.kinds import REGISTRY
from tests.teams.filling import filled
from tests.teams.office import JSON, Books, enter, erased, error_of, new, office, working_in

WORDS = ("xylophonist", "quagmirean", "zwiebelmuster", "bandersnatch", "jabberwockian")
TRAVELLING = [table.name for table in owned.travelling(REGISTRY)]
OWN = {table.name: [name for name, _ in table.moved] for table in owned.travelling(REGISTRY)}  # a server's own matter
STAYING = [table.name for table in owned.tables(REGISTRY) if not table.travels]


@dataclass
class Move:
    """A workspace that moved from one server to another; the operation is one of before that."""

    here: House
    there: House
    id: str
    alice: Person  # in the workspace here
    file: Path
    exported: Manifest
    imported: Manifest
    jane: str  # a contact, which that operation changed
    operation: str
    undone: str  # an operation that was undone here


def settings_of(home: House) -> Settings:
    return boot.load_settings(None, postgres.environ(home.folder))


def exported(home: House, id: str, file: Path) -> Manifest:
    return boot.export_workspace(settings_of(home), id, file)


def imported(home: House, file: Path) -> Manifest:
    return boot.import_workspace(settings_of(home), file)


@contextmanager
def offices(folder: Path) -> Iterator[tuple[House, House]]:
    """Run two servers. The workspaces of the second one have other numbers, and Bob has an account on both."""
    with office(folder / "here") as here, office(folder / "there") as there:
        for home in (here, there):
            enter(home, BOB)
        for n in range(3):
            enter(there, f"stranger{n}@example.com")
        yield here, there


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    folder = tmp_path_factory.mktemp("snapshots")
    with pytest.MonkeyPatch.context() as patched, offices(folder) as (here, there):
        patched.setattr(vocabulary, "SAMPLED", 1)
        alice = enter(here, ALICE)
        id = new(alice, "/workspaces", name="Moving Ltd")
        alice = filled(here, alice, id, WORDS)
        new(alice, f"/workspaces/{id}/invites", email=BOB)
        assert enter(here, BOB).post(f"/workspaces/{id}/join").status_code == 200
        merged(alice)
        jane = alice.json_of("GET", "/contacts")["items"][-1]["id"]
        operation = alice.patch(f"/contacts/{jane}", json={"name": "Changed"}).headers["X-Operation"]
        undone = alice.patch(f"/contacts/{jane}", json={"notes": "once"}).headers["X-Operation"]
        assert alice.post(f"/undo/{undone}").status_code == 200
        with Books(here.folder) as books:
            books.settled(alice)
        file = folder / "moving.zip"
        left = exported(here, id, file)
        came = imported(there, file)
        with Books(there.folder) as books:
            books.settled(enter(there, "stranger0@example.com"))
        yield Move(here, there, id, alice, file, left, came, jane, operation, undone)


def merged(person: Person) -> None:
    stays, goes = (new(person, "/contacts", name=f"Twin {n}") for n in range(2))
    path = f"/contacts/{stays}/merge"
    token = person.post(path, json={"from": goes}, headers=JSON).json()["confirm"]
    assert person.post(f"{path}?confirm={token}", json={"from": goes}).status_code == 200


def rows(books: Books, table: str, id: str) -> list[str]:
    """Return the rows of a workspace in a table, in an order of their own, without what its number makes of them."""
    number, found = books.number(id), []
    for row in books.rows(table):
        for name in ("rowid", *OWN.get(table, ())):
            row.pop(name, None)
        if row.get("workspace_id", id) == id:
            found.append(repr(sorted((name, within(value, number)) for name, value in row.items())))
    return sorted(found)


def within(value: Any, number: int) -> Any:
    """Return a value, or the number within its workspace that a row has."""
    if isinstance(value, int) and abs(value) >> 32 == number:
        return (abs(value) & 0xFFFFFFFF) * (1 if value > 0 else -1)
    return value


def texts(books: Books, table: str, id: str) -> list[tuple[Any, ...]]:
    number = books.number(id)
    sql = f"SELECT place, title, rest, codes FROM {table} WHERE -place >> 32 = ? ORDER BY place"
    return [(-place & 0xFFFFFFFF, *rest) for place, *rest in books.ask(sql, number)]


@pytest.mark.slow
def test_every_table_of_the_workspace_has_the_same_rows_there_but_for_the_numbers_of_rows(moved: Move) -> None:
    with Books(moved.here.folder) as here, Books(moved.there.folder) as there:
        assert here.number(moved.id) != there.number(moved.id)
        for table in [*TRAVELLING, *COUNTS]:
            found = rows(here, table, moved.id)
            assert found or table in ("unpaired", "unfilled"), table
            assert rows(there, table, moved.id) == found, table
        for table in (f"{kind.plural}_texts" for kind in REGISTRY.searched):
            assert texts(there, table, moved.id) == texts(here, table, moved.id) != [], table
        (row,) = (row for row in there.rows("workspaces") if row["id"] == moved.id)
        (was,) = (row for row in here.rows("workspaces") if row["id"] == moved.id)
        own = {"rowid", "number", "plan"}
        assert {name: row[name] for name in row.keys() - own} == {name: was[name] for name in was.keys() - own}
        assert there.ask("PRAGMA foreign_key_check") == []
        assert set(there.ask("PRAGMA integrity_check")) == {("ok",)}


@pytest.mark.slow
def test_tokens_answers_jobs_and_what_was_to_be_confirmed_stay_where_they_are(moved: Move) -> None:
    with Books(moved.here.folder) as here, Books(moved.there.folder) as there:
        for table in STAYING:
            if table not in ("memberships", "grants"):
                assert rows(here, table, moved.id), table
                assert rows(there, table, moved.id) == [], table


@pytest.mark.slow
def test_members_come_by_address_and_role_and_those_who_are_known_join_now(moved: Move) -> None:
    def people(books: Books) -> dict[str, tuple[Any, ...]]:
        sql = (
            "SELECT u.email, u.id, m.role, m.joined_at FROM memberships AS m JOIN users AS u ON u.id = m.user_id "
            "WHERE m.workspace_id = ?"
        )
        return {email: rest for email, *rest in books.ask(sql, moved.id)}

    with Books(moved.here.folder) as here, Books(moved.there.folder) as there:
        before, after = people(here), people(there)
        bob = there.ask("SELECT id FROM users WHERE email = ?", BOB)[0][0]
    assert before.keys() == after.keys() >= {ALICE, BOB}
    for email in before.keys() - {BOB}:
        assert after[email] == before[email]
    assert after[BOB][0] == bob != before[BOB][0]
    assert after[BOB][1] == before[BOB][1]
    assert after[BOB][2] > before[BOB][2]


@pytest.mark.slow
def test_answers_there_are_those_from_here(moved: Move) -> None:
    alice = working_in(enter(moved.there, ALICE), moved.id)
    paths = [f"{kind.path}?limit=100" for kind in (*REGISTRY.records, *REGISTRY.settings) if not kind.moved]
    for path in [
        *paths,
        "/pipelines/deals",
        "/duplicates?kind=companies",
        "/contacts/count?by=stage",
        "/analytics/summary",
    ]:
        there, here = alice.get(path, headers=JSON), moved.alice.get(path, headers=JSON)
        assert (there.status_code, there.json()) == (here.status_code, here.json()), path
    for word in (*WORDS, "xylophonits"):
        assert alice.json_of("GET", f"/search?q={word}") == moved.alice.json_of("GET", f"/search?q={word}")
    logs = [person.json_of("GET", "/audit?limit=100&action=contact.update") for person in (alice, moved.alice)]
    assert logs[0]["items"] == logs[1]["items"] != []


@pytest.mark.slow
def test_an_operation_of_before_is_undone_there_by_its_id(moved: Move) -> None:
    alice = working_in(enter(moved.there, ALICE), moved.id)
    assert alice.json_of("GET", f"/contacts/{moved.jane}")["name"] == "Changed"
    answer = alice.post(f"/undo/{moved.operation}")
    assert (answer.status_code, answer.text.splitlines()[0]) == (200, f"OK undone {moved.operation} (1 record)")
    assert alice.json_of("GET", f"/contacts/{moved.jane}")["name"] != "Changed"
    assert alice.post(f"/undo/{answer.headers['X-Operation']}").status_code == 200
    here, there = (person.post(f"/undo/{moved.undone}", headers=JSON).json() for person in (moved.alice, alice))
    assert here["error"] == there["error"] == "undo_conflict"
    assert here["hint"] == there["hint"]


@pytest.mark.slow
def test_a_merged_id_leads_on_and_no_id_is_given_out_again(moved: Move) -> None:
    alice = working_in(enter(moved.there, ALICE), moved.id)
    with Books(moved.there.folder) as books:
        ((gone, stays),) = books.ask("SELECT id, merged_into FROM deleted WHERE merged_into IS NOT NULL")
    assert alice.json_of("GET", f"/contacts/{gone}")["id"] == stays


@pytest.mark.slow
def test_the_workspace_goes_on_there(moved: Move) -> None:
    """Numbers of rows, codes, indexes of declared keys: what is new comes behind what came."""
    alice = working_in(enter(moved.there, ALICE), moved.id)
    made = alice.json_of("POST", "/contacts", {"name": "New", "custom": {WORDS[0]: "later"}})
    assert made["code"].startswith("CRM-")
    found = alice.json_of("GET", f"/contacts?custom.{WORDS[0]}=later")["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert alice.json_of("GET", "/contacts?search=new")["items"][0]["id"] == made["id"]
    erased(alice, f"/contacts/{made['id']}")


@pytest.mark.slow
def test_the_hash_is_the_same_wherever_the_workspace_is(moved: Move, tmp_path: Path) -> None:
    assert moved.exported == moved.imported
    fresh = tmp_path / "fresh"
    settings = boot.load_settings(None, {"CRMKIT_SERVER_DATA": str(fresh)})
    assert boot.import_workspace(settings, moved.file).hash == moved.exported.hash
    again = boot.export_workspace(settings, moved.id, tmp_path / "again.zip")
    assert again.hash == moved.exported.hash
    assert [file for file in again.files if file.name != MEMBERS] == [
        f for f in moved.exported.files if f.name != MEMBERS
    ]


@pytest.mark.slow
def test_the_file_is_the_operators_alone_and_holds_no_secret(moved: Move) -> None:
    assert stat.S_IMODE(moved.file.stat().st_mode) == 0o600
    assert [file.name for file in moved.file.parent.iterdir() if file.suffix == ".part"] == []


@pytest.mark.slow
def test_what_was_left_of_another_export_gives_the_file_neither_its_mode_nor_its_place(
    moved: Move, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "again.zip", tmp_path / "elsewhere"
    (tmp_path / "again.zip.part").symlink_to(elsewhere)
    exported(moved.here, moved.id, file)
    assert not elsewhere.exists()
    assert not file.is_symlink()
    (tmp_path / "again.zip.part").touch(mode=0o644)
    exported(moved.here, moved.id, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.slow
def test_a_workspace_that_is_there_is_refused_and_nothing_changes(moved: Move) -> None:
    with Books(moved.there.folder) as books:
        before = books.digest({})
        with pytest.raises(ValueError, match=f"the workspace {moved.id} is here already"):
            imported(moved.there, moved.file)
        assert books.digest({}) == before


@pytest.mark.slow
def test_an_admin_gets_the_archive_over_http_and_it_arrives(moved: Move, tmp_path: Path) -> None:
    answer = moved.alice.get(f"/workspaces/{moved.id}/export", headers=JSON)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{moved.id}-2026-06-10.zip"'
    file = tmp_path / "moving.zip"
    file.write_bytes(answer.content)
    settings = boot.load_settings(None, {"CRMKIT_SERVER_DATA": str(tmp_path / "fresh")})
    assert boot.import_workspace(settings, file).files[1:] == moved.exported.files[1:]


@pytest.mark.slow
def test_members_and_strangers_do_not_get_it(moved: Move) -> None:
    path = f"/workspaces/{moved.id}/export"
    bob = working_in(enter(moved.here, BOB), moved.id)
    stranger = enter(moved.here, "stranger@example.com")
    for person, wanted in ((bob, (403, "admin_required")), (stranger, (403, "not_a_member"))):
        answer = person.get(path, headers=JSON)
        assert error_of(answer) == wanted
    assert error_of(stranger.get(f"/workspaces/{ids.mint('ws')}/export")) == (403, "not_a_member")
    assert error_of(moved.alice.get(f"{path}?format=json")) == (400, "unknown_format")


@pytest.mark.slow
def test_a_log_that_arrived_is_sealed_anew_where_it_is_now(moved: Move) -> None:
    for home in (moved.here, moved.there):
        verdict = boot.verify_log(home.crm.settings)
        assert (verdict.faults, verdict.unsealed) == ([], 0)
        with Books(home.folder) as books:
            assert books.ask("SELECT count(*) FROM audit") == [(verdict.sealed,)]
