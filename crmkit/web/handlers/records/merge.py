"""The routes that merge two records of a kind."""

from crmkit.core.merging import merge
from crmkit.core.records.settled import Saved
from crmkit.model.record import Kind
from crmkit.render.answers import Answer, One
from crmkit.render.tail import Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, route


def merge_routes(kind: Kind) -> list[Route]:
    """Return the handlers of one kind, none where its records are not merged."""
    if not kind.is_mergeable:
        return []

    def shows_merged(_: HttpCall, saved: Saved) -> Answer:
        return One(kind, saved.record, tail=Tail(notes=saved.notes, outcome="merged"))

    @route(
        "POST",
        f"{kind.path}/{{id}}/merge",
        name=f"merge_{kind.name}",
        tool="merge",
        summary="merge another into it, in two steps",
        kind=kind,
        verb="delete",
        also=(f"{kind.plural}.write",),
        form=merge.form(kind),
        query=("confirm",),
        shows=shows_merged,
    )
    async def merge_into(call: HttpCall, id: str) -> Saved:
        version = call.if_match()
        return await merge.merge(call, kind, id, await call.body(), version)

    return [merge_into]
