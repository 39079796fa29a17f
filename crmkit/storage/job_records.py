"""The records that a job is to write, frozen when it began: some in each part, which goes once its records are done."""

from collections.abc import Sequence

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from crmkit.storage.lists.members import Members, Part, members_of
from crmkit.storage.pruning.bounded import dropped, limited


def keep(tx: Tx, job: Job, parts: Sequence[Part]) -> None:
    """Keep the records of a new job, the parts in their order."""
    rows = [(job.workspace_id, job.id, number, *part) for number, part in enumerate(parts)]
    tx.connection.executemany(
        "INSERT INTO job_records (workspace_id, job_id, part, ids, versions) VALUES (?, ?, ?, ?, ?)", rows
    )


def next_part(connection: Connection, job: Job, after: int) -> tuple[int, Members] | None:
    """Return the number of the first part after this number, and its records; None when there is none."""
    row = connection.execute(
        "SELECT part, ids, versions FROM job_records WHERE workspace_id = ? AND job_id = ? AND part > ? "
        "ORDER BY part LIMIT 1",
        (job.workspace_id, job.id, after),
    ).fetchone()
    return None if row is None else (row[0], members_of((row[1], row[2])))


def forget(tx: Tx, job: Job, part: int) -> None:
    """Drop a part that is done."""
    sql = "DELETE FROM job_records WHERE workspace_id = ? AND job_id = ? AND part = ?"
    tx.connection.execute(sql, (job.workspace_id, job.id, part))


_LEFT = "DELETE FROM job_records WHERE " + limited(
    "job_records",
    "workspace_id, job_id, part",
    "NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.workspace_id = job_records.workspace_id "
    "AND j.id = job_records.job_id AND j.due_at IS NOT NULL)",
)


def forget_all(tx: Tx) -> bool:
    """Drop some of what jobs left that failed or were stopped; tell whether some may be left."""
    return dropped(tx, _LEFT)
