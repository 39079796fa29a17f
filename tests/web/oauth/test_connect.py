"""An app connects: how its user lets it in, page by page."""

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.house import ALICE, BOB, CHARLIE, House, Person, house
from tests.web.connecting import CALLBACK, App, alert, hidden, places, returned

pytestmark = pytest.mark.slow


@pytest.fixture
def app(home: House) -> App:
    return App(home)


def test_an_app_that_connects_gets_an_ordinary_token(home: House, app: App) -> None:
    token = app.token(ALICE)
    assert re.fullmatch(r"ck_[a-z0-9]{39}", token)
    with Person(home.url, token) as alice:
        card = alice.text("GET", "/whoami")
        assert f"email: {ALICE}\n" in card
        assert "token_name: Claude\n" in card
        (listed,) = alice.json_of("GET", "/tokens")["items"]
        assert listed["name"] == "Claude"
        assert listed["current"]
        assert [row["action"] for row in alice.json_of("GET", "/audit")["items"]] == [
            "token.create",
            "workspace.create",
        ]
        assert alice.text("DELETE", f"/tokens/{listed['id']}") == f"OK revoked token/{listed['id']}\n"
        assert alice.send_it("GET", "/whoami").status_code == 401


@pytest.mark.parametrize("callback", ["zed://oauth/callback", "claude://claude.ai/cb?x=1", "com.example.app:/oauth"])
def test_an_app_with_a_scheme_of_its_own_connects_like_any_other(home: House, callback: str) -> None:
    app = App(home, name="Editor", callbacks=(callback,))
    signin, page = app.enter(ALICE)
    answer = app.post({"signin": signin, "workspace": places(page)[0]})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{callback}{'&' if '?' in callback else '?'}code=")
    assert "form-action" not in page.headers["Content-Security-Policy"]  # it would hold back this redirect
    code = parse_qs(answer.headers["Location"].partition("?")[2])["code"][0]
    assert app.redeem(code, code_verifier="x" * 43).status_code == 400
    signin, page = app.enter(ALICE)
    answer = app.post({"signin": signin, "workspace": places(page)[0]})
    assert app.redeem(parse_qs(answer.headers["Location"].partition("?")[2])["code"][0]).status_code == 200


def test_the_token_answer_has_no_expiry_and_no_refresh(home: House, app: App) -> None:
    answer = app.redeem(app.allowed(ALICE)["code"])
    assert set(answer.json()) == {"access_token", "token_type", "scope"}
    assert answer.json()["token_type"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


def test_the_answer_carries_code_state_and_iss(home: House, app: App) -> None:
    back = app.allowed(ALICE)
    assert set(back) == {"code", "state", "iss"}
    assert back["state"] == app.state
    assert back["iss"] == home.url
    assert len(back["code"]) == 43  # 256 bits


def test_without_a_state_none_comes_back(app: App) -> None:
    assert set(app.allowed(ALICE, state=None)) == {"code", "iss"}


def test_a_redirect_uri_keeps_its_own_query(home: House) -> None:
    app = App(home, callbacks=("https://example.com/cb?tenant=7&x=%2F",))
    signin, page = app.enter(ALICE)
    answer = app.post({"signin": signin, "workspace": places(page)[0]})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://example.com/cb?tenant=7&x=%2F&code=")


def test_a_program_on_the_users_machine_may_take_any_port(home: House) -> None:
    app = App(home, callbacks=("http://localhost/callback",))
    back = app.allowed(ALICE, redirect_uri="http://localhost:3030/callback")
    assert app.redeem(back["code"], redirect_uri="http://localhost:3030/callback").status_code == 200
    back = app.allowed(ALICE, redirect_uri="http://localhost:3030/callback")
    assert app.redeem(back["code"], redirect_uri="http://localhost/callback").json()["error"] == "invalid_grant"


# what is refused, and that nobody is sent anywhere before a right code


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"client_id": None}, "client_id"),
        ({"client_id": "nobody"}, "client_id"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"redirect_uri": "https://evil.com/"}, "redirect_uri"),
        ({"redirect_uri": CALLBACK + "/"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"response_type": None}, "response_type"),
        ({"response_type": "token"}, "response_type"),
        ({"code_challenge": None}, "code_challenge"),
        ({"code_challenge": "short"}, "code_challenge"),
        ({"code_challenge_method": None}, "S256"),
        ({"code_challenge_method": "plain"}, "S256"),
        ({"resource": "https://evil.com/mcp"}, "resource"),
        ({"state": "x" * 4001}, "state"),
    ],
    ids=str,
)
def test_a_wrong_request_is_answered_by_a_page_and_never_by_a_redirect(
    town: House, other: dict[str, str | None], says: str
) -> None:
    app, letters = App(town), len(town.letterbox.letters)
    for page in (
        app.open(**other),
        app.post({"email": ALICE}, **other),
        app.post({"signin": "x", "code": "1"}, **other),
    ):
        assert page.status_code == 400
        assert says in alert(page)
        assert "location" not in page.headers
    assert len(town.letterbox.letters) == letters


def test_a_parameter_that_stands_twice_is_refused(app: App) -> None:
    pairs = [*app.query().items(), ("redirect_uri", CALLBACK)]
    page = app.browser.get("/authorize", params=pairs)
    assert (page.status_code, "stands twice" in alert(page)) == (400, True)


@pytest.mark.parametrize("resource", ["/mcp", "/mcp/", "", "/"])
def test_the_resource_is_the_endpoint_or_the_server_with_a_slash_or_without(app: App, resource: str) -> None:
    named = app.house.url + resource
    assert app.redeem(app.allowed(ALICE, resource=named)["code"], resource=named).status_code == 200


def test_the_resource_is_bound_to_the_code(app: App) -> None:
    for named, error in [("https://evil.com", "invalid_target"), (app.house.url, "invalid_target")]:
        answer = app.redeem(app.allowed(ALICE)["code"], resource=named)
        assert (answer.status_code, answer.json()["error"]) == (400, error)
        app.house.clock.move(hours=1)
    assert app.redeem(app.allowed(ALICE)["code"], resource=None).status_code == 200


def test_unknown_scopes_and_parameters_are_ignored(app: App) -> None:
    page = app.open(scope=" offline_access mail:read", prompt="consent", nonce="x")
    assert page.status_code == 200


# codes: mailed, wrong, late, elsewhere


def test_a_wrong_code_can_be_tried_again_until_the_fifth(app: App) -> None:
    signin = app.begin(ALICE)
    right = app.house.letterbox.code_for(ALICE)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(4):
        page = app.post({"signin": signin, "code": wrong, "email": ALICE})
        assert (page.status_code, "wrong" in alert(page)) == (401, True)
        assert hidden(page, "signin") == signin
        assert ALICE in page.text
    page = app.post({"signin": signin, "code": f" {right[:3]} {right[3:]} "})
    assert page.status_code == 200
    signin = app.begin(ALICE)
    for _ in range(5):
        app.post({"signin": signin, "code": "zzzzzzzz"})
    page = app.post({"signin": signin, "code": app.house.letterbox.code_for(ALICE)})
    assert page.status_code == 401


def test_what_cannot_be_a_code_costs_no_try_and_the_digits_are_taken_out_of_what_was_sent(app: App) -> None:
    signin = app.begin(ALICE)
    right = app.house.letterbox.code_for(ALICE)
    for typed in ("", "x", "12345", "1234567", "123456 654321", "no code", "x" * 200):
        page = app.post({"signin": signin, "code": typed, "email": ALICE})
        assert page.status_code == 400
        assert alert(page) == "The code must be 6 digits, or 8 letters and digits, as in the mail"
        assert hidden(page, "signin") == signin
    page = app.post({"signin": signin, "code": f"Code: {right[:3]}-{right[3:]}"})
    assert page.status_code == 200


def test_after_ten_wrong_codes_in_a_day_an_address_gets_no_more(app: App) -> None:
    for _ in range(2):
        signin = app.begin(ALICE)
        for _ in range(5):
            assert app.post({"signin": signin, "code": "zzzzzzzz"}).status_code == 401
    page = app.post({"email": ALICE})
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "midnight" in alert(page)


def test_an_outdated_code_is_answered_by_a_page_that_leads_back(app: App) -> None:
    signin = app.begin(ALICE)
    app.house.clock.move(minutes=11)
    page = app.post({"signin": signin, "code": app.house.letterbox.code_for(ALICE)})
    assert page.status_code == 404
    assert "outdated" in alert(page)
    (again,) = re.findall(r'href="(/authorize\?[^"]+)"[^>]*>Start again', page.text)
    assert app.browser.get(again.replace("&amp;", "&")).status_code == 200


def test_a_second_request_ends_the_first_code(app: App) -> None:
    first = app.begin(ALICE)
    early = app.house.letterbox.code_for(ALICE)
    second = app.begin(ALICE)
    late = app.house.letterbox.code_for(ALICE)
    assert app.post({"signin": first, "code": early}).status_code == 401
    assert app.post({"signin": first, "code": late}).status_code == 401
    assert app.post({"signin": second, "code": late}).status_code == 200


def test_a_code_of_one_page_is_no_good_on_another_and_not_for_signing_in(home: House, app: App) -> None:
    """Whoever starts a sign-in elsewhere with your address cannot use the code that you were mailed for yours."""
    other = App(home, name="Evil", callbacks=("https://evil.com/",))
    theirs = other.begin(ALICE)
    mine = app.begin(ALICE)
    code = home.letterbox.code_for(ALICE)
    assert other.post({"signin": theirs, "code": code}).status_code == 401
    entry = {"email": ALICE, "code": code}
    assert home.visitor().post("/auth/verify", json=entry).status_code == 401
    assert app.post({"signin": mine, "code": code}).status_code == 200
    home.visitor().post("/auth/request", json={"email": ALICE})
    again = app.begin(ALICE)
    assert home.visitor().post("/auth/request", json={"email": ALICE}).status_code == 200
    assert app.post({"signin": again, "code": home.letterbox.code_for(ALICE)}).status_code == 401


def test_a_sign_in_cannot_be_taken_to_another_redirect_uri_state_or_challenge(app: App) -> None:
    """The secret of a sign-in cannot be taken to another redirect URI, state or challenge."""
    app = App(app.house, callbacks=("https://a.example.com/", "https://b.example.com/"))
    signin = app.begin(ALICE)
    code = app.house.letterbox.code_for(ALICE)
    for other in ({"redirect_uri": "https://b.example.com/"}, {"state": "other"}, {"code_challenge": "a" * 43}):
        assert app.post({"signin": signin, "code": code}, **other).status_code == 404
    assert app.post({"signin": signin, "code": code}).status_code == 200
    for other in ({"redirect_uri": "https://b.example.com/"}, {"state": "other"}, {"code_challenge": "a" * 43}):
        assert app.post({"signin": signin, "workspace": "new"}, **other).status_code == 404


def test_a_workspace_is_not_chosen_before_the_code(app: App) -> None:
    signin = app.begin(ALICE)
    for workspace in ("new", "ws_22222222", ""):
        page = app.post({"signin": signin, "workspace": workspace})
        assert (page.status_code, "location" in page.headers) == (404, False)


def test_pressing_the_button_twice_shows_the_same_page(app: App) -> None:
    signin, page = app.enter(ALICE)
    again = app.post({"signin": signin, "code": "whatever"})
    assert (again.status_code, again.text) == (page.status_code, page.text)
    assert app.post({"signin": signin, "workspace": places(page)[0]}).status_code == 303
    done = app.post({"signin": signin, "workspace": places(page)[0]})
    assert (done.status_code, "finished" in alert(done)) == (404, True)


# workspaces


def test_the_user_chooses_among_their_workspaces(home: House, app: App) -> None:
    with home.sign_in(ALICE) as alice:
        second = alice.json_of("POST", "/workspaces", {"name": "Acme <b>&"})["id"]
    signin, page = app.enter(ALICE)
    assert places(page)[1] == second
    assert "Acme &lt;b&gt;&amp;" in page.text
    token = app.redeem(returned(app.post({"signin": signin, "workspace": second}))["code"]).json()["access_token"]
    with Person(home.url, token) as alice:
        assert f"workspace: {second}\n" in alice.text("GET", "/whoami")


@pytest.mark.parametrize(("name", "called"), [("Acme", "Acme"), ("", ALICE), ("  ", ALICE)])
def test_the_user_can_open_a_new_workspace(home: House, app: App, name: str, called: str) -> None:
    signin, _ = app.enter(ALICE)
    code = returned(app.post({"signin": signin, "workspace": "new", "name": name}))["code"]
    with Person(home.url, app.redeem(code).json()["access_token"]) as alice:
        assert alice.json_of("GET", "/whoami")["workspace_name"] == called
        assert [place["name"] for place in alice.json_of("GET", "/workspaces")["items"]] == [called]
        assert {"workspace.create", "token.create"} <= {r["action"] for r in alice.json_of("GET", "/audit")["items"]}


def test_nobody_gets_into_a_workspace_that_is_not_theirs(home: House, app: App) -> None:
    with home.sign_in(CHARLIE) as charlie:
        foreign = charlie.json_of("GET", "/whoami")["workspace"]
    signin, page = app.enter(ALICE)
    for workspace in (foreign, "ws_22222222", "nonsense", "x" * 5000):
        answer = app.post({"signin": signin, "workspace": workspace})
        assert (answer.status_code, "location" in answer.headers) == (403, False)
        assert "do not belong" in alert(answer)
        assert places(answer) == places(page)
    assert app.post({"signin": signin, "workspace": places(page)[0]}).status_code == 303


def test_a_name_that_is_too_long_is_reported_and_can_be_corrected(app: App) -> None:
    signin, _ = app.enter(ALICE)
    page = app.post({"signin": signin, "workspace": "new", "name": "x" * 201})
    assert (page.status_code, "200" in alert(page)) == (400, True)
    assert app.post({"signin": signin, "workspace": "new", "name": "x" * 200}).status_code == 303


def test_saying_no_is_told_to_the_app(app: App) -> None:
    signin, _ = app.enter(ALICE)
    answer = app.post({"signin": signin, "workspace": ""})
    assert answer.status_code == 303
    assert returned(answer) == {"error": "access_denied", "state": app.state, "iss": app.house.url}


def test_an_invite_is_accepted_while_an_app_connects(home: House, app: App) -> None:
    with home.sign_in(ALICE) as alice:
        office = alice.json_of("GET", "/whoami")["workspace"]
        assert alice.send_it("POST", f"/workspaces/{office}/invites", {"email": BOB}).status_code == 201
    _, page = app.enter(BOB)
    assert office in places(page)


def test_a_plan_may_forbid_another_workspace(tmp_path: Path) -> None:
    file = tmp_path / "crmkit.toml"
    file.write_text('[plans]\ndefault = "small"\n[plans.small]\nworkspaces = 1\n')
    with house(tmp_path / "data", file=file) as home:
        app = App(home)
        signin, page = app.enter(ALICE)
        refused = app.post({"signin": signin, "workspace": "new", "name": "Another"})
        assert (refused.status_code, "allows 1 workspaces" in alert(refused)) == (403, True)
        assert app.post({"signin": signin, "workspace": places(page)[0]}).status_code == 303


def test_where_signup_is_by_invitation_a_stranger_is_answered_alike_and_gets_no_code(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_AUTH_SIGNUP": "invited"}) as home:
        app = App(home)
        signin = app.begin(CHARLIE)
        (letter,) = home.letterbox.letters
        assert "No crmkit account" in letter.subject
        assert not re.search(r"\b\d{6}\b", letter.body)
        assert app.post({"signin": signin, "code": "123456"}).status_code == 401
