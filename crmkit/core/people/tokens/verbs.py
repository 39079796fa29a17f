"""Tokens are made and narrowed. How they end: `sessions`."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.clock import after
from crmkit.core import roles
from crmkit.core.call import Call
from crmkit.core.people import access, sessions, stepup
from crmkit.core.people.tokens import given
from crmkit.core.people.workspaces import workspace_id
from crmkit.errors import Problem
from crmkit.model.access import FULL_ACCESS, NEVER, Access
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import tokens
from crmkit.storage.people.tokens import Listed
from crmkit.storage.requests import answers

UNNAMED = "default"
_GIVEN = "No token gives more than it has: narrow that, or leave it out."
_NARROWED = "A token is only narrowed; for more, make a new one: POST /workspaces/{id}/tokens."


class Minted(Struct, frozen=True):
    """A new token, which is shown once."""

    id: str
    token: str
    name: str
    workspace_id: str
    access: Access


async def make(call: Call, id: str, body: Mapping[str, Any]) -> Minted:
    """Make a token for a workspace and return it; this is how one switches workspaces, and how an agent gets less.

    It may do what the asking token may, from the same addresses, until the same end, or less of each; for another
    workspace that has full access. Any member may; only admins make one that never ends, or after MOST_DAYS, with a
    code, and a connected app needs a code for any (see stepup.confirmed). Raises `plan_limit_reached` for a user with
    as many tokens as they may have, and as `given.within`.
    """
    crm, bare = call.crm, workspace_id(call.crm, id)
    sent = given.asked(crm.kinds, body, call.asker)
    name, token = sent.get("token_name") or UNNAMED, tokens.mint()

    def granted(tx: Tx) -> Access:
        had = tx.by.access
        if had.expires_at == NEVER:  # which each token is given by an admin
            had = Access(had.words, had.networks)
        return given.within(had, sent, _GIVEN)

    def check(tx: Tx) -> stepup.Act:
        access.enter_as_member(tx, bare)
        found = granted(tx)
        sessions.check_room(tx, crm)
        if is_long := given.is_long(found, tx.now):
            _check_admin(tx)
        return stepup.Act(
            f"token.create {bare}{_bound(body)}",
            f"make a further token for {bare}{given.says(found, FULL_ACCESS)}",
            always=is_long,
        )

    def do(tx: Tx) -> Minted:
        access.enter_as_member(tx, bare)
        found, by = granted(tx), tx.by
        token_id = tokens.insert(
            tx, token, by.user_id, bare, name, is_app=bool(by.is_app), access=found, made_by=by.token_id
        )
        changes = {"name": [None, name], **given.changes(found, FULL_ACCESS)}
        audit.append(tx, "token.create", f"token/{token_id}", changes)
        return Minted(token_id, token, name, bare, found)

    return await stepup.confirmed(call, check, do, lanes=[bare])


async def narrow(call: Call, id: str, body: Mapping[str, Any]) -> Listed:
    """Give one of the caller's own tokens another name, or less than it has, and return it as it is now.

    That holds from the next request with it; it lives no longer than before. A token may narrow itself and
    those that it made, and that they made, another where it has `team.delete`, as to end it; a connected app needs a
    code for another (see stepup.confirmed). Raises `not_found`, `missing_field`, and as `given.within`.
    """
    bare = sessions.token_id(call.crm, id)
    sent = given.asked(call.crm.kinds, body, call.asker)
    if not sent:
        raise Problem("missing_field", f"Send what is to change: {', '.join(given.TOKEN.writable)}.")
    emptied = {name: "cannot be cleared: a token is only narrowed" for name in given.GIVEN if sent.get(name, 1) is None}
    if emptied:
        raise Problem("invalid_value", _NARROWED, fields=emptied)

    def narrowed(tx: Tx) -> tuple[Listed, Listed]:
        before = sessions.mine(tx, bare)
        had = before.access
        if sent.get("expires_at") and not had.expires_at:
            used = tx.now if bare == tx.by.token_id else before.last_used_at
            had = replace(had, expires_at=after(used, days=call.crm.settings.auth.token_idle_days))
        found = given.within(had, sent, _NARROWED)
        name = sent["token_name"] or UNNAMED if "token_name" in sent else before.name
        return before, replace(before, name=name, access=found)

    def check(tx: Tx) -> stepup.Act | None:
        if bare == tx.by.token_id:
            narrowed(tx)
            return None
        if bare not in tokens.made_by(tx.connection, tx.by.user_id, tx.by.token_id):
            tx.by.access.check("team.delete")
        before, after = narrowed(tx)
        says = f"change your token {bare}{given.says(after.access, before.access)}"
        return stepup.Act(f"token.update {before.workspace_id} {bare}{_bound(body)}", says, always=False)

    def do(tx: Tx) -> Listed:
        before, after = narrowed(tx)
        access.enter_as_member(tx, before.workspace_id)
        named = {"name": [before.name, after.name]} if before.name != after.name else {}
        changes = named | given.changes(after.access, before.access)
        if changes:
            tokens.change(tx, bare, after.name, after.access)
            if after.access.words != before.access.words:  # answers of before show what it may read no more
                answers.hide(tx, before.workspace_id, bare)
            audit.append(tx, "token.update", f"token/{bare}", changes)
        return after

    return await stepup.confirmed(call, check, do)


def _check_admin(tx: Tx) -> None:
    try:
        roles.check_admin(tx)
    except Problem as problem:
        problem.hint = f"Send an expires_at at most {given.MOST_DAYS} days ahead, or ask an admin to make the token."
        raise


def _bound(body: Mapping[str, Any]) -> str:
    """Return what a code for an act is bound to: what the token is to have, as it was sent."""
    return "".join(f" {name}={body[name]}" for name in given.GIVEN if body.get(name) is not None)
