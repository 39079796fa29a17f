"""Reading the audit log."""

from collections.abc import Mapping

from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import feeds
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kinds
from crmkit.records.audit import OF_RECORDS
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit, outdated

FILTERS = {"by": "by=eq:", "action": "action=eq:", "target": "target=eq:", "since": "at=gte:", "until": "at=lt:"}


async def entries(call: Call, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's audit log, newest first.

    `by` is an address, `action` a word like contact.update, `target` an id in any form or a kind, `since` and `until`
    are times or days. Members are not told of records that only admins read.
    """
    closed = () if call.actor.role == "admin" else _closed(call.crm.kinds)
    fixed = [("action", f"out:{','.join(closed)}")] if closed else ()
    found = await entries_of(call, pairs, FILTERS, fixed, details)
    begin = await call.read(outdated.begins_at, Workspace.of(call.actor)) if found.paging.next_cursor is None else ""
    return replace(found, paging=found.paging.after([begins(begin)])) if begin else found


def begins(at: str) -> str:
    """Return the note that nothing is told of what was before a time."""
    return f"the log begins at {at}: older entries are gone"


def _closed(kinds: Kinds) -> tuple[str, ...]:
    """Return the actions on records that only admins read."""
    return tuple(f"{kind.name}.{verb}" for kind in kinds.settings if kind.is_admins_to_read for verb in OF_RECORDS)


async def entries_of(
    call: Call, pairs: feeds.Pairs, filters: Mapping[str, str], fixed: feeds.Pairs = (), details: bool = False
) -> Listing:
    """Return a page of entries that a client's `filters` and the `fixed` ones of the route find, newest first."""
    return _with_pairs(await feeds.read(call, call.crm.kinds.audit, pairs, filters, fixed, details))


def _with_pairs(found: Listing) -> Listing:
    """Return the page with the changes of each entry as {field: [old, new]}."""
    if "changes" not in found.fields:
        return found
    place = 1 + found.fields.index("changes")
    rows = [[*row[:place], audit.pairs(row[place]), *row[place + 1 :]] for row in found.rows]
    return replace(found, rows=rows)
