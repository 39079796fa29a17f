"""The funnel: the records that were created in a period, by stage, in the order of their pipeline."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crmkit.core.analytics import spans
from crmkit.core.call import Call
from crmkit.core.configuration.pipelines import having
from crmkit.errors import Problem
from crmkit.model.configuration.pipeline import Pipeline
from crmkit.model.fields import Choice, Invalid
from crmkit.model.fold import fold
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.record import Kind, Kinds
from crmkit.storage.analytics import records
from crmkit.storage.analytics.records import Stage
from crmkit.storage.analytics.span import Span
from crmkit.storage.configuration import pipelines
from crmkit.storage.interface.connection import Connection

PARAMETERS = ("kind", *spans.SPAN)
DEFAULT = "deals"
DIGITS = 4  # of a share, which is a part of 1


async def funnel(call: Call, parameters: Mapping[str, str]) -> tuple[MixedListing, Span]:
    """Return a row for each stage that records of the period are at, and the period.

    The stages of the pipeline come first, in its order, then others, those of most records first, then none. Until a
    pipeline is set, others and none come before won and lost. A stage
    has a row for each currency of its records, the one of most records first. Shares are of all these records.
    """
    kind = _kind(call.crm.kinds, parameters.get("kind", ""))
    span = spans.span(call, parameters)
    pipeline, found, total = await call.scan(_read, kind, call.actor.workspace_id, span)
    counted = sum(each.records for each in found)
    notes = () if counted == total else (f"of {total} {kind.plural}, the newest {counted} are counted",)
    rows = [_row(kind, each, counted) for each in _ordered(pipeline, found)]
    paging = Paging.whole(len(rows), (*notes, *spans.left_out(rows)))
    return MixedListing("rows", tuple((kind.plural, row) for row in rows[: spans.ROWS]), paging), span


def _read(connection: Connection, kind: Kind, workspace_id: str, span: Span) -> tuple[Pipeline, list[Stage], int]:
    found = records.by_stage(connection, kind, workspace_id, span, spans.READ)
    total = records.created(connection, kind, workspace_id, span)
    return pipelines.pipeline_of(connection, workspace_id, kind.plural), found, total


def _ordered(pipeline: Pipeline, found: Sequence[Stage]) -> list[Stage]:
    places = {fold(stage.name): place for place, stage in enumerate(pipeline.stages)}
    sizes = Counter[str | None]()
    for each in found:
        sizes[each.key] += each.records

    def rank(each: Stage) -> tuple[Any, ...]:
        is_known = each.key in places
        is_late = is_known != pipeline.is_put  # without a pipeline only the ends are known
        place = places[each.key] if is_known and each.key is not None else -sizes[each.key]
        return is_late, each.key is None, place, each.key or "", -each.records, each.currency or ""

    return sorted(found, key=rank)


def _row(kind: Kind, stage: Stage, total: int) -> dict[str, Any]:
    row: dict[str, Any] = {"stage": stage.name, "count": stage.records, "share": round(stage.records / total, DIGITS)}
    if kind.forecast:
        has_sum = stage.amount is not None
        row |= {f"sum.{kind.forecast.amount}": stage.amount, "currency": stage.currency if has_sum else None}
    return row


def _kind(kinds: Kinds, text: str) -> Kind:
    """Return the kind of this name, singular or plural; raises `invalid_value` for one whose records have no stage."""
    known = {kind.plural: kind for kind in having(kinds)}
    named = kinds.by_word.get(text.strip().lower())
    try:
        return known[Choice(tuple(known)).cleaned(named.plural if named else text.strip() or DEFAULT)]
    except Invalid as error:
        raise Problem("invalid_value", f"Send kind={DEFAULT}, or leave it out.", fields={"kind": str(error)}) from None
