"""Tokens that are narrowed, and that end with those they made."""

from crmkit import ids
from crmkit.clock import after
from tests.teams.office import JSON, Books, Team, error_of, new, person_of
from tests.teams.tokens.given import ahead, made, own, refused

OFFICE = ["203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8"]


def test_a_token_is_narrowed_from_its_next_request_on(us: Team) -> None:
    agent, again = made(us.alice, us.id, token_name="Agent"), None
    again = person_of(us.home.url, agent.token, agent.email)  # over another connection
    jane = new(again, "/contacts", name="Jane")
    path = f"/tokens/{own(agent)['id']}"
    answer = agent.patch(path, json={"access": "write"})
    assert answer.text.startswith(
        f"token/{path.removeprefix('/tokens/')}  name=Agent  workspace_id={us.id}  access=write  "
    )
    assert refused(again, f"/contacts/{jane}", None, "DELETE") == (403, "scope_required", "contacts.delete")
    assert us.alice.json_of("PATCH", path, {"access": "read"})["access"] == "read"
    assert refused(again, "/contacts", {"name": "Bob"}) == (403, "scope_required", "contacts.write")
    assert refused(again, path, {"access": "write"}, "PATCH") == (403, "scope_required", "write")
    assert refused(us.alice, path, {"access": "write"}, "PATCH") == (403, "scope_required", "write")
    assert us.alice.patch(path, json={"scopes": ["contacts.read"], "token_name": "Less"}).status_code == 200
    assert refused(again, "/deals", None, "GET") == (403, "scope_required", "deals.read")
    assert agent.patch(path, json={"ips": ["203.0.113.0/24"]}).status_code == 200
    assert error_of(again.get("/contacts")) == (401, "invalid_token")
    entries = us.alice.json_of("GET", "/audit?action=token.update")["items"]
    assert entries[0]["changes"] == {"ips": [None, ["203.0.113.0/24"]]}
    assert entries[1]["changes"] == {
        "name": ["Agent", "Less"],
        "access": ["read", None],
        "scopes": [None, ["contacts.read"]],
    }


def test_an_end_and_addresses_are_narrowed_and_never_taken_away(us: Team) -> None:
    agent = made(us.alice, us.id, expires_at="+90d", ips=OFFICE)
    path = f"/tokens/{own(agent)['id']}"
    for body in ({"expires_at": "+91d"}, {"expires_at": "never"}, {"ips": ["0.0.0.0/0"]}):
        assert refused(us.alice, path, body, "PATCH")[:2] == (400, "invalid_value")
    for name in ("access", "scopes", "expires_at", "ips"):
        told = {name: "cannot be cleared: a token is only narrowed"}
        assert refused(us.alice, path, {name: None}, "PATCH") == (400, "invalid_value", told)
    assert refused(us.alice, path, {}, "PATCH")[:2] == (400, "missing_field")
    body = {"expires_at": ahead(us, days=89), "ips": ["127.0.0.1"]}
    assert us.alice.patch(path, json=body).status_code == 200
    found = own(agent)
    assert (found["access"], found["expires_at"], found["ips"]) == ("full", body["expires_at"], ["127.0.0.1/32"])


def test_a_token_that_ends_when_it_is_idle_is_given_no_end_after_that(us: Team) -> None:
    agent = made(us.alice, us.id)
    used, path = own(agent)["last_used_at"], f"/tokens/{own(agent)['id']}"
    us.home.clock.move(hours=1)
    for person, last in ((us.alice, after(used, days=30)), (agent, ahead(us, days=30))):
        for end in ("never", "9999-01-01", after(last, seconds=1)):
            told = {"expires_at": f"must be at or before {last}"}
            assert refused(person, path, {"expires_at": end}, "PATCH") == (400, "invalid_value", told)
        assert person.json_of("PATCH", f"{path}?dry_run=1", {"expires_at": last})["expires_at"] == last


def test_another_token_is_changed_or_ended_with_the_scope_for_it_alone(us: Team) -> None:
    mine = own(us.alice)["id"]
    for body in ({"access": "write"}, {"scopes": ["*.read"]}, {"scopes": ["team.read", "team.write"]}):
        narrow = made(us.alice, us.id, **body)
        for id in (mine, ids.mint("tok"), own(made(us.bob, us.id))["id"]):
            for method, sent in (("PATCH", {"token_name": "x"}), ("DELETE", None)):
                assert refused(narrow, f"/tokens/{id}", sent, method) == (403, "scope_required", "team.delete")
        assert narrow.patch(f"/tokens/{own(narrow)['id']}", json={"token_name": "x"}).status_code == 200
        assert narrow.delete(f"/tokens/{own(narrow)['id']}").status_code == 200
    assert refused(us.alice, f"/tokens/{own(us.bob)['id']}", {"token_name": "x"}, "PATCH")[:2] == (404, "not_found")


def test_a_token_narrows_those_that_it_made_and_that_they_made(us: Team) -> None:
    maker = made(us.alice, us.id, scopes=["team.read", "team.write"])
    first = made(maker, us.id)
    paths = [f"/tokens/{own(each)['id']}" for each in (first, made(first, us.id))]
    for path in paths:
        assert maker.json_of("PATCH", path, {"token_name": "less", "scopes": ["team.read"]})["scopes"] == ["team.read"]
    assert first.json_of("PATCH", paths[1], {"token_name": "x"})["name"] == "x"
    ender = made(us.alice, us.id, scopes=["team.delete"])
    assert ender.json_of("PATCH", paths[0], {"token_name": "x"})["name"] == "x"
    assert refused(maker, f"/tokens/{own(us.alice)['id']}", {"access": "read"}, "PATCH")[:2] == (403, "scope_required")


def test_a_token_ends_with_those_it_made_and_they_made(us: Team) -> None:
    other = new(us.alice, "/workspaces", name="Other")
    first = made(us.alice, us.id, token_name="first")
    second, elsewhere = made(first, us.id, token_name="second"), made(first, other, token_name="elsewhere")
    third = made(second, us.id, token_name="third", access="read")
    id = own(first)["id"]
    answer = us.alice.delete(f"/tokens/{id}", headers=JSON)
    assert answer.json()["message"] == f"revoked token/{id} and 3 that it made"
    assert (answer.json()["id"], answer.json()["made"]) == (id, 3)
    for ended in (first, second, elsewhere, third):
        assert error_of(ended.get("/whoami")) == (401, "invalid_token")
    assert us.alice.get("/whoami").status_code == 200
    logged = us.alice.json_of("GET", "/audit?action=token.revoke")["items"]
    assert [entry["changes"]["name"][0] for entry in logged] == ["first", "third", "second"]


def test_tokens_that_are_kept_end_with_the_one_before(us: Team) -> None:
    first = made(us.alice, us.id)
    second = made(first, us.id)
    third = made(second, us.id)
    id = own(second)["id"]
    assert us.alice.delete(f"/tokens/{id}?keep_made=1").text == f"OK revoked token/{id}\n"
    assert error_of(second.get("/whoami")) == (401, "invalid_token")
    assert third.get("/whoami").status_code == 200
    id = own(first)["id"]
    assert us.alice.delete(f"/tokens/{id}?keep_made=0").text == f"OK revoked token/{id} and 1 that it made\n"
    assert error_of(third.get("/whoami")) == (401, "invalid_token")
    assert error_of(us.alice.delete(f"/tokens/{own(us.alice)['id']}?keep_made=2")) == (400, "invalid_value")


def test_a_token_that_ends_its_maker_ends_with_it(us: Team) -> None:
    first = made(us.alice, us.id)
    second = made(first, us.id)
    assert second.delete(f"/tokens/{own(first)['id']}").status_code == 200
    assert error_of(first.get("/whoami")) == error_of(second.get("/whoami")) == (401, "invalid_token")


def test_a_dry_run_ends_and_narrows_nothing(us: Team) -> None:
    first = made(us.alice, us.id)
    made(first, us.id)
    with Books(us.home.folder) as books:
        before = [{**row, "last_used_at": ""} for row in books.rows("tokens")]
        path = f"/tokens/{own(first)['id']}"
        assert "and 1 that it made\n# dry run" in us.alice.delete(f"{path}?dry_run=1").text
        assert us.alice.json_of("PATCH", f"{path}?dry_run=1", {"access": "read"})["access"] == "read"
        assert [{**row, "last_used_at": ""} for row in books.rows("tokens")] == before
