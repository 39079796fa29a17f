"""The HTML of /authorize."""

from collections import Counter
from collections.abc import Sequence
from html import escape

from msgspec import Struct

from crmkit.core.oauth.known_clients import KNOWN_HOSTS
from crmkit.model.access import FULL, READ, WRITE
from crmkit.model.fold import plain
from crmkit.model.names import clean, spoken_address
from crmkit.web.oauth.html import MAX_TEXT, escaped, isolated, page
from crmkit.web.oauth.page_errors import PageError

NOTHING = PageError("")  # is wrong
ACCESSES = {  # what each lets an app do; the one that is marked at first stands where a small screen shows it
    FULL: ("Everything you may do", "also deletes, merges and settings"),
    WRITE: ("Read and write", "no deletes, merges or settings"),
    READ: ("Only read", "it changes nothing"),
}


class App(Struct, frozen=True):
    """The app as it describes itself, and where the browser will be sent; `again` is the URL of the first page.

    `publisher` is the host that describes it, empty where it describes itself.
    """

    name: str
    host: str
    on_this_machine: bool
    again: str
    publisher: str = ""


class WorkspaceOption(Struct, frozen=True):
    """A workspace that the person may choose, with how many contacts it has.

    One they are invited to has `invited_by` and is shown by its id alone.
    """

    id: str
    role: str
    name: str = ""
    opened_by: str = ""
    invited_by: str = ""
    contacts: int = 0


def email_page(app: App, email: str = "", wrong: PageError = NOTHING) -> str:
    """Return the first page: who asks, and whose mail address a code shall go to."""
    return page(
        _title("Connect an app", wrong),
        f"<h1>{isolated(app.name)} asks to work in your CRM</h1>{_destination(app)}{_warning(app)}",
        "<p>You choose the workspace, and what it may do there. For invites, members and tokens it needs a code mailed "
        "to you.</p>",
        '<form method="post">',
        _error(wrong),
        '<label for="email">Your email address</label>',
        f'<input id="email" name="email" type="email" autocomplete="email" required autofocus{_aria_error(wrong)} '
        f'value="{escaped(email)}">',
        _button("Mail me a code"),
        "</form>",
        '<p class="soft">If you did not start this, close the page.</p>',
    )


def code_page(app: App, page_secret: str, email: str, local_code: str = "", wrong: PageError = NOTHING) -> str:
    """Return the second page: the code that was mailed, which in local mode is shown, also after an error."""
    local = f'<p class="warn">Local mode: the code is {isolated(local_code)}</p>' if local_code else ""
    return page(
        _title("Enter the code", wrong),
        f"<h1>Enter the code to connect {isolated(app.name)}</h1>{_destination(app)}{_warning(app)}",
        f"<p>A code was mailed to {isolated(email)}.</p>" if email else "",
        local,
        f'<form method="post">{_hidden("signin", page_secret)}{_hidden("email", email)}',
        _hidden("shown", local_code) if local_code else "",
        _error(wrong),
        '<label for="code">Code</label>',
        '<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" maxlength="20" '
        f"required autofocus{_aria_error(wrong)}>",
        _button("Continue"),
        "</form>",
        f'<p class="soft"><a href="{escape(app.again)}">Use another address, or get a new code</a></p>',
    )


def workspace_page(
    app: App,
    page_secret: str,
    email: str,
    options: Sequence[WorkspaceOption],
    chosen: str = "",
    name: str = "",
    access: str = FULL,
    wrong: PageError = NOTHING,
) -> str:
    """Return the third page: the workspace that the app shall work in, or a new one, and what it may do there.

    `chosen` is the id that is marked at first, or `new` (whose name is `name`); if it is neither, the first workspace
    that the person belongs to is marked. `access` is marked likewise; if it is none that is offered, none is.
    """
    own = [option.id for option in options if not option.invited_by]
    marked = chosen if chosen in (*(option.id for option in options), "new") else [*own, "new"][0]
    names = Counter(_compared(option.name) for option in options)
    choices = [
        _choice(
            "workspace",
            option.id,
            clean(option.name, MAX_TEXT) or option.id,
            _about(option, email, is_alike=names[_compared(option.name)] > 1),
            chosen=option.id == marked,
        )
        for option in options
    ]
    return page(
        _title("Choose a workspace", wrong),
        f"<h1>Where may {isolated(app.name)} work?</h1>{_destination(app)}",
        f'<p>You are {isolated(email)}. <a href="{escape(app.again)}">Use another address</a></p>',
        f'<form method="post">{_hidden("signin", page_secret)}',
        _error(wrong),
        f"<fieldset{_aria_error(wrong) if access in ACCESSES else ''}><legend>Workspace</legend>{''.join(choices)}",
        _choice("workspace", "new", "A new workspace", "", chosen=marked == "new"),
        # the style sheet shows it only while the choice above is made
        '<div class="name"><label for="name">Name of the new workspace</label>',
        '<input id="name" name="name" type="text" maxlength="200" autocomplete="off" aria-describedby="unnamed" '
        f'value="{escaped(name)}">',
        f'<p class="soft" id="unnamed">Without a name it is called {isolated(email)}.</p></div></fieldset>',
        f"<fieldset{'' if access in ACCESSES else _aria_error(wrong)}><legend>What may it do there?</legend>",
        *(_choice("access", word, *said, chosen=word == access) for word, said in ACCESSES.items()),
        "</fieldset>",
        _button("Connect"),
        "</form>",
        f'<form method="post">{_hidden("signin", page_secret)}{_hidden("workspace", "")}',
        '<button class="quiet" type="submit">Do not connect</button></form>',
    )


def stop_page(wrong: PageError, again: str = "") -> str:
    """Return the page that ends a sign-in, with a link to start `again` if there is a URL for it."""
    return page(
        "This cannot go on",
        f"<h1>This cannot go on</h1>{_error(wrong)}",
        f'<p class="go"><a href="{escape(again)}">Start again</a></p>' if again else "",
    )


def _title(title: str, wrong: PageError) -> str:
    return f"Error: {title}" if wrong.do else title


def _destination(app: App) -> str:
    """Return the line that names the app and where the browser will be sent."""
    is_web = not app.on_this_machine or "://" in app.host
    where = escape(app.host) if is_web else "this computer"
    named = "" if app.name in (app.host, app.publisher) else f"{isolated(app.name)} · "
    published = f'<span class="host">{escape(app.publisher)}</span>, returns to ' if app.publisher else ""
    published = "" if app.publisher == app.host else published
    return f'<p class="app">{named}{published}<span class="host">{where}</span></p>'


def _warning(app: App) -> str:
    if app.on_this_machine and "://" not in app.host:
        warning = "This is an app on this computer. Go on only if you started it yourself."
    elif app.host in KNOWN_HOSTS:
        return ""
    elif app.on_this_machine:
        warning = "This opens a program on this computer. Go on only if you started it yourself."
    else:
        warning = "Anyone can choose a name. Go on only if you know this address."
    return f'<p class="warn">{warning}</p>'


def _about(option: WorkspaceOption, email: str, is_alike: bool) -> str:
    """Return what stands below the name of a workspace, since anyone may give theirs any name.

    The person's role and the number of contacts; the id if another workspace has a like name; who opened it unless that
    was the person at `email`.
    """
    if option.invited_by:
        return f"invite by {spoken_address(option.invited_by)}, as {option.role}: choose it to join"
    parts = [option.role, f"{option.contacts} contact{'' if option.contacts == 1 else 's'}"]
    if is_alike:
        parts.append(option.id)
    if is_alike or option.opened_by != email:
        parts.append(f"opened by {spoken_address(option.opened_by)}")
    return ", ".join(parts)


def _compared(name: str) -> str:
    """Return a name without case, accents and blanks: people take names that are equal so for one another."""
    return "".join(plain(name).split())


def _choice(field: str, value: str, name: str, about: str, chosen: bool) -> str:
    shown = f' <span class="soft">{escape(about)}</span>' if about else ""
    return (
        f'<label class="choice"><input type="radio" name="{field}" value="{escape(value)}" required'
        f"{' checked' if chosen else ''}>{isolated(name)}{shown}</label>"
    )


def _button(name: str) -> str:
    """Return the button of a page, which the style sheet keeps in sight."""
    return f'<p class="act"><button type="submit">{name}</button></p>'


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escaped(value)}">'


def _error(wrong: PageError) -> str:
    if not wrong.do:
        return ""
    why = f'<p class="why">{escape(wrong.why)}</p>' if wrong.why else ""
    return f'<div role="alert" id="wrong"><p>{escape(wrong.do)}</p>{why}</div>'


def _aria_error(wrong: PageError) -> str:
    return ' aria-describedby="wrong" aria-invalid="true"' if wrong.do else ""
