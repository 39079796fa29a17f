"""An app asks to connect: its user signs in by a mailed code and chooses a workspace, and the app gets a code.

Anyone can make an app's description, so nothing is answered to the app before its user has entered a right code
(RFC 9700, 4.11.2); entering it is the consent, and nothing of it is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from crmkit.clock import after, is_alive
from crmkit.core.crm import Crm
from crmkit.core.oauth import pkce
from crmkit.core.oauth.client import BadClient, Client, client_of, host_of, is_on_this_machine
from crmkit.core.people import access, codes, joining, login
from crmkit.core.people.workspaces import WORKSPACE
from crmkit.core.records import quotas
from crmkit.errors import Problem
from crmkit.mail import Message
from crmkit.model.names import MAX_NAME, spoken
from crmkit.storage import audit
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts, grants, invites
from crmkit.storage.people.accounts import Membership, User
from crmkit.storage.people.grants import Asked
from crmkit.storage.people.invites import Invite

PURPOSE = "connect"  # of a mailed code
SCOPE = "crm"  # there is one, and it is never refused whatever an app asks for
GRANT_SECONDS = 60
MAX_STATE = 4_000  # characters
NEW = "new"  # chosen instead of the id of a workspace

_KNOWN = ("response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method", "state")


@dataclass(frozen=True)
class Request:
    """A request of an app that may be shown to its user."""

    asked: Asked
    client: Client

    @property
    def app(self) -> str:
        """Return what the app calls itself, or where it is when that is no plain name."""
        return spoken(self.client.name, self.host[:MAX_NAME])

    @property
    def host(self) -> str:
        return host_of(self.asked.redirect_uri)

    @property
    def on_this_machine(self) -> bool:
        return is_on_this_machine(self.asked.redirect_uri)


@dataclass(frozen=True)
class Started:
    """A sign-in under way: `handle` is the secret of the page that goes on with it."""

    handle: str
    email: str
    local_code: str | None


@dataclass(frozen=True)
class Choices:
    """Where an app may work: workspaces of the person with this address, and invites, which choosing them accepts.

    `start` is the id of the workspace that is proposed, empty for the first.
    """

    email: str
    workspaces: list[Membership]
    invites: list[Invite]
    start: str = ""


def resource(crm: Crm) -> str:
    """Return what a token is for, as RFC 8707 and RFC 9728 name it: the address of the MCP endpoint."""
    return f"{crm.settings.base_url}/mcp"


def is_ours(crm: Crm, named: str) -> bool:
    """Tell whether a `resource` names this server; a slash more or less is the same."""
    return named.rstrip("/") in (crm.settings.base_url, resource(crm))


def request_of(crm: Crm, pairs: Sequence[tuple[str, str]]) -> Request:
    """Return what the query of /authorize asks for; raises `invalid_value`, which is shown and never sent anywhere."""
    sent: dict[str, str] = {}
    for name, text in pairs:
        if name in _KNOWN and name in sent:
            raise _bad(f"{name} stands twice")
        sent[name] = text
    try:
        client = client_of(sent.get("client_id", ""))
    except BadClient as error:
        raise _bad(str(error)) from None
    uri = sent.get("redirect_uri", "")
    if not client.returns_to(uri):
        raise _bad("the redirect_uri is none that the app registered")
    if sent.get("response_type") != "code":
        raise _bad("response_type must be code")
    if sent.get("code_challenge_method") != pkce.METHOD or not pkce.is_challenge(sent.get("code_challenge", "")):
        raise _bad("a code_challenge with the method S256 is needed (RFC 7636)")
    named = [text for name, text in pairs if name == "resource" and text]  # an empty one counts as left out
    if not all(is_ours(crm, text) for text in named):
        raise _bad(f"resource must be {resource(crm)}")
    state = sent.get("state")
    if state is not None and len(state) > MAX_STATE:
        raise _bad(f"state has at most {MAX_STATE} characters")
    asked = Asked(client.id, uri, sent["code_challenge"], (named[-1] if named else resource(crm)).rstrip("/"), state)
    return Request(asked, client)


async def start(crm: Crm, network: str, request: Request, email: str) -> Started:
    """Mail a code for this request alone, and keep the sign-in; raises as `login.request_code`.

    `network` is the network address of the browser.
    """
    email = login.CODE_REQUEST.filled({"email": email})["email"]
    handle = grants.secret()
    letter = partial(_letter, crm, request, email)
    sent = await login.mail_code(crm, network, email, codes.CONNECT, PURPOSE, letter, place=handle)

    def unit(tx: Tx) -> None:
        grants.begin(tx, handle, email, request.asked, _soon(crm, tx))

    await crm.database.write(unit, lanes=[mail_lane(email)])
    return Started(handle, email, sent.local_code)


async def prove(crm: Crm, network: str, request: Request, handle: str, code: str) -> Choices:
    """Return what there is to choose from once the right code is entered; who is new is given an account.

    Raises `invalid_code`, `rate_limited`, `not_found` for a sign-in that is outdated.
    """
    await login.admit(crm, network)

    def unit(tx: Tx) -> Choices | Problem:
        signin = _under_way(tx, crm, request, handle)
        if signin.user_id:  # the button was pressed twice
            return _choices(tx, signin)
        codes.check_tries(tx, signin.email, codes.CONNECT)
        wrong = codes.entered(tx, crm, signin.email, codes.CONNECT, PURPOSE, code, handle)
        if not login.may_enter(tx, crm, signin.email):  # the invite was withdrawn since the code was mailed
            wrong = codes.WRONG
        if wrong:
            return Problem("invalid_code", f"{wrong} Check the newest mail, or get a new code.")
        found = login.welcome(tx, crm, signin.email, request.app)
        grants.prove(tx, handle, found.user.id, _soon(crm, tx))
        return Choices(signin.email, found.workspaces, found.invites, found.start.workspace_id)

    outcome = await crm.database.write(unit)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def choices(crm: Crm, request: Request, handle: str) -> Choices:
    """Return what there is to choose from in a sign-in whose code was entered."""

    def unit(tx: Tx) -> Choices:
        return _choices(tx, _proven(tx, crm, request, handle))

    return await crm.database.write(unit)


async def choose(crm: Crm, request: Request, handle: str, workspace: str, name: str) -> str:
    """Return the URL that carries the app's code, for the chosen workspace or a new one of this name.

    To choose a workspace that an invite leads to is to join it. Raises `not_a_member`, `plan_limit_reached`,
    `invalid_value`, `not_found`; then nothing has changed.
    """
    code = grants.secret()

    def unit(tx: Tx) -> None:
        signin = _proven(tx, crm, request, handle)
        user = User(signin.user_id, signin.email)
        is_new = workspace == NEW
        chosen = _opened(tx, crm, user, request, name) if is_new else _chosen(tx, user, request, workspace)
        grants.end(tx, handle)
        expires_at = after(tx.now, seconds=GRANT_SECONDS)
        grants.give(tx, code, chosen.workspace_id, user.id, request.asked, expires_at)

    await crm.database.write(unit)
    return _answer(crm, request.asked, code=code)


async def refuse(crm: Crm, request: Request, handle: str) -> str:
    """Return the URL that tells the app its user said no; raises `not_found` before a right code was entered."""

    def unit(tx: Tx) -> None:
        _proven(tx, crm, request, handle)
        grants.end(tx, handle)

    await crm.database.write(unit)
    return _answer(crm, request.asked, error="access_denied")


def _choices(tx: Tx, signin: grants.Signin) -> Choices:
    workspaces = accounts.memberships(tx.connection, signin.user_id)
    return Choices(signin.email, workspaces, invites.of_address(tx.connection, signin.email))


def _chosen(tx: Tx, user: User, request: Request, workspace: str) -> Membership:
    tx.enter(workspace)
    invite = invites.waiting(tx.connection, workspace, user.email)
    if invite is not None:
        return joining.join(tx, user, invite, request.app)
    return access.one_of(accounts.memberships(tx.connection, user.id), workspace)


def _opened(tx: Tx, crm: Crm, user: User, request: Request, name: str) -> Membership:
    name = WORKSPACE.filled({"name": name.strip() or user.email})["name"]
    places = accounts.memberships(tx.connection, user.id)
    if places:  # else they lost the last one a moment ago
        access.act_as(tx, user, places[0], request.app)
        quotas.check(tx, crm.settings, "workspaces")
    place = accounts.insert_workspace(tx, user, name, crm.settings.plans.default)
    access.act_as(tx, user, place, request.app)
    audit.append(tx, "workspace.create", f"workspace/{place.workspace_id}", {"name": [None, name]})
    return place


def _under_way(tx: Tx, crm: Crm, request: Request, handle: str) -> grants.Signin:
    email = grants.address(tx, handle)
    if email is not None:
        tx.enter(mail_lane(email))
    signin = grants.find(tx, handle, request.asked)
    if signin is None or not is_alive(signin.expires_at, tx.now, minutes=crm.settings.auth.code_minutes):
        raise Problem("not_found", "This sign-in is finished or outdated. Start again.")
    return signin


def _proven(tx: Tx, crm: Crm, request: Request, handle: str) -> grants.Signin:
    signin = _under_way(tx, crm, request, handle)
    if not signin.user_id:
        raise Problem("not_found", "Enter the code first. Start again.")
    return signin


def _soon(crm: Crm, tx: Tx) -> str:
    return after(tx.now, minutes=crm.settings.auth.code_minutes)


def _answer(crm: Crm, asked: Asked, **parameters: str) -> str:
    """Return the redirect URI with these parameters, the app's `state` and our `iss` (RFC 9207)."""
    if asked.state is not None:
        parameters["state"] = asked.state
    between = "&" if "?" in asked.redirect_uri else "?"
    return f"{asked.redirect_uri}{between}{urlencode({**parameters, 'iss': crm.settings.base_url})}"


def _bad(what: str) -> Problem:
    return Problem("invalid_value", f"The app sent a request that cannot be answered: {what}. Start again in the app.")


def _letter(crm: Crm, request: Request, email: str, code: str) -> Message:
    where = "a program on your computer" if request.on_this_machine else request.host
    name = spoken(request.client.name, "")
    calls = f'    It calls itself: "{name}"\n' if name else ""
    return Message(
        email,
        f"{code} is your crmkit code",
        f"An app asks to work in your CRM at {crm.settings.base_url}.\n\n"
        f"{calls}    It returns to:   {where}\n\n"
        f"If you are connecting it right now, enter this code on the page that asked for it:\n\n    {code}\n\n"
        f"It works once, on that page alone, within {crm.settings.auth.code_minutes} minutes.\n"
        "If you are not, ignore this mail: nothing happens without the code. Tell it to nobody.\n",
    )
