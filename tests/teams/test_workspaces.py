"""Workspaces: opened, listed, renamed, entered by a token, deleted."""

import re

import pytest

from tests.house import Person
from tests.teams.office import JSON, Team, asked, error_of, new, stepped, working_in


def test_a_new_workspace_belongs_to_who_opened_it(us: Team) -> None:
    answer = us.bob.post("/workspaces", json={"name": "Bob's shop"})
    assert answer.status_code == 201
    line, *comments = answer.text.splitlines()
    found = re.fullmatch(
        r'workspace/(ws_\w{8})  name="Bob\'s shop"  role=admin  plan=unlimited  created_at=2026-\S+Z'
        r"  timezone=UTC  currency=USD",
        line,
    )
    assert found, line
    id = found.group(1)
    assert comments[0] == "# created"
    assert f"POST /workspaces/{id}/tokens" in comments[1]
    listed = us.bob.json_of("GET", "/workspaces")
    own, *others = [(place["id"], place["name"], place["role"]) for place in listed["items"]]
    assert own[1:] == (us.bob.email, "admin")
    assert sorted(others) == sorted([(us.id, us.alice.email, "member"), (id, "Bob's shop", "admin")])
    assert listed["total"] == 3
    assert listed["next_cursor"] is None
    known = us.bob.json_of("POST", "/workspaces", {"name": "Second"})
    settings = {"timezone", "currency", "country", "language", "date_format", "code_prefix"}
    assert set(known) == {"handle", "id", "name", "role", "plan", "created_at", "operation", "notes", *settings}
    assert known["handle"] == f"workspace/{known['id']}"
    assert id not in us.alice.text("GET", "/workspaces")


def test_a_list_of_workspaces_shows_those_one_belongs_to_with_the_role(us: Team) -> None:
    lines = us.bob.text("GET", "/workspaces").splitlines()
    assert f"  name={us.bob.email}  role=admin  " in lines[0]
    assert lines[1].startswith(f"workspace/{us.id}  name={us.alice.email}  role=member  ")
    assert lines[2:] == ["# 2 workspaces", "# total: 2"]
    (only,) = us.alice.json_of("GET", "/workspaces")["items"]
    assert (only["id"], only["role"], only["current"]) == (us.id, "admin", True)
    assert us.id not in us.charlie.text("GET", "/workspaces")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "missing_field"),
        ({"name": ""}, "missing_field"),
        ({"name": "   "}, "missing_field"),
        ({"name": None}, "missing_field"),
        ({"name": "\u200b\u3164"}, "missing_field"),
        ({"name": 5}, "invalid_value"),
        ({"name": "x" * 201}, "invalid_value"),
        ({"title": "Acme"}, "unknown_field"),
        ({"name": "Acme", "plan": "unlimited"}, "unknown_field"),
        (b"[]", "invalid_json"),
    ],
)
def test_a_workspace_without_a_proper_name_is_refused(us: Team, body: object, error: str) -> None:
    for method, path in (("POST", "/workspaces"), ("PATCH", us.path)):
        assert error_of(us.alice.send_it(method, path, body)) == (400, error)
    (only,) = us.alice.json_of("GET", "/workspaces")["items"]
    assert only["name"] == us.alice.email


def test_a_name_of_two_hundred_characters_is_taken(us: Team) -> None:
    name = '"\n\u202ex' * 50
    assert us.alice.json_of("PATCH", us.path, {"name": name})["name"] == name
    (only,) = us.alice.json_of("GET", "/workspaces")["items"]
    assert only["name"] == name
    assert len(us.alice.text("GET", "/workspaces").splitlines()) == 3


def test_only_an_admin_renames_a_workspace(us: Team) -> None:
    assert error_of(us.bob.patch(us.path, json={"name": "Bob's"})) == (403, "admin_required")
    assert error_of(us.charlie.patch(us.path, json={"name": "Charlie's"})) == (403, "not_a_member")
    answer = us.alice.patch(f"/workspaces/workspace%2F{us.id}", json={"name": "Acme"})
    assert answer.status_code == 200
    assert answer.text.startswith(f"workspace/{us.id}  name=Acme  role=admin  ")
    assert us.bob.json_of("GET", "/whoami")["workspace_name"] == "Acme"


def test_a_token_of_a_workspace_is_shown_once_and_works_only_there(us: Team) -> None:
    place = new(us.alice, "/workspaces", name="Second")
    answer = us.alice.post(f"/workspaces/{place}/tokens", json={"token_name": "Claude"})
    assert answer.status_code == 201
    ok, token, workspace, access, note = answer.text.splitlines()
    assert re.fullmatch(r"OK token created: token/tok_\w{8}", ok)
    assert (workspace, access) == (f"workspace: {place}", "access: full")
    assert "shown once" in note
    secret = token.removeprefix("token: ")
    assert re.fullmatch(r"ck_[a-z2-9]{32,}", secret)
    with Person(str(us.alice.base_url), secret) as second:
        card = second.json_of("GET", "/whoami")
        assert (card["workspace"], card["token_name"], card["role"]) == (place, "Claude", "admin")
        new(second, "/contacts", name="Jane")
        assert us.alice.json_of("GET", "/contacts")["total"] == 0
        assert second.json_of("GET", "/contacts")["total"] == 1
    assert secret not in us.alice.text("GET", "/tokens")
    known = us.alice.json_of("POST", f"{us.path}/tokens", {})
    granted = {"access", "scopes", "expires_at", "ips"}
    assert set(known) == {"id", "handle", "token", "token_name", "workspace_id", "operation", *granted}
    assert (known["token_name"], known["workspace_id"]) == ("default", us.id)


def test_a_member_gets_a_token_and_a_stranger_none(us: Team) -> None:
    assert error_of(us.charlie.post(f"{us.path}/tokens", json={})) == (403, "not_a_member")
    assert working_in(us.bob, us.id).json_of("GET", "/whoami")["role"] == "member"


def test_neither_a_member_nor_a_stranger_deletes_a_workspace(us: Team) -> None:
    for person, error in ((us.bob, "admin_required"), (us.charlie, "not_a_member")):
        before = len(us.home.letterbox.letters)
        for path in (us.path, f"{us.path}?code=123456"):
            assert error_of(person.delete(path)) == (403, error)
        assert len(us.home.letterbox.letters) == before
    assert us.alice.get(us.path + "/members").status_code == 200


def test_a_deleted_workspace_cannot_be_entered(us: Team) -> None:
    place = new(us.alice, "/workspaces", name="Short-lived")
    inside = working_in(us.alice, place)
    assert inside.get("/whoami").status_code == 200
    answer = stepped(us.home, us.alice, "DELETE", f"/workspaces/{place}")
    assert answer.status_code == 200
    done = {"ok": True, "message": f"deleted workspace/{place} and all its data"}
    assert answer.json() == {**done, "id": place, "handle": f"workspace/{place}"}
    assert error_of(inside.get("/whoami")) == (401, "invalid_token")
    assert error_of(us.alice.get(f"/workspaces/{place}/members")) == (403, "not_a_member")
    assert error_of(us.alice.delete(f"/workspaces/{place}")) == (403, "not_a_member")
    assert place not in us.alice.text("GET", "/workspaces")


def test_the_answer_to_a_delete_says_what_was_deleted(us: Team) -> None:
    code = asked(us.home, us.alice, "DELETE", us.path)
    answer = us.alice.delete(us.path, headers={"X-Escalation-Code": code})
    assert (answer.status_code, answer.text) == (200, f"OK deleted workspace/{us.id} and all its data\n")
    assert error_of(us.alice.get("/whoami")) == (401, "invalid_token")
    assert error_of(us.bob.get("/contacts")) == (401, "invalid_token")
    assert us.charlie.get("/whoami", headers=JSON).status_code == 200


@pytest.mark.parametrize("id", ["ws_aaaaaaaa", "nonsense", "c_k7m2q9xa", "%20", "ws_"])
def test_an_id_that_is_no_workspace_is_refused(us: Team, id: str) -> None:
    for method, rest in (("PATCH", ""), ("DELETE", ""), ("POST", "/tokens"), ("GET", "/members"), ("POST", "/invites")):
        body = {"PATCH": {"name": "x"}, "POST": {"email": "x@example.com"} if rest == "/invites" else {}}.get(method)
        status, error = error_of(us.alice.send_it(method, f"/workspaces/{id}{rest}", body))
        assert (status, error) in ((404, "not_found"), (403, "not_a_member")), (method, rest)
