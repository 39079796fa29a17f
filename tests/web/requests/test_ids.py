"""Ids: every spelling works everywhere, and a wrong one is explained without a word about other workspaces."""

from collections.abc import Iterator

import httpx
import pytest

from crmkit import ids
from tests.house import ALICE, CHARLIE, House, Person
from tests.web.refused import refused


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.fixture(scope="module")
def charlie(town: House) -> Iterator[Person]:
    with town.sign_in(CHARLIE) as person:
        yield person


@pytest.fixture(scope="module")
def jane(alice: Person) -> str:
    id: str = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    return id


@pytest.mark.parametrize("spelling", ["{id}", "contact/{id}", "contact%2F{id}", "contact%2f{id}"])
def test_an_id_may_be_bare_or_a_handle_wherever_it_goes(alice: Person, jane: str, spelling: str) -> None:
    spelled = spelling.format(id=jane)
    assert alice.json_of("GET", f"/contacts/{spelled}")["id"] == jane
    assert alice.json_of("PATCH", f"/contacts/{spelled}", {"stage": spelling})["stage"] == spelling
    assert alice.get(f"/contacts/{spelled}?fields=stage").status_code == 200
    assert alice.delete(f"/contacts/{spelled}").status_code == 409
    assert alice.json_of("GET", f"/contacts?id={spelled}")["total"] == 1
    assert alice.json_of("GET", f"/contacts?id=in:{spelled},{ids.mint('c')}")["total"] == 1
    newest = alice.json_of("GET", f"/audit?target={spelled}&limit=1")["items"]
    assert [entry["changes"]["stage"][1] for entry in newest] == [spelling]


def test_a_token_is_named_by_its_id_or_its_handle(town: House, alice: Person) -> None:
    for spelling in ("{}", "token/{}", "token%2F{}"):
        with town.sign_in(ALICE, "to be ended") as other:
            id = next(token["id"] for token in other.json_of("GET", "/tokens")["items"] if token["current"])
            assert alice.text("DELETE", f"/tokens/{spelling.format(id)}") == f"OK revoked token/{id}\n"
            assert other.get("/whoami").status_code == 401


def test_a_mistyped_a_mistaken_a_deleted_and_an_unknown_id_are_told_apart(alice: Person, jane: str) -> None:
    gone = alice.json_of("POST", "/contacts", {"name": "Gone"})["id"]
    confirm = alice.json_of("DELETE", f"/contacts/{gone}")["confirm"]
    assert alice.delete(f"/contacts/{gone}?confirm={confirm}").status_code == 200
    last = "a" if jane[-1] != "a" else "b"
    wrong = {
        jane[:-1] + last: "check character .* does not fit: .* copy it again",
        ids.mint("co"): "That is the id of a company; the id of a contact looks like c_",
        f"company/{ids.mint('co')}": "That is the id of a company",
        ids.mint("tok"): "That is the id of a token",
        "jane": "^jane is no id; the id of a contact looks like c_",
        jane[:-1]: f"c_ and 8 characters of {ids.ALPHABET}",
        jane.upper(): f"^{jane.upper()} is no id",
        gone: rf"was deleted at 2026-06-10T09:00:00Z; GET /audit\?target=contact/{gone} shows what it held, POST /undo",
        ids.mint("c"): "There is no contact c_.* in this workspace",
    }
    hints = set()
    for id, does in wrong.items():
        for method in ("GET", "PATCH", "DELETE"):
            hints.add(refused(alice, "not_found", method, f"/contacts/{id}", does=does)["hint"])
    assert len({hint.partition(" Did you mean ")[0] for hint in hints}) == len(wrong) - 1  # two are the id of a company
    assert alice.json_of("GET", f"/audit?target=contact/{gone}&limit=1")["items"][0]["action"] == "contact.delete"


def test_an_id_in_a_filter_or_a_body_is_checked_too(alice: Person, jane: str) -> None:
    refused(alice, "invalid_value", "GET", f"/contacts?id={jane[:-1]}", None, {"id": "8 characters"})
    refused(alice, "invalid_value", "GET", "/contacts?company_id=acme", None, {"company_id": "acme is no id.*co_"})
    wrong = {"name": "X", "company_id": jane}
    refused(alice, "invalid_reference", "POST", "/contacts", wrong, {"company_id": "id of a contact"})


def test_the_id_of_another_workspace_is_exactly_like_one_that_never_existed(
    alice: Person, charlie: Person, jane: str
) -> None:
    """Status, headers and body are the same byte by byte, but for the id and the request's own id."""
    deleted = alice.json_of("POST", "/contacts", {"name": "Gone"})["id"]
    confirm = alice.json_of("DELETE", f"/contacts/{deleted}")["confirm"]
    alice.delete(f"/contacts/{deleted}?confirm={confirm}")
    whole = alice.json_of("GET", f"/contacts/{jane}")
    token = alice.json_of("GET", "/tokens")["items"][0]["id"]
    pairs = [(jane, ids.mint("c")), (deleted, ids.mint("c")), (token, ids.mint("tok"))]
    asked = [
        ("GET", "/contacts/{}", None),
        ("GET", "/contacts/contact%2F{}?fields=name", None),
        ("HEAD", "/contacts/{}", None),
        ("PATCH", "/contacts/{}", {"name": "Mine", "version": 1}),
        ("PATCH", "/contacts/{}", {"company_id": "{}"}),
        ("DELETE", "/contacts/{}", None),
        ("DELETE", f"/contacts/{{}}?confirm={confirm}", None),
        ("DELETE", "/tokens/{}", None),
        ("GET", "/contacts?id={}", None),
        ("GET", "/contacts?id=in:{}", None),
        ("GET", "/contacts?search={}", None),
        ("GET", "/audit?target={}", None),
        ("GET", "/audit?target=contact/{}", None),
    ]
    compared = 0
    for method, path, body in asked:
        for accept in ("text/plain", "application/json"):
            for foreign, unknown in pairs:
                answers = [
                    _bytes(charlie.request(method, path.format(id), json=body, headers={"Accept": accept}), id)
                    for id in (foreign, unknown)
                ]
                assert answers[0] == answers[1]
                compared += 1
    assert compared == 78
    assert alice.json_of("GET", f"/contacts/{jane}") == whole
    assert alice.get("/whoami").status_code == 200


def _bytes(answer: httpx.Response, id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return all of an answer, with the id and the request's id in it blotted out."""
    request_id = answer.headers["X-Request-Id"].encode()

    def blotted(content: bytes) -> bytes:
        return content.replace(request_id, b"REQUEST").replace(id.encode(), b"ID")

    headers = [(name, blotted(content)) for name, content in answer.headers.raw if name.lower() != b"date"]
    return answer.status_code, headers, blotted(answer.content)
