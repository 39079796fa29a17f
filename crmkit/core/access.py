"""Who is asking: a token, and what it stands for at this moment."""

from typing import TYPE_CHECKING

from crmkit.clock import after
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import tokens
from crmkit.storage.tx import Tx

if TYPE_CHECKING:
    from crmkit.core.crm import Crm

WORTH_WRITING_MINUTES = 10  # a token's use is written down at most this often

SIGN_IN = 'POST /auth/request {"email":"you@example.com"}, then POST /auth/verify with the code that is mailed'


async def authenticate(crm: "Crm", header: str) -> Actor:
    """Return who sends this Authorization header; raises `auth_required`, `invalid_token` or `token_expired`."""
    scheme, _, token = header.strip().partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else header.strip()
    if not token:
        raise Problem(
            "auth_required",
            f"Send the header Authorization: Bearer TOKEN. To get a token: {SIGN_IN}.",
            headers=_CHALLENGE,
        )
    found = await crm.database.read(tokens.find, token)
    if found is None:
        raise invalid_token()
    if found.last_used_at < after(crm.now, days=-crm.settings.auth.token_idle_days):
        raise Problem(
            "token_expired",
            f"This token was not used for {crm.settings.auth.token_idle_days} days. Sign in again: {SIGN_IN}.",
            headers=_CHALLENGE,
        )
    if found.last_used_at < after(crm.now, minutes=-WORTH_WRITING_MINUTES):
        await crm.database.write(lambda tx: tokens.touch(tx, found.actor.token_id))
    return found.actor


def current(tx: Tx) -> Actor:
    """Return the actor as of this transaction; raises `invalid_token` when the token or membership is gone."""
    actor = tokens.current(tx.connection, tx.by.token_id)
    if actor is None:
        raise invalid_token()
    return actor


def invalid_token() -> Problem:
    return Problem(
        "invalid_token", f"This token is unknown or was revoked. Sign in again: {SIGN_IN}.", headers=_CHALLENGE
    )


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="crmkit"'}
