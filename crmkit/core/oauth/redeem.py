"""An app redeems its authorization code for a token, and ends a token (RFC 6749, 4.1.3; RFC 8707; RFC 7009)."""

from collections.abc import Mapping

from crmkit.clock import is_alive
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.oauth import pkce
from crmkit.core.oauth.client import BadClient, Client, client_of, host_of, is_url
from crmkit.core.oauth.connect import GRANT_SECONDS, is_ours
from crmkit.core.people import access, login, sessions
from crmkit.errors import Problem
from crmkit.model.access import Access
from crmkit.model.names import MAX_NAME
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts, grants, tokens
from crmkit.storage.people.grants import Grant


class Refused(Exception):
    """A request of an app that is refused; `error` is one of the RFC's error codes."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status


async def redeem(call: Call, form: Mapping[str, str]) -> str:
    """Return a fresh token, named after the app, for a code and its PKCE verifier; raises Refused.

    The first try spends a code, even if it fails. A second try ends the token that the first one got (RFC 6749, 10.5).
    """
    crm = call.crm
    if form.get("grant_type") != "authorization_code":
        raise Refused("unsupported_grant_type", "grant_type must be authorization_code")
    try:
        id = form.get("client_id", "")
        client = crm.documents.remembered(id) if is_url(id) else client_of(id)
    except BadClient as error:
        raise Refused("invalid_client", str(error), 401) from None
    code = form.get("code", "")
    if not code:
        raise Refused("invalid_request", "send the code")

    def unit(tx: Tx) -> str | Refused:
        owner = grants.owner(tx, code)
        if owner is not None:
            workspace_id, email = owner
            tx.enter(workspace_id, mail_lane(email))
        grant = grants.spend(tx, code)
        if grant is None:
            return Refused("invalid_grant", "the code is unknown or outdated")
        if grant.spent:
            _end(tx, grant)
            return Refused("invalid_grant", "the code was used before; the token made from it is ended")
        refused = _refused(crm, tx, grant, client, form)
        if refused is not None:
            return refused
        try:
            membership = access.one_of(accounts.memberships(tx.connection, grant.user_id), grant.workspace_id)
        except Problem:
            return Refused("invalid_grant", "the user no longer belongs to the workspace")
        user = accounts.user(tx.connection, grant.user_id)
        if accounts.is_disabled(tx.connection, user.email):
            return Refused("invalid_grant", "the account of the user is disabled")
        name = client.name or host_of(grant.redirect_uri)[:MAX_NAME]
        token, token_id = login.new_token(tx, crm, user, membership, name, is_app=True, granted=Access(grant.access))
        grants.note_token(tx, code, token_id)
        return token

    # returned, not raised, by the unit: the transaction commits, and the code stays spent
    outcome: str | Refused = await call.write(unit)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


async def give_back(call: Call, token: str) -> None:
    """End the token and those it made; whoever holds it may. An unknown one counts as ended already (RFC 7009, 2.2)."""

    def unit(tx: Tx) -> None:
        found = tokens.find(tx.connection, sha256(token))
        if found is not None:
            tx.actor = found.actor
            sessions.end(tx, found.actor.token_id)

    await call.write(unit)


def _refused(crm: Crm, tx: Tx, grant: Grant, client: Client, form: Mapping[str, str]) -> Refused | None:
    """Return why this request may not redeem the code, None if it may."""
    if not is_alive(grant.expires_at, tx.now, seconds=GRANT_SECONDS):
        return Refused("invalid_grant", "the code is unknown or outdated")
    if (client.id, form.get("redirect_uri", "")) != (grant.client_id, grant.redirect_uri):
        return Refused("invalid_grant", "the code was given to another client_id or redirect_uri")
    if not pkce.proves(form.get("code_verifier", ""), grant.challenge):
        return Refused("invalid_grant", "the code_verifier does not fit the code_challenge")
    named = (form.get("resource") or grant.resource).rstrip("/")
    if not is_ours(crm, named) or named != grant.resource:
        return Refused("invalid_target", f"the code is for {grant.resource}")
    return None


def _end(tx: Tx, grant: Grant) -> None:
    """End the token that was made from a grant, if it is still there, and those it made."""
    tx.actor = tokens.current(tx.connection, grant.token_id)
    if tx.actor is not None:
        sessions.end(tx, grant.token_id)
