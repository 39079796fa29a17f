"""The routes of workspaces and teams."""

from collections.abc import Mapping
from typing import Any

from crmkit.core.configuration import rights, settings
from crmkit.core.people import joining, notes, teams, workspaces
from crmkit.model.access import EVERYTHING
from crmkit.model.actor import Invite, Member, Membership
from crmkit.model.preferences import shown
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Answer, Table, done, page, team, thing
from crmkit.render.formats import LISTS
from crmkit.render.tail import NO_TAIL, Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route, read, route

ONE = "/workspaces/{id}"


@read("/workspaces", name="list_workspaces", summary="workspaces you belong to", area="workspace", formats=LISTS)
async def mine(call: HttpCall) -> Answer:
    actor = call.actor
    memberships, invites = await workspaces.mine(call)
    rows = tuple(
        (f"workspace/{membership.workspace_id}", _shown(membership, actor.workspace_id)) for membership in memberships
    )
    return page(MixedListing("workspaces", rows, Paging.whole(len(rows), notes.of_invites(invites))))


def _shows_created(call: HttpCall, membership: Membership) -> Answer:
    return _one(membership, Tail(counts=["created"], notes=[_token_note(call, membership)]), status=201)


@route(
    "POST",
    "/workspaces",
    name="create_workspace",
    summary="open one, as its admin",
    area="workspace",
    verb="write",
    also=(EVERYTHING,),
    form=workspaces.WORKSPACE,
    query=("code",),
    status=201,
    shows=_shows_created,
)
async def create(call: HttpCall) -> Membership:
    return await workspaces.create(call, await call.body())


def _shows_changed(_: HttpCall, membership: Membership) -> Answer:
    return _one(membership)


@route(
    "PATCH",
    ONE,
    name="change_workspace",
    summary=f"its settings: {', '.join(settings.SETTINGS.writable)} (admin)",
    area="workspace",
    verb="write",
    form=settings.SETTINGS,
    consent=FREE,
    shows=_shows_changed,
)
async def change(call: HttpCall, id: str) -> Membership:
    await rights.check_admin(call, id)
    return await settings.change(call, id, await call.body())


def _shows_removed(_: HttpCall, id: str) -> Answer:
    return done(f"deleted workspace/{id} and all its data", {"id": id, "handle": f"workspace/{id}"})


@route(
    "DELETE",
    ONE,
    name="delete_workspace",
    summary="delete it and all its data (admin, step-up: code)",
    area="workspace",
    verb="delete",
    query=("code",),
    shows=_shows_removed,
)
async def remove(call: HttpCall, id: str) -> str:
    return await workspaces.delete(call, id)


def _shows_joined(call: HttpCall, membership: Membership) -> Answer:
    return _one(membership, Tail(notes=[_token_note(call, membership)]))


@route(
    "POST",
    f"{ONE}/join",
    name="join_workspace",
    summary="accept your invite to it",
    area="team",
    verb="write",
    query=("code",),
    shows=_shows_joined,
)
async def join(call: HttpCall, id: str) -> Membership:
    return await joining.accept(call, id)


@read(f"{ONE}/members", name="list_members", summary="members and pending invites", area="team")
async def people(call: HttpCall, id: str) -> Answer:
    members, invites = await teams.people(call, id)
    return team(
        [{"user_id": m.user_id, "email": m.email, "role": m.role, "joined_at": m.joined_at} for m in members],
        [{"id": i.id, "email": i.email, "role": i.role, "created_at": i.created_at} for i in invites],
    )


def _shows_invite(_: HttpCall, found: Invite) -> Answer:
    facts = {"id": found.id, "handle": f"invite/{found.id}", "email": found.email, "role": found.role}
    message = f"invited {found.email} as {found.role}: invite/{found.id}"
    note = (
        "they join by signing in with that address if they are new or share a workspace with you, else by "
        f"POST /workspaces/{found.workspace_id}/join"
    )
    return done(message, facts, Tail(notes=[note]), status=201)


@route(
    "POST",
    f"{ONE}/invites",
    name="invite",
    summary="invite an address (admin; step-up for an admin)",
    area="team",
    verb="write",
    form=teams.INVITE,
    query=("code",),
    status=201,
    shows=_shows_invite,
)
async def invite(call: HttpCall, id: str) -> Invite:
    return await teams.invite(call, id, await call.body())


def _shows_withdrawn(_: HttpCall, id: str) -> Answer:
    return done(f"withdrew invite/{id}", {"id": id, "handle": f"invite/{id}"})


@route(
    "DELETE",
    f"{ONE}/invites/{{invite_id}}",
    name="withdraw_invite",
    summary="withdraw an invite (admin)",
    area="team",
    verb="delete",
    query=("code",),
    shows=_shows_withdrawn,
)
async def withdraw(call: HttpCall, id: str, invite_id: str) -> str:
    return await teams.withdraw(call, id, invite_id)


def _shows_role(_: HttpCall, member: Member) -> Answer:
    facts = {"user_id": member.user_id, "handle": f"user/{member.user_id}", "role": member.role}
    return done(f"user/{member.user_id} role={member.role}", facts)


@route(
    "POST",
    f"{ONE}/members/{{user_id}}/role",
    name="set_role",
    summary="make someone admin (step-up) or member (admin)",
    area="team",
    verb="write",
    form=teams.ROLE,
    query=("code",),
    shows=_shows_role,
)
async def set_role(call: HttpCall, id: str, user_id: str) -> Member:
    return await teams.set_role(call, id, user_id, await call.body())


def _shows_member_removed(_: HttpCall, member: Member) -> Answer:
    handle = f"user/{member.user_id}"
    return done(f"removed {handle}", {"user_id": member.user_id, "handle": handle})


@route(
    "DELETE",
    f"{ONE}/members/{{user_id}}",
    name="remove_member",
    summary="remove a member (admin), or leave",
    area="team",
    verb="delete",
    query=("code",),
    shows=_shows_member_removed,
)
async def remove_member(call: HttpCall, id: str, user_id: str) -> Member:
    return await teams.remove(call, id, user_id)


def _one(membership: Membership, tail: Tail = NO_TAIL, status: int = 200) -> Table:
    return thing(f"workspace/{membership.workspace_id}", _shown(membership, ""), tail, status)


def _token_note(call: HttpCall, membership: Membership) -> str:
    """Return a note on how to work in a workspace that the caller's token does not work in."""
    if call.actor.reaches(membership.workspace_id) and not call.is_tool:
        return f"POST /workspaces/{membership.workspace_id}/tokens gives a token that works in it"
    if call.actor.is_app or call.is_tool:
        return "an app works in one workspace; for this one the user connects it again and picks it"
    return "this token works in one workspace; one with full access makes a token for this one"


def _shown(membership: Membership, current: str) -> Mapping[str, Any]:
    return {
        "id": membership.workspace_id,
        "name": membership.name,
        "role": membership.role,
        "plan": membership.plan,
        "created_at": membership.created_at,
        **shown(membership.preferences),
        **({"current": membership.workspace_id == current} if current else {}),
    }


ROUTES: list[Route] = [
    mine,
    create,
    change,
    remove,
    join,
    people,
    invite,
    withdraw,
    set_role,
    remove_member,
]
