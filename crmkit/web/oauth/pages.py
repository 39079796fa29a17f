"""The pages of signing in for an app: plain HTML and one style sheet. Every text of a stranger passes `_given`."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from crmkit.model.fold import plain
from crmkit.model.names import clean, spoken_address

STYLE = (files("crmkit.web.oauth") / "pages.css").read_text(encoding="utf-8")
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"

MOST_GIVEN = 300  # characters of a text that a page gives back: an address, a name or a secret of ours fits

# hosts of apps that many know; being shown without a warning is all that comes of it
KNOWN_HOSTS = ("claude.ai", "claude.com", "chatgpt.com", "www.cursor.com", "vscode.dev")


@dataclass(frozen=True)
class App:
    """Who asks, by its own account, and where the browser will be sent; `again` is the page's own URL."""

    name: str
    host: str
    on_this_machine: bool
    again: str


@dataclass(frozen=True)
class Place:
    """A workspace to choose; one that the person is invited to by `invited_by` is called by its id alone."""

    id: str
    role: str
    name: str = ""
    opened_by: str = ""
    invited_by: str = ""


def email_page(app: App, email: str = "", wrong: str = "") -> str:
    """Return the first page: who asks, and whose mail address a code shall go to."""
    return _page(
        "Connect an app",
        wrong,
        f"<h1>{_own(app.name)} asks to work in your CRM</h1>{_where(app)}",
        "<p>It will read and change the records of the workspace you choose. For invites, members and tokens it "
        "needs a code mailed to you.</p>",
        '<form method="post">',
        _wrong(wrong),
        '<label for="email">Your email address</label>',
        f'<input id="email" name="email" type="email" autocomplete="email" required autofocus{_told(wrong)} '
        f'value="{_given(email)}">',
        '<button type="submit">Mail me a code</button></form>',
        '<p class="soft">If you did not start this, close the page.</p>',
    )


def code_page(app: App, signin: str, email: str, local_code: str | None = None, wrong: str = "") -> str:
    """Return the second page: the code that was mailed."""
    local = f'<p class="warn">Local mode: the code is <b>{escape(local_code)}</b></p>' if local_code else ""
    return _page(
        "Enter the code",
        wrong,
        f"<h1>Enter the code to connect {_own(app.name)}</h1>{_where(app)}",
        f"<p>A code was mailed to {_own(email)}.</p>" if email else "",
        local,
        f'<form method="post">{_hidden("signin", signin)}{_hidden("email", email)}',
        _wrong(wrong),
        '<label for="code">Code</label>',
        '<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" maxlength="20" '
        f"required autofocus{_told(wrong)}>",
        '<button type="submit">Continue</button></form>',
        f'<p class="soft"><a href="{escape(app.again)}">Use another address, or get a new code</a></p>',
    )


def workspace_page(
    app: App, signin: str, email: str, places: Sequence[Place], chosen: str = "", name: str = "", wrong: str = ""
) -> str:
    """Return the third page: the workspace that the app shall work in, or a new one.

    `chosen` is the id that is marked, or `new` with a `name`; the first workspace when it is none of these, never one
    that the person is only invited to.
    """
    own = [place.id for place in places if not place.invited_by]
    marked = chosen if chosen in (*(place.id for place in places), "new") else [*own, "new"][0]
    names = Counter(_alike(place.name) for place in places)
    choices = [
        _choice(
            place.id,
            clean(place.name, MOST_GIVEN) or place.id,
            _about(place, email, is_alike=names[_alike(place.name)] > 1),
            chosen=place.id == marked,
        )
        for place in places
    ]
    return _page(
        "Choose a workspace",
        wrong,
        f"<h1>Where may {_own(app.name)} work?</h1>{_where(app)}",
        f'<p>You are {_own(email)}. <a href="{escape(app.again)}">Use another address</a></p>',
        f'<form method="post">{_hidden("signin", signin)}',
        _wrong(wrong),
        f"<fieldset{_told(wrong)}><legend>Workspace</legend>{''.join(choices)}",
        _choice("new", "A new workspace", "", chosen=marked == "new"),
        # the style sheet shows it only while the choice above is made
        '<div class="name"><label for="name">Name of the new workspace</label>',
        '<input id="name" name="name" type="text" maxlength="200" autocomplete="off" aria-describedby="unnamed" '
        f'value="{_given(name)}">',
        f'<p class="soft" id="unnamed">Without a name it is called {_own(email)}.</p></div></fieldset>',
        '<button type="submit">Connect</button></form>',
        f'<form method="post">{_hidden("signin", signin)}{_hidden("workspace", "")}',
        '<button class="quiet" type="submit">Do not connect</button></form>',
    )


def stop_page(message: str, again: str = "") -> str:
    """Return the page of what cannot go on, with the way back where there is one."""
    return _page(
        "This cannot go on",
        "",
        f'<h1>This cannot go on</h1><p role="alert">{escape(message)}</p>',
        f'<p class="go"><a href="{escape(again)}">Start again</a></p>' if again else "",
    )


def _page(title: str, wrong: str, *parts: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{'Error: ' if wrong else ''}{title} - crmkit</title><style>{STYLE}</style></head>"
        f"<body><header>crmkit</header><main>{''.join(parts)}</main></body></html>\n"
    )


def _where(app: App) -> str:
    if app.on_this_machine and "://" not in app.host:
        warning = "This is an app on this computer. Go on only if you started it yourself."
    elif app.host in KNOWN_HOSTS:
        warning = ""
    elif app.on_this_machine:
        warning = "This opens a program on this computer. Go on only if you started it yourself."
    else:
        warning = "Anyone can choose a name. Go on only if you know this address."
    shown = f'<p class="warn">{warning}</p>' if warning else ""
    return f'<div class="app"><p class="soft">It returns to</p><p class="host">{escape(app.host)}</p>{shown}</div>'


def _own(text: str) -> str:
    """Return a text of someone else's; the style sheet keeps its direction from what stands around it."""
    return f"<b>{_given(text)}</b>"


def _given(text: str) -> str:
    """Return a text of someone else's as it may stand in a page, without what is invisible or turns the line around."""
    return escape(clean(text, MOST_GIVEN))


def _about(place: Place, email: str, is_alike: bool) -> str:
    """Return what is told of a workspace beside its name, since others may give theirs any name.

    That is the person's role in it, its id where another is called like it, and who opened it where that was another.
    """
    if place.invited_by:
        return f"invite by {spoken_address(place.invited_by)}, as {place.role}: choose it to join"
    told = [place.role]
    if is_alike:
        told.append(place.id)
    if is_alike or place.opened_by != email:
        told.append(f"opened by {spoken_address(place.opened_by)}")
    return ", ".join(told)


def _alike(name: str) -> str:
    """Return what names have in common that people would take for one another."""
    return "".join(plain(name).split())


def _choice(id: str, name: str, about: str, chosen: bool) -> str:
    shown = f' <span class="soft">{escape(about)}</span>' if about else ""
    return (
        f'<label class="choice"><input type="radio" name="workspace" value="{escape(id)}" required'
        f"{' checked' if chosen else ''}>{_own(name)}{shown}</label>"
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{_given(value)}">'


def _wrong(text: str) -> str:
    return f'<p role="alert" id="wrong">{escape(text)}</p>' if text else ""


def _told(wrong: str) -> str:
    return ' aria-describedby="wrong" aria-invalid="true"' if wrong else ""
