"""Jobs: work in steps, each of which commits its effects together with the position that it reached.

A job is `waiting` for its time, `running` between two steps, or it has ended: `done`, `failed` or `stopped`. Whoever
listens to the topic of its id is woken when it ends.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crmkit.errors import Problem
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from crmkit.storage.people.new_ids import unused
from crmkit.storage.pruning.bounded import dropped, limited

TOPIC = "jobs"  # which a unit tells of that adds a job
PREFIX = "jb"
SERVER = Workspace("", 0)  # what a job of the whole server belongs to
MOST_DUE = 20  # jobs of one workspace that take turns; the others wait until one of them ends or pauses
WAITING, RUNNING, DONE, FAILED, STOPPED = "waiting", "running", "done", "failed", "stopped"

_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Outcome(Struct, frozen=True):
    """What was performed before a step: the value that it returned, or what it raised."""

    value: Any = None
    failed: Exception | None = None  # TimeoutError when it took too long


class Job(Struct, frozen=True):
    """A job as its kind's step gets it. A step returns it as `goes_on`, `waits` or `ends` make it."""

    workspace_id: str  # empty for a job of the whole server
    id: str
    kind: str
    state: str
    due_at: str | None  # empty: at once
    ended_at: str | None
    input: Any
    position: Any  # None at first
    result: Any
    token_id: str  # of its actor; empty for a job of the system
    op: int | None  # number of the first audit entry of all its steps
    tries: int  # of its present step that failed
    error: str  # code: sentence
    outcome: Outcome = Outcome()  # of what was performed before this step; not stored

    @property
    def has_ended(self) -> bool:
        return self.due_at is None

    @property
    def operation(self) -> str:
        """The id of the operation that its steps wrote; empty while there is none."""
        return "" if self.op is None else audit.operation_id(self.workspace_id, self.op)

    @property
    def progress(self) -> tuple[int, int] | None:
        """How much is done of how much, at the end all; None where the position is no object with `done` and `of`."""
        position = self.position
        is_told = isinstance(position, dict) and {"done", "of"} <= position.keys()
        if not is_told:
            return None
        return (position["of"] if self.state == DONE else position["done"]), position["of"]

    def goes_on(self, position: Any) -> "Job":
        """Return the job at this position, with a further step at once."""
        return replace(self, state=RUNNING, due_at="", position=position)

    def waits(self, position: Any, due_at: str) -> "Job":
        """Return the job at this position, with a further step at this time by the clock."""
        return replace(self, state=WAITING, due_at=due_at, position=position)

    def ends(self, result: Any = None) -> "Job":
        """Return the job as one that is done."""
        return replace(self, state=DONE, due_at=None, result=result)


class Due(Struct, frozen=True):
    """A job whose step is due: enough to look its kind and its actor up.

    Whoever takes it by its `due_at` finds it no more once another took it.
    """

    seq: int
    workspace_id: str
    id: str
    kind: str
    due_at: str
    token_id: str
    tries: int


_COLUMNS = "workspace_id, id, kind, state, due_at, ended_at, input, position, result, token_id, op, tries, error"
_KEY = "workspace_id = ? AND id = ? AND due_at = ?"
_DUE = "seq, workspace_id, id, kind, due_at, token_id, tries"

# where that is all, it reads no other workspace
_FIND_FEW = (
    f"SELECT {_DUE} FROM (SELECT {_DUE} FROM jobs WHERE due_at <= ? ORDER BY due_at LIMIT ?) AS q "
    "ORDER BY workspace_id, seq"
)

# from one workspace that has jobs to run to the next, each a seek, so it reads no more than MOST_DUE jobs of one
_FIND_DUE = (
    "WITH RECURSIVE places (place) AS (SELECT min(workspace_id) FROM jobs WHERE due_at IS NOT NULL UNION ALL "
    "SELECT (SELECT min(workspace_id) FROM jobs WHERE due_at IS NOT NULL AND workspace_id > places.place) "
    "FROM places WHERE places.place IS NOT NULL) "
    f"SELECT {_DUE} FROM places CROSS JOIN jobs WHERE seq IN (SELECT seq FROM jobs "
    "WHERE workspace_id = places.place AND due_at <= ? ORDER BY due_at, seq LIMIT ?) ORDER BY workspace_id, seq"
)


def add(
    tx: Tx,
    kind: str,
    input: Any = None,
    due_at: str = "",
    workspace: Workspace | None = None,
    position: Any = None,
) -> Job:
    """Return the new job of the unit's actor, in the actor's workspace, first due at `due_at` or at once.

    Its first step finds it at this `position`. With a `workspace`, or without an actor, it is a job of the system: in
    that workspace, or of the whole server.

    Raises `too_large` where the unit is proposed: what a job writes later is not shown before.
    """
    if tx.is_proposed:
        hint = "This takes more than one step, so a proposal cannot show all of it: propose less of it at once."
        raise Problem("too_large", hint)
    token_id = ""
    if workspace is None:
        workspace, token_id = (SERVER, "") if tx.actor is None else (Workspace.of(tx.actor), tx.actor.token_id)
    id = unused(tx, "jobs", PREFIX, workspace.id)
    job = Job(workspace.id, id, kind, WAITING, due_at, None, input, position, None, token_id, None, 0, "")
    values = (workspace.id, id, kind, WAITING, due_at, _text(input), _text(position), token_id)
    tx.connection.execute(
        f"INSERT INTO jobs (seq, {_COLUMNS}) SELECT coalesce(max(seq), CAST(? AS bigint)) + 1, ?, ?, ?, ?, ?, NULL, "
        "?, ?, 'null', ?, NULL, 0, '' FROM jobs WHERE seq BETWEEN ? AND ?",
        (workspace.first, *values, workspace.first, workspace.last),
    )
    tx.tell(TOPIC)
    return job


def find(connection: Connection, workspace_id: str, id: str) -> Job | None:
    """Return the job with this id, or None."""
    sql = f"SELECT {_COLUMNS} FROM jobs WHERE workspace_id = ? AND id = ?"
    return _job(connection.execute(sql, (workspace_id, id)).fetchone())


def writes(connection: Connection, workspace_id: str, op: int) -> bool:
    """Tell whether a job that has not ended writes the operation whose first entry has this number."""
    sql = "SELECT 1 FROM jobs WHERE workspace_id = ? AND due_at IS NOT NULL AND op = ?"
    return connection.execute(sql, (workspace_id, op)).fetchone() is not None


def unended(connection: Connection, workspace_id: str, kind: str) -> str | None:
    """Return the id of a job that has not ended which somebody started, or the system one of this kind; else None."""
    sql = "SELECT id FROM jobs WHERE workspace_id = ? AND due_at IS NOT NULL AND (token_id <> '' OR kind = ?) LIMIT 1"
    row = connection.execute(sql, (workspace_id, kind)).fetchone()
    return None if row is None else row[0]


def is_pending(connection: Connection, workspace_id: str, kind: str) -> bool:
    """Tell whether a workspace has a job of a kind that has not ended."""
    sql = "SELECT 1 FROM jobs WHERE workspace_id = ? AND due_at IS NOT NULL AND kind = ?"
    return connection.execute(sql, (workspace_id, kind)).fetchone() is not None


def stop(tx: Tx, workspace_id: str, id: str) -> Job | None:
    """Stop a job, which keeps what its steps did, and return it; None where there is none that still runs."""
    sql = (
        "UPDATE jobs SET state = 'stopped', due_at = NULL, ended_at = ? "
        f"WHERE workspace_id = ? AND id = ? AND due_at IS NOT NULL RETURNING {_COLUMNS}"
    )
    tx.tell(id)
    return _job(tx.connection.execute(sql, (tx.now, workspace_id, id)).fetchone())


def due(connection: Connection, now: str) -> tuple[list[Due], str | None]:
    """Return the jobs that are due, of each workspace the first MOST_DUE, and when the next one will be."""
    rows = connection.execute(_FIND_FEW, (now, MOST_DUE + 1)).fetchall()
    if len(rows) > MOST_DUE:
        rows = connection.execute(_FIND_DUE, (now, MOST_DUE)).fetchall()
    (next_at,) = connection.execute("SELECT min(due_at) FROM jobs WHERE due_at > ?", (now,)).fetchone()
    return [Due(*row) for row in rows], next_at


def number_due(connection: Connection, now: str) -> int:
    """Return how many jobs are due, of all workspaces."""
    return int(connection.execute("SELECT count(*) FROM jobs WHERE due_at <= ?", (now,)).fetchone()[0])


def claim(tx: Tx, due: Due) -> Job | None:
    """Return the job for a step in this transaction; None when it ended or somebody else took it.

    It writes, so that where several processes serve, the second waits until the first has committed its step.
    """
    sql = f"UPDATE jobs SET state = 'running' WHERE {_KEY} RETURNING {_COLUMNS}"
    return _job(tx.connection.execute(sql, (due.workspace_id, due.id, due.due_at)).fetchone())


def lease(tx: Tx, due: Due, until: str) -> Job | None:
    """Return the job, which nobody else takes before `until`, for work outside this transaction; None as in `claim`."""
    sql = f"UPDATE jobs SET state = 'running', due_at = ? WHERE {_KEY} RETURNING {_COLUMNS}"
    return _job(tx.connection.execute(sql, (until, due.workspace_id, due.id, due.due_at)).fetchone())


def pause(tx: Tx, due: Due, until: str, tries: int) -> None:
    """Have the step tried again at `until`, unless somebody else took the job; `tries` is how often it failed."""
    sql = f"UPDATE jobs SET state = 'running', due_at = ?, tries = ? WHERE {_KEY}"
    tx.connection.execute(sql, (until, tries, due.workspace_id, due.id, due.due_at))


def wake(tx: Tx, kind: str) -> None:
    """Have the jobs of a kind that wait for their time go on at once, of whatever workspace."""
    sql = "UPDATE jobs SET due_at = '' WHERE due_at > '' AND kind = ? AND state = ?"
    if tx.connection.execute(sql, (kind, WAITING)).rowcount:
        tx.tell(TOPIC)


def release(tx: Tx, kind: str) -> None:
    """Have the jobs of a kind go on at once that a process had taken which is no more."""
    sql = "UPDATE jobs SET due_at = '' WHERE due_at > '' AND kind = ? AND state = ?"
    tx.connection.execute(sql, (kind, RUNNING))


def wake_one(tx: Tx, workspace_id: str, id: str) -> None:
    """Have a job that waits for its time go on at once."""
    sql = "UPDATE jobs SET due_at = '' WHERE workspace_id = ? AND id = ? AND due_at > '' AND state = ?"
    if tx.connection.execute(sql, (workspace_id, id, WAITING)).rowcount:
        tx.tell(TOPIC)


def save(tx: Tx, job: Job) -> None:
    """Write what a step returned."""
    ended_at = tx.now if job.has_ended else None
    if job.has_ended:
        tx.tell(job.id)
    changed = (job.state, job.due_at, ended_at, _text(job.position), _text(job.result), job.op)
    tx.connection.execute(
        "UPDATE jobs SET state = ?, due_at = ?, ended_at = ?, position = ?, result = ?, op = ?, tries = 0 "
        "WHERE workspace_id = ? AND id = ?",
        (*changed, job.workspace_id, job.id),
    )


def end(tx: Tx, due: Due, state: str, error: str, result: Any = None) -> Job | None:
    """End a job that cannot go on, and return it; None where somebody else took it."""
    tx.tell(due.id)
    sql = f"UPDATE jobs SET state = ?, due_at = NULL, ended_at = ?, error = ?, result = ? WHERE {_KEY}"
    values = (state, tx.now, error, _text(result), due.workspace_id, due.id, due.due_at)
    return _job(tx.connection.execute(f"{sql} RETURNING {_COLUMNS}", values).fetchone())


def end_pauses_after(tx: Tx, latest: str) -> None:
    """Let jobs go on that pause for longer than they may: they began to before the clock was set back."""
    tx.connection.execute("UPDATE jobs SET due_at = '' WHERE due_at > ? AND state = 'running'", (latest,))


_OLD = "DELETE FROM jobs WHERE " + limited("jobs", "seq", "ended_at < ?")


def forget(tx: Tx, before: str) -> bool:
    """Drop some jobs that ended before this moment, and tell whether some may be left.

    Those that ended ahead of the clock count as ended now.
    """
    tx.connection.execute("UPDATE jobs SET ended_at = ? WHERE ended_at > ?", (tx.now, tx.now))
    return dropped(tx, _OLD, before)


def _text(value: Any) -> str:
    return _encode(value).decode()


def _job(row: Any) -> Job | None:
    if row is None:
        return None
    return Job(*row[:6], *map(_decode, row[6:9]), *row[9:])
