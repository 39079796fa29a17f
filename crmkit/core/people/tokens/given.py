"""What a token is given: what the body of a request asks for, within what another token has."""

from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.clock import after
from crmkit.errors import Problem, nearest
from crmkit.model.access import EVERYTHING, NEVER, VERBS, WORDS, Access, scope_required, scopes_of
from crmkit.model.actor import Asker
from crmkit.model.fields import Choice, Text
from crmkit.model.form import form_of
from crmkit.model.record import Kinds
from crmkit.model.tokens.types import End, Networks, Scopes

GIVEN = ("access", "scopes", "expires_at", "ips")
MOST_DAYS = 366  # until the end of a token that no admin and no mailed code confirm


class TokenBody:
    token_name: Annotated[str | None, Text(100), "who will use it, like Claude"]
    access: Annotated[str | None, Choice(WORDS), "what it may do, in a word"]
    scopes: Annotated[list[str] | None, Scopes(), "what it may do, exactly; in place of access"]
    expires_at: Annotated[str | None, End(), "when it ends, however much it is used"]
    ips: Annotated[list[str] | None, Networks(), "from where it may be used"]


TOKEN = form_of(TokenBody, "token")


def asked(kinds: Kinds, body: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
    """Return what a body asks for; raises a Problem for what no token can have."""
    sent = TOKEN.draft(body, asker)
    scopes, wrong = sent.get("scopes"), {}
    if scopes and sent.get("access"):
        wrong["scopes"] = "stands beside access, which says the same in a word"
    if scopes:
        try:
            sent["scopes"] = scopes_of(scopes, kinds.areas)
        except ValueError as error:
            known = (f"{area}.{verb}" for area in (*kinds.areas, EVERYTHING) for verb in VERBS)
            wrong["scopes"] = f"has {error}, which is no scope{nearest(str(error), known)}"
    if (end := sent.get("expires_at")) and end <= asker.now:  # NEVER is greater
        wrong["expires_at"] = f"must be in the future; now it is {asker.now}"
    if wrong:
        hint = "Send an end that lies ahead, like +30d, or leave it out."
        if "scopes" in wrong:
            areas = ", ".join((*kinds.areas, EVERYTHING))
            hint = f"Send access ({', '.join(WORDS)}), or scopes like contacts.read. Areas are {areas}."
        raise Problem("invalid_value", hint, fields=wrong)
    return sent


def within(had: Access, sent: Mapping[str, Any], advice: str) -> Access:
    """Return what was asked for, with what another access has in place of what was left out.

    Raises, with this advice, `scope_required` for a scope that the other does not open, `invalid_value` for more
    addresses or a later end.
    """
    words = sent.get("access") or sent.get("scopes") or had.words
    found = Access(words, tuple(sent.get("ips") or had.networks), sent.get("expires_at") or had.expires_at)
    scope, wrong = had.missing(found), dict[str, str]()
    if scope is not None:
        raise scope_required(had, scope, advice)
    if not had.covers(found):
        wrong["ips"] = f"must be within {', '.join(had.networks)}"
    if not had.outlasts(found):
        wrong["expires_at"] = f"must be at or before {had.expires_at}"
    if wrong:
        raise Problem("invalid_value", advice, fields=wrong)
    return found


def is_long(access: Access, now: str) -> bool:
    """Tell whether it ends never, or so late that an admin has to confirm it."""
    return access.expires_at > after(now, days=MOST_DAYS)  # NEVER is greater


def says(access: Access, before: Access) -> str:
    """Return in words what tells an access from another, as a mail puts it; empty where nothing does."""
    told = []
    if access.words != before.words:
        told.append(f"with access {access.words}" if access.words in WORDS else f"with {', '.join(access.scopes)}")
    if access.networks != before.networks:
        told.append(f"from {', '.join(access.networks)}")
    if access.expires_at != before.expires_at:
        told.append("that never ends of itself" if access.expires_at == NEVER else f"until {access.expires_at}")
    return "".join(f", {each}" for each in told)


def changes(access: Access, before: Access) -> dict[str, list[Any]]:
    """Return what the log tells of an access that another became."""
    found, had = access.facts, before.facts
    return {name: [had[name] or None, found[name] or None] for name in GIVEN if found[name] != had[name]}
