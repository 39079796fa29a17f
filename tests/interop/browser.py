"""A person at a real Chromium, who lets an app in; and the account of all that the browser did on the way."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.house import ALICE, House, Person
from tests.web.connecting import App

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)

EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'>&amp;"

PHONE = {"width": 390, "height": 844}
SMALL = {"width": 375, "height": 667}  # the smallest phone that many have
DESK = {"width": 1280, "height": 800}

# [text, contrast ratio] of every visible text; backgrounds that let something through are laid over what is below them
CONTRASTS = """() => {
  const parsed = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const behind = (e) => !e ? [255, 255, 255, 1]
    : over(parsed(getComputedStyle(e).backgroundColor), behind(e.parentElement));
  const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const told = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
  return [...document.body.querySelectorAll("*")].filter((e) => told(e) && e.checkVisibility()).map((e) => {
    const below = behind(e), ink = over(parsed(getComputedStyle(e).color), below);
    const [low, high] = [light(ink), light(below)].sort((a, b) => a - b);
    return [told(e), (high + 0.05) / (low + 0.05)];
  });
}"""

# what is drawn around the focused control, or around the row it stands in
OUTLINE = """() => {
  const focused = document.activeElement;
  const styles = [focused, focused.closest("label")].filter(Boolean).map((e) => getComputedStyle(e));
  const drawn = styles.filter((s) => s.outlineStyle !== "none").map((s) => parseFloat(s.outlineWidth));
  return Math.max(0, ...drawn);
}"""

HEIGHTS = """() => [...document.querySelectorAll("button, .go a, .choice, input:not([type=radio], [type=hidden])")]
  .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().height)"""


# what the browser itself remarks in the console: a refusal, and a person who had a field in focus before the page did
REMARKS = (
    "Failed to load resource: the server responded with a status of 4",
    "Autofocus processing was blocked because a document already has a focused element",
)


@dataclass
class Callback:
    """The app's own address, where a small server of the app waits for the browser to come back."""

    url: str
    came: list[dict[str, str]] = field(default_factory=list)

    def answer(self) -> dict[str, str]:
        """Return the parameters of the only visit."""
        (answer,) = self.came
        return answer


@contextmanager
def listening() -> Iterator[Callback]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/callback":
                query = parse_qs(parts.query, strict_parsing=True)
                callback.came.append({name: text for name, (text,) in query.items()})
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>The app</title><h1>Back in the app</h1>")

        def log_message(self, format: str, *args: Any) -> None:
            """Keep silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        callback = Callback(f"http://localhost:{server.server_port}/callback")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield callback
        finally:
            server.shutdown()
            thread.join(10)


def api() -> Any:
    """Return the module of Playwright; skips where it is not installed."""
    return pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@contextmanager
def chromium() -> Iterator[Any]:
    """Run the Chromium of this machine; skips where there is none."""
    if PROGRAM is None:
        pytest.skip(f"no Chromium on this machine: none of {', '.join(NAMES)} is in PATH")
    with api().sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            ignore_default_args=["--disable-back-forward-cache"],  # the Back button as people know it
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Account:
    """What the browser did."""

    hosts: set[str] = field(default_factory=set)
    policies: list[str | None] = field(default_factory=list)  # one for each page of the CRM
    cookies: list[Any] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # in the console; dialogs and faults of scripts too


@dataclass
class Visitor:
    """A person with a tab of their own, on the pages that an app sent them to."""

    house: House
    app: App
    page: Any
    account: Account

    def url(self, **other: str | None) -> str:
        return f"{self.house.url}/authorize?{urlencode(self.app.query(**other))}"

    def open(self, **other: str | None) -> Any:
        """Open the first page; return the server's answer."""
        return self.page.goto(self.url(**other))

    def back(self) -> None:
        """Press the Back button. For a page that a form led to, the browser first asks whether to send it again."""
        try:
            self.page.go_back()
        except api().Error as error:
            assert "ERR_CACHE_MISS" in error.message
            self.page.get_by_text("Confirm Form Resubmission").wait_for()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).click()

    def ask(self, email: str) -> None:
        """From the first page to the second."""
        self.page.get_by_label("Your email address").fill(email)
        self.press("Mail me a code")
        self.page.wait_for_selector("#code")

    def enter(self, code: str) -> None:
        """Leave the second page."""
        self.page.get_by_label("Code").fill(code)
        self.press("Continue")

    def prove(self, email: str) -> None:
        """From the first page to the third."""
        self.ask(email)
        self.enter(self.code_for(email))
        self.page.wait_for_selector("fieldset")

    def choose(self, name: str) -> None:
        """Choose a workspace, or what the app may do."""
        self.page.get_by_role("radio", name=name).check()

    def connect(self) -> None:
        """From the third page back to the app."""
        self.press("Connect")
        self.page.wait_for_url("**/callback?*")

    def code_for(self, email: str) -> str:
        return self.house.letterbox.code_for(email)

    def alert(self) -> str:
        """Return what the page says is wrong: what to do, then why, a line each."""
        self.page.wait_for_selector("[role=alert]")
        return "\n".join(self.page.get_by_role("alert").locator("p").all_inner_texts())

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def focused(self) -> str:
        """Return the id, the value or the text of the control that has the focus."""
        return self.page.evaluate("() => ((e) => e.id || e.value || e.textContent)(document.activeElement)")

    def tab_to(self, name: str) -> None:
        """Press Tab once: the focus goes there, and is seen."""
        self.page.keyboard.press("Tab")
        assert self.focused() == name
        assert self.page.evaluate(OUTLINE) >= 2

    def spoken(self) -> list[dict[str, Any]]:
        """Return what Chromium tells a screen reader: role, name, description and properties of everything."""
        session = self.page.context.new_cdp_session(self.page)
        try:
            nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        finally:
            session.detach()
        return [
            {
                **{kind: node.get(kind, {}).get("value", "") for kind in ("role", "name", "description")},
                **{each["name"]: each["value"].get("value") for each in node.get("properties", [])},
            }
            for node in nodes
            if not node["ignored"]
        ]


Visit = Callable[..., Visitor]  # the fixture of conftest.py


@contextmanager
def visiting(browser: Any, house: House, app: App, **options: Any) -> Iterator[Visitor]:
    """Give a person a fresh browser profile; `options` are those of the profile, as Playwright names them."""
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    account = Account()
    ours = urlsplit(house.url).netloc

    def watch(response: Any) -> None:
        if urlsplit(response.url).netloc == ours:
            account.policies.append(response.headers.get("content-security-policy"))

    def listen(message: Any) -> None:
        if not message.text.startswith(REMARKS):
            account.told.append(f"{message.type}: {message.text}")

    def dismiss(dialog: Any) -> None:
        account.told.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page = context.new_page()
    page.on("request", lambda request: account.hosts.add(urlsplit(request.url).netloc))
    page.on("response", watch)
    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: account.told.append(f"fault: {error}"))
    page.on("console", listen)
    try:
        yield Visitor(house, app, page, account)
        account.cookies = context.cookies()
    finally:
        context.close()


def walk(visitor: Visitor, email: str = ALICE) -> Iterator[str]:
    """Go through every page, with its errors, and yield what is open."""
    visitor.open()
    yield "email"
    visitor.page.get_by_label("Your email address").fill("jane@acme")
    visitor.press("Mail me a code")
    visitor.alert()
    yield "email, refused"
    visitor.ask(email)
    yield "code"
    visitor.enter("wrong")
    visitor.alert()
    yield "code, refused"
    visitor.enter(visitor.code_for(email))
    visitor.page.wait_for_selector("fieldset")
    yield "workspace"
    visitor.choose("A new workspace")
    yield "workspace, a new one"
    visitor.house.clock.move(minutes=11)
    visitor.press("Connect")
    visitor.alert()
    yield "the end"


def workspace_of(visitor: Visitor, answer: dict[str, str]) -> str:
    """Redeem what the app got; return the name of the workspace that its token works in."""
    name: str = whoami(visitor, answer)["workspace_name"]
    return name


def whoami(visitor: Visitor, answer: dict[str, str]) -> dict[str, Any]:
    """Redeem what the app got; return what its token is told of itself."""
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (visitor.app.state, visitor.house.url)
    redeemed = visitor.app.redeem(answer["code"])
    assert redeemed.status_code == 200, redeemed.text
    with Person(visitor.house.url, redeemed.json()["access_token"]) as app:
        return app.json_of("GET", "/whoami")
