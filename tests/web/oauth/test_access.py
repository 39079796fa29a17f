"""The user of an app chooses what it may do, and the app's token may do that."""

import html
import re
from typing import Any

import httpx
import pytest

from crmkit.core.oauth.connect import OFFERED
from tests.house import ALICE, House, Person
from tests.web.connecting import App, alert, places, returned, rpc


@pytest.fixture
def app(home: House) -> App:
    return App(home)


def offered(page: httpx.Response) -> dict[str, tuple[str, bool]]:
    """Return access -> (what the page says of it, whether it is marked)."""
    found = re.findall(r'name="access" value="(\w+)" required( checked)?>(.*?)</label>', page.text)
    return {word: (html.unescape(re.sub(r"<[^>]+>", "", said)), bool(marked)) for word, marked, said in found}


def called(person: Person, **arguments: Any) -> tuple[bool, str]:
    """Return (whether it failed, the text) of a request by a tool."""
    answer = person.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})).json()["result"]
    (content,) = answer["content"]
    return answer.get("isError", False), content["text"]


def test_the_page_offers_each_access_and_proposes_full(app: App) -> None:
    shown = offered(app.enter(ALICE)[1])
    assert shown.keys() == set(OFFERED) == {"read", "write", "full"}
    assert [word for word, (_, marked) in shown.items() if marked] == ["full"]
    assert len({said for said, _ in shown.values()}) == 3


@pytest.mark.parametrize("access", OFFERED)
def test_the_token_of_an_app_has_the_access_that_its_user_chose(home: House, app: App, access: str) -> None:
    answer = app.redeem(app.allowed(ALICE, access=access)["code"]).json()
    assert answer["scope"] == "crm"  # the one scope of OAuth there is
    with Person(home.url, answer["access_token"]) as connected, home.sign_in(ALICE) as alice:
        assert connected.json_of("GET", "/whoami")["access"] == access
        listed = {row["name"]: row["access"] for row in alice.json_of("GET", "/tokens")["items"]}
        assert listed == {"Claude": access, "test": "full"}
        (entry,) = (
            row for row in alice.json_of("GET", "/audit?action=token.create")["items"] if row["token_name"] == "Claude"
        )
        assert entry["changes"].get("access") == (None if access == "full" else ["full", access])


def test_a_form_without_the_field_gives_full_access(home: House, app: App) -> None:
    signin, page = app.enter(ALICE)
    code = returned(app.post({"signin": signin, "workspace": places(page)[0]}))["code"]
    with Person(home.url, app.redeem(code).json()["access_token"]) as connected:
        assert connected.json_of("GET", "/whoami")["access"] == "full"


@pytest.mark.parametrize("access", ["propose", "contacts.read", "*", "READ", "", "read "])
def test_an_access_that_is_not_offered_is_refused_and_can_be_corrected(app: App, access: str) -> None:
    signin, page = app.enter(ALICE)
    form = {"signin": signin, "workspace": places(page)[0]}
    refused = app.post(form | {"access": access})
    assert (refused.status_code, alert(refused)) == (400, "The access must be read, write or full")
    assert [word for word, (_, marked) in offered(refused).items() if marked] == []
    assert '<fieldset aria-describedby="wrong" aria-invalid="true"><legend>What may' in refused.text
    new = app.post({"signin": signin, "workspace": "new", "access": access})
    assert places(new) == places(page)  # none was opened
    assert app.post(form | {"access": "read"}).status_code == 303


def test_what_was_chosen_is_marked_again_beside_an_error(app: App) -> None:
    signin, _ = app.enter(ALICE)
    again = app.post({"signin": signin, "workspace": "new", "name": "x" * 201, "access": "write"})
    assert alert(again).startswith("The name ")
    assert [word for word, (_, marked) in offered(again).items() if marked] == ["write"]


def test_an_app_that_may_only_read_is_told_how_it_gets_more(home: House, app: App) -> None:
    with Person(home.url, app.token(ALICE, access="read")) as connected:
        assert called(connected, method="GET", path="/contacts") == (False, "# 0 contacts\n# total: 0\n")
        failed, text = called(connected, method="POST", path="/contacts", body={"name": "Jane"})
        assert (failed, text) == (
            True,
            "ERROR scope_required\n"
            "HINT  This needs contacts.write; the token has access read. To get more, the user connects this app again "
            "and chooses it; or do without.\n",
        )
    with Person(home.url, app.token(ALICE)) as connected:
        failed, _ = called(connected, method="POST", path="/contacts", body={"name": "Jane"})
        assert not failed


def test_an_app_that_may_not_is_mailed_no_code_for_it(home: House, app: App) -> None:
    with Person(home.url, app.token(ALICE, access="write")) as connected:
        here = connected.json_of("GET", "/whoami")["workspace"]
        home.letterbox.letters.clear()
        for path, body in (("tokens", {}), ("invites", {"email": "bob@example.com"})):
            refused = connected.send_it("POST", f"/workspaces/{here}/{path}", body)
            assert (refused.status_code, refused.text.splitlines()[0]) == (403, "ERROR scope_required")
        assert home.letterbox.letters == []
        assert connected.send_it("POST", "/contacts", {"name": "Jane"}).status_code == 201


def test_an_app_whose_access_opens_the_team_still_needs_a_code(home: House, app: App) -> None:
    with Person(home.url, app.token(ALICE, access="full")) as connected:
        here = connected.json_of("GET", "/whoami")["workspace"]
        refused = connected.send_it("POST", f"/workspaces/{here}/tokens", {"access": "read"})
        assert refused.text.startswith("ERROR escalation_required")
