"""The user of an app signs in by a mailed code, chooses a workspace and an access; the app gets an authorization code.

Anyone can register an app, so nobody is redirected to one before its user has entered the right code (RFC 9700,
4.11.2). Entering it is the consent. It is not remembered: the next authorization needs a code again.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

from msgspec import Struct

from crmkit.clock import after, is_alive
from crmkit.core import quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.oauth import pkce
from crmkit.core.oauth.client import BadClient, Client, client_of, host_of, is_on_this_machine, is_url
from crmkit.core.people import access, codes, joining, login
from crmkit.core.people.workspaces import WORKSPACE
from crmkit.errors import Problem
from crmkit.mail import Message
from crmkit.model.access import FULL, READ, WRITE
from crmkit.model.actor import Invite, Membership, User
from crmkit.model.names import MAX_NAME, spoken, trimmed
from crmkit.records.contact import CONTACT
from crmkit.storage import records
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts, grants, invites
from crmkit.storage.people.grants import Binding

PURPOSE = "connect"  # under which the mailed code is kept
PLACES = ("/mcp", "/mcp/typed")  # the paths of the MCP endpoints
SCOPE = "crm"  # the only one; whatever scope an app asks for, it gets this one, with the access that its user chooses
OFFERED = (READ, WRITE, FULL)  # the accesses that a user may choose from
GRANT_SECONDS = 60
MAX_STATE = 4_000  # characters
NEW = "new"  # what the page sends in place of a workspace id to open one

_KNOWN = ("response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method", "state")


class AuthorizationRequest(Struct, frozen=True):
    """An app's request that passed all checks, so its user may be shown it."""

    binding: Binding
    client: Client

    @property
    def app(self) -> str:
        """Return what the app calls itself, or where it is when that is no plain name."""
        return spoken(self.client.name, (self.publisher or self.host)[:MAX_NAME])

    @property
    def publisher(self) -> str:
        """Return the host of the document that describes the app, empty for one that registered."""
        return host_of(self.client.document) if self.client.document else ""

    @property
    def host(self) -> str:
        return host_of(self.binding.redirect_uri)

    @property
    def on_this_machine(self) -> bool:
        return is_on_this_machine(self.binding.redirect_uri)


class Started(Struct, frozen=True):
    """A sign-in whose code was mailed; the next page sends `page_secret` back to go on with it."""

    page_secret: str
    email: str
    local_code: str | None


class Choices(Struct, frozen=True):
    """The workspaces and invites of a person; choosing the workspace of an invite accepts it.

    `start` is the id of the workspace that is proposed. `contacts` are how many each of the workspaces has, by its id.
    """

    email: str
    workspaces: list[Membership]
    invites: list[Invite]
    start: str
    contacts: Mapping[str, int]


def resource(crm: Crm, place: str = PLACES[0]) -> str:
    """Return the resource that tokens are for (RFC 8707, RFC 9728): the URL of an MCP endpoint. A token is for all."""
    return f"{crm.settings.base_url}{place}"


def is_ours(crm: Crm, named: str) -> bool:
    """Tell whether the parameter `resource` names this server, with or without a slash at its end."""
    return named.rstrip("/") in (crm.settings.base_url, *(resource(crm, place) for place in PLACES))


async def request_of(call: Call, pairs: Sequence[tuple[str, str]]) -> AuthorizationRequest:
    """Return the request in the query of /authorize; raises `invalid_value`, which the user is shown, not the app.

    Raises `rate_limited` where too many documents of apps were fetched.
    """
    crm = call.crm
    parameters: dict[str, str] = {}
    for name, text in pairs:
        if name in _KNOWN and name in parameters:
            raise _bad(f"{name} stands twice")
        parameters[name] = text
    try:
        id = parameters.get("client_id", "")
        client = await crm.documents.client(id, call.client) if is_url(id) else client_of(id)
    except BadClient as error:
        raise _bad(str(error)) from None
    uri = parameters.get("redirect_uri", "")
    if not client.returns_to(uri):
        raise _bad("the redirect_uri is none that the app registered")
    if parameters.get("response_type") != "code":
        raise _bad("response_type must be code")
    if parameters.get("code_challenge_method") != pkce.METHOD or not pkce.is_challenge(
        parameters.get("code_challenge", "")
    ):
        raise _bad("a code_challenge with the method S256 is needed (RFC 7636)")
    named = [text for name, text in pairs if name == "resource" and text]  # an empty one counts as left out
    if not all(is_ours(crm, text) for text in named):
        raise _bad(f"resource must be {resource(crm)}")
    state = parameters.get("state")
    if state is not None and len(state) > MAX_STATE:
        raise _bad(f"state has at most {MAX_STATE} characters")
    wanted = (named[-1] if named else resource(crm)).rstrip("/")
    binding = Binding(client.id, uri, parameters["code_challenge"], wanted, state)
    return AuthorizationRequest(binding, client)


async def start(call: Call, request: AuthorizationRequest, email: str) -> Started:
    """Mail a code that works for this request alone, and keep the sign-in; raises what `login.request_code` raises."""
    crm = call.crm
    email = login.CODE_REQUEST.filled({"email": email})["email"]
    page_secret = grants.secret()
    letter = partial(_letter, crm, request, email)
    mailed = await login.mail_code(call, email, codes.CONNECT, PURPOSE, letter, page_secret=page_secret)

    def unit(tx: Tx) -> None:
        grants.begin(tx, page_secret, email, request.binding, _soon(crm, tx))

    await call.write(unit, lanes=[mail_lane(email)])
    return Started(page_secret, email, mailed.local_code)


async def prove(call: Call, request: AuthorizationRequest, page_secret: str, code: str) -> Choices:
    """Return what the user may choose from if the code is right; a new user gets an account.

    Raises `invalid_code`, `rate_limited`, and `not_found` for a sign-in that is outdated.
    """
    crm = call.crm
    await login.admit(call)
    typed = codes.code_in(code)

    def unit(tx: Tx) -> Choices | Problem:
        signin = _under_way(tx, crm, request, page_secret)
        if signin.user_id:  # the button was pressed twice
            return _choices(tx, crm, signin)
        wrong = codes.entered(tx, crm, signin.email, codes.CONNECT, PURPOSE, typed, page_secret)
        if not login.may_enter(tx, crm, signin.email):  # the invite was withdrawn since the code was mailed
            wrong = codes.WRONG
        if wrong:
            # where a long code is wanted, only a new one will do
            left = codes.tries_for(tx, signin.email, codes.CONNECT, PURPOSE) if wrong == codes.WRONG else 0
            return Problem(
                "invalid_code", f"{wrong} Only the newest mail has one that works.", facts={"tries_left": left}
            )
        found = login.welcome(tx, crm, signin.email, request.app)
        grants.prove(tx, page_secret, found.user.id, _soon(crm, tx))
        counts = _contacts(tx, found.workspaces)
        return Choices(signin.email, found.workspaces, found.invites, found.start.workspace_id, counts)

    return await call.write(unit)


async def choices(call: Call, request: AuthorizationRequest, page_secret: str) -> Choices:
    """Return what the user may choose from in a sign-in whose code was entered."""

    def unit(tx: Tx) -> Choices:
        return _choices(tx, call.crm, _proven(tx, call.crm, request, page_secret))

    return await call.write(unit)


async def choose(
    call: Call, request: AuthorizationRequest, page_secret: str, workspace: str, name: str, granted: str
) -> str:
    """Return the URL that redirects to the app with its code, for the chosen workspace or a new one of this name.

    `granted` is the access that its token gets. Choosing the workspace of an invite joins it. Raises
    `not_a_member`, `plan_limit_reached`, `invalid_value`, `not_found`; then nothing has changed.
    """
    crm, code = call.crm, grants.secret()

    def unit(tx: Tx) -> None:
        signin = _proven(tx, crm, request, page_secret)
        if granted not in OFFERED:
            known = f"{', '.join(OFFERED[:-1])} or {OFFERED[-1]}"
            raise Problem("invalid_value", "Choose what the app may do.", fields={"access": f"must be {known}"})
        user = User(signin.user_id, signin.email)
        is_new = workspace == NEW
        chosen = _opened(tx, crm, user, request, name) if is_new else _chosen(tx, user, request, workspace)
        grants.end(tx, page_secret)
        expires_at = after(tx.now, seconds=GRANT_SECONDS)
        grants.give(tx, code, chosen.workspace_id, user.id, granted, request.binding, expires_at)

    await call.write(unit)
    return _redirect(crm, request.binding, code=code)


async def refuse(call: Call, request: AuthorizationRequest, page_secret: str) -> str:
    """Return the URL that tells the app that its user refused; raises `not_found` before the right code was entered."""

    def unit(tx: Tx) -> None:
        _proven(tx, call.crm, request, page_secret)
        grants.end(tx, page_secret)

    await call.write(unit)
    return _redirect(call.crm, request.binding, error="access_denied")


def _choices(tx: Tx, crm: Crm, signin: grants.Signin) -> Choices:
    workspaces = accounts.memberships(tx.connection, signin.user_id)
    waiting = invites.of_address(tx.connection, signin.email)
    start = _start(crm, signin, workspaces)
    return Choices(signin.email, workspaces, waiting, start, _contacts(tx, workspaces))


def _start(crm: Crm, signin: grants.Signin, workspaces: Sequence[Membership]) -> str:
    """Return the id of the workspace to propose where the page is shown again.

    A newcomer's own was opened when they entered the code; then it is the last of those that invited them, if any did.
    """
    if not workspaces:
        return NEW
    entered_at = after(signin.expires_at, minutes=-crm.settings.auth.code_minutes)
    is_new = (workspaces[0].opened_by, workspaces[0].created_at) == (signin.email, entered_at)
    return workspaces[-1 if is_new else 0].workspace_id


def _contacts(tx: Tx, workspaces: Sequence[Membership]) -> dict[str, int]:
    ids = [found.workspace_id for found in workspaces]
    return {id: records.live(tx.connection, id, CONTACT.plural) for id in ids}


def _chosen(tx: Tx, user: User, request: AuthorizationRequest, workspace: str) -> Membership:
    tx.enter(workspace)
    invite = invites.waiting(tx.connection, workspace, user.email)
    if invite is not None:
        return joining.join(tx, user, invite, request.app)
    hint = "You do not belong to that workspace."
    return access.one_of(accounts.memberships(tx.connection, user.id), workspace, hint)


def _opened(tx: Tx, crm: Crm, user: User, request: AuthorizationRequest, name: str) -> Membership:
    name = WORKSPACE.filled({"name": trimmed(name) or user.email})["name"]
    memberships = accounts.memberships(tx.connection, user.id)
    if memberships:  # else they lost the last one a moment ago
        access.act_as(tx, user, memberships[0], request.app)
        quotas.check(tx, crm.settings, "workspaces")
    opened = accounts.insert_workspace(tx, user, name, crm.settings.plans.default)
    access.act_as(tx, user, opened, request.app)
    audit.append(tx, "workspace.create", f"workspace/{opened.workspace_id}", {"name": [None, name]})
    return opened


def _under_way(tx: Tx, crm: Crm, request: AuthorizationRequest, page_secret: str) -> grants.Signin:
    email = grants.address(tx, page_secret)
    if email is not None:
        tx.enter(mail_lane(email))
    signin = grants.find(tx, page_secret, request.binding)
    if signin is None or not is_alive(signin.expires_at, tx.now, minutes=crm.settings.auth.code_minutes):
        raise Problem("not_found", "This sign-in is finished or outdated.")
    return signin


def _proven(tx: Tx, crm: Crm, request: AuthorizationRequest, page_secret: str) -> grants.Signin:
    signin = _under_way(tx, crm, request, page_secret)
    if not signin.user_id or accounts.is_disabled(tx.connection, signin.email):
        raise Problem("not_found", "The code has not been entered.")
    return signin


def _soon(crm: Crm, tx: Tx) -> str:
    return after(tx.now, minutes=crm.settings.auth.code_minutes)


def _redirect(crm: Crm, binding: Binding, **parameters: str) -> str:
    """Return the app's redirect URI with these parameters, its `state` and our `iss` (RFC 9207)."""
    if binding.state is not None:
        parameters["state"] = binding.state
    separator = "&" if "?" in binding.redirect_uri else "?"
    return f"{binding.redirect_uri}{separator}{urlencode({**parameters, 'iss': crm.settings.base_url})}"


def _bad(what: str) -> Problem:
    return Problem("invalid_value", f"The app sent a request that cannot be answered: {what}.")


def _letter(crm: Crm, request: AuthorizationRequest, email: str, code: str) -> Message:
    where = "a program on your computer" if request.on_this_machine else request.host
    name = spoken(request.client.name, "")
    calls = f'    It calls itself: "{name}"\n' if name else ""
    calls += f"    Described at:    {request.publisher}\n" if request.publisher else ""
    return Message(
        email,
        f"{code} is your crmkit code",
        f"An app asks to work in your CRM at {crm.settings.base_url}.\n\n"
        f"{calls}    It returns to:   {where}\n\n"
        f"If you are connecting it right now, enter this code on the page that asked for it:\n\n    {code}\n\n"
        f"It works once, on that page alone, within {crm.settings.auth.code_minutes} minutes.\n"
        "If you are not, ignore this mail: nothing happens without the code. Tell it to nobody.\n",
    )
