"""Signing in by a code sent to the mail address: ask for one, enter it, get a token."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import access, budgets, codes, joining, sessions
from crmkit.core.people.budgets import HOUR, MINUTE, Allowance, Budget
from crmkit.core.people.tokens import given
from crmkit.errors import Problem
from crmkit.mail import Message
from crmkit.model.access import FULL_ACCESS, Access
from crmkit.model.actor import Invite, Membership, User
from crmkit.model.fields import Email, Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.render.text import quoted
from crmkit.storage.interface.lanes import client_lane, mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts, invites, tokens

LOGIN = "login"  # the purpose of a code


class CodeRequest:
    email: Annotated[str, Email(), REQUIRED, "your address; a code is mailed to it"]


class CodeEntry:
    email: Annotated[str, Email(), REQUIRED, "the address the code was mailed to"]
    code: Annotated[str, Text(codes.MAX_TYPED), REQUIRED, "the code, as it stands in the mail"]
    token_name: Annotated[str | None, Text(100), "who you are, like Claude; shown in GET /tokens and in the audit log"]


CODE_REQUEST = form_of(CodeRequest, "sign-in")
CODE_ENTRY = form_of(CodeEntry, "sign-in")


class CodeSent(Struct, frozen=True):
    """That a code was mailed to an address, and how many more it may be sent."""

    email: str
    allowance: Allowance
    local_code: str | None  # in local mode only


class SignedIn(Struct, frozen=True):
    """`token` is shown this once; `joined` are the invites that signing in accepted, `invites` those that wait."""

    token: str
    token_name: str
    email: str
    workspace: Membership
    workspaces: tuple[Membership, ...]
    joined: tuple[Invite, ...] = ()
    invites: tuple[Invite, ...] = ()
    allowance: Allowance | None = None


class Welcome(Struct, frozen=True):
    """Someone who proved their address: where they belong and begin, and the invites that wait for their word."""

    user: User
    workspaces: list[Membership]
    start: Membership
    joined: list[Invite]
    invites: list[Invite]


async def request_code(call: Call, body: dict[str, Any]) -> CodeSent:
    """Mail a code for signing in to the address in `body`; known and unknown addresses are answered alike.

    Anybody may. Raises `rate_limited` after too many requests, mails or wrong codes, and `mail_failed` when the mail
    does not leave, which then is not counted.
    """
    email = CODE_REQUEST.filled(body)["email"]
    return await mail_code(call, email, codes.SIGN_IN, LOGIN, partial(_letter, call.crm, email))


async def mail_code(
    call: Call,
    email: str,
    use: codes.Use,
    purpose: str,
    letter: Callable[[str], Message],
    page_secret: str = "",
) -> CodeSent:
    """Mail a code in a letter and keep it, `page_secret` as in `codes.keep`; raises as `request_code`.

    Somebody who may not open an account here is mailed a refusal.
    """
    crm, by_client = call.crm, _mails_of(call)
    await _admit(call, _requests_of(call), by_client)

    def unit(tx: Tx) -> CodeSent:
        issued, is_welcome = codes.issue(tx, crm, email, use), may_enter(tx, crm, email)
        message = letter(issued.code) if is_welcome else _refusal(tx, crm, email)
        codes.send(tx, crm, message, [*issued.spent, by_client])
        # an uninvited address gets a random code that is never sent, so that its wrong tries count and are answered
        # like any other's
        kept = issued.code if is_welcome else secrets.token_hex()
        codes.keep(tx, crm, email, purpose, kept, page_secret)
        local = crm.settings.auth.local and is_welcome
        return CodeSent(email, issued.allowance, issued.code if local else None)

    return await call.write(unit, lanes=[mail_lane(email)])


def may_enter(tx: Tx, crm: Crm, email: str) -> bool:
    """Tell whether somebody with this address may sign in at this moment."""
    if accounts.is_disabled(tx.connection, email):
        return False
    return crm.settings.auth.signup == "open" or codes.is_known(tx, email)


async def enter_code(call: Call, body: dict[str, Any]) -> SignedIn:
    """Return a fresh token for the right code; a new address gets an account (see `welcome`).

    Anybody with the code may. It is compared and used up in one transaction, so it makes one token. Raises
    `invalid_code` for a wrong, used or outdated one, `rate_limited` after too many requests or wrong codes.
    """
    crm, entry = call.crm, CODE_ENTRY.filled(body)
    email, name = entry["email"], entry["token_name"] or "default"
    await admit(call)
    code = codes.code_in(entry["code"])

    def unit(tx: Tx) -> SignedIn | Problem:
        wrong = codes.entered(tx, crm, email, codes.SIGN_IN, LOGIN, code)
        if not may_enter(tx, crm, email):  # the invite was withdrawn since the code was mailed
            wrong = codes.WRONG
        signed_in = None if wrong else sign_in(tx, crm, email, name)
        tries = codes.tries_left(tx, email, codes.SIGN_IN)
        if signed_in is not None:
            return replace(signed_in, allowance=tries)
        return Problem(
            "invalid_code",
            f"{wrong} Check the newest mail, or ask for a new code with "
            f'POST /auth/request {{"email":{quoted(email)}}}.',
            headers=tries.headers,
        )

    return await call.write(unit, lanes=[mail_lane(email)])


async def admit(call: Call) -> None:
    """Count a request of a client that is signing in, whatever becomes of it; raises `rate_limited`."""
    await _admit(call, _requests_of(call))


def sign_in(tx: Tx, crm: Crm, email: str, token_name: str) -> SignedIn:
    """Return a fresh token for the person with this address, which works where they begin."""
    found = welcome(tx, crm, email, token_name)
    token, _ = new_token(tx, crm, found.user, found.start, token_name)
    workspaces, joined, invites = tuple(found.workspaces), tuple(found.joined), tuple(found.invites)
    return SignedIn(token, token_name, email, found.start, workspaces, joined, invites)


def welcome(tx: Tx, crm: Crm, email: str, token_name: str) -> Welcome:
    """Return the person who proved to have this address; who is new gets an account. The log names `token_name`.

    Somebody new joins all workspaces that invited them and starts in the one that did so last; where signup is open, or
    nobody invited them, they get a workspace of their own too. Somebody known joins those where people they share a
    workspace with invited them, and starts in the one they joined first. Runs in the lane of the address.
    """
    user = accounts.find_user(tx.connection, email)
    is_new, opened = user is None, None
    if user is None:
        user = accounts.insert_user(tx, email)
        accepted = invites.of_address(tx.connection, email)
        if crm.settings.auth.signup == "open":
            opened = accounts.insert_workspace(tx, user, name=email, plan=crm.settings.plans.default)
    else:
        accepted = joining.of_acquaintances(tx, user)
    tx.enter(*(invite.workspace_id for invite in accepted))
    joined = [joining.join(tx, user, invite, token_name) for invite in accepted]
    workspaces = accounts.memberships(tx.connection, user.id)
    if not workspaces:
        opened = accounts.insert_workspace(tx, user, name=email, plan=crm.settings.plans.default)
        workspaces = [opened]
    if opened is not None:
        access.act_as(tx, user, opened, token_name)
        audit.append(tx, "workspace.create", f"workspace/{opened.workspace_id}", {"name": [None, opened.name]})
    start = joined[-1] if is_new and joined else workspaces[0]
    return Welcome(user, workspaces, start, accepted, invites.of_address(tx.connection, email))


def new_token(
    tx: Tx,
    crm: Crm,
    user: User,
    membership: Membership,
    name: str,
    is_app: bool = False,
    granted: Access = FULL_ACCESS,
) -> tuple[str, str]:
    """Make a token of this user for one of their workspaces and return (token, its id); `is_app` if an app connects.

    If the user has as many tokens as they may, the one unused longest ends, so that signing in is always possible.
    """
    access.act_as(tx, user, membership, name)
    sessions.make_room(tx, crm)
    token = tokens.mint()
    token_id = tokens.insert(tx, token, user.id, membership.workspace_id, name, is_app, granted)
    access.act_as(tx, user, membership, name, token_id)
    changes = {"name": [None, name], **given.changes(granted, FULL_ACCESS)}
    audit.append(tx, "token.create", f"token/{token_id}", changes)
    return token, token_id


def _requests_of(call: Call) -> Budget:
    hint = "{most} requests to sign in came from your network address within a minute; wait {wait} seconds."
    return Budget("client", call.client, call.crm.settings.limits.signins_per_minute, MINUTE, hint)


def _mails_of(call: Call) -> Budget:
    hint = "{most} codes were asked for from your network address within an hour; wait {wait} seconds."
    return Budget("client mail", call.client, call.crm.settings.limits.mails_per_client, HOUR, hint)


async def _admit(call: Call, *spent: Budget) -> None:
    """Spend these budgets of a client in a transaction of its own: what is refused later in the request counts too."""

    def unit(tx: Tx) -> Problem | None:
        try:
            for budget in spent:
                budgets.spend(tx, budget)
        except Problem as refused:
            return refused
        return None

    await call.write(unit, lanes=[client_lane(call.client)])


def _letter(crm: Crm, email: str, code: str) -> Message:
    minutes = crm.settings.auth.code_minutes
    return Message(
        email,
        f"{code} is your crmkit code",
        f"Your sign-in code for crmkit at {crm.settings.base_url} is:\n\n    {code}\n\n"
        f"It works once, within {minutes} minutes. Give it only to the assistant you are signing in with.\n"
        "If you did not ask for it, ignore this mail: nobody gets in without the code.\n",
    )


def _refusal(tx: Tx, crm: Crm, email: str) -> Message:
    if accounts.is_disabled(tx.connection, email):
        return Message(
            email,
            "Your crmkit account is disabled",
            f"Somebody asked for a sign-in code for this address at {crm.settings.base_url}.\n"
            "The account was disabled by whoever runs the server: ask them.\n"
            "If it was not you, ignore this mail.\n",
        )
    return Message(
        email,
        "No crmkit account for this address",
        f"Somebody asked for a sign-in code for this address at {crm.settings.base_url}.\n"
        "There is no account for it, and new accounts are by invitation: ask an admin of the workspace to invite you.\n"
        "If it was not you, ignore this mail.\n",
    )
