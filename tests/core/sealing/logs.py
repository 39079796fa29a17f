"""Logs as they come to be: written, sealed, erased, outdated, deleted; and looked at by whoever holds the file."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from crmkit.core.call import Call
from crmkit.core.sealing import sealing, verify
from crmkit.core.sealing.verify import Verdict
from crmkit.model.actor import Actor
from crmkit.storage.erasure import log as erasing
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.workspaces import erasure
from tests.house import ALICE
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, workspace_of


def sealed(back: Desk) -> None:
    back.do(sealing.seal_all(Call(back.crm)))


def lived(back: Desk, email: str = ALICE, records: int = 4) -> Actor:
    """Return somebody whose log has entries of all sorts, all of them sealed but the last."""
    person = back.person(email)
    for number in range(records):
        made = back.save(person, name=f"Jane {number}", notes="secret")
        back.clock.move(seconds=1)
        sealed(back)
        back.change(person, made, notes="other")
    back.remove(person, made)
    sealed(back)
    back.save(person, name="Late")
    return person


@contextmanager
def opened(back: Desk) -> Iterator[SqliteConnection]:
    """Have the file open as whoever holds it may, and leave it as it was."""
    with closing(connect(back.database.folder / FILE, True)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        yield connection
        connection.execute("ROLLBACK")


def looked(back: Desk, connection: SqliteConnection, head: str = "") -> Verdict:
    return verify.verify(lambda work: work(connection), back.crm.key, head)


def whole(back: Desk) -> Verdict:
    with opened(back) as connection:
        return looked(back, connection)


def rows(connection: SqliteConnection, what: str) -> list[Any]:
    return connection.execute(what).fetchall()


def erase(back: Desk, actor: Actor) -> None:
    """Erase what the log has of one record."""

    def unit(tx: Tx) -> None:
        workspace, chain = workspace_of(actor), Chain(back.crm.key)
        (target,) = tx.connection.execute(
            "SELECT target FROM audit WHERE action = 'contact.create' AND workspace_id = ?", (workspace.id,)
        ).fetchone()
        erasing.erase_targets(tx, chain, workspace, [target])

    back.do(Call(back.crm, actor).write(unit))


def prune(back: Desk, actor: Actor, before: str) -> int:
    """Remove what is older than a time, and return how many entries that were."""
    chain, done = Chain(back.crm.key), 0
    while count := back.do(Call(back.crm, actor).write(lambda tx: seals.prune(tx, chain, workspace_of(actor), before))):
        done += count
    return done


def end(back: Desk, actor: Actor) -> None:
    """Delete the workspace of somebody."""
    chain = Chain(back.crm.key)
    back.do(Call(back.crm).write(lambda tx: erasure.erase(tx, REGISTRY, chain, workspace_of(actor)), ["*"]))
