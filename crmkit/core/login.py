"""Signing in by a code sent to the mail address: ask for one, enter it, get a token."""

import hmac
import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Any

from crmkit.clock import after, moment
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.mail import MailFailed, Message
from crmkit.model.actor import Actor
from crmkit.model.fields import Email, Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.storage import accounts, audit, codes, tokens
from crmkit.storage.accounts import Membership, User
from crmkit.storage.tx import Tx

LOGIN = "login"  # the purpose of a code
TRIES_PER_CODE = 5
WRONG_TRIES_PER_DAY = 10
CLIENT_PER_MINUTE = 60  # sign-in requests of one client, whatever addresses it names


class CodeRequest:
    email: Annotated[str, Email(), REQUIRED, "your address; a code is mailed to it"]


class CodeEntry:
    email: Annotated[str, Email(), REQUIRED, "the address the code was mailed to"]
    code: Annotated[str, Text(20), REQUIRED, "the six digits"]
    token_name: Annotated[str | None, Text(100), "who you are, like Claude; shown in GET /tokens and in the audit log"]


CODE_REQUEST = form_of(CodeRequest, "sign-in")
CODE_ENTRY = form_of(CodeEntry, "sign-in")


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit; `reset` is in seconds from now."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(frozen=True)
class CodeSent:
    email: str
    allowance: Allowance
    local_code: str | None  # in local mode only


@dataclass(frozen=True)
class SignedIn:
    """`token` is shown this once."""

    token: str
    token_name: str
    email: str
    workspace: Membership
    workspaces: tuple[Membership, ...]
    allowance: Allowance | None = None


def limit_reached(hint: str, limit: int, wait: int) -> Problem:
    """Return the 429 of a limit that frees up in `wait` seconds."""
    headers = {"Retry-After": str(wait), **Allowance(limit, 0, wait).headers}
    return Problem("rate_limited", hint, headers=headers)


async def request_code(crm: Crm, client: str, body: dict[str, Any]) -> CodeSent:
    """Mail a code to the address in `body`; known and unknown addresses are answered alike.

    `client` is the network address that asks. Raises `rate_limited` past a limit, `mail_failed` when the mail does not
    leave (that try is not counted).
    """
    email = CODE_REQUEST.filled(body)["email"]
    code = f"{secrets.randbelow(10**6):06d}"
    per_hour = crm.settings.limits.signin_per_hour

    def unit(tx: Tx) -> tuple[Allowance, bool]:
        _check_client(tx, client)
        _check_wrong_tries(tx, email)
        sent, first = codes.counted(tx, "code", email, after(tx.now, hours=-1))
        reset = _seconds(tx.now, after(first or tx.now, hours=1)) + 1
        if sent >= per_hour:
            raise limit_reached(
                f"{per_hour} codes were sent to this address within an hour. Use the newest of them, or wait "
                f"{reset} seconds.",
                per_hour,
                reset,
            )
        codes.count(tx, "code", email)
        welcome = crm.settings.auth.signup == "open" or accounts.find_user(tx.connection, email) is not None
        # for a stranger one that nobody is told and nobody can type, so that wrong tries are counted and answered alike
        kept = code if welcome else secrets.token_hex()
        expires_at = after(tx.now, minutes=crm.settings.auth.code_minutes)
        codes.put(tx, email, LOGIN, codes.keyed_hash(crm.key, email, LOGIN, kept), expires_at)
        return Allowance(per_hour, per_hour - sent - 1, reset), welcome

    allowance, welcome = await crm.database.write(unit)
    try:
        await crm.mailer.send(_letter(crm, email, code) if welcome else _refusal(crm, email))
    except MailFailed as error:
        await crm.database.write(lambda tx: codes.take_back(tx, "code", email))
        raise Problem(
            "mail_failed",
            "The mail with the code could not be sent. Try again in a minute; if it stays so, tell the operator to "
            "check [mail] smtp_url.",
        ) from error
    local = crm.settings.auth.local and welcome
    return CodeSent(email, allowance, code if local else None)


async def enter_code(crm: Crm, client: str, body: dict[str, Any]) -> SignedIn:
    """Return a fresh token for the right code; a new address gets an account and a workspace of its own.

    Compare and consume are one transaction: a code mints one token. Raises `invalid_code`, `rate_limited`.
    """
    entry = CODE_ENTRY.filled(body)
    email, name = entry["email"], entry["token_name"] or "default"
    given = codes.keyed_hash(crm.key, email, LOGIN, entry["code"].strip())

    def unit(tx: Tx) -> tuple[SignedIn | None, Allowance]:
        _check_client(tx, client)
        tries = _check_wrong_tries(tx, email)
        if entered(tx, email, LOGIN, given):
            return sign_in(tx, crm, email, name), tries
        return None, _check_wrong_tries(tx, email, refuse=False)

    signed_in, tries = await crm.database.write(unit)
    if signed_in is None:
        raise Problem(
            "invalid_code",
            "The code is wrong, used or outdated. Check the newest mail, or ask for a new code with "
            f'POST /auth/request {{"email":"{email}"}}.',
            headers=tries.headers,
        )
    return replace(signed_in, allowance=tries)


def entered(tx: Tx, email: str, purpose: str, given: bytes) -> bool:
    """Use up the code that waits for this purpose and tell whether `given` was right; wrong tries are counted."""
    waiting = codes.find(tx, email, purpose)
    if waiting is None or waiting.expires_at <= tx.now or waiting.wrong_tries >= TRIES_PER_CODE:
        return False
    if not hmac.compare_digest(waiting.hash, given):
        codes.count_wrong(tx, email, purpose)
        codes.count(tx, "wrong", email)
        return False
    codes.remove(tx, email, purpose)
    return True


def sign_in(tx: Tx, crm: Crm, email: str, token_name: str) -> SignedIn:
    """Return a fresh token for the person with this address, who is given an account where they have none."""
    user = accounts.find_user(tx.connection, email) or accounts.insert_user(tx, email)
    workspaces = accounts.memberships(tx.connection, user.id)
    opened = None
    if not workspaces:
        opened = accounts.insert_workspace(tx, user, name=email, plan=crm.settings.plans.default)
        workspaces = [opened]
    token = tokens.mint()
    token_id = tokens.insert(tx, token, user.id, workspaces[0].workspace_id, token_name)
    actor = _actor(user, workspaces[0], token_id, token_name)
    tx.actor = actor
    if opened is not None:
        audit.append(tx, "workspace.create", f"workspace/{opened.workspace_id}", {"name": [None, opened.name]})
    audit.append(tx, "token.create", f"token/{actor.token_id}", {"name": [None, token_name]})
    return SignedIn(token, token_name, email, workspaces[0], tuple(workspaces))


def _actor(user: User, place: Membership, token_id: str, token_name: str) -> Actor:
    return Actor(
        user.id,
        user.email,
        place.role,
        token_id,
        token_name,
        place.workspace_id,
        place.name,
        place.workspace_number,
        place.plan,
    )


def _check_client(tx: Tx, client: str) -> None:
    tries, _ = codes.counted(tx, "client", client, after(tx.now, minutes=-1))
    if tries >= CLIENT_PER_MINUTE:
        raise limit_reached("Too many sign-in requests from here; wait a minute.", CLIENT_PER_MINUTE, 60)
    codes.count(tx, "client", client)


def _check_wrong_tries(tx: Tx, email: str, refuse: bool = True) -> Allowance:
    """Return how many wrong tries the address has left today; raises `rate_limited` (or not) when none is left."""
    midnight = f"{tx.now[:10]}T00:00:00Z"
    wrong, _ = codes.counted(tx, "wrong", email, midnight)
    wait = _seconds(tx.now, after(midnight, days=1))
    if refuse and wrong >= WRONG_TRIES_PER_DAY:
        raise limit_reached(
            f"{WRONG_TRIES_PER_DAY} wrong codes were entered for this address today, so it can sign in again after "
            f"midnight UTC, in {wait} seconds. Tokens in use keep working.",
            WRONG_TRIES_PER_DAY,
            wait,
        )
    return Allowance(WRONG_TRIES_PER_DAY, max(0, WRONG_TRIES_PER_DAY - wrong), wait)


def _seconds(start: str, end: str) -> int:
    return max(0, int((moment(end) - moment(start)).total_seconds()))


def _letter(crm: Crm, email: str, code: str) -> Message:
    minutes = crm.settings.auth.code_minutes
    return Message(
        email,
        f"{code} is your crmkit code",
        f"Your sign-in code for crmkit at {crm.settings.base_url} is:\n\n    {code}\n\n"
        f"It works once, within {minutes} minutes. Give it only to the assistant you are signing in with.\n"
        "If you did not ask for it, ignore this mail: nobody gets in without the code.\n",
    )


def _refusal(crm: Crm, email: str) -> Message:
    return Message(
        email,
        "No crmkit account for this address",
        f"Somebody asked for a sign-in code for this address at {crm.settings.base_url}.\n"
        "There is no account for it, and new accounts are by invitation: ask an admin of the workspace to invite you.\n"
        "If it was not you, ignore this mail.\n",
    )
