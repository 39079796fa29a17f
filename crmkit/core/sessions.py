"""Tokens in use: who sends this one, who am I, which tokens have I, end one of them."""

from dataclasses import dataclass

from crmkit import ids
from crmkit.clock import after
from crmkit.core import access, quotas
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import audit, tokens
from crmkit.storage.hashed import sha256
from crmkit.storage.tx import Tx

WORTH_WRITING_MINUTES = 10  # a token's use is written down at most this often


@dataclass(frozen=True)
class Identity:
    """Who the caller is, and what the plan allows: resource -> (used, cap or None)."""

    actor: Actor
    usage: dict[str, tuple[int, int | None]]


@dataclass(frozen=True)
class Session:
    """One of the caller's tokens; `current` marks the one that asks."""

    id: str
    name: str
    workspace_id: str
    created_at: str
    last_used_at: str
    current: bool


async def authenticate(crm: Crm, header: str) -> Actor:
    """Return who sends this Authorization header; raises `auth_required`, `invalid_token` or `token_expired`."""
    scheme, _, token = header.strip().partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else header.strip()
    if not token:
        raise Problem(
            "auth_required",
            f"Send the header Authorization: Bearer TOKEN. To get a token: {access.SIGN_IN}.",
            headers=access.CHALLENGE,
        )
    hash = sha256(token)
    found = crm.database.recalled(tokens.find, hash) or await crm.database.recall(tokens.find, hash)
    if found is None:
        raise access.invalid_token()
    now = crm.now
    if found.last_used_at < after(now, minutes=-WORTH_WRITING_MINUTES):
        if found.last_used_at < after(now, days=-crm.settings.auth.token_idle_days):
            raise Problem(
                "token_expired",
                f"This token was not used for {crm.settings.auth.token_idle_days} days. "
                f"Sign in again: {access.SIGN_IN}.",
                headers=access.CHALLENGE,
            )
        await crm.database.write(lambda tx: tokens.touch(tx, found.actor.token_id))
    return found.actor


async def whoami(crm: Crm, actor: Actor) -> Identity:
    return Identity(actor, await crm.database.read(quotas.usage, crm.settings, actor))


async def sessions(crm: Crm, actor: Actor) -> list[Session]:
    """Return the caller's own tokens, in every workspace, that have not expired; newest first."""
    since = after(crm.now, days=-crm.settings.auth.token_idle_days)
    rows = await crm.database.read(tokens.listed, actor.user_id, since)
    return [Session(*row, current=row[0] == actor.token_id) for row in rows]


async def revoke(crm: Crm, actor: Actor, id: str) -> str:
    """End one of the caller's own tokens and return its bare id; it is dead for the next request."""
    try:
        bare = ids.parse(id, "tok")
    except ids.BadId as error:
        raise Problem("not_found", f"{str(error).capitalize()}. GET /tokens lists yours.") from None

    def unit(tx: Tx) -> None:
        gone = tokens.remove(tx, actor.user_id, bare)
        if gone is None:
            raise Problem("not_found", "You have no such token. GET /tokens lists yours.")
        name, workspace_id = gone
        access.member_of(tx, workspace_id)  # it is logged where the token worked
        audit.append(tx, "token.revoke", f"token/{bare}", {"name": [name, None]})

    await crm.change(actor, unit)
    return bare
