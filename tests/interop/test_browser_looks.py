"""How the pages of signing in look and sound, in a real Chromium: names, keyboard, screen reader, sizes, contrast."""

from typing import Any

import pytest

from crmkit.web.oauth.pages import ACCESSES, WorkspaceOption, workspace_page
from crmkit.web.oauth.pages import App as Asking
from tests.house import ALICE, BOB
from tests.interop.browser import CONTRASTS, DESK, EVIL, HEIGHTS, PHONE, SMALL, Callback, Visit, walk, workspace_of

LONG = "W" * 100


@pytest.mark.usefixtures("three")
def test_markup_in_a_name_is_shown_as_text_and_an_app_so_named_is_called_by_its_host(visit: Visit) -> None:
    visitor = visit(EVIL)
    for opened in walk(visitor):
        assert visitor.page.locator("script, img, iframe, object, svg, [onerror], [onclick]").count() == 0
        if opened != "the end":
            assert "<" not in visitor.heading()
            assert "localhost" in visitor.heading()
        if opened == "workspace":
            assert visitor.page.get_by_role("radio", name=f"{EVIL} admin, 0 contacts").count() == 1


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
    visitor.tab_to(visitor.page.locator("[name=workspace]:checked").input_value())
    keyboard.press("ArrowDown")
    visitor.tab_to("full")  # the name of a new workspace is not in the way
    visitor.tab_to("Connect")
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    assert visitor.focused() == "new"
    visitor.tab_to("name")
    keyboard.type("Mine")
    visitor.tab_to("full")
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
            assert (field["description"], field["invalid"]) == (" ".join(visitor.alert().split()), "true")
            assert field["focused"]
        if opened.startswith("workspace"):
            groups = [node["name"] for node in spoken if node["role"] in ("group", "radiogroup")]
            assert groups == ["Workspace", "What may it do there?"]
            names = [node["name"] for node in controls if node["role"] == "radio"]
            offered = [f"{name} {told}" for name, told in ACCESSES.values()]
            places = (f"{name} admin, 0 contacts" for name in (ALICE, "Acme", EVIL))
            assert names == [*places, "A new workspace", *offered]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("width", [320, 375, 1280])
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


@pytest.mark.usefixtures("three")
def test_the_button_of_every_page_is_in_sight_on_a_small_phone(visit: Visit) -> None:
    visitor = visit("Claude Code", viewport=SMALL)
    for opened in walk(visitor):
        button = visitor.page.locator("button, .go a").first.bounding_box()
        assert 0 <= button["y"] < button["y"] + button["height"] <= SMALL["height"], opened
        if opened == "workspace":  # whose list is longer than the screen
            assert visitor.page.evaluate("[scrollY, document.documentElement.scrollHeight > innerHeight]") == [0, True]


@pytest.mark.usefixtures("three")
def test_every_field_has_a_label_and_what_has_the_focus_is_not_behind_the_button(visit: Visit) -> None:
    visitor = visit("Claude Code", viewport=SMALL)
    for opened in walk(visitor):
        labels = "[...document.querySelectorAll('input:not([type=hidden])')].map((e) => e.labels.length)"
        assert set(visitor.page.evaluate(labels)) <= {1}, opened
        if opened == "workspace, a new one":
            visitor.page.get_by_label("Name of the new workspace").focus()
            field = visitor.page.locator("#name").bounding_box()
            assert field["y"] + field["height"] <= visitor.page.locator(".act").bounding_box()["y"] + 1


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_app_and_where_it_returns_to_are_one_line(visit: Visit, width: int) -> None:
    visitor = visit("Claude Code", viewport={"width": width, "height": 667})
    for opened in walk(visitor):
        if opened != "the end":
            line = visitor.page.locator(".app")
            assert line.inner_text() == "Claude Code · this computer"
            assert line.bounding_box()["height"] < 30, opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_page_on_how_to_connect_fits_and_can_be_read(visit: Visit, width: int, scheme: str) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 667})
    for path in ("/", "/mcp"):
        visitor.page.goto(visitor.house.url + path)
        assert visitor.heading() == "Connect your assistant to this CRM"
        for client in visitor.page.locator("summary").all():
            assert client.bounding_box()["height"] >= 44
            client.click()
        assert visitor.page.locator("pre").all_inner_texts()[0] == f"{visitor.house.url}/mcp"
        assert visitor.page.locator("details > :not(summary)").evaluate_all(
            "(all) => all.every((e) => e.checkVisibility())"
        )
        wide, shown = visitor.page.evaluate("((e) => [e.scrollWidth, e.clientWidth])(document.documentElement)")
        assert wide == shown == width
        boxes = visitor.page.evaluate(
            "[...document.querySelectorAll('main *')].map(e => e.getBoundingClientRect().right)"
        )
        assert max(boxes) <= width
        assert [found for found in visitor.page.evaluate(CONTRASTS) if found[1] < 4.5] == []


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_what_is_told_of_a_workspace_stands_under_its_name_and_is_not_cut(browser: Any, width: int) -> None:
    places = [
        WorkspaceOption("ws_aaaaaaaa", "admin", ALICE, ALICE, contacts=1_000_000),
        WorkspaceOption("ws_bbbbbbbb", "admin", ALICE, BOB),  # its twin
        WorkspaceOption("ws_cccccccc", "member", invited_by=f"{'e' * 40}@example.com"),
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
            warnings = visitor.page.locator(".warn").all_inner_texts()
            if opened.startswith(("email", "code")):
                assert warnings == ["This is an app on this computer. Go on only if you started it yourself."]
        backgrounds.add(visitor.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        visitor.house.clock.move(hours=1)
    assert len(backgrounds) == 2
