"""A base URL with a path: metadata are where the RFCs put them, links have the path, proxies may strip it or not."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.house import ALICE, BOB, House, Person, house, record_in, run
from tests.web.connecting import App, returned
from tests.web.connecting import places as workspaces_of

BASE = "https://acme.example/tools/crm"
PATH = "/tools/crm"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("path") / "data", {"CRMKIT_SERVER_BASE_URL": f"{BASE}/"}) as town:
        yield town


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


def test_a_request_works_with_the_path_and_without_it(alice: Person) -> None:
    contact = record_in(alice.json_of("POST", f"{PATH}/contacts", {"name": "Jane"}))
    for start in ("", PATH):
        assert alice.json_of("GET", f"{start}/contacts/{contact['id']}") == contact
        assert alice.json_of("GET", f"{start}/{contact['handle']}") == contact
        assert alice.json_of("GET", f"{start}/contacts/contact%2F{contact['id']}") == contact
        assert alice.get(f"{start}/help").status_code == alice.get(f"{start}/").status_code == 200
    assert alice.get(PATH).text == alice.get("/").text
    for other in (f"{PATH}x/help", "/tools/help", f"{PATH}{PATH}/help", "/tools", f"/x{PATH}/help"):
        assert alice.get(other).status_code == 404


@pytest.mark.parametrize("start", ["", PATH])
def test_the_link_to_the_next_page_has_the_path_once(alice: Person, start: str) -> None:
    for number in range(3):
        alice.post("/companies", json={"name": f"Acme {number}"})
    following = alice.get(f"{start}/companies?limit=1&format=csv").links["next"]["url"]
    assert following.startswith(f"{PATH}/companies?")
    assert len(alice.get(following).text.splitlines()) == 2


def test_the_log_has_the_path_as_it_was_sent(home: House, alice: Person) -> None:
    alice.get(f"{PATH}/contacts?limit=1")
    assert f"path={PATH}/contacts  status=200" in home.logged()


def test_metadata_are_where_the_rfcs_put_them_for_a_path(home: House) -> None:
    with home.stranger() as someone:
        server = someone.get(f"/.well-known/oauth-authorization-server{PATH}").json()
        assert server["issuer"] == BASE
        for name in ("authorization", "token", "registration", "revocation"):
            assert server[f"{name}_endpoint"].startswith(f"{BASE}/")
            assert someone.get(urlsplit(server[f"{name}_endpoint"]).path).status_code in (400, 405)
        resource = someone.get(f"/.well-known/oauth-protected-resource{PATH}/mcp").json()
        assert resource["resource"] == f"{BASE}/mcp"
        assert resource["authorization_servers"] == [BASE]
        for place in ("", "/mcp", PATH, f"{PATH}/mcp"):  # also where other clients look
            assert someone.get(f"/.well-known/oauth-authorization-server{place}").json() == server
            assert someone.get(f"/.well-known/oauth-protected-resource{place}").json() == resource
        assert someone.get(f"{PATH}/.well-known/oauth-authorization-server").json() == server
        for place in ("/mcp/typed", f"{PATH}/mcp/typed"):
            assert someone.get(f"/.well-known/oauth-authorization-server{place}").json() == server
            typed = someone.get(f"/.well-known/oauth-protected-resource{place}").json()
            assert typed == {**resource, "resource": f"{BASE}/mcp/typed"}


def test_a_401_of_mcp_leads_to_the_metadata(home: House) -> None:
    with home.stranger() as someone:
        for start in ("", PATH):
            told = someone.post(f"{start}/mcp", json={}).headers["WWW-Authenticate"]
            where = re.search(r'resource_metadata="([^"]+)"', told)
            assert where
            assert where[1] == f"https://acme.example/.well-known/oauth-protected-resource{PATH}/mcp"
            assert someone.get(urlsplit(where[1]).path).json()["resource"] == f"{BASE}/mcp"


def test_an_app_connects_on_pages_whose_links_have_the_path(home: House) -> None:
    app, resource = App(home), f"{BASE}/mcp"
    signin, page = app.enter(BOB, resource=resource)
    links = re.findall(r'(?:href|action|src)="([^"]*)"', page.text)
    assert links
    assert all(link.startswith(f"{PATH}/authorize?") for link in links)
    answer = app.post({"signin": signin, "workspace": workspaces_of(page)[0]}, resource=resource)
    back = returned(answer)
    assert back["iss"] == BASE
    token = app.redeem(back["code"], resource=resource).json()["access_token"]
    with Person(home.url, token) as tool:
        for path in ("/whoami", f"{PATH}/whoami", f"{BASE}/whoami"):
            arguments = {"name": "read", "arguments": {"path": path}}
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}
            assert f"email: {BOB}" in tool.post(f"{PATH}/mcp", json=call).text


def test_every_document_and_mail_has_the_whole_base_url(home: House, alice: Person) -> None:
    for path in ("/", "/help", "/SKILL.md", "/llms.txt", "/openapi.json"):
        told = alice.get(path).text
        assert BASE in told
        assert not re.findall(rf"https://acme\.example(?!{PATH})", told)
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    alice.post(f"/workspaces/{workspace}/invites", json={"email": "dave@example.com", "role": "member"})
    for letter in home.letterbox.letters:
        assert BASE in letter.body
        assert not re.findall(rf"https://acme\.example(?!{PATH})", letter.body)


@pytest.mark.parametrize("path", ["/contacts", "/mcp", "/contact/x", "/help"])
def test_a_path_that_begins_like_one_of_the_api_stops_the_start(tmp_path: Path, path: str) -> None:
    environ = {"CRMKIT_SERVER_BASE_URL": f"https://acme.example{path}", "CRMKIT_SERVER_PORT": "0"}
    ended = run("serve", "--data", str(tmp_path / "data"), cwd=tmp_path, **environ)
    assert ended.returncode != 0
    assert f"[server] base_url has the path {path}, but /{path.split('/')[1]} is a path of the API" in ended.stderr
    assert "Traceback" not in ended.stderr
