"""What a token is good for, seen from its owner: who am I, which tokens have I, end one of them."""

from dataclasses import dataclass

from crmkit import ids
from crmkit.clock import after
from crmkit.core import quotas
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import audit, tokens
from crmkit.storage.tx import Tx


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
        name = tokens.remove(tx, actor.user_id, bare)
        if name is None:
            raise Problem("not_found", "You have no such token. GET /tokens lists yours.")
        audit.append(tx, "token.revoke", f"token/{bare}", {"name": [name, None]})

    await crm.change(actor, unit)
    return bare
