"""From when on a token is told of changes: from its last brief on, at first of the last 24 hours.

The mark moves when a brief is asked for at least ten minutes after the last move, to the moment of that move: briefs
asked for in between tell the same, so one whose answer was lost is asked for again.
"""

from crmkit.clock import after
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.requests import briefs
from crmkit.storage.requests.briefs import Mark

FIRST_HOURS = 24
REPEAT_MINUTES = 10


def next_of(connection: Connection, workspace: Workspace, token_id: str, now: str) -> tuple[Mark, bool]:
    """Return the mark of the brief that a token asks for now, and whether it is another than is kept."""
    found = briefs.fetch(connection, workspace.id, token_id)
    if found is None or found.asked_at > now:  # the clock was set back
        first = from_time(connection, workspace, after(now, hours=-FIRST_HOURS))
        return Mark(first.since, first.since_seq, now, entries.newest(connection, workspace)), True
    if now < after(found.asked_at, minutes=REPEAT_MINUTES):
        return found, False
    return Mark(found.asked_at, found.asked_seq, now, entries.newest(connection, workspace)), True


def from_time(connection: Connection, workspace: Workspace, since: str) -> Mark:
    """Return a mark that is not kept: it tells of changes from this moment on."""
    return Mark(since, entries.newest_before(connection, workspace, since), "", 0)
