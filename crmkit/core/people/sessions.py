"""Tokens in use: whose a token is, which tokens a user has, how many there may be, and how one ends."""

from functools import lru_cache, partial

from msgspec import Struct

from crmkit.clock import Moment, after
from crmkit.core import path_ids, quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.now import moment
from crmkit.core.people import access, stepup
from crmkit.errors import Problem
from crmkit.model.access import NEVER
from crmkit.model.actor import Actor
from crmkit.plans import AUDIT_DAYS
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts, tokens
from crmkit.storage.people.tokens import Listed, TokenUse

WORTH_WRITING_MINUTES = 10  # a token's use is written down at most this often


class Identity(Struct, frozen=True):
    """Who the caller is, what the plan allows (resource -> (used, cap or None)), and what time it is there.

    Entries of the audit log are kept for `audit_days`, for good where that is None.
    """

    actor: Actor
    usage: dict[str, tuple[int, int | None]]
    moment: Moment
    audit_days: int | None


async def authenticate(crm: Crm, header: str, client: str = "", now: str = "") -> Actor:
    """Return the actor that the token in this Authorization header stands for, sent by a client at this address.

    `now` is a stamp of the present moment, if there is one already.

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
    now, allowed = now or crm.now, found.actor.access
    access.check_use(found.actor, client, now)
    if not _worth_writing_since(now) <= found.last_used_at <= now:  # ahead: the clock was set back
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


@lru_cache(4)
def _worth_writing_since(now: str) -> str:
    return after(now, minutes=-WORTH_WRITING_MINUTES)


def living(crm: Crm, use: TokenUse | None) -> Actor | None:
    """Return the actor of a token that is known by its id, None where it is unknown or has ended."""
    if use is None:
        return None
    ends = use.actor.access.expires_at
    is_over = ends <= crm.now if ends else use.last_used_at < _idle_since(crm, crm.now)
    return None if is_over else use.actor


async def whoami(call: Call) -> Identity:
    """Return who the caller is and what their workspace holds; everybody may ask."""
    usage = await call.read(quotas.usage, call.crm, call.actor)
    audit_days = call.crm.settings.plans.caps(call.actor.plan).get(AUDIT_DAYS)
    return Identity(call.actor, usage, moment(call), audit_days)


async def sessions(call: Call) -> list[Listed]:
    """Return the caller's own tokens that have not ended, newest first; to one of a single workspace those of it."""
    crm, actor = call.crm, call.actor
    found = await call.read(tokens.listed, actor.user_id, _idle_since(crm, crm.now), crm.now)
    return [session for session in found if actor.reaches(session.workspace_id)]


class Ended(Struct, frozen=True):
    """A token that was ended, and how many that it had made were ended with it."""

    id: str
    made: int = 0


async def revoke(call: Call, id: str, keep_made: bool = False) -> Ended:
    """End one of the caller's own tokens, with those it made unless they are kept; the next request with it is refused.

    A token may end itself, another where it has `team.delete`. A connected app may end its own, and needs a code for
    another of its workspace (see stepup.confirmed). Raises `not_found` for a token of somebody else.
    """
    bare = token_id(call.crm, id)

    def check(tx: Tx) -> stepup.Act | None:
        if bare == tx.by.token_id:
            return None
        tx.by.access.check("team.delete")
        workspace_id = mine(tx, bare).workspace_id
        kept, says = (" made", "") if keep_made else ("", " and those it made")
        return stepup.Act(f"token.revoke {workspace_id} {bare}{kept}", f"end your token {bare}{says}", always=False)

    def do(tx: Tx) -> Ended:
        return end(tx, bare, keep_made)

    return await stepup.confirmed(call, check, do)


def token_id(crm: Crm, text: str) -> str:
    """Return the bare id in a path; raises `not_found` for a text that cannot be one."""
    return path_ids.bare(crm.kinds.prefixes, text, "tok", "GET /tokens lists yours.")


def mine(tx: Tx, id: str) -> Listed:
    """Return a token of the actor's user, in a workspace that the actor reaches; raises `not_found`."""
    found = tokens.of_user(tx.connection, tx.by.user_id, id)
    if found is None or not tx.by.reaches(found.workspace_id):
        raise Problem("not_found", "You have no such token. GET /tokens lists yours.")
    return found


def check_room(tx: Tx, crm: Crm) -> None:
    """Raise `plan_limit_reached` unless the actor's user may have one more token."""
    most = crm.settings.limits.tokens_per_user
    if len(_living(tx, crm)) >= most:
        raise Problem(
            "plan_limit_reached",
            f"You have {most} tokens, and more are not allowed. End some that you do not need: GET /tokens lists them, "
            "DELETE /tokens/{id} ends one.",
            facts={"resource": "tokens", "cap": most, "used": most},
        )


def make_room(tx: Tx, crm: Crm) -> None:
    """End the tokens of the actor's user that were unused for the longest time, until one more is allowed.

    Those that never end of themselves come last.
    """
    listed = _living(tx, crm)
    surplus = max(0, len(listed) + 1 - crm.settings.limits.tokens_per_user)
    ending = sorted(listed, key=lambda one: (one.access.expires_at == NEVER, one.last_used_at))[:surplus]
    tx.enter(*(one.workspace_id for one in ending))
    for one in ending:
        end(tx, one.id, keep_made=True)


def _living(tx: Tx, crm: Crm) -> list[Listed]:
    return tokens.listed(tx.connection, tx.by.user_id, _idle_since(crm, tx.now), tx.now)


def end(tx: Tx, id: str, keep_made: bool = False) -> Ended:
    """End a token of the actor's user, if they have it, and those it made unless they are kept.

    Each is logged in the workspace where it worked. Those are counted of which the actor may know.
    """
    actor, made = tx.by, () if keep_made else tokens.made_by(tx.connection, tx.by.user_id, id)
    found = [one for each in (*made, id) if (one := tokens.of_user(tx.connection, actor.user_id, each)) is not None]
    tx.enter(*(one.workspace_id for one in found))
    belongs = accounts.memberships(tx.connection, actor.user_id)
    for one in found:
        access.enter(tx, access.one_of(belongs, one.workspace_id))
        tokens.remove(tx, actor.user_id, one.id)
        audit.append(tx, "token.revoke", f"token/{one.id}", {"name": [one.name, None]})
    return Ended(id, sum(one.id != id and actor.reaches(one.workspace_id) for one in found))


def _idle_since(crm: Crm, now: str) -> str:
    """Return since when a token must have been used to be alive."""
    return after(now, days=-crm.settings.auth.token_idle_days)
