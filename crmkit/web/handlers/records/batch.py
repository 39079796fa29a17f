"""The routes of batches: many records of a kind in one request."""

from collections.abc import Sequence

from crmkit.core.many import batch
from crmkit.errors import Problem
from crmkit.model.record import Kind
from crmkit.render.answers import Answer
from crmkit.render.batch import Item, outcomes
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, route


def batch_route(kind: Kind) -> Route:
    """Return the handler of the batches of one kind."""

    @route(
        "POST",
        f"/{kind.plural}/batch",
        name=f"save_{kind.plural}",
        summary=f"many {kind.plural} at once (atomic=1: all or none)",
        kind=kind,
        verb="write",
        query=("atomic",),
        status=201,
        is_batch=True,
        shows=_shown,
        undoes=True,
    )
    async def save(call: HttpCall) -> Sequence[batch.Outcome]:
        atomic = call.flag("atomic")
        return await batch.save(call, kind, await call.items(), atomic)

    return save


def _shown(_: HttpCall, found: Sequence[batch.Outcome]) -> Answer:
    return outcomes([_item(outcome) for outcome in found])


def _item(outcome: batch.Outcome) -> Item:
    if isinstance(outcome, Problem):
        return Item("failed", problem=outcome)
    record = outcome.record
    return Item("created" if outcome.created else "updated", record.id, record.handle, outcome.notes)
