"""Reminders: a list of follow-ups, read from the records when a client asks. Nothing is sent to anybody."""

import json
import re
from collections.abc import Mapping

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.now import moment
from crmkit.errors import Problem
from crmkit.model.listing import MixedListing, Paging
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.parse import limit_of
from crmkit.storage import reminders
from crmkit.storage.lists.pages import COUNTED

MAX_DAYS = 3650


async def due(call: Call, parameters: Mapping[str, str]) -> MixedListing:
    """Return a page of the follow-ups that are due, or will be within `days`, earliest first."""
    crm, workspace_id = call.crm, call.actor.workspace_id
    days = _days(parameters.get("days", ""))
    limit, notes = limit_of(parameters.get("limit"))
    kinds = [kind for kind in crm.kinds.records if "follow_up_at" in kind.by_name]
    titles = {kind.name: kind.title.name for kind in kinds}
    present = moment(call)
    now = present.now
    binding = json.dumps([workspace_id, "reminders", days])
    cursor = parameters.get("cursor", "")
    # the first page decides until when, and its cursor keeps that for the next pages
    until, *position = unseal(crm.key, binding, cursor) if cursor else [after(now, days=days)]
    scope = (kinds, workspace_id, until)
    rows = await call.scan(reminders.due, *scope, position or None, limit + 1)
    total = at_least = next_cursor = None
    if not cursor:
        total = await call.scan(reminders.count, *scope, COUNTED + 1)
        total, at_least = (None, COUNTED) if total > COUNTED else (total, None)
    if len(rows) > limit:
        kind, id, at, *_ = rows[limit - 1]
        next_cursor = seal(crm.key, binding, [until, at, kind, id])
    shown = tuple(
        (
            f"{kind}/{id}",
            {
                "id": id,
                "kind": kind,
                "follow_up_at": at,
                "overdue": True if at < now else None,
                titles[kind]: title,
                "follow_up_note": note,
            },
        )
        for kind, id, at, title, note in rows[:limit]
    )
    return MixedListing("reminders", shown, Paging(not cursor, total, at_least, next_cursor, notes, present))


def _days(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or int(text) > MAX_DAYS:
        raise Problem("invalid_value", "Send days=7 to look a week ahead.", fields={"days": f"must be 0 to {MAX_DAYS}"})
    return int(text)
