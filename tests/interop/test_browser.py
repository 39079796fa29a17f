"""The pages of signing in, in a real Chromium: the whole way and every way back, by mouse, by keyboard and by ear."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crmkit.web.oauth.pages import App as Asking
from crmkit.web.oauth.pages import Place, workspace_page
from tests.house import ALICE, BOB, House, Person, house
from tests.interop.browser import CONTRASTS, DESK, HEIGHTS, PHONE, Callback, Visitor, chromium, listening, visiting
from tests.web.connecting import App

EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'>&amp;"
LONG = "W" * 100

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def callback() -> Iterator[Callback]:
    with listening() as waiting:
        yield waiting


@pytest.fixture
def visit(browser: Any, home: House, callback: Callback) -> Iterator[Visit]:
    """Start a visit for an app of this name; whatever a test does, what no visit may leave behind is looked for."""
    visits, stack = [], ExitStack()

    def visited(name: str = "Claude", uri: str = callback.url, **more: Any) -> Visitor:
        visits.append(stack.enter_context(visiting(browser, home, App(home, name, (uri,)), **more)))
        return visits[-1]

    with stack:
        yield visited
    for visitor in visits:
        account = visitor.account
        assert account.told == []  # no script, no dialog, nothing that the policy had to stop
        assert account.cookies == []
        assert account.hosts <= {visitor.house.url.removeprefix("http://"), callback.url.split("/")[2]}
        assert account.policies
        for policy in account.policies:
            assert "default-src 'none'" in policy
            assert "form-action" not in policy


@pytest.fixture
def three(alice: Person) -> None:
    """Give Alice two workspaces more; the third has a name that is no markup."""
    for name in ("Acme", EVIL):
        assert alice.post("/workspaces", json={"name": name}).status_code == 201


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
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (visitor.app.state, visitor.house.url)
    redeemed = visitor.app.redeem(answer["code"])
    assert redeemed.status_code == 200, redeemed.text
    with Person(visitor.house.url, redeemed.json()["access_token"]) as app:
        name: str = app.json_of("GET", "/whoami")["workspace_name"]
        return name


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_person_lets_an_app_in(visit: Visit, callback: Callback, scripts: bool) -> None:
    visitor = visit(java_script_enabled=scripts)
    visitor.open()
    assert visitor.heading() == "Claude asks to work in your CRM"
    visitor.ask(ALICE)
    assert ALICE in visitor.page.locator("main").inner_text()
    visitor.enter(visitor.code_for(ALICE))
    visitor.page.wait_for_selector("fieldset")
    assert visitor.page.get_by_role("radio", name=ALICE).is_checked()
    visitor.connect()
    assert visitor.heading() == "Back in the app"
    assert workspace_of(visitor, callback.answer()) == ALICE


def test_in_local_mode_the_code_stands_on_the_page(browser: Any, callback: Callback, tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_AUTH_LOCAL": "true"}) as local:
        app = App(local, "Claude", (callback.url,))
        with visiting(browser, local, app) as visitor:
            visitor.open()
            visitor.ask(ALICE)
            shown = visitor.page.get_by_text("Local mode: the code is").inner_text()
            visitor.enter(shown.removeprefix("Local mode: the code is "))
            visitor.connect()
        assert workspace_of(visitor, callback.answer()) == ALICE


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("name", [ALICE, "Acme", EVIL])
def test_the_chosen_workspace_is_where_the_app_works(visit: Visit, callback: Callback, name: str) -> None:
    visitor = visit()
    visitor.open()
    visitor.prove(ALICE)
    visitor.page.locator(".choice").get_by_text(name, exact=True).click()  # anywhere on the row will do
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == name


@pytest.mark.parametrize(("name", "called"), [("Größe & <Co>", "Größe & <Co>"), ("", ALICE)])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_new_workspace_has_the_name_given_or_that_of_the_address(
    visit: Visit, callback: Callback, alice: Person, name: str, called: str, scripts: bool
) -> None:
    visitor = visit(java_script_enabled=scripts)
    visitor.open()
    visitor.prove(ALICE)
    assert not visitor.page.locator("#name").is_visible()
    visitor.choose("A new workspace")
    visitor.page.get_by_label("Name of the new workspace").fill(name)
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == called
    assert len(alice.json_of("GET", "/workspaces")["items"]) == 2


def test_a_wrong_code_is_told_and_can_be_mended(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.ask(ALICE)
    visitor.enter("12 34")
    assert visitor.alert().startswith("The code is wrong")
    assert visitor.page.title().startswith("Error: ")
    assert visitor.focused() == "code"
    assert ALICE in visitor.page.locator("main").inner_text()
    code = visitor.code_for(ALICE)
    visitor.enter(f" {code[:3]} {code[3:]} ")
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == ALICE


def test_an_address_that_is_none_is_told_and_can_be_mended(visit: Visit) -> None:
    visitor = visit()
    visitor.open()
    visitor.page.get_by_label("Your email address").fill("jane@acme")
    visitor.press("Mail me a code")
    assert "address" in visitor.alert()
    assert visitor.page.get_by_label("Your email address").input_value() == "jane@acme"
    visitor.prove("jane@acme.com")


@pytest.mark.parametrize("late", ["code", "workspace"])
def test_who_comes_too_late_is_told_and_starts_again(visit: Visit, callback: Callback, late: str) -> None:
    visitor = visit()
    visitor.open()
    if late == "code":
        visitor.ask(ALICE)
        visitor.house.clock.move(minutes=11)
        visitor.enter(visitor.code_for(ALICE))
    else:
        visitor.prove(ALICE)
        visitor.house.clock.move(minutes=11)
        visitor.press("Connect")
    assert visitor.alert() == "This sign-in is finished or outdated. Start again."
    assert callback.came == []
    visitor.follow("Start again")
    visitor.prove(ALICE)
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == ALICE


@pytest.mark.parametrize("back", ["link", "button"])
@pytest.mark.parametrize("at", ["code", "workspace"])
def test_a_person_can_go_back_and_sign_in_as_somebody_else(
    visit: Visit, callback: Callback, at: str, back: str
) -> None:
    visitor = visit()
    visitor.open()
    visitor.ask(ALICE)
    if at == "workspace":
        visitor.enter(visitor.code_for(ALICE))
        visitor.page.wait_for_selector("fieldset")
    if back == "link":
        visitor.follow("Use another address")
    else:
        for _ in range(1 if at == "code" else 2):
            visitor.back()
    assert visitor.heading() == "Claude asks to work in your CRM"
    visitor.prove(BOB)
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == BOB


def test_going_back_to_the_code_and_sending_the_address_again_leads_on(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.prove(ALICE)
    visitor.back()
    visitor.page.reload()
    visitor.enter(visitor.code_for(ALICE))
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == ALICE


def test_who_comes_back_from_the_app_cannot_let_it_in_twice(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.prove(ALICE)
    visitor.connect()
    visitor.back()
    visitor.page.reload()
    assert visitor.alert() == "This sign-in is finished or outdated. Start again."
    assert len(callback.came) == 1


def test_a_person_says_no_and_the_app_is_told(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.prove(ALICE)
    visitor.press("Do not connect")
    visitor.page.wait_for_url("**/callback?*")
    assert callback.answer() == {"error": "access_denied", "state": visitor.app.state, "iss": visitor.house.url}


@pytest.mark.parametrize(
    "other",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://localhost:1/elsewhere"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": None},
    ],
    ids=str,
)
def test_a_request_that_is_not_the_app_s_own_goes_nowhere(
    visit: Visit, callback: Callback, other: dict[str, str | None]
) -> None:
    visitor = visit()
    answer = visitor.open(**other)
    assert answer.status == 400
    assert answer.request.redirected_from is None
    assert visitor.heading() == "This cannot go on"
    assert visitor.alert().endswith("Start again in the app.")
    assert visitor.page.locator("a, form, button").count() == 0
    assert visitor.page.url.startswith(visitor.house.url)
    assert callback.came == []


@pytest.mark.usefixtures("three")
def test_markup_in_a_name_is_shown_as_text_and_an_app_so_named_is_called_by_its_host(visit: Visit) -> None:
    visitor = visit(EVIL)
    for opened in walk(visitor):
        assert visitor.page.locator("script, img, iframe, object, svg, [onerror], [onclick]").count() == 0
        if opened != "the end":
            assert "<" not in visitor.heading()
            assert "localhost" in visitor.heading()
        if opened == "workspace":
            assert visitor.page.get_by_role("radio", name=f"{EVIL} admin").count() == 1


@pytest.mark.parametrize("name", ["\u202eedualC\u2066", "Clau\u200bde\x1b", "Claude\n\u2028CRM"])
def test_a_name_holds_no_hidden_characters(visit: Visit, name: str) -> None:
    visitor = visit(name)
    visitor.open()
    clean = {"\u202eedualC\u2066": "edualC", "Clau\u200bde\x1b": "Claude"}.get(name, "Claude CRM")
    assert visitor.heading() == f"{clean} asks to work in your CRM"


def test_a_name_written_from_right_to_left_does_not_turn_the_rest_around(visit: Visit) -> None:
    visitor = visit("קלוד 123")
    visitor.open()
    ends = visitor.page.evaluate(
        """() => [...document.querySelector("h1").childNodes].map((node) => {
          const range = document.createRange();
          range.selectNodeContents(node);
          const box = range.getClientRects()[0];
          return [box.left, box.right];
        })"""
    )
    assert ends[0][1] <= ends[1][0] + 1
    name = visitor.page.locator("h1 b")
    assert name.evaluate("(e) => getComputedStyle(e).unicodeBidi") == "isolate"


@pytest.mark.usefixtures("three")
def test_the_pages_work_by_keyboard_alone(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    keyboard = visitor.page.keyboard
    visitor.open()
    assert visitor.focused() == "email"
    keyboard.type(ALICE)
    visitor.tab_to("Mail me a code")
    keyboard.press("Enter")
    visitor.page.wait_for_selector("#code")
    assert visitor.focused() == "code"
    keyboard.type(visitor.code_for(ALICE))
    keyboard.press("Enter")
    visitor.page.wait_for_selector("fieldset")
    visitor.tab_to("Use another address")
    visitor.tab_to(visitor.page.locator(":checked").input_value())
    keyboard.press("ArrowDown")
    visitor.tab_to("Connect")  # the name of a new workspace is not in the way
    keyboard.press("Shift+Tab")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    assert visitor.focused() == "new"
    visitor.tab_to("name")
    keyboard.type("Mine")
    visitor.tab_to("Connect")
    visitor.tab_to("Do not connect")
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    visitor.page.wait_for_url("**/callback?*")
    assert workspace_of(visitor, callback.answer()) == "Mine"


@pytest.mark.usefixtures("three")
def test_a_screen_reader_tells_headings_names_and_errors(visit: Visit) -> None:
    visitor = visit()
    for opened in walk(visitor):
        spoken = visitor.spoken()
        assert [node["name"] for node in spoken if node.get("level") == 1] == [visitor.heading()], opened
        controls = [node for node in spoken if node["role"] in ("textbox", "radio", "radiogroup", "button", "link")]
        assert all(node["name"] for node in controls), (opened, controls)
        assert visitor.page.locator("html").get_attribute("lang") == "en"
        alerts = [node for node in spoken if node["role"] == "alert"]
        assert [node["live"] for node in alerts] == ["assertive"] * ("refused" in opened or opened == "the end")
        for field in (node for node in controls if "refused" in opened and node["role"] == "textbox"):
            assert (field["description"], field["invalid"]) == (visitor.alert(), "true")
            assert field["focused"]
        if opened.startswith("workspace"):
            (group,) = (node for node in spoken if node["role"] in ("group", "radiogroup"))
            assert group["name"] == "Workspace"
            names = [node["name"] for node in controls if node["role"] == "radio"]
            assert names == [f"{ALICE} admin", "Acme admin", f"{EVIL} admin", "A new workspace"]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_cut_and_everything_is_large_enough_for_a_finger(visit: Visit, width: int) -> None:
    host = f"{'a' * 60}.{'b' * 60}.example"
    visitor = visit(LONG, f"https://{host}/callback", viewport={"width": width, "height": 700})
    for opened in walk(visitor, f"{'c' * 60}@{host}"):
        wide, shown = visitor.page.evaluate("((e) => [e.scrollWidth, e.clientWidth])(document.documentElement)")
        assert (opened, wide) == (opened, shown)
        boxes = visitor.page.evaluate(
            "[...document.querySelectorAll('main *')].map(e => e.getBoundingClientRect().right)"
        )
        assert max(boxes) <= width, opened
        assert min(visitor.page.evaluate(HEIGHTS)) >= 44, opened
        assert visitor.page.locator(".host").count() == (opened != "the end")


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_what_is_told_of_a_workspace_stands_under_its_name_and_is_not_cut(browser: Any, width: int) -> None:
    places = [
        Place("ws_aaaaaaaa", "admin", ALICE, ALICE),
        Place("ws_bbbbbbbb", "admin", ALICE, BOB),  # its twin
        Place("ws_cccccccc", "member", invited_by=f"{'e' * 40}@example.com"),
    ]
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.set_content(workspace_page(Asking("Claude", "claude.ai", False, "/"), "handle", ALICE, places))
    boxes = page.evaluate("[...document.querySelectorAll('main *')].map(e => e.getBoundingClientRect().right)")
    assert max(boxes) <= width
    for choice in page.locator(".choice:has(.soft)").all():
        name, told = choice.locator("b").bounding_box(), choice.locator(".soft").bounding_box()
        assert told["y"] >= name["y"] + name["height"] - 1
        assert name["height"] < 60, "a name is broken into letters"
    page.close()


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_text_has_enough_contrast_in_light_and_dark(visit: Visit, size: dict[str, int]) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        visitor = visit("Claude Code", color_scheme=scheme, viewport=size)
        for opened in walk(visitor):
            faint = [found for found in visitor.page.evaluate(CONTRASTS) if found[1] < 4.5]
            assert faint == [], (scheme, opened)
            if opened != "the end":
                assert visitor.page.locator(".warn").first.inner_text().startswith("This is an app on this computer.")
        backgrounds.add(visitor.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        visitor.house.clock.move(hours=1)
    assert len(backgrounds) == 2
