"""The routes of workspaces and teams."""

from collections.abc import Mapping
from typing import Any

from litestar import delete, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from crmkit.core.people import joining, teams, workspaces
from crmkit.model.actor import Actor, Membership
from crmkit.model.listing import MixedListing, Paging
from crmkit.render.answers import Answer, Card, Line, Lines, Team, done
from crmkit.web.gate import QUERY
from crmkit.web.handlers.account import invite_notes
from crmkit.web.requests import HttpRequest, actor_of, body_of, code_of, crm_of, read

ONE = "/workspaces/{id:str}"


@read("/workspaces", name="list_workspaces", summary="workspaces you belong to")
async def mine(request: HttpRequest) -> Answer:
    actor = actor_of(request)
    memberships, invites = await workspaces.mine(crm_of(request), actor)
    rows = tuple(
        (f"workspace/{membership.workspace_id}", _shown(membership, actor.workspace_id)) for membership in memberships
    )
    return Lines(MixedListing("workspaces", rows, Paging.whole(len(rows), invite_notes(invites))))


@post(
    "/workspaces",
    name="create_workspace",
    summary="open one, as its admin",
    opt={"form": workspaces.WORKSPACE, QUERY: ("code",)},
)
async def create(request: HttpRequest) -> Answer:
    actor, body = actor_of(request), await body_of(request)
    membership = await workspaces.create(crm_of(request), actor, body, code_of(request))
    return _one(membership, ["created", _token_note(actor, membership)], status=201)


@patch(ONE, name="rename_workspace", summary="rename it (admin)", opt={"form": workspaces.WORKSPACE})
async def rename(request: HttpRequest, id: FromPath[str]) -> Answer:
    return _one(await workspaces.rename(crm_of(request), actor_of(request), id, await body_of(request)), [])


@delete(
    ONE,
    name="delete_workspace",
    summary="delete it and all its data (admin, step-up: code)",
    status_code=200,
    opt={QUERY: ("code",)},
)
async def remove(request: HttpRequest, id: FromPath[str]) -> Answer:
    bare = await workspaces.delete(crm_of(request), actor_of(request), id, code_of(request))
    return done(f"deleted workspace/{bare} and all its data", {"id": bare, "handle": f"workspace/{bare}"})


@post(
    f"{ONE}/tokens",
    name="mint_token",
    summary="a token that works in it",
    opt={"form": workspaces.TOKEN, QUERY: ("code",)},
)
async def mint_token(request: HttpRequest, id: FromPath[str]) -> Answer:
    body, code = await body_of(request), code_of(request)
    token, name, membership = await workspaces.mint_token(crm_of(request), actor_of(request), id, body, code)
    facts = {"token": token, "token_name": name, "workspace_id": membership.workspace_id}
    lines = {"token": token, "workspace": membership.workspace_id}
    note = "note: save this token, it is shown once; send it to work in that workspace"
    return Card(lines, facts, done="token created", comments=[note], status=201)


@post(
    f"{ONE}/join",
    name="join_workspace",
    summary="accept your invite to it",
    status_code=200,
    opt={QUERY: ("code",)},
)
async def join(request: HttpRequest, id: FromPath[str]) -> Answer:
    actor = actor_of(request)
    membership = await joining.accept(crm_of(request), actor, id, code_of(request))
    return _one(membership, [_token_note(actor, membership)])


@read(f"{ONE}/members", name="list_members", summary="members and pending invites")
async def people(request: HttpRequest, id: FromPath[str]) -> Answer:
    members, invites = await teams.people(crm_of(request), actor_of(request), id)
    return Team(
        [{"user_id": m.user_id, "email": m.email, "role": m.role, "joined_at": m.joined_at} for m in members],
        [{"id": i.id, "email": i.email, "role": i.role, "created_at": i.created_at} for i in invites],
    )


@post(
    f"{ONE}/invites",
    name="invite",
    summary="invite an address (admin; step-up for an admin)",
    opt={"form": teams.INVITE, QUERY: ("code",)},
)
async def invite(request: HttpRequest, id: FromPath[str]) -> Answer:
    body = await body_of(request)
    found = await teams.invite(crm_of(request), actor_of(request), id, body, code_of(request))
    facts = {"id": found.id, "handle": f"invite/{found.id}", "email": found.email, "role": found.role}
    message = f"invited {found.email} as {found.role}: invite/{found.id}"
    note = (
        "note: they join by signing in with that address if they are new or share a workspace with you, else by "
        f"POST /workspaces/{found.workspace_id}/join"
    )
    return done(message, facts, [note], status=201)


@delete(
    f"{ONE}/invites/{{invite_id:str}}",
    name="withdraw_invite",
    summary="withdraw an invite (admin)",
    status_code=200,
    opt={QUERY: ("code",)},
)
async def withdraw(request: HttpRequest, id: FromPath[str], invite_id: FromPath[str]) -> Answer:
    bare = await teams.withdraw(crm_of(request), actor_of(request), id, invite_id, code_of(request))
    return done(f"withdrew invite/{bare}", {"id": bare, "handle": f"invite/{bare}"})


@post(
    f"{ONE}/members/{{user_id:str}}/role",
    name="set_role",
    summary="make someone admin (step-up) or member (admin)",
    status_code=200,
    opt={"form": teams.ROLE, QUERY: ("code",)},
)
async def set_role(request: HttpRequest, id: FromPath[str], user_id: FromPath[str]) -> Answer:
    body = await body_of(request)
    member = await teams.set_role(crm_of(request), actor_of(request), id, user_id, body, code_of(request))
    facts = {"user_id": member.user_id, "handle": f"user/{member.user_id}", "role": member.role}
    return done(f"user/{member.user_id} role={member.role}", facts)


@delete(
    f"{ONE}/members/{{user_id:str}}",
    name="remove_member",
    summary="remove a member (admin), or leave",
    status_code=200,
    opt={QUERY: ("code",)},
)
async def remove_member(request: HttpRequest, id: FromPath[str], user_id: FromPath[str]) -> Answer:
    member = await teams.remove(crm_of(request), actor_of(request), id, user_id, code_of(request))
    return done(f"removed user/{member.user_id}", {"user_id": member.user_id, "handle": f"user/{member.user_id}"})


def _one(membership: Membership, comments: list[str], status: int = 200) -> Line:
    return Line(f"workspace/{membership.workspace_id}", _shown(membership, ""), comments, status)


def _token_note(actor: Actor, membership: Membership) -> str:
    """Return a note on how to work in a workspace that the caller's token does not work in."""
    if actor.reaches(membership.workspace_id):
        return f"note: POST /workspaces/{membership.workspace_id}/tokens gives a token that works in it"
    return "note: an app works in one workspace; for this one the user connects it again and picks it"


def _shown(membership: Membership, current: str) -> Mapping[str, Any]:
    return {
        "id": membership.workspace_id,
        "name": membership.name,
        "role": membership.role,
        "plan": membership.plan,
        "created_at": membership.created_at,
        **({"current": membership.workspace_id == current} if current else {}),
    }


ROUTES: list[HTTPRouteHandler] = [
    mine,
    create,
    rename,
    remove,
    mint_token,
    join,
    people,
    invite,
    withdraw,
    set_role,
    remove_member,
]
