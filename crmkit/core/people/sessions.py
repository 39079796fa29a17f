"""Tokens in use: whose a token is, which tokens a user has, how many there may be, and how one ends."""

from functools import partial

from msgspec import Struct

from crmkit.clock import Moment, after
from crmkit.core import path_ids, quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.now import moment
from crmkit.core.people import access, stepup
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import tokens
from crmkit.storage.people.tokens import TokenUse

WORTH_WRITING_MINUTES = 10  # a token's use is written down at most this often


class Identity(Struct, frozen=True):
    """Who the caller is, what the plan allows (resource -> (used, cap or None)), and what time it is there."""

    actor: Actor
    usage: dict[str, tuple[int, int | None]]
    moment: Moment


class Session(Struct, frozen=True):
    """One of the caller's tokens; `current` marks the one that asks."""

    id: str
    name: str
    workspace_id: str
    created_at: str
    last_used_at: str
    current: bool


async def authenticate(crm: Crm, header: str, client: str = "") -> Actor:
    """Return the actor that the token in this Authorization header stands for, sent by a client at this address.

    Raises `auth_required` without a token, `invalid_token` for one that is unknown, revoked, of somebody who left its
    workspace, or not for this address, `token_expired` for one whose end has come or that was not used for too long.
    """
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" and scheme:
        raise access.invalid_token(
            "Send Authorization: Bearer TOKEN: the word Bearer is missing. If you have no token, sign in"
        )
    if not token:
        raise Problem(
            "auth_required",
            f"Send the header Authorization: Bearer TOKEN. To get a token: {access.SIGN_IN}.",
            headers=access.CHALLENGE,
        )
    hash = sha256(token)
    found = crm.database.cached(tokens.find, hash) or await crm.database.read_cached(tokens.find, hash)
    if found is None:
        raise access.invalid_token()
    now, allowed = crm.now, found.actor.access
    if allowed.networks and not allowed.open_to(client):
        raise access.invalid_token(f"This token does not work from the address {client or 'of this machine'}. Sign in")
    if allowed.expires_at and allowed.expires_at <= now:  # NEVER is greater
        raise Problem(
            "token_expired",
            f"This token ended at {allowed.expires_at}. Sign in again: {access.SIGN_IN}.",
            headers=access.CHALLENGE,
        )
    if not after(now, minutes=-WORTH_WRITING_MINUTES) <= found.last_used_at <= now:  # ahead: the clock was set back
        if not allowed.expires_at and found.last_used_at < _idle_since(crm, now):
            raise Problem(
                "token_expired",
                f"This token was not used for {crm.settings.auth.token_idle_days} days. "
                f"Sign in again: {access.SIGN_IN}.",
                headers=access.CHALLENGE,
            )
        # beside the request: reads go on where nothing can be written
        token_id = found.actor.token_id
        crm.database.write_later(token_id, partial(tokens.touch, token_id=token_id, at=now))
    return found.actor


def living(crm: Crm, use: TokenUse | None) -> Actor | None:
    """Return the actor of a token that is known by its id, None where it is unknown or has ended."""
    if use is None:
        return None
    ends = use.actor.access.expires_at
    is_over = ends <= crm.now if ends else use.last_used_at < _idle_since(crm, crm.now)
    return None if is_over else use.actor


async def whoami(call: Call) -> Identity:
    """Return who the caller is and what their workspace holds; everybody may ask."""
    return Identity(call.actor, await call.read(quotas.usage, call.crm, call.actor), moment(call))


async def sessions(call: Call) -> list[Session]:
    """Return the caller's own tokens that have not expired, newest first; to a connected app those of its workspace."""
    crm, actor = call.crm, call.actor
    rows = await call.read(tokens.listed, actor.user_id, _idle_since(crm, crm.now))
    found = [Session(*row, current=row[0] == actor.token_id) for row in rows]
    return [session for session in found if actor.reaches(session.workspace_id)]


async def revoke(call: Call, id: str) -> str:
    """End one of the caller's own tokens and return its bare id; the next request with it is refused.

    A connected app may end its own, and needs a code for another of its workspace (see stepup.confirmed). Raises
    `not_found` for a token of somebody else.
    """
    actor = call.actor
    bare = path_ids.bare(call.crm.kinds.prefixes, id, "tok", "GET /tokens lists yours.")

    def check(tx: Tx) -> stepup.Act | None:
        workspace_id = tokens.workspace_of(tx.connection, actor.user_id, bare)
        if workspace_id is None or not tx.by.reaches(workspace_id):
            raise Problem("not_found", "You have no such token. GET /tokens lists yours.")
        if bare == actor.token_id:
            return None
        return stepup.Act(f"token.revoke {workspace_id} {bare}", f"end your token {bare}", always=False)

    def do(tx: Tx) -> str:
        _end(tx, bare)
        return bare

    return await stepup.confirmed(call, check, do)


def check_room(tx: Tx, crm: Crm) -> None:
    """Raise `plan_limit_reached` unless the actor's user may have one more token."""
    most = crm.settings.limits.tokens_per_user
    if len(tokens.listed(tx.connection, tx.by.user_id, _idle_since(crm, tx.now))) >= most:
        raise Problem(
            "plan_limit_reached",
            f"You have {most} tokens, and more are not allowed. End some that you do not need: GET /tokens lists them, "
            "DELETE /tokens/{id} ends one.",
            facts={"resource": "tokens", "cap": most, "used": most},
        )


def make_room(tx: Tx, crm: Crm) -> None:
    """End the tokens of the actor's user that were unused for the longest time, until one more is allowed."""
    listed = tokens.listed(tx.connection, tx.by.user_id, _idle_since(crm, tx.now))
    surplus = max(0, len(listed) + 1 - crm.settings.limits.tokens_per_user)
    ending = sorted(listed, key=lambda row: row[-1])[:surplus]
    tx.enter(*(workspace_id for _, _, workspace_id, *_ in ending))
    for id, *_ in ending:
        _end(tx, id)


def _end(tx: Tx, id: str) -> None:
    """End a token of the actor's user, if they have it; that is logged in the workspace where the token worked."""
    workspace_id = tokens.workspace_of(tx.connection, tx.by.user_id, id)
    if workspace_id is None:
        return
    access.enter_as_member(tx, workspace_id)
    gone = tokens.remove(tx, tx.by.user_id, id)
    if gone is not None:
        name, _ = gone
        audit.append(tx, "token.revoke", f"token/{id}", {"name": [name, None]})


def _idle_since(crm: Crm, now: str) -> str:
    """Return since when a token must have been used to be alive."""
    return after(now, days=-crm.settings.auth.token_idle_days)
