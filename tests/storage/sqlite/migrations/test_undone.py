"""The migration of what undos name: an operation that was undone before stays undone."""

from pathlib import Path

from crmkit import ids
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import number_of, within
from crmkit.storage.log import audit
from crmkit.storage.sqlite.migrations import m0037_undone
from tests.house import ALICE, House, Person, house


def old_id(seq: int) -> str:
    """Return the id that an operation had before."""
    return ids.numbered("op", (within(seq) + number_of(seq) * 17_003_730_661) % ids.NUMBERS)


def age(home: House, workspace: str) -> int:
    """Have the undos of a workspace name what they took back as they did before; return how many there are."""

    def unit(tx: Tx) -> int:
        undos = tx.connection.execute(
            "SELECT seq, target FROM audit WHERE workspace_id = ? AND action = 'operation.undo'", (workspace,)
        ).fetchall()
        firsts = tx.connection.execute(
            "SELECT seq FROM audit WHERE workspace_id = ? AND op IS NULL", (workspace,)
        ).fetchall()
        targets = {f"operation/{audit.operation_id(workspace, seq)}": f"operation/{old_id(seq)}" for (seq,) in firsts}
        for seq, target in undos:
            tx.connection.execute("UPDATE audit SET target = ? WHERE seq = ?", (targets[target], seq))
        return len(undos)

    return home.do(home.crm.database.write(unit, lanes=ANYWHERE))


def migrate(home: House) -> None:
    work = m0037_undone.MIGRATION.work
    assert work is not None
    home.do(home.crm.database.write(lambda tx: work(tx.connection), lanes=ANYWHERE))


def undone(person: Person) -> tuple[str, str]:
    """Return an operation that was undone, and the one that undid it."""
    made = person.post("/contacts", json={"name": "Jane"}).headers["X-Operation"]
    return made, person.post(f"/undo/{made}").headers["X-Operation"]


def test_what_was_undone_before_is_not_undone_again(tmp_path: Path) -> None:
    with house(tmp_path / "data") as home, home.sign_in("first@example.com") as first, home.sign_in(ALICE) as alice:
        pairs = [(person, *undone(person)) for person in (first, alice, first, alice)]
        log = [alice.text("GET", "/audit"), first.text("GET", "/audit")]
        assert [age(home, person.json_of("GET", "/whoami")["workspace"]) for person in (first, alice)] == [2, 2]
        assert [alice.text("GET", "/audit"), first.text("GET", "/audit")] != log
        for _ in range(2):  # what has its id of today keeps it
            migrate(home)
            assert [alice.text("GET", "/audit"), first.text("GET", "/audit")] == log
        for person, operation, undo in pairs:
            answer = person.post(f"/undo/{operation}")
            assert answer.status_code == 409
            assert f"{operation} was undone by {undo}. POST /undo/{undo} does it again." in answer.text
