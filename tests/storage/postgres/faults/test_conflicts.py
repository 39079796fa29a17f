"""PostgreSQL ends transactions for a conflict with others: they run again, and are told if that does not help."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from tests import postgres
from tests.house import ALICE, CHARLIE, House, Person
from tests.storage.desk import desk
from tests.storage.postgres.faults.load import answers_of, until, writing, wrong_in

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

CONFLICTS = ("40001", "40P01")  # SQLSTATE: it could not be serialized, a deadlock


def fail(home: House, table: str, state: str, when: str) -> None:
    """Have inserts into a table raise an error while a condition holds of the number of the try."""

    def unit(tx: Tx) -> None:
        tx.connection.execute("CREATE SEQUENCE tries")  # which no rollback takes back
        tx.connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF nextval('tries') {when} THEN RAISE SQLSTATE '{state}'; END IF; RETURN NEW; END $$"
        )
        tx.connection.execute(f"CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()")

    home.do(home.crm.database.write(unit))


def tries(home: House) -> int:
    sql = "SELECT last_value FROM tries"
    found: int = home.do(home.crm.database.read(None, lambda connection: connection.execute(sql).fetchone()))[0]
    return found


@pytest.mark.parametrize("state", CONFLICTS)
def test_a_write_that_was_ended_four_times_is_done_in_the_fifth(home: House, alice: Person, state: str) -> None:
    fail(home, "contacts", state, "< 5")
    assert alice.post("/contacts", json={"name": "Jane"}).status_code == 201
    assert tries(home) == 5
    assert alice.json_of("GET", "/contacts")["total"] == 1


@pytest.mark.parametrize("state", CONFLICTS)
def test_a_write_that_was_ended_five_times_is_told_as_not_done(home: House, alice: Person, state: str) -> None:
    fail(home, "contacts", state, "> 0")
    answer = alice.post("/contacts", json={"name": "Jane"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "nothing was done. Send it again shortly" in answer.text
    assert tries(home) == 5
    assert alice.json_of("GET", "/contacts")["total"] == 0


def test_a_mail_of_a_unit_that_ran_again_is_sent_once(home: House) -> None:
    with home.stranger() as someone:
        fail(home, "codes", "40001", "< 4")
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200
        assert (len(home.letterbox.letters), tries(home)) == (1, 4)
        entry = {"email": ALICE, "code": home.letterbox.code_for(ALICE), "token_name": "test"}
        assert someone.post("/auth/verify", json=entry).status_code == 200


def test_a_unit_that_is_ended_each_time_harms_none_that_ran_with_it(tmp_path: Path) -> None:
    from psycopg import errors

    with desk(tmp_path / "data") as back:
        alice = back.person()

        def good(tx: Tx) -> str:
            return "done"

        def bad(tx: Tx) -> str:
            raise errors.SerializationFailure

        async def together() -> list[object]:
            units: list[Callable[[Tx], str]] = [good, bad, good]
            return await asyncio.gather(*(back.database.write(unit, alice) for unit in units), return_exceptions=True)

        first, problem, last = back.do(together())
        assert (first, last) == ("done", "done")
        assert problem.code == "not_ready"


def test_of_writes_that_are_ended_at_random_each_is_done_once_or_told_as_not_done(home: House, alice: Person) -> None:
    fail(home, "contacts", "40001", "% 3 < 2")
    with writing([home.url] * 4, alice.token) as writers:
        until(lambda: answers_of(writers)["done"] > 100)
    assert wrong_in(alice, writers) == []


def test_units_that_enter_the_lanes_of_each_other_are_both_done(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        people = [back.person(ALICE), back.person(CHARLIE)]
        met, runs = threading.Barrier(2), list[str]()

        def crossing(own: Actor, other: Actor) -> Callable[[Tx], None]:
            def unit(tx: Tx) -> None:
                is_first = own.workspace_id not in runs
                runs.append(own.workspace_id)
                if is_first:
                    met.wait(10)
                tx.enter(other.workspace_id)

            return unit

        async def both() -> None:
            pairs = (people, people[::-1])
            await asyncio.gather(*(back.database.write(crossing(*pair), pair[0]) for pair in pairs))

        back.do(both())
        assert len(runs) > 2


def test_a_unit_that_goes_on_after_a_statement_failed_is_not_taken_for_done(tmp_path: Path) -> None:
    from psycopg import errors

    with desk(tmp_path / "data") as back:
        alice = back.person()

        def unit(tx: Tx) -> str:
            with suppress(Exception):
                tx.connection.execute("SELECT nonsense").fetchall()
            return "done"

        with pytest.raises((RuntimeError, errors.InFailedSqlTransaction)):
            back.do(back.database.write(unit, alice, silent=True))


@pytest.mark.parametrize(
    "order",
    [
        "bad good good",
        "good bad good",
        "good good bad",
        "bad wrong good",
        "bad bad good",
        "good late good",
        "late wrong good",
        "good wrong good",
        "good lost good",
        "lost",
        "late lost late good",
    ],
)
def test_of_units_that_are_committed_together_each_gets_its_own_error_and_no_other(tmp_path: Path, order: str) -> None:
    from psycopg import errors

    with desk(tmp_path / "data") as back:
        alice = back.person()

        def bad(tx: Tx) -> str:  # nobody looks at what the statement answers
            sql = "INSERT INTO memberships (user_id, workspace_id, role, joined_at) VALUES ('nobody', ?, 'member', ?)"
            tx.connection.execute(sql, (alice.workspace_id, tx.now))
            return "done"

        def good(tx: Tx) -> str:
            sql = "UPDATE workspaces SET name = name || '!' WHERE id = ? RETURNING id"
            return str(tx.connection.execute(sql, (alice.workspace_id,)).fetchone()[0])

        def wrong(tx: Tx) -> str:
            raise LookupError

        def late(tx: Tx) -> str:
            good(tx)
            raise LookupError

        def lost(tx: Tx) -> str:
            bad(tx)
            raise LookupError

        units = {"bad": bad, "good": good, "wrong": wrong, "late": late, "lost": lost}
        names = order.split()

        async def together() -> list[Any]:
            writes = [back.database.write(units[name], alice) for name in names]
            return await asyncio.gather(*writes, return_exceptions=True)

        def named(connection: Connection) -> str:
            sql = "SELECT name FROM workspaces WHERE id = ?"
            return str(connection.execute(sql, (alice.workspace_id,)).fetchone()[0])

        outcomes = back.do(together())
        refused = errors.ForeignKeyViolation
        expected = {"bad": refused, "good": str, "wrong": LookupError, "late": LookupError, "lost": refused}
        assert [type(outcome) for outcome in outcomes] == [expected[name] for name in names]
        assert back.do(back.database.read(None, named)).count("!") == names.count("good")
