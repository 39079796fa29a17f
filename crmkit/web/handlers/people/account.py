"""The routes of a person: sign in, who am I, the end of my account."""

from collections.abc import Iterable, Mapping

from crmkit.core.people import account, login, notes, sessions
from crmkit.core.people.login import CODE_ENTRY, CODE_REQUEST
from crmkit.core.people.sessions import Identity
from crmkit.model.actor import Actor, Invite
from crmkit.model.preferences import shown
from crmkit.plans import AUDIT_DAYS
from crmkit.render.answers import Answer, Card, done
from crmkit.render.pages.rows import texts
from crmkit.render.tail import Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read, route


@route("POST", "/auth/request", summary="mail a sign-in code", form=CODE_REQUEST, public=True, direct=True)
async def request_code(call: HttpCall) -> Answer:
    sent = await login.request_code(call, await call.body())
    local = {} if sent.local_code is None else {"local_code": sent.local_code}
    first = [f"local mode: code={sent.local_code}"] if local else []
    note = 'ask the user for it, then POST /auth/verify {"email":"…","code":"…","token_name":"who you are"}'
    facts = {"email": sent.email, **local}
    return done(f"code sent to {sent.email}", facts, Tail(counts=first, notes=[note]), limits=sent.allowance.headers)


@route("POST", "/auth/verify", summary="exchange the code for a token", form=CODE_ENTRY, public=True, direct=True)
async def enter_code(call: HttpCall) -> Answer:
    signed_in = await login.enter_code(call, await call.body())
    facts = {
        "token": signed_in.token,
        "token_name": signed_in.token_name,
        "email": signed_in.email,
        "workspace_id": signed_in.workspace.workspace_id,
        "workspaces": [
            {"id": membership.workspace_id, "name": membership.name, "role": membership.role}
            for membership in signed_in.workspaces
        ],
        "joined": _facts_of(signed_in.joined),
        "invites": _facts_of(signed_in.invites),
    }
    told = notes.of_sign_in(signed_in)
    if told:
        facts["notes"] = told
    lines = {"token": signed_in.token, "workspace": signed_in.workspace.workspace_id}
    save = "save this token, it is shown once; send it as Authorization: Bearer TOKEN on every request"
    limits = signed_in.allowance.headers if signed_in.allowance else {}
    return Card(lines, facts, done="authenticated", tail=Tail(notes=[save, *told]), limits=limits)


def _facts_of(invites: Iterable[Invite]) -> list[dict[str, str]]:
    return [
        {"workspace_id": invite.workspace_id, "role": invite.role, "invited_by": invite.invited_by}
        for invite in invites
    ]


@read("/whoami", tool="whoami", area="own", summary="who you are, your workspace, its plan and use")
async def whoami(call: HttpCall) -> Answer:
    identity = await sessions.whoami(call)
    return identity_card(identity, {**identity.usage, **call.app.state.limit.used(call.actor)})


def identity_card(identity: Identity, used: Mapping[str, tuple[int, int | None]]) -> Card:
    """Return who the caller is; `used` has (used, cap or None) of what the plan may cap."""
    actor = identity.actor
    facts = {
        "email": actor.email,
        "user": actor.user_id,
        "workspace": actor.workspace_id,
        "workspace_name": actor.workspace_name,
        "role": actor.role,
        "token_name": actor.token_name,
        **actor.access.facts,
        "plan": actor.plan,
        **_days_and_money(actor),
    }
    lines = texts(facts)
    for resource, (count, cap) in used.items():
        lines[resource] = f"{count} / {'unlimited' if cap is None else cap}"
    lines[AUDIT_DAYS] = str(identity.audit_days or "unlimited")
    facts[AUDIT_DAYS] = identity.audit_days
    usage = {resource: {"used": count, "cap": cap} for resource, (count, cap) in used.items()}
    tail = Tail(now=identity.moment.now, timezone=identity.moment.timezone)
    return Card(lines, {**facts, "usage": usage}, tail=tail)


def _days_and_money(actor: Actor) -> dict[str, str | None]:
    """Return the zone whose days count for the caller, that of the workspace, and what else it prefers."""
    found = shown(actor.preferences)
    return {**found, "timezone": actor.timezone, "workspace_timezone": found["timezone"]}


def shows_zone(call: HttpCall, timezone: str | None) -> Answer:
    facts = {"email": call.actor.email, "user": call.actor.user_id, "timezone": timezone}
    return done(f"your time zone is {timezone or 'that of each workspace'}", facts)


@route(
    "PATCH",
    "/me",
    name="change_account",
    summary="your own timezone, before the workspace's",
    area="workspace",
    verb="write",
    form=account.ACCOUNT,
    query=("code",),
    shows=shows_zone,
)
async def change(call: HttpCall) -> str | None:
    return await account.change(call, await call.body())


def shows_end(call: HttpCall, gone: list[str]) -> Answer:
    with_them = f" and {', '.join(f'workspace/{id}' for id in gone)} with all data" if gone else ""
    facts = {"email": call.actor.email, "workspaces": gone}
    return done(f"ended the account of {call.actor.email}{with_them}", facts)


@route(
    "DELETE",
    "/me",
    name="end_account",
    summary="end your account, and workspaces you are alone in (step-up: code)",
    area="workspace",
    verb="delete",
    query=("code",),
    shows=shows_end,
)
async def end(call: HttpCall) -> list[str]:
    return await account.end(call)


ROUTES: list[Route] = [request_code, enter_code, whoami, change, end]
