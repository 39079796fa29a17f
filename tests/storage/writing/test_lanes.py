"""Each unit of work writes in the lanes that it named, or entered, and nowhere else.

The verbs are watched wherever a test calls one in a house; here is shown what the watcher sees.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crmkit.core.people import login
from crmkit.model.actor import Actor
from crmkit.storage.interface.lanes import ANYWHERE, Lanes, client_lane, mail_lane
from crmkit.storage.interface.tx import Tx
from tests.house import ALICE, BOB, CHARLIE
from tests.kinds import NAMED, REGISTRY
from tests.lanes import WATCHED, WatchedDatabase, lanes_of, tables
from tests.storage.desk import Desk, desk

SERVER_WIDE = {"migrations", "erasures", "audit_seals", "audit_ends"}  # tables whose rows belong to nobody


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose database is watched."""
    with desk(tmp_path / "data", brand=WATCHED) as opened:
        yield opened


def strays(back: Desk) -> list[str]:
    database = back.database
    assert isinstance(database, WatchedDatabase)
    found, database.strays = database.strays, []
    return found


def run(back: Desk, unit: Callable[[Tx], Any], actor: Actor | None = None, lanes: Lanes | None = None) -> list[str]:
    """Return what the watcher tells of this unit."""
    back.do(back.database.write(unit, actor, lanes))
    return strays(back)


def sql(statement: str, *args: Any) -> Callable[[Tx], Any]:
    def unit(tx: Tx) -> None:
        tx.connection.execute(statement, args)

    return unit


def test_every_table_has_a_lane_but_those_of_the_server(back: Desk) -> None:
    found = back.do(back.database.read(None, tables))
    assert {table for table, columns in found.items() if not lanes_of(table, columns)} == SERVER_WIDE
    assert {kind.plural for kind in REGISTRY.all} <= found.keys()
    for kind in NAMED:
        assert {kind.plural, f"{kind.plural}_unindexed", f"{kind.plural}_texts"} <= found.keys()


def test_verbs_write_only_in_the_lanes_that_they_name(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    contact = back.save(alice, name="Jane")
    back.change(alice, contact, name="Jane Doe")
    back.log(alice, contact, kind="call", body="about prices")
    back.index()
    back.remove(alice, contact)
    back.save(charlie, name="Jim")
    assert strays(back) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contacts SET name = 'x'",
        "DELETE FROM contacts",
        "DELETE FROM contacts_unindexed",
        "DELETE FROM contacts_texts",
        "UPDATE audit SET at = ''",
        "UPDATE counts SET live = 0",
        "UPDATE workspaces SET name = ''",
        "UPDATE tokens SET name = '' WHERE workspace_id IN (SELECT workspace_id FROM contacts)",
        "UPDATE contacts SET workspace_id = (SELECT id FROM workspaces ORDER BY number DESC LIMIT 1)",
    ],
)
def test_the_watcher_sees_what_a_unit_writes_in_another_workspace(back: Desk, statement: str) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    for name in ("indexed", "waiting"):
        back.save(alice, name=name)
        if name == "indexed":
            back.index()
    both = [alice.workspace_id, charlie.workspace_id]
    told = run(back, rolled_back(statement), charlie)
    assert told
    assert all(
        f"in {charlie.workspace_id}, wrote " in line and line.endswith(f" of {alice.workspace_id}") for line in told
    )
    assert run(back, rolled_back(statement), charlie, both) == []
    assert run(back, rolled_back(statement), lanes=ANYWHERE) == []


def rolled_back(statement: str) -> Callable[[Tx], None]:
    """Return a unit whose one statement leaves nothing behind."""

    def unit(tx: Tx) -> None:
        tx.connection.execute("SAVEPOINT tried")
        tx.connection.execute(statement)
        tx.connection.execute("ROLLBACK TO tried")
        tx.connection.execute("RELEASE tried")

    return unit


@pytest.mark.parametrize(
    ("statement", "lane"),
    [
        ("INSERT INTO users VALUES ('u_x', 'bob@example.com', '', '', '')", mail_lane(BOB)),
        ("INSERT INTO codes VALUES ('bob@example.com', 'login', x'00', 0, '')", mail_lane(BOB)),
        ("INSERT INTO signins VALUES (x'00', 'bob@example.com', '', x'00', '')", mail_lane(BOB)),
        ("INSERT INTO attempts VALUES ('code', 'bob@example.com', '', 1)", mail_lane(BOB)),
        ("INSERT INTO attempts SELECT 'user mail', id, '', 1 FROM users", mail_lane(ALICE)),
        ("INSERT INTO attempts SELECT 'step-up', id, '', 1 FROM tokens", mail_lane(ALICE)),
        ("INSERT INTO attempts VALUES ('client', '192.0.2.1', '', 1)", client_lane("192.0.2.1")),
    ],
)
def test_the_watcher_sees_what_a_unit_writes_of_a_person(back: Desk, statement: str, lane: str) -> None:
    alice = back.person()
    (stray,) = run(back, rolled_back(statement), alice)
    assert stray.endswith(f" of {lane}")
    assert run(back, rolled_back(statement), alice, [lane]) == []


def test_a_total_of_the_server_is_in_no_lane(back: Desk) -> None:
    assert run(back, sql("INSERT INTO attempts VALUES ('mail', 'all', '', 1)")) == []


def test_a_code_of_a_workspace_is_deleted_in_the_lane_of_its_address(back: Desk) -> None:
    alice = back.person()
    kept = ["INSERT INTO codes VALUES (?, ?, x'00', 0, '')", BOB]
    assert run(back, sql(*kept, f"workspace.delete {alice.workspace_id}"), lanes=[mail_lane(BOB)]) == []
    (stray,) = run(back, sql("DELETE FROM codes"), alice)
    assert mail_lane(BOB) in stray


def test_the_watcher_ignores_a_unit_that_fails(back: Desk) -> None:
    alice = back.person()

    def failing(tx: Tx) -> None:
        tx.connection.execute("UPDATE workspaces SET name = ''")
        raise ValueError

    with pytest.raises(ValueError):
        back.do(back.database.write(failing, replace(alice, workspace_id="ws_x")))
    assert strays(back) == []


def test_a_unit_may_enter_a_further_lane(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)

    def entering(tx: Tx) -> set[str]:
        tx.enter(alice.workspace_id)
        tx.connection.execute("UPDATE workspaces SET name = '' WHERE id = ?", (alice.workspace_id,))
        return tx.lanes

    assert back.do(back.database.write(entering, charlie)) == {alice.workspace_id, charlie.workspace_id}
    assert strays(back) == []


def test_the_operator_signs_somebody_in_within_the_lane_of_the_address(back: Desk) -> None:
    new, known = (partial(login.sign_in, crm=back.crm, email=email, token_name="x") for email in (ALICE, ALICE))
    assert run(back, new, lanes=[mail_lane(ALICE)]) == []
    assert run(back, known, lanes=[mail_lane(ALICE)]) == []
    alone = run(back, partial(login.sign_in, crm=back.crm, email=BOB, token_name="x"))
    assert alone == [f"sign_in, in no lane, wrote users of {mail_lane(BOB)}"]
