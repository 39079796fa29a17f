"""The routes of batches: many records of a kind in one request."""

from collections.abc import Sequence

from crmkit.core.many import batch
from crmkit.errors import Problem
from crmkit.model.record import Kind
from crmkit.render.answers import Answer
from crmkit.render.batch import Item, outcomes
from crmkit.web.call import HttpCall
from crmkit.web.handlers.records.kinds import merges_alike, parameters
from crmkit.web.route import Route, route


def batch_route(kind: Kind) -> Route:
    """Return the handler of the batches of one kind."""

    @route(
        "POST",
        f"{kind.path}/batch",
        name=f"save_{kind.plural}",
        tool="create_many",
        summary=f"many {kind.plural} at once (atomic=1: all or none)",
        kind=kind,
        verb="write",
        query=("atomic", *parameters(kind)),
        status=201,
        is_batch=True,
        shows=_shown,
        undoes=True,
    )
    async def save(call: HttpCall) -> Sequence[batch.Outcome]:
        atomic = call.flag("atomic")
        alike = merges_alike(call)
        return await batch.save(call, kind, await call.items(), atomic, alike)

    return save


def _shown(_: HttpCall, found: Sequence[batch.Outcome]) -> Answer:
    return outcomes([_item(outcome) for outcome in found])


def _item(outcome: batch.Outcome) -> Item:
    if isinstance(outcome, Problem):
        return Item("failed", problem=outcome)
    record = outcome.record
    told = "created" if outcome.created else "updated"
    return Item(told, record.id, record.handle, outcome.notes, potential_duplicate=outcome.potential_duplicate)
