"""Tokens that are made with less than the one that makes them has."""

from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.pruning.sweep import sweep
from tests.teams.office import JSON, Books, Team, asked, error_of, new, person_of, stepped
from tests.teams.tokens.given import ahead, made, own, refused

OFFICE = ["203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8"]


def test_a_token_is_shown_with_what_it_was_given(us: Team) -> None:
    ends = ahead(us, days=90)
    body = {"token_name": "Reader", "access": "read", "expires_at": ends, "ips": OFFICE}
    answer = us.alice.post(f"{us.path}/tokens", json=body)
    assert answer.text.splitlines()[2:6] == [
        f"workspace: {us.id}",
        "access: read",
        f"expires_at: {ends}",
        f"ips: {','.join(OFFICE)}",
    ]
    reader = made(us.alice, us.id, **body)
    expected = {"access": "read", "scopes": [], "expires_at": ends, "ips": OFFICE}
    assert {name: own(reader)[name] for name in expected} == expected
    card = reader.json_of("GET", "/whoami")
    assert {name: card[name] for name in expected} == expected
    assert f"\naccess: read\nexpires_at: {ends}\nips: 203.0.113.0/24," in reader.text("GET", "/whoami")
    assert f"  access=read  expires_at={ends}  ips=203.0.113.0/24," in reader.text("GET", "/tokens")
    assert error_of(reader.post("/contacts", json={"name": "Jane"})) == (403, "scope_required")
    assert reader.get("/contacts").status_code == 200


def test_a_new_token_is_named_and_the_list_says_which_made_it(us: Team) -> None:
    known = us.alice.json_of("POST", f"{us.path}/tokens", {"token_name": "Agent"})
    assert known["handle"] == f"token/{known['id']}"
    mine = own(us.alice)
    assert mine["made_by"] is None
    lines = [line for line in us.alice.text("GET", "/tokens").splitlines() if line.startswith("token/")]
    assert [f"  made_by={mine['id']}  " in line for line in lines] == [True, False]
    assert lines[0].startswith(f"{known['handle']}  name=Agent  ")
    assert us.alice.json_of("PATCH", f"/tokens/{known['id']}", {"token_name": "x"})["made_by"] == mine["id"]
    assert us.alice.delete(f"/tokens/{known['id']}").status_code == 200


def test_a_token_with_scopes_shows_them_and_does_no_more(us: Team) -> None:
    clerk = made(us.alice, us.id, scopes=["contacts.read", "contacts.write", "contacts.read"])
    assert "\nscopes: contacts.read,contacts.write\n" in clerk.text("GET", "/whoami")
    assert "\naccess: " not in clerk.text("GET", "/whoami")
    jane = new(clerk, "/contacts", name="Jane")
    assert refused(clerk, f"/contacts/{jane}", None, "DELETE") == (403, "scope_required", "contacts.delete")
    assert refused(clerk, "/deals", None, "GET") == (403, "scope_required", "deals.read")
    assert refused(clerk, "/tokens", None, "GET") == (403, "scope_required", "team.read")


def test_a_token_that_was_made_with_nothing_has_what_its_maker_has(us: Team) -> None:
    assert own(us.alice)["access"] == "full"
    narrow = {"scopes": ["team.read", "team.write", "deals.read"], "expires_at": ahead(us, days=90), "ips": OFFICE}
    first = made(us.alice, us.id, **narrow)
    second = made(first, us.id)
    for name in ("access", "scopes", "expires_at", "ips"):
        assert own(second)[name] == own(first)[name]
    less = own(made(first, us.id, scopes=["team.read"], expires_at="+89d", ips=["127.0.0.1"]))
    assert (less["scopes"], less["ips"]) == (["team.read"], ["127.0.0.1/32"])
    assert less["name"] == "default"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"access": "full"}, (403, "scope_required", "*")),
        ({"access": "read"}, (403, "scope_required", "*.read")),
        ({"access": "write"}, (403, "scope_required", "*.read")),
        ({"access": "propose"}, (403, "scope_required", "*.read")),
        ({"scopes": ["*"]}, (403, "scope_required", "*")),
        ({"scopes": ["deals.read", "contacts.read"]}, (403, "scope_required", "contacts.read")),
        ({"scopes": ["deals.write"]}, (403, "scope_required", "deals.write")),
        ({"ips": ["203.0.112.0/23"]}, (400, "invalid_value", {"ips": f"must be within {', '.join(OFFICE)}"})),
        ({"ips": ["0.0.0.0/0"]}, (400, "invalid_value", {"ips": f"must be within {', '.join(OFFICE)}"})),
        ({"expires_at": "+91d"}, (400, "invalid_value", {"expires_at": "must be at or before ENDS"})),
        ({"expires_at": "never"}, (400, "invalid_value", {"expires_at": "must be at or before ENDS"})),
    ],
)
def test_no_token_makes_one_with_more_than_it_has(us: Team, body: Any, answer: Any) -> None:
    ends = ahead(us, days=90)
    narrow = {"scopes": ["team.write", "deals.read"], "expires_at": ends, "ips": OFFICE}
    maker = made(us.alice, us.id, **narrow)
    before = len(us.alice.json_of("GET", "/tokens")["items"])
    status, code, told = refused(maker, f"{us.path}/tokens", body)
    assert (
        status,
        code,
        told if isinstance(told, str) else {name: told[name].replace(ends, "ENDS") for name in told},
    ) == answer
    assert len(us.alice.json_of("GET", "/tokens")["items"]) == before


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"access": "read", "scopes": ["deals.read"]}, "scopes", "stands beside access"),
        ({"access": "reed"}, "access", "did you mean read?"),
        ({"access": ["read"]}, "access", "must be one of read, write, propose, full"),
        ({"scopes": []}, "scopes", "1 to 100 of them"),
        ({"scopes": "contacts.read"}, "scopes", "must be a list of scopes like contacts.read"),
        ({"scopes": ["contact.read"]}, "scopes", "has contact.read, which is no scope (did you mean contacts.read?)"),
        ({"scopes": ["contacts.reed"]}, "scopes", "did you mean contacts.read?"),
        ({"scopes": ["fields.read"]}, "scopes", "which is no scope"),
        ({"scopes": ["contacts.read\n*"]}, "scopes", "which is no scope"),
        ({"scopes": ["contacts.read *"]}, "scopes", "which is no scope"),
        ({"scopes": ["read"]}, "scopes", "which is no scope"),
        ({"scopes": [f"contacts.{n}" for n in range(101)]}, "scopes", "1 to 100"),
        ({"ips": ["203.0.113.0/33"]}, "ips", "must be a list of addresses and networks like 203.0.113.7"),
        ({"ips": ["office"]}, "ips", "must be a list of addresses"),
        ({"ips": ["fe80::1%eth0/64"]}, "ips", "must be a list of addresses"),
        ({"ips": ["203.0.113.7 198.51.100.1"]}, "ips", "must be a list of addresses"),
        ({"ips": [""]}, "ips", "must be a list of addresses"),
        ({"ips": [7]}, "ips", "must be a list of addresses"),
        ({"ips": "203.0.113.7"}, "ips", "must be a list of addresses"),
        ({"ips": []}, "ips", "1 to 50 of them"),
        ({"expires_at": "2020-01-01"}, "expires_at", "must be in the future; now it is 2026-"),
        ({"expires_at": "now"}, "expires_at", "must be in the future"),
        ({"expires_at": "tomorow"}, "expires_at", "must be a time like"),
        ({"expires_at": 7}, "expires_at", "or never"),
        ({"token_name": "x" * 101}, "token_name", "100"),
    ],
)
def test_what_no_token_can_have_is_refused_by_name(us: Team, body: Any, field: str, told: str) -> None:
    mine = own(us.alice)["id"]
    for method, path in (("POST", f"{us.path}/tokens"), ("PATCH", f"/tokens/{mine}")):
        status, code, fields = refused(us.alice, path, body, method)
        assert (status, code) == (400, "invalid_value")
        assert list(fields) == [field]
        assert told in fields[field]
    assert len(us.alice.json_of("GET", "/tokens")["items"]) == 1


def test_only_full_access_or_team_write_makes_tokens(us: Team) -> None:
    for word in ("read", "write", "propose"):
        maker = made(us.alice, us.id, access=word)
        assert refused(maker, f"{us.path}/tokens", {}) == (403, "scope_required", "team.write")
    for scopes in (["team.write"], ["*.write"], ["*"]):
        assert made(made(us.alice, us.id, scopes=scopes), us.id).token


def test_a_narrow_token_makes_tokens_in_its_own_workspace_alone(us: Team) -> None:
    other = new(us.alice, "/workspaces", name="Other")
    maker = made(us.alice, us.id, scopes=["team.write", "workspace.read"])
    assert refused(maker, f"/workspaces/{other}/tokens", {})[:2] == (403, "not_a_member")
    assert other not in maker.text("GET", "/workspaces")
    assert made(us.alice, other, access="read").json_of("GET", "/whoami")["workspace"] == other


def test_a_token_ends_when_it_says_however_much_it_is_used(us: Team) -> None:
    soon = made(us.alice, us.id, expires_at="+2h")
    assert soon.get("/contacts").status_code == 200
    ends = own(soon)["expires_at"]
    us.home.clock.move(hours=1, minutes=59)
    assert soon.get("/contacts").status_code == 200
    us.home.clock.move(minutes=1)
    assert us.home.crm.now >= ends
    answer = soon.get("/contacts", headers=JSON)
    assert error_of(answer) == (401, "token_expired")
    assert f"This token ended at {ends}" in answer.json()["hint"]
    assert [token["current"] for token in us.alice.json_of("GET", "/tokens")["items"]] == [True]


def test_a_token_with_an_end_lives_until_then_though_nobody_uses_it(us: Team) -> None:
    late = made(us.alice, us.id, expires_at="+90d")
    us.home.clock.move(days=60)
    assert late.get("/contacts").status_code == 200
    assert [token["name"] for token in late.json_of("GET", "/tokens")["items"]] == ["default"]  # others were idle
    us.home.clock.move(days=31)
    assert error_of(late.get("/contacts")) == (401, "token_expired")


def test_a_token_that_ended_is_forgotten_after_thirty_days(us: Team) -> None:
    soon = made(us.alice, us.id, expires_at="+1h", token_name="soon")
    kept = []
    with Books(us.home.folder) as books:
        for days in (29, 2):
            us.home.clock.move(days=days)
            us.home.do(sweep(Call(us.home.crm)))
            kept.append(("soon" in [row["name"] for row in books.rows("tokens")], error_of(soon.get("/contacts"))[1]))
    assert kept == [(True, "token_expired"), (False, "invalid_token")]


def test_a_token_that_never_ends_needs_an_admin_and_the_mailed_code(us: Team) -> None:
    path, body = f"{us.path}/tokens", {"token_name": "Cron", "access": "read", "expires_at": "never"}
    assert refused(us.bob, path, body)[:2] == (403, "admin_required")
    answer = stepped(us.home, us.alice, "POST", path, body)
    assert (answer.status_code, answer.json()["expires_at"]) == (201, "never")
    letter = us.home.letterbox.letters[-1].body
    assert f"make a further token for {us.id}, with access read, that never ends of itself." in letter
    cron = person_of(us.home.url, answer.json()["token"], us.alice.email)
    us.home.clock.move(days=400)
    assert cron.get("/contacts").status_code == 200
    assert own(cron)["expires_at"] == "never"


def test_a_token_that_ends_in_more_than_a_year_needs_the_same(us: Team) -> None:
    path, body = f"{us.path}/tokens", {"access": "read", "expires_at": "9999-01-01"}
    assert refused(us.bob, path, body)[:2] == (403, "admin_required")
    assert "at most 366 days ahead" in us.bob.post(path, json=body).text
    assert us.bob.post(path, json={"expires_at": "+366d"}).status_code == 201
    for days in (366, 367):
        end = {"scopes": ["team.read", "team.write"], "expires_at": ahead(us, days=days)}
        answer = (
            stepped(us.home, us.alice, "POST", path, end) if days > 366 else us.alice.post(path, json=end, headers=JSON)
        )
        assert (answer.status_code, answer.json()["expires_at"]) == (201, end["expires_at"])
    assert f", until {end['expires_at']}." in us.home.letterbox.letters[-1].body
    late = person_of(us.home.url, answer.json()["token"], us.alice.email)
    assert refused(late, path, {})[:2] == (403, "escalation_required")
    assert own(made(late, us.id, expires_at="+1y"))["name"] == "default"


def test_a_code_for_one_token_makes_no_other(us: Team) -> None:
    path, body = f"{us.path}/tokens", {"access": "read", "expires_at": "never"}
    code = asked(us.home, us.alice, "POST", path, body)
    for other in ({"expires_at": "never"}, {"scopes": ["*.read"], "expires_at": "never"}, {**body, "ips": OFFICE}):
        assert error_of(us.alice.post(f"{path}?code={code}", json=other)) == (403, "invalid_code")
    assert us.alice.post(f"{path}?code={code}", json=body).status_code == 201


def test_what_never_ends_is_not_handed_on_without_a_code(us: Team) -> None:
    body = {"scopes": ["team.write", "team.read"], "expires_at": "never"}
    maker = stepped(us.home, us.alice, "POST", f"{us.path}/tokens", body).json()["token"]
    cron = person_of(us.home.url, maker, us.alice.email)
    assert own(made(cron, us.id))["expires_at"] is None
    assert refused(cron, f"{us.path}/tokens", {"expires_at": "never"})[:2] == (403, "escalation_required")


def test_the_list_of_tokens_is_a_table_too(us: Team) -> None:
    made(us.alice, us.id, token_name="Clerk", scopes=["contacts.read", "deals.read"], ips=OFFICE)
    head, clerk, mine = us.alice.text("GET", "/tokens?format=csv").splitlines()
    assert head.split(",")[:8] == [
        *("handle", "id", "name", "workspace_id", "access", "scopes", "expires_at", "ips"),
    ]
    assert "contacts.read" in clerk
    assert ",full," in mine
