"""Paths and methods: what is there, what is not, and what to send instead."""

from collections.abc import Iterator

import pytest

from crmkit import ids
from tests.house import ALICE, House, Person
from tests.teams.rights.matrix import unknown
from tests.web.refused import of_json, of_text, refused

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def test_every_path_refuses_the_methods_it_lacks_and_names_those_it_has(town: House, alice: Person) -> None:
    with town.stranger() as someone:
        paths = someone.get("/openapi.json").json()["paths"]
        tried = 0
        for path, operations in paths.items():
            has = {method.upper() for method in operations} | ({"HEAD"} if "get" in operations else set())
            allow = ", ".join(sorted(has))
            for person in (someone, alice):
                for method in set(METHODS) - has:
                    answer = person.request(method, unknown(path))
                    assert answer.status_code == 405, (method, path)
                    assert answer.headers["Allow"] == allow
                    assert method == "HEAD" or of_text(answer) == {
                        "error": "method_not_allowed",
                        "fields": {},
                        "hint": f"This path takes {allow}.{' Did you mean GET /whoami?' * (method + path == 'GET/me')}",
                        "shown": None,
                    }
                    tried += 1
        assert tried > 100
        refused(someone, "method_not_allowed", "PUT", f"/contacts/{ids.mint('c')}", b"{}", does="GET, HEAD, PATCH")


@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/contact", "/Contacts", "/contacts/a/b", "/contacts.json", "/contacts;x", "/contacts%20"),
        *("/auth", "/auth/", "/auth/request/x", "/api/contacts", "/v1/contacts", "/.env", "/favicon.ico", "/docs"),
        *("/contacts/%2e%2e/tokens", "/contacts/../tokens/x/y", "/%ff", "/%00", "/contacts/contact/x/y", "/schema"),
    ],
)
def test_an_unknown_path_is_told_as_such_even_without_a_token(town: House, path: str) -> None:
    with town.stranger() as someone:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            for accept, told in (("text/plain", of_text), ("application/json", of_json)):
                answer = someone.request(method, path, headers={"Accept": accept})
                assert answer.status_code == 404
                assert told(answer)["error"] == "unknown_path"
                assert "GET /help?topic=endpoints lists every endpoint" in told(answer)["hint"]


def test_no_answer_lets_a_web_page_of_another_origin_read_it(alice: Person) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method, path in (("OPTIONS", "/contacts"), ("GET", "/contacts"), ("GET", "/help"), ("GET", "/nowhere")):
        headers = alice.request(method, path, headers=asks).headers
        assert not [name for name in headers if name.startswith("access-control-") or name == "set-cookie"]
        assert headers["X-Content-Type-Options"] == "nosniff"
