"""How tests declare fields at a desk, where no job goes on by itself, and have their indexes built."""

import json
from typing import Any

from crmkit.core.call import Call
from crmkit.core.configuration import building, fields
from crmkit.core.jobs.kind import JobKinds
from crmkit.model.actor import Actor
from crmkit.storage import jobs
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from tests import postgres
from tests.kinds import REGISTRY
from tests.storage.desk import Desk

FIELD = REGISTRY.by_word["field"]
KINDS = JobKinds(*building.JOBS)


def now(back: Desk, actor: Actor) -> Actor:
    """Return the actor as a request would find it now."""
    found = back.do(back.database.read(None, tokens.current, actor.token_id))
    assert found is not None
    return found


def declare(back: Desk, actor: Actor, key: str, type: str, kind: str = "contact", **more: Any) -> Any:
    """Return a new field, whose index is not built yet."""
    body = {"kind": kind, "key": key, "type": type, **more}
    return back.do(fields.save(Call(back.crm, now(back, actor)), FIELD, body)).record


def redeclare(back: Desk, actor: Actor, field: Any, **body: Any) -> Any:
    return back.do(fields.change(Call(back.crm, now(back, actor)), FIELD, field.id, body)).record


def step(back: Desk) -> int:
    """Do one step of each job that is due; return how many were."""

    def unit(tx: Tx) -> int:
        due, _ = jobs.due(tx.connection, tx.now)
        for each in due:
            kind, job = KINDS.get(each.kind), jobs.claim(tx, each)
            assert kind is not None
            assert job is not None
            jobs.save(tx, kind.step(tx, job))
        return len(due)

    return back.do(back.database.write(unit, lanes=ANYWHERE))


def build(back: Desk) -> None:
    """Do all jobs that are due, to their ends."""
    while step(back):
        pass


def entries(back: Desk, actor: Actor) -> list[tuple[Any, ...]]:
    """Return what the live indexes hold: kind, key, whether it is a misfit, what is compared, id, row, change."""
    sql = (
        'SELECT i."kind", i."key", v.place < 0, v.value, v.id, v.seq, v.updated_at FROM custom_values AS v '
        "JOIN custom_indexes AS i ON i.seq = abs(v.place) WHERE v.workspace_id = ? AND i.state <> 'dropped'"
    )
    rows = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchall()))
    if postgres.SERVER:  # where a value stands as JSON
        rows = [(*row[:3], json.loads(row[3]), *row[4:]) for row in rows]
    return sorted(rows, key=repr)


def left(back: Desk, actor: Actor) -> int:
    """Return how many entries there are of indexes that are no more."""
    sql = (
        "SELECT count(*) FROM custom_values AS v WHERE v.workspace_id = ? AND NOT EXISTS "
        "(SELECT 1 FROM custom_indexes AS i WHERE i.seq = abs(v.place) AND i.state <> 'dropped')"
    )
    return back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchone()[0]))
