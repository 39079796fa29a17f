"""How the work of the server stands: the clock, jobs, imports, webhooks."""

from collections.abc import Iterator

from crmkit.clock import after
from crmkit.storage.examining import standing
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding

AHEAD_SECONDS = 60  # that the newest entry may be ahead of the clock
LATE_MINUTES = 10  # that a job may be due for
FAILING_HOURS = 1  # that a webhook may reach nobody for


def examine(connection: Connection, now: str, is_served: bool) -> Iterator[Finding]:
    """Yield what stands still; that a job is late is no fault where no server is there to do it."""
    newest = standing.newest_at(connection)
    is_back = newest > after(now, seconds=AHEAD_SECONDS)
    told = f"it is {now}, and the newest entry of the log is of {newest}: the clock was set back, so set it right"
    yield Finding("clock", not is_back, told if is_back else f"it is {now}, and no entry of the log is of later")
    late = standing.late_jobs(connection, after(now, minutes=-LATE_MINUTES) if is_served else "")
    faults = [*late, *standing.failed_jobs(connection)]
    yield _finding("jobs", faults, "none is late and none failed", "the log of the server says why, by these ids")
    stuck = standing.stuck_imports(connection)
    yield _finding("imports", stuck, "none is stuck", "stop it with DELETE /imports/{id}, then import the file again")
    failing = standing.failing_webhooks(connection, after(now, hours=-FAILING_HOURS))
    yield _finding(
        "webhooks", failing, "none fails", "its workspace sees why in GET /webhooks, and tries POST /webhooks/{id}/test"
    )


def _finding(name: str, faults: list[str], good: str, advice: str) -> Finding:
    return Finding(name, not faults, f"{'; '.join(faults)}; {advice}" if faults else good)
