"""The pages of signing in, in a real Chromium: the whole way and every way back, with scripts and without."""

from pathlib import Path
from typing import Any

import pytest

from crmkit.web.oauth.pages import ACCESSES
from tests.house import ALICE, BOB, Person, house
from tests.interop.browser import (
    EVIL,
    Callback,
    Visit,
    visiting,
    whoami,
    workspace_of,
)
from tests.web.connecting import App


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


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("access", ["read", "write"])
def test_a_person_lets_an_app_do_less(visit: Visit, callback: Callback, access: str, scripts: bool) -> None:
    visitor = visit(java_script_enabled=scripts)
    visitor.open()
    visitor.prove(ALICE)
    assert visitor.page.get_by_role("radio", name=ACCESSES["full"][0]).is_checked()
    visitor.choose(ACCESSES[access][0])
    visitor.connect()
    assert whoami(visitor, callback.answer())["access"] == access


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


def test_a_wrong_code_is_reported_and_can_be_corrected(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.ask(ALICE)
    code = visitor.code_for(ALICE)
    visitor.enter(f"{(int(code) + 1) % 10**6:06d}")
    assert visitor.alert().startswith("Check the code and enter it again. 4 tries are left.\n")
    assert visitor.page.title().startswith("Error: ")
    assert visitor.focused() == "code"
    assert ALICE in visitor.page.locator("main").inner_text()
    visitor.enter(f" {code[:3]} {code[3:]} ")
    visitor.connect()
    assert workspace_of(visitor, callback.answer()) == ALICE


def test_an_invalid_address_is_reported_and_can_be_corrected(visit: Visit) -> None:
    visitor = visit()
    visitor.open()
    visitor.page.get_by_label("Your email address").fill("jane@acme")
    visitor.press("Mail me a code")
    assert "address" in visitor.alert()
    assert visitor.page.get_by_label("Your email address").input_value() == "jane@acme"
    visitor.prove("jane@acme.com")


@pytest.mark.parametrize("late", ["code", "workspace"])
def test_an_outdated_sign_in_says_so_and_starts_again(visit: Visit, callback: Callback, late: str) -> None:
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
    assert visitor.alert() == "Start again.\nThis sign-in is finished or outdated."
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


def test_going_back_from_the_app_does_not_connect_it_twice(visit: Visit, callback: Callback) -> None:
    visitor = visit()
    visitor.open()
    visitor.prove(ALICE)
    visitor.connect()
    visitor.back()
    visitor.page.reload()
    assert visitor.alert() == "Start again.\nThis sign-in is finished or outdated."
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
def test_a_request_that_the_app_did_not_register_is_refused_and_not_redirected(
    visit: Visit, callback: Callback, other: dict[str, str | None]
) -> None:
    visitor = visit()
    answer = visitor.open(**other)
    assert answer.status == 400
    assert answer.request.redirected_from is None
    assert visitor.heading() == "This cannot go on"
    assert visitor.alert().startswith("Go back to the app that sent you here and start again.\n")
    assert visitor.page.locator("a, form, button").count() == 0
    assert visitor.page.url.startswith(visitor.house.url)
    assert callback.came == []
