"""Confirm tokens: an act that takes data away is done by the second request, which sends back what the first was shown.

A token is good for the session that was shown it, for one act and what that touches, for ten minutes, once. Several
wait at once, so a request that is sent twice, or with a wrong token, makes none invalid.
"""

import json
from collections.abc import Iterable

from crmkit.errors import Problem
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.tx import Tx
from crmkit.storage.requests import confirmations

MINUTES = 10
ASK = f"Ask the user, then within {MINUTES} minutes:"  # stands between what an act takes along and the request again


def binding(act: str, touched: Iterable[tuple[str, int]] | Iterable[str], query: str = "", body: bytes = b"") -> bytes:
    """Return the hash of an act, a word like contact.delete, and of what it touches, in whatever order.

    That is (handle, version) of each record where the act shall fail once one has changed, else ids. `query` and `body`
    are those of the request, where they say what is done.
    """
    return sha256(json.dumps([act, sorted(touched), query, body.hex()]))


def waits(tx: Tx, bound: bytes, sent: str) -> bool:
    """Tell whether `sent` is a confirm token that is good for the act with this binding, which stays good."""
    return confirmations.holds(tx, bound, sent, MINUTES)


def require(tx: Tx, sent: str, bound: bytes, says: str, again: str, body: str = "") -> Problem | None:
    """Use up the confirm token that was `sent` and return None, if it is good for the act with this binding.

    Else issue a fresh token and return `confirmation_required` with it, for the unit to return. `says` tells what the
    act takes along; `again` is the request, without token, and `body` what is sent with it. A dry run needs no token,
    and uses none up; a proposal tells what it `says`, and needs none either.
    """
    if tx.is_proposed:
        tx.say(says)
        return None
    if tx.is_dry or (sent and confirmations.consume(tx, bound, sent, MINUTES)):
        return None
    token = confirmations.issue(tx, bound, MINUTES)
    stale = "That confirm token is wrong, used or outdated. " if sent else ""
    return Problem(
        "confirmation_required",
        f"{stale}{says} {ASK} {again}{'&' if '?' in again else '?'}confirm={token}{body and f' {body}'}",
        facts={"confirm": token},
    )
