"""The routes of workspaces and teams."""

from collections.abc import Mapping
from typing import Any

from crmkit.core.configuration import rights, settings
from crmkit.core.people import joining, notes, teams, workspaces
from crmkit.model.actor import Membership
from crmkit.model.preferences import shown
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Answer, Card, Table, done, page, team, thing
from crmkit.render.tail import NO_TAIL, Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route, read, route

ONE = "/workspaces/{id}"


@read("/workspaces", name="list_workspaces", summary="workspaces you belong to", area="workspace")
async def mine(call: HttpCall) -> Answer:
    actor = call.actor
    memberships, invites = await workspaces.mine(call)
    rows = tuple(
        (f"workspace/{membership.workspace_id}", _shown(membership, actor.workspace_id)) for membership in memberships
    )
    return page(MixedListing("workspaces", rows, Paging.whole(len(rows), notes.of_invites(invites))))


@route(
    "POST",
    "/workspaces",
    name="create_workspace",
    summary="open one, as its admin",
    area="workspace",
    verb="write",
    form=workspaces.WORKSPACE,
    query=("code",),
    status=201,
)
async def create(call: HttpCall) -> Answer:
    membership = await workspaces.create(call, await call.body())
    return _one(membership, Tail(counts=["created"], notes=[_token_note(call, membership)]), status=201)


@route(
    "PATCH",
    ONE,
    name="change_workspace",
    summary=f"its settings: {', '.join(settings.SETTINGS.writable)} (admin)",
    area="workspace",
    verb="write",
    form=settings.SETTINGS,
    consent=FREE,
)
async def change(call: HttpCall, id: str) -> Answer:
    await rights.check_admin(call, id)
    return _one(await settings.change(call, id, await call.body()))


@route(
    "DELETE",
    ONE,
    name="delete_workspace",
    summary="delete it and all its data (admin, step-up: code)",
    area="workspace",
    verb="delete",
    query=("code",),
)
async def remove(call: HttpCall, id: str) -> Answer:
    bare = await workspaces.delete(call, id)
    return done(f"deleted workspace/{bare} and all its data", {"id": bare, "handle": f"workspace/{bare}"})


@route(
    "POST",
    f"{ONE}/tokens",
    name="mint_token",
    summary="a token that works in it",
    area="tokens",
    verb="write",
    form=workspaces.TOKEN,
    query=("code",),
    status=201,
)
async def mint_token(call: HttpCall, id: str) -> Answer:
    token, name, membership = await workspaces.mint_token(call, id, await call.body())
    facts = {"token": token, "token_name": name, "workspace_id": membership.workspace_id}
    lines = {"token": token, "workspace": membership.workspace_id}
    note = "save this token, it is shown once; whoever sends it works in that workspace"
    return Card(lines, facts, done="token created", tail=Tail(notes=[note]), status=201)


@route(
    "POST",
    f"{ONE}/join",
    name="join_workspace",
    summary="accept your invite to it",
    area="team",
    verb="write",
    query=("code",),
)
async def join(call: HttpCall, id: str) -> Answer:
    membership = await joining.accept(call, id)
    return _one(membership, Tail(notes=[_token_note(call, membership)]))


@read(f"{ONE}/members", name="list_members", summary="members and pending invites", area="team")
async def people(call: HttpCall, id: str) -> Answer:
    members, invites = await teams.people(call, id)
    return team(
        [{"user_id": m.user_id, "email": m.email, "role": m.role, "joined_at": m.joined_at} for m in members],
        [{"id": i.id, "email": i.email, "role": i.role, "created_at": i.created_at} for i in invites],
    )


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
)
async def invite(call: HttpCall, id: str) -> Answer:
    found = await teams.invite(call, id, await call.body())
    facts = {"id": found.id, "handle": f"invite/{found.id}", "email": found.email, "role": found.role}
    message = f"invited {found.email} as {found.role}: invite/{found.id}"
    note = (
        "they join by signing in with that address if they are new or share a workspace with you, else by "
        f"POST /workspaces/{found.workspace_id}/join"
    )
    return done(message, facts, Tail(notes=[note]), status=201)


@route(
    "DELETE",
    f"{ONE}/invites/{{invite_id}}",
    name="withdraw_invite",
    summary="withdraw an invite (admin)",
    area="team",
    verb="delete",
    query=("code",),
)
async def withdraw(call: HttpCall, id: str, invite_id: str) -> Answer:
    bare = await teams.withdraw(call, id, invite_id)
    return done(f"withdrew invite/{bare}", {"id": bare, "handle": f"invite/{bare}"})


@route(
    "POST",
    f"{ONE}/members/{{user_id}}/role",
    name="set_role",
    summary="make someone admin (step-up) or member (admin)",
    area="team",
    verb="write",
    form=teams.ROLE,
    query=("code",),
)
async def set_role(call: HttpCall, id: str, user_id: str) -> Answer:
    member = await teams.set_role(call, id, user_id, await call.body())
    facts = {"user_id": member.user_id, "handle": f"user/{member.user_id}", "role": member.role}
    return done(f"user/{member.user_id} role={member.role}", facts)


@route(
    "DELETE",
    f"{ONE}/members/{{user_id}}",
    name="remove_member",
    summary="remove a member (admin), or leave",
    area="team",
    verb="delete",
    query=("code",),
)
async def remove_member(call: HttpCall, id: str, user_id: str) -> Answer:
    member = await teams.remove(call, id, user_id)
    return done(f"removed user/{member.user_id}", {"user_id": member.user_id, "handle": f"user/{member.user_id}"})


def _one(membership: Membership, tail: Tail = NO_TAIL, status: int = 200) -> Table:
    return thing(f"workspace/{membership.workspace_id}", _shown(membership, ""), tail, status)


def _token_note(call: HttpCall, membership: Membership) -> str:
    """Return a note on how to work in a workspace that the caller's token does not work in."""
    if call.actor.reaches(membership.workspace_id) and not call.is_tool:
        return f"POST /workspaces/{membership.workspace_id}/tokens gives a token that works in it"
    return "an app works in one workspace; for this one the user connects it again and picks it"


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
    mint_token,
    join,
    people,
    invite,
    withdraw,
    set_role,
    remove_member,
]
