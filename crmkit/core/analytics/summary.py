"""The summary of a period: what came in, was contacted, moved on, was won or lost, and what was won."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from crmkit.core.analytics import spans
from crmkit.core.call import Call
from crmkit.core.rules import stages
from crmkit.model.configuration.pipeline import LOST, WON
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.record import Kind, Kinds
from crmkit.records.activity import CONTACTS
from crmkit.storage.analytics import contacts, moves, records
from crmkit.storage.analytics.span import Span
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import outdated

PARAMETERS = spans.SPAN
ROW = "analytics"

Row = dict[str, Any]


async def summary(call: Call, parameters: Mapping[str, str]) -> tuple[MixedListing, Span]:
    """Return a row of counts, then one for each currency in which something was won, and the period they are of.

    Won and lost are records that are so now and became so in the period; deleted records count as moved alone.
    """
    span = spans.span(call, parameters)
    now = call.now
    counts, won, notes = await call.scan(_read, call.crm.kinds, Workspace.of(call.actor), span, now)
    money: Row = dict.fromkeys((*_sums(call.crm.kinds), "currency"))
    told = {"period": span.period, "from": span.since, "to": span.until}
    rows = [{**counts, **money, **told}]
    rows += [{**dict.fromkeys(counts), **money, **each, **dict.fromkeys(told)} for each in won]
    paging = Paging.whole(len(rows), notes)
    return MixedListing("rows", tuple((ROW, row) for row in rows), paging), span


def _read(
    connection: Connection, kinds: Kinds, workspace: Workspace, span: Span, now: str
) -> tuple[Row, list[Row], list[str]]:
    """Return the counts, the sums of each currency, and notes on counts that may be higher."""
    workspace_id = workspace.id
    staged = [kind for kind in kinds.records if "stage" in kind.writable]
    counts: Row = {f"created.{kind.plural}": records.created(connection, kind, workspace_id, span) for kind in staged}
    notes: list[str] = []
    counts |= {"contacted": 0, "moved": 0, WON: 0, LOST: 0}
    past = structs.replace(span, until=now if span.until is None else min(span.until, now))
    for kind in (each for each in kinds.records if each.quiet_days):
        found, is_whole = contacts.contacted(connection, kind, workspace_id, past, CONTACTS, spans.READ)
        counts["contacted"] += found
        if not is_whole:
            notes.append(f"contacted is of the newest {spans.READ} activities: there may be more")
    counts["moved"], is_whole = moves.moved(connection, workspace_id, span, spans.READ)
    if not is_whole:
        notes.append(f"moved is of the newest {spans.READ} changes of stages: there may be more")
    begin = outdated.begins_at(connection, workspace)
    if (span.since or "") < begin:
        notes.append(f"moved is of changes since {begin}, when the log begins: older entries are gone")
    sums: dict[str, Row] = {}
    for kind in _ending(kinds):
        for each in records.ended(connection, kind, workspace_id, span, (WON, LOST)):
            counts[each.status] += each.records
            if each.status == WON and kind.forecast:
                sums.setdefault(each.currency, {})[f"{WON}.{kind.forecast.amount}"] = each.amount
    return counts, [{**row, "currency": currency} for currency, row in sorted(sums.items())], notes


def _ending(kinds: Kinds) -> list[Kind]:
    """Return the kinds whose records are won or lost."""
    return [kind for kind in kinds.records if kind.forecast and stages.ends(kind) and "closed_at" in kind.by_name]


def _sums(kinds: Kinds) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{WON}.{kind.forecast.amount}" for kind in _ending(kinds) if kind.forecast))
