"""The sign-in pages of apps and the letter that goes with them: what they show, and what of strangers they do not."""

import html
import re
from pathlib import Path

import httpx
import pytest

from tests.house import ALICE, BOB, CHARLIE, House, house
from tests.web.connecting import CALLBACK, App, alert, heading, hidden, places, returned

SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@pytest.fixture
def app(home: House) -> App:
    return App(home)


def destination(page: httpx.Response) -> str:
    """Return the line that names the app and where the browser returns to."""
    (line,) = re.findall(r'<p class="app">(.*?)</p>', page.text)
    return html.unescape(re.sub(r"<[^>]+>", "", line))


def test_every_page_has_its_security_headers(app: App) -> None:
    signin, page = app.enter(ALICE)
    stop = app.open(client_id="x")
    sent_on = app.post({"signin": signin, "workspace": places(page)[0]})
    for answer in (app.open(), page, stop, sent_on):
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'; base-uri 'none'" in policy
        assert "form-action" not in policy
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë's App & Co", "Zoë's App & Co"),
        ("\u202eedualC\u202c\x07", "edualC"),
        ("<script>alert(1)</script>\"'&", "claude.ai"),
        ("restore it at https://evil.example/login", "claude.ai"),
        ("x" * 300, "claude.ai"),
        ("", "claude.ai"),
    ],
)
def test_a_page_calls_an_app_by_a_plain_name_or_by_its_host(town: House, name: str, shown: str) -> None:
    app = App(town, name=name)
    page = app.open()
    assert heading(page).startswith(f"{shown} ")
    assert "<script" not in page.text
    named = "" if shown == "claude.ai" else f"{shown} · "
    assert destination(page) == f"{named}claude.ai"


@pytest.mark.parametrize(
    ("callback", "host", "warning"),
    [
        (CALLBACK, "claude.ai", ""),
        ("https://evil.example.com/x", "evil.example.com", "Anyone can choose a name"),
        ("http://localhost:1/x", "this computer", "an app on this computer"),
        ("cursor://a/b", "cursor://", "a program on this computer"),
        ("zed://oauth/callback", "zed://", "a program on this computer"),
        ("claude://claude.ai/x", "claude://", "a program on this computer"),
        ("com.evil.app:/x", "com.evil.app://", "a program on this computer"),
    ],
)
def test_one_line_of_the_page_shows_where_the_browser_returns_to(
    town: House, callback: str, host: str, warning: str
) -> None:
    page = App(town, name="Claude", callbacks=(callback,)).open()
    assert destination(page) == f"Claude · {host}"
    assert (warning in page.text) if warning else ('class="warn"' not in page.text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Claude", True),
        ("Claude Code (Anthropic)", True),
        ("Zoë's App & Co", True),
        ("restore it at https://evil.example/login", False),
        ("see www.evil.example", False),
        ("claude.ai", False),
        ("mail me@example.com", False),
        ("x" * 41, False),
        ("\u3164", False),
    ],
)
def test_a_mail_repeats_only_plain_names_of_apps(home: House, name: str, said: bool) -> None:
    App(home, name=name).begin(ALICE)
    (letter,) = home.letterbox.letters
    assert (f'It calls itself: "{name}"\n' in letter.body) is said
    assert ("calls itself" in letter.body) is said


@pytest.mark.parametrize("name", ["\u3164", "\u115f \u2800", "\u034f"])
def test_an_invisible_app_name_counts_as_none(town: House, name: str) -> None:
    assert heading(App(town, name=name).open()).startswith("claude.ai ")


def test_mail_that_fails_is_told_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with house(tmp_path / "data", {"CRMKIT_MAIL_SMTP_URL": "smtp://127.0.0.1:1"}) as home:
        page = App(home).post({"email": ALICE})
    assert (page.status_code, "could not be sent" in alert(page)) == (503, True)
    assert "mail_failed" in caplog.text


@pytest.mark.parametrize(
    ("callback", "pages"), [(CALLBACK, 0), ("https://evil.example.com/x", 2), ("http://localhost:1/x", 2)]
)
def test_the_pages_before_the_code_is_entered_warn_of_an_app_that_few_know(
    home: House, callback: str, pages: int
) -> None:
    app = App(home, callbacks=(callback,))
    walked = [app.open(), app.post({"email": ALICE}), app.enter(ALICE)[1]]
    assert ['class="warn"' in page.text for page in walked].count(True) == pages
    assert 'class="warn"' not in walked[-1].text
    assert len({destination(page) for page in walked}) == 1


def test_an_error_says_first_what_to_do_and_then_why(home: House, app: App) -> None:
    signin = app.begin(ALICE)
    code = home.letterbox.code_for(ALICE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    tries = [alert(app.post({"signin": signin, "code": wrong})) for _ in range(5)]
    why = "The code is wrong, used, outdated or for something else. Only the newest mail has one that works."
    assert tries == [
        *(f"Check the code and enter it again. {left} tries are left.\n{why}" for left in (4, 3, 2)),
        f"Check the code and enter it again. One try is left.\n{why}",
        f"Get a new code: the link below leads there.\n{why}",
    ]
    home.clock.move(minutes=11)
    late = app.post({"signin": signin, "code": code})
    assert alert(late) == "Start again.\nThis sign-in is finished or outdated."
    bad = alert(app.open(state="x" * 4001))
    assert bad.startswith("Go back to the app that sent you here and start again.\nThe app sent a request that")
    for _ in range(5):
        page = app.post({"email": ALICE})
    do, why = alert(page).splitlines()
    assert (page.status_code, do) == (429, "Wait 49 minutes, then try again.")
    assert why.startswith("5 codes were sent to this address within an hour.")
    assert alert(app.post({"email": "jane@acme"})).startswith("The address ")


def test_in_local_mode_the_code_stays_on_the_page_after_a_wrong_one(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_AUTH_LOCAL": "true"}) as home:
        app = App(home, callbacks=("http://localhost:1/x",))
        page = app.post({"email": ALICE})
        code = home.letterbox.code_for(ALICE)
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        shown = f"Local mode: the code is <b>{code}</b>"
        assert shown in page.text
        for typed in ("no code", wrong, wrong, wrong, wrong):
            sent = {name: hidden(page, name) for name in ("signin", "email", "shown")}
            page = app.post({**sent, "code": typed})
            assert shown in page.text
        assert shown not in app.post({**sent, "code": wrong}).text  # it takes no more tries


def test_outside_local_mode_a_page_shows_no_code_that_a_form_brought(app: App) -> None:
    signin = app.begin(ALICE)
    wrong = f"{(int(app.house.letterbox.code_for(ALICE)) + 1) % 10**6:06d}"
    page = app.post({"signin": signin, "code": wrong, "shown": "shown"})
    assert ">shown<" not in page.text
    assert "Local mode" not in page.text


def test_a_workspace_name_with_a_nul_is_refused(app: App) -> None:
    signin, _ = app.enter(ALICE)
    assert app.post({"signin": signin, "workspace": "new", "name": "a\0b"}).status_code == 400
    assert app.post({"signin": signin, "workspace": "new", "name": "ab"}).status_code == 303


def test_an_address_is_given_back_as_text_when_it_is_wrong(app: App) -> None:
    page = app.post({"email": '"><script>alert(1)</script>'})
    assert page.status_code == 400
    assert "<script" not in page.text
    assert "address" in alert(page)


def test_what_was_typed_is_shown_again_without_invisible_characters(app: App) -> None:
    odd = "a\u202eb\u2066\u200bc\x07"
    email = app.post({"email": f"{odd}@"})
    signin = app.begin(ALICE)
    code = app.post({"signin": signin, "code": "none", "email": odd})
    app.post({"signin": signin, "code": app.house.letterbox.code_for(ALICE)})
    name = app.post({"signin": signin, "workspace": "new", "name": odd + "x" * 200})
    for page, shown in ((email, 'value="abc@"'), (code, 'value="abc"'), (name, f'value="abc{"x" * 200}"')):
        assert shown in page.text
        assert page.text.replace("\n", "").isprintable()


def test_the_mail_says_which_app_connects_and_where_it_returns_to(home: House) -> None:
    App(home, name="Claude\r\nBcc: x", callbacks=("https://evil.example.com/",)).begin(ALICE)
    (letter,) = home.letterbox.letters
    assert "calls itself" not in letter.body  # that is no plain name
    assert "It returns to:   evil.example.com\n" in letter.body
    assert "ignore this mail" in letter.body
    assert "Claude" not in letter.subject


@pytest.mark.parametrize(
    "body", [b"email=%ff", b"email=a%40example.com&email=b%40example.com", b"&".join(b"f%d=1" % n for n in range(40))]
)
def test_a_form_that_cannot_be_read_is_refused(town: House, body: bytes) -> None:
    app = App(town)
    for path in ("/authorize", "/token", "/revoke"):
        answer = app.browser.post(path, params=app.query(), content=body)
        assert answer.status_code == 400


def choices(page: httpx.Response) -> dict[str, tuple[str, bool]]:
    """Return id -> (what is shown of a workspace, whether it is marked) for each that the page offers."""
    found = re.findall(r'value="(ws_\w+)" required( checked)?>(.*?)</label>', page.text)
    return {id: (html.unescape(re.sub(r"<[^>]+>", "", shown)), bool(marked)) for id, marked, shown in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", [ALICE, f" {ALICE.upper()}  ", "alice @ example.com"])
def test_workspaces_that_are_called_alike_are_told_apart_by_id_and_who_opened_them(
    home: House, app: App, name: str
) -> None:
    with home.sign_in(ALICE) as alice, home.sign_in(CHARLIE) as eve:
        own, theirs = (person.json_of("GET", "/whoami")["workspace"] for person in (alice, eve))
        third = alice.json_of("POST", "/workspaces", {"name": "Acme"})["id"]
        assert eve.post(f"/workspaces/{theirs}/invites", json={"email": ALICE}).status_code == 201
        assert eve.patch(f"/workspaces/{theirs}", json={"name": name}).status_code == 200
        assert alice.post(f"/workspaces/{theirs}/join").status_code == 200
    shown = choices(app.enter(ALICE)[1])
    assert shown[own] == (f"{ALICE} admin, 0 contacts, {own}, opened by {ALICE}", True)
    assert shown[third] == ("Acme admin, 0 contacts", False)
    assert shown[theirs][0].endswith(f" member, 0 contacts, {theirs}, opened by {CHARLIE}")


def test_a_newcomer_is_proposed_the_workspace_that_invited_them_whatever_they_press(home: House, app: App) -> None:
    with home.sign_in(BOB) as bob:
        place = bob.json_of("GET", "/whoami")["workspace"]
        bob.post("/contacts", json={"name": "Jane"})
        assert bob.post(f"/workspaces/{place}/invites", json={"email": ALICE}).status_code == 201
    signin, page = app.enter(ALICE)
    shown = choices(page)
    assert shown[place] == (f"{BOB} member, 1 contact, opened by {BOB}", True)
    assert [told for told, _ in shown.values()].count(f"{ALICE} admin, 0 contacts") == 1
    for again in ({"code": "pressed twice"}, {"workspace": "nonsense"}):
        assert choices(app.post({"signin": signin, **again})) == shown
    assert choices(app.enter(ALICE)[1])[place][1] is False  # who is known begins where they were first


def test_an_invite_of_a_stranger_is_a_choice_of_its_own_and_never_the_proposed_one(home: House, app: App) -> None:
    with home.sign_in(ALICE), home.sign_in(CHARLIE) as eve:
        theirs = eve.json_of("GET", "/whoami")["workspace"]
        eve.patch(f"/workspaces/{theirs}", json={"name": ALICE})
        assert eve.post(f"/workspaces/{theirs}/invites", json={"email": ALICE}).status_code == 201
        signin, page = app.enter(ALICE)
        shown = choices(page)
        assert shown.pop(theirs) == (f"{theirs} invite by {CHARLIE}, as member: choose it to join", False)
        assert list(shown.values()) == [(f"{ALICE} admin, 0 contacts", True)]
        assert choices(app.post({"signin": signin, "workspace": "nonsense"})) == choices(page)
        assert len(eve.json_of("GET", f"/workspaces/{theirs}/members")["members"]) == 1
        answer = app.post({"signin": signin, "workspace": theirs})
        token = app.redeem(returned(answer)["code"]).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert eve.json_of("GET", "/whoami", headers=headers)["workspace"] == theirs
        joined = eve.json_of("GET", "/audit?action=member.create")["items"]
        assert [(entry["by"], entry["token_name"]) for entry in joined] == [(ALICE, "Claude")]
