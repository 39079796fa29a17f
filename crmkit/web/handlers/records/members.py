"""The routes of the members of campaigns."""

from crmkit.core.records import memberships
from crmkit.model.record import Kinds, Record
from crmkit.render.answers import Answer, beside, noted, page
from crmkit.render.tail import Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read, route


def member_routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of the members of what records may be members of."""
    whole, members = kinds.whole.to, [link.to for link in kinds.members]
    path = f"{whole.path}/{{id}}/members"

    def shows_removed(_: HttpCall, removed: tuple[Record, Record, tuple[str, ...]]) -> Answer:
        member, campaign, notes = removed
        facts = {"id": member.id, "handle": member.handle, kinds.whole.link: campaign.id}
        return noted(f"removed {member.handle} from {campaign.handle}", facts, notes)

    @read(
        path,
        name=f"list_{whole.name}_members",
        summary="its members, who joined last first: kind",
        kind=whole,
        shown=members,
        beside=memberships.BESIDE,
        query=memberships.PARAMETERS,
    )
    async def find_all(call: HttpCall, id: str) -> Answer:
        return page(await memberships.find_all(call, id, call.parameters()))

    @route(
        "POST",
        path,
        name=f"add_{whole.name}_member",
        summary="join a contact or a company, with a reason",
        kind=whole,
        shown=members,
        beside=memberships.BESIDE,
        verb="write",
        form=memberships.form(kinds),
        status=201,
        shows=_shows_added,
    )
    async def add(call: HttpCall, id: str) -> memberships.Member:
        return await memberships.add(call, id, await call.body())

    @route(
        "DELETE",
        f"{path}/{{member_id}}",
        name=f"remove_{whole.name}_member",
        summary="end a membership, in one step",
        kind=whole,
        verb="delete",
        shows=shows_removed,
    )
    async def remove(call: HttpCall, id: str, member_id: str) -> tuple[Record, Record, tuple[str, ...]]:
        return await memberships.remove(call, id, member_id)

    return [find_all, add, remove]


def _shows_added(_: HttpCall, member: memberships.Member) -> Answer:
    outcome, status = ("created", 201) if member.is_new else ("updated", 200)
    return beside(member.kind, member.record, member.facts, Tail(notes=member.notes, outcome=outcome), status)
