"""What an app gets for its code, what the server says of itself, registration, revocation."""

import asyncio
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import ALICE, BOB, CHARLIE, House, Person
from tests.web.connecting import App, places, returned

pytestmark = pytest.mark.slow


@pytest.fixture
def app(home: House) -> App:
    return App(home)


def test_a_code_lives_for_a_minute(app: App) -> None:
    code = app.allowed(ALICE)["code"]
    app.house.clock.move(seconds=59)
    late = app.allowed(ALICE)["code"]
    assert app.redeem(code).status_code == 200
    app.house.clock.move(seconds=60)
    assert app.redeem(late).json()["error"] == "invalid_grant"


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": "a" * 43},
        {"code_verifier": None},
        {"code_verifier": ""},
        {"redirect_uri": "https://claude.ai/"},
        {"redirect_uri": None},
        {"resource": "https://evil.com"},
    ],
    ids=str,
)
def test_one_wrong_try_uses_a_code_up(app: App, other: dict[str, str | None]) -> None:
    code = app.allowed(ALICE)["code"]
    refused = app.redeem(code, **other)
    assert (refused.status_code, refused.json()["error"] in ("invalid_grant", "invalid_target")) == (400, True)
    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert count(app.house, "tokens") == 0


def test_a_code_is_no_good_for_another_client(home: House, app: App) -> None:
    code = app.allowed(ALICE)["code"]
    assert app.redeem(code, client_id=App(home, name="Evil").id).json()["error"] == "invalid_grant"
    assert app.redeem(code).json()["error"] == "invalid_grant"


def test_a_second_use_of_a_code_ends_its_token(home: House, app: App) -> None:
    code = app.allowed(ALICE)["code"]
    token = app.redeem(code).json()["access_token"]
    with Person(home.url, token) as alice, home.sign_in(ALICE, "other") as other:
        assert alice.send_it("GET", "/whoami").status_code == 200
        home.clock.move(hours=2)  # the code is long outdated; the use is noticed all the same
        answer = app.redeem(code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert alice.send_it("GET", "/whoami").status_code == 401
        assert other.send_it("GET", "/whoami").status_code == 200
        assert "token.revoke" in [row["action"] for row in other.json_of("GET", "/audit")["items"]]


def test_fifty_who_redeem_one_code_at_once_get_one_token(home: House, app: App) -> None:
    code = app.allowed(ALICE)["code"]

    async def storm() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=home.url, timeout=30) as client:
            return await asyncio.gather(*(client.post("/token", data=app.redemption(code)) for _ in range(50)))

    answers = asyncio.run(storm())
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    with home.sign_in(ALICE) as alice:
        actions = [row["action"] for row in alice.json_of("GET", "/audit?limit=200")["items"]]
        assert actions.count("token.create") == 2  # the app's and Alice's own
        assert actions.count("token.revoke") == 1  # the other 49 used the code a second time


def test_who_was_removed_meanwhile_gets_no_token(home: House, app: App) -> None:
    with home.sign_in(ALICE) as alice:
        office = alice.json_of("GET", "/whoami")["workspace"]
        alice.send_it("POST", f"/workspaces/{office}/invites", {"email": BOB})
        code = app.allowed(BOB, office)["code"]
        (bob,) = [m for m in alice.json_of("GET", f"/workspaces/{office}/members")["members"] if m["email"] == BOB]
        assert alice.send_it("DELETE", f"/workspaces/{office}/members/{bob['user_id']}").status_code == 200
    assert app.redeem(code).json()["error"] == "invalid_grant"


def test_the_database_knows_neither_codes_nor_secrets_of_pages(home: House, app: App) -> None:
    signin, page = app.enter(ALICE)
    code = returned(app.post({"signin": signin, "workspace": places(page)[0]}))["code"]
    token = app.redeem(code).json()["access_token"]
    written = b"".join(file.read_bytes() for file in home.folder.iterdir() if file.is_file())
    for secret in (signin, code, token, app.verifier):
        assert secret.encode() not in written
        assert secret not in home.logged()
    assert app.state not in home.logged()


def test_outdated_sign_ins_and_grants_are_deleted(home: House, app: App) -> None:
    app.begin(BOB)
    app.token(ALICE)
    assert count(home, "signins") + count(home, "grants") == 2
    home.clock.move(days=3)
    with home.sign_in(CHARLIE):  # a write wakes the upkeep
        pass
    for _ in range(200):
        if count(home, "signins") + count(home, "grants") == 0:
            break
        httpx.get(f"{home.url}/readyz")
    assert count(home, "signins") + count(home, "grants") == 0


# revocation


def test_whoever_holds_a_token_may_end_it(home: House, app: App) -> None:
    token = app.token(ALICE)
    with Person(home.url, token) as alice:
        assert app.browser.post("/revoke", data={"token": token, "token_type_hint": "access_token"}).status_code == 200
        assert alice.send_it("GET", "/whoami").status_code == 401
    assert app.browser.post("/revoke", data={"token": token}).status_code == 200
    assert app.browser.post("/revoke", data={"token": "unknown", "client_id": "x"}).status_code == 200
    missing = app.browser.post("/revoke", data={})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


# what the server says of itself, and registration


def test_the_metadata_tells_what_clients_need(home: House) -> None:
    with home.stranger() as someone:
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
            told = someone.get(path, headers={"Host": "evil.com", "X-Forwarded-Host": "evil.com"}).json()
            assert told["resource"] == f"{home.url}/mcp"
            assert told["authorization_servers"] == [home.url]
            assert told["bearer_methods_supported"] == ["header"]
            assert told["scopes_supported"] == ["crm"]
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp"):
            told = someone.get(path, headers={"Host": "evil.com", "X-Forwarded-Proto": "https"}).json()
            assert told["issuer"] == home.url
            for name in ("authorization", "token", "registration", "revocation"):
                assert urlsplit(told[f"{name}_endpoint"]).netloc == urlsplit(home.url).netloc
            assert told["response_types_supported"] == ["code"]
            assert told["grant_types_supported"] == ["authorization_code"]
            assert told["code_challenge_methods_supported"] == ["S256"]
            assert told["token_endpoint_auth_methods_supported"] == ["none"]
            assert told["authorization_response_iss_parameter_supported"] is True
        assert someone.get("/.well-known/openid-configuration").status_code == 404


def test_registration_stores_nothing_and_answers_equal_requests_alike(home: House) -> None:
    before = {name: count(home, name) for name in tables(home)}
    sent = {
        "client_name": "Cursor",
        "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/x"],
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["authorization_code", "refresh_token"],
        "logo_uri": "https://example.com/logo.png",
    }
    with home.stranger() as someone:
        first, second = (someone.post("/register", json=sent) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == second.json()
    told = first.json()
    assert told["redirect_uris"] == sent["redirect_uris"]
    assert told["token_endpoint_auth_method"] == "none"
    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert not [name for name, value in told.items() if value in (None, "", [])]
    assert before == {name: count(home, name) for name in tables(home)}


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (b"{", 400, "invalid_client_metadata"),
        (b"[]", 400, "invalid_client_metadata"),
        (b"{}", 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":"https://example.com"}', 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":[]}', 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":[1]}', 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":["javascript:alert(1)"]}', 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":["https://example.com","data:,x"]}', 400, "invalid_redirect_uri"),
        (b'{"redirect_uris":["https://example.com"],"client_name":1}', 400, "invalid_client_metadata"),
        (b'{"redirect_uris":["https://example.com"],"x":"' + b"x" * 17_000 + b'"}', 413, "invalid_client_metadata"),
    ],
)
def test_an_invalid_registration_is_refused_with_the_error_code_of_the_rfc(
    town: House, sent: bytes, status: int, error: str
) -> None:
    with town.stranger() as someone:
        answer = someone.post("/register", content=sent)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    ("other", "status", "error"),
    [
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"code": None}, 400, "invalid_request"),
        ({"code": "unknown"}, 400, "invalid_grant"),
        ({"code": "ü" * 50}, 400, "invalid_grant"),
    ],
    ids=str,
)
def test_an_invalid_token_request_is_refused_with_the_error_code_of_the_rfc(
    town: House, other: dict[str, str | None], status: int, error: str
) -> None:
    answer = App(town).redeem("unknown", **other)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/json"


def tables(home: House) -> list[str]:
    return [row[0] for row in _rows(home, "SELECT name FROM sqlite_schema WHERE type = 'table'")]


def count(home: House, table: str) -> int:
    return int(_rows(home, f'SELECT count(*) FROM "{table}"')[0][0])


def _rows(home: House, sql: str) -> list[tuple[str, ...]]:
    with closing(connect(home.folder / FILE, False)) as connection:
        return connection.execute(sql).fetchall()


def test_an_app_gets_no_token_that_outlives_its_own_without_a_code(home: House, app: App) -> None:
    with Person(home.url, app.token(ALICE)) as connected:
        here = connected.json_of("GET", "/whoami")["workspace"]
        refused = connected.send_it("POST", f"/workspaces/{here}/tokens", {"token_name": "x"})
        assert refused.status_code == 403
        assert refused.text.startswith("ERROR escalation_required")
        assert count(home, "tokens") == 1
        code = home.letterbox.code_for(ALICE)
        made = connected.json_of("POST", f"/workspaces/{here}/tokens?code={code}", {"token_name": "x"})
        assert made["workspace_id"] == here
    with home.sign_in(ALICE) as alice:  # a token of one's own needs none
        assert alice.send_it("POST", f"/workspaces/{here}/tokens", {}).status_code == 201


def test_an_empty_resource_counts_as_left_out(app: App) -> None:
    assert app.redeem(app.allowed(ALICE, resource="")["code"], resource="").status_code == 200


def test_a_token_of_an_app_without_a_name_is_called_by_its_host(home: House) -> None:
    host = "a." * 60 + "example.com"
    with Person(home.url, App(home, name="", callbacks=(f"https://{host}/",)).token(ALICE)) as connected:
        assert connected.json_of("GET", "/whoami")["token_name"] == host[:100]
