"""Invites: a mail, a place that waits, joined at the next sign-in of that very address."""

import re
import socket
from pathlib import Path

import pytest

from tests.house import Person, record_in
from tests.teams.office import (
    JSON,
    Books,
    Team,
    address,
    asked,
    enter,
    error_of,
    new,
    office,
    person_of,
    stepped,
    team,
    working_in,
)


def test_an_invite_is_mailed_and_says_how_to_sign_in(us: Team) -> None:
    us.alice.patch(us.path, json={"name": "Acme Sales"})
    dave, before = address("dave"), len(us.home.letterbox.letters)
    answer = us.alice.post(f"{us.path}/invites", json={"email": dave.upper(), "role": "member"})
    assert answer.status_code == 201
    ok, note = answer.text.splitlines()
    found = re.fullmatch(rf"OK invited {re.escape(dave)} as member: invite/(inv_\w{{8}})", ok)
    assert found, ok
    assert "they join by signing in with that address if they are new" in note
    (letter,) = us.home.letterbox.letters[before:]
    assert letter.to == dave
    command = f"""    curl {us.home.url}/auth/request -d '{{"email":"YOUR ADDRESS"}}'\n"""
    page = f"\n    {us.home.url}/\n"
    for part in (us.alice.email, "Acme Sales", "member", page, command):
        assert part in letter.body
    assert us.invited() == {dave: "member"}
    (shown,) = us.alice.json_of("GET", f"{us.path}/members")["invites"]
    assert shown["id"] == found.group(1)


def test_an_invite_in_json_says_the_same_as_in_text(us: Team) -> None:
    dave = address("dave")
    known = us.alice.json_of("POST", f"{us.path}/invites", {"email": dave})
    id = known["id"]
    message = f"invited {dave} as member: invite/{id}"
    assert record_in(known) == {
        "ok": True, "message": message, "id": id, "handle": f"invite/{id}", "email": dave, "role": "member"
    }  # fmt: skip


def test_a_stored_name_cannot_forge_a_line_of_the_mail(us: Team) -> None:
    us.alice.patch(us.path, json={"name": "Acme\nYour code is: 123456\r\nBcc: x@example.com"})
    assert us.alice.post(f"{us.path}/invites", json={"email": address("dave")}).status_code == 201
    body = us.home.letterbox.letters[-1].body
    assert "123456" not in body
    assert us.id in body


def test_an_invited_address_joins_at_its_first_sign_in_and_not_before(us: Team) -> None:
    dave = address("dave")
    us.alice.post(f"{us.path}/invites", json={"email": dave})
    assert dave not in us.people()
    person = enter(us.home, dave, "Claude")
    assert us.people()[dave] == "member"
    assert us.invited() == {}
    places = {place["id"]: place["role"] for place in person.json_of("GET", "/workspaces")["items"]}
    assert places[us.id] == "member"
    assert working_in(person, us.id).json_of("GET", "/contacts")["total"] == 0


def test_a_person_invited_by_somebody_they_know_joins_at_the_next_sign_in(us: Team) -> None:
    shared = us.charlie.json_of("GET", "/whoami")["workspace"]
    us.charlie.post(f"/workspaces/{shared}/invites", json={"email": us.alice.email})
    assert us.alice.post(f"/workspaces/{shared}/join").status_code == 200
    us.alice.post(f"{us.path}/invites", json={"email": us.charlie.email})
    assert error_of(us.charlie.get(f"{us.path}/members")) == (403, "not_a_member")
    own = us.charlie.json_of("GET", "/whoami")["workspace"]
    again = enter(us.home, us.charlie.email)
    assert again.json_of("GET", "/whoami")["workspace"] == own  # a token works where they were first
    assert us.charlie.get(f"{us.path}/members").status_code == 200
    assert us.charlie.json_of("GET", "/contacts")["total"] == 0
    assert us.people()[us.charlie.email] == "member"


def test_inviting_an_admin_takes_a_code_and_they_join_as_admin(us: Team) -> None:
    dave, before = address("dave"), len(us.home.letterbox.letters)
    code = asked(us.home, us.alice, "POST", f"{us.path}/invites", {"email": dave, "role": "admin"})
    assert us.invited() == {}
    assert [letter.to for letter in us.home.letterbox.letters[before:]] == [us.alice.email]
    body = {"email": dave, "role": "admin"}
    assert us.alice.post(f"{us.path}/invites?code={code}", json=body).status_code == 201
    assert us.home.letterbox.letters[-1].to == dave
    assert working_in(enter(us.home, dave), us.id).json_of("GET", "/whoami")["role"] == "admin"


def test_inviting_again_keeps_one_invite_and_raising_its_role_takes_a_code(us: Team) -> None:
    dave = address("dave")
    first = new(us.alice, f"{us.path}/invites", email=dave)
    body = {"email": dave, "role": "admin"}
    answer = us.alice.post(f"{us.path}/invites", json=body)
    assert error_of(answer) == (403, "escalation_required")
    assert us.invited() == {dave: "member"}
    second = stepped(us.home, us.alice, "POST", f"{us.path}/invites", body)
    assert (second.status_code, second.json()["id"]) == (201, first)
    assert us.invited() == {dave: "admin"}
    assert new(us.alice, f"{us.path}/invites", email=dave, role="member") == first  # less power takes no code
    assert us.invited() == {dave: "member"}


def test_a_withdrawn_invite_is_not_accepted(us: Team) -> None:
    dave = address("dave")
    id = new(us.alice, f"{us.path}/invites", email=dave)
    assert us.alice.delete(f"{us.path}/invites/invite%2F{id}").text == f"OK withdrew invite/{id}\n"
    assert us.invited() == {}
    person = enter(us.home, dave)
    assert error_of(person.get(f"{us.path}/members")) == (403, "not_a_member")
    assert error_of(us.alice.delete(f"{us.path}/invites/{id}")) == (404, "not_found")
    assert us.people().keys() == {us.alice.email, us.bob.email}


def test_an_accepted_invite_cannot_be_withdrawn(us: Team) -> None:
    dave = address("dave")
    id = new(us.alice, f"{us.path}/invites", email=dave)
    enter(us.home, dave)
    assert error_of(us.alice.delete(f"{us.path}/invites/{id}")) == (404, "not_found")
    assert dave in us.people()


def test_neither_a_member_nor_a_stranger_invites_or_withdraws(us: Team) -> None:
    id, before = new(us.alice, f"{us.path}/invites", email=address("dave")), len(us.home.letterbox.letters)
    for person, error in ((us.bob, "admin_required"), (us.charlie, "not_a_member")):
        for role in ("member", "admin"):
            invite = {"email": address("erin"), "role": role}
            assert error_of(person.post(f"{us.path}/invites", json=invite)) == (403, error)
        assert error_of(person.delete(f"{us.path}/invites/{id}")) == (403, error)
    assert len(us.home.letterbox.letters) == before
    assert len(us.invited()) == 1


def test_who_is_a_member_already_cannot_be_invited(us: Team) -> None:
    for person in (us.alice, us.bob):
        answer = us.alice.post(f"{us.path}/invites", json={"email": person.email.upper()}, headers=JSON)
        assert error_of(answer) == (409, "already_exists")
        assert list(answer.json()["fields"]) == ["email"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "missing_field"),
        ({"email": ""}, "missing_field"),
        ({"email": "nobody"}, "invalid_value"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "invalid_value"),
        ({"email": "a@example.com,b@example.com"}, "invalid_value"),
        ({"email": "a@example.com", "role": "owner"}, "invalid_value"),
        ({"email": "a@example.com", "name": "A"}, "unknown_field"),
    ],
)
def test_a_wrong_invite_is_refused_and_not_mailed(us: Team, body: object, error: str) -> None:
    before = len(us.home.letterbox.letters)
    assert error_of(us.alice.post(f"{us.path}/invites", json=body)) == (400, error)
    assert len(us.home.letterbox.letters) == before
    assert us.invited() == {}


@pytest.mark.parametrize(
    "twin",
    [
        "dave+x@example.com",
        "d.ave@example.com",
        "dave@example.com.example.com",
        "dave@sub.example.com",
        "daye@example.com",
    ],
)
def test_an_invite_is_not_accepted_by_an_address_that_looks_alike(us: Team, twin: str) -> None:
    email = f"{us.id}dave@example.com".replace("_", "")
    us.alice.post(f"{us.path}/invites", json={"email": email})
    other = enter(us.home, email.replace("dave@example.com", twin))
    assert error_of(other.get(f"{us.path}/members")) == (403, "not_a_member")
    assert us.invited() == {email: "member"}


def test_an_address_in_capital_letters_is_the_same_person(us: Team) -> None:
    email = address("dave")
    us.alice.post(f"{us.path}/invites", json={"email": email})
    enter(us.home, email.upper().lower())
    with Person(us.home.url) as someone:
        assert someone.post("/auth/request", json={"email": f" {email.upper()} "}).status_code == 200
        entry = {"email": email.title(), "code": us.home.letterbox.code_for(email)}
        assert someone.post("/auth/verify", json=entry).status_code == 200
    assert list(us.people()).count(email) == 1


def test_invites_of_two_workspaces_are_both_accepted_at_one_sign_in(us: Team) -> None:
    dave, other = address("dave"), team(us.home)
    for each in (us, other):
        each.alice.post(f"{each.path}/invites", json={"email": dave})
    person = enter(us.home, dave)
    assert {us.id, other.id} <= {place["id"] for place in person.json_of("GET", "/workspaces")["items"]}


def test_an_invite_lets_a_newcomer_in_where_signup_is_by_invitation(tmp_path: Path) -> None:
    with office(tmp_path / "data") as home:
        team(home)
    with office(tmp_path / "data", {"CRMKIT_AUTH_SIGNUP": "invited"}) as home:
        alice = enter(home, next(row["email"] for row in _people(home.folder) if row["email"].startswith("alice")))
        place = alice.json_of("GET", "/whoami")["workspace"]
        dave = address("dave")
        assert alice.post(f"/workspaces/{place}/invites", json={"email": dave}).status_code == 201
        person = enter(home, dave)
        assert [place["id"] for place in person.json_of("GET", "/workspaces")["items"]] == [place]


def _people(folder: Path) -> list[dict[str, str]]:
    with Books(folder) as books:
        return list(books.rows("users"))


@pytest.mark.slow
def test_an_invite_whose_mail_failed_is_not_kept(tmp_path: Path) -> None:
    with office(tmp_path / "data") as home:
        us = team(home)
        token = us.alice.token
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        environ = {"CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{closed.getsockname()[1]}"}
        with office(tmp_path / "data", environ) as home, Person(home.url, token) as alice:
            answer = alice.post(f"{us.path}/invites", json={"email": "dave@example.com"})
            assert error_of(answer) == (503, "mail_failed")
            assert alice.json_of("GET", f"{us.path}/members")["invites"] == []
            assert error_of(alice.delete(us.path)) == (503, "mail_failed")
            assert alice.get(f"{us.path}/members").status_code == 200


@pytest.mark.slow
def test_invites_do_not_use_up_the_sign_in_codes_of_an_address(tmp_path: Path) -> None:
    with office(tmp_path / "data", {"CRMKIT_LIMITS_SIGNIN_PER_HOUR": "5"}) as home:
        eve, alice = enter(home, address("eve")), address("alice")
        place = eve.json_of("GET", "/whoami")["workspace"]
        body = {"email": alice}
        assert [eve.post(f"/workspaces/{place}/invites", json=body).status_code for _ in range(6)] == [201] * 5 + [429]
        assert enter(home, alice).get("/whoami").status_code == 200


@pytest.mark.slow
def test_a_code_mailed_before_the_invite_was_withdrawn_opens_no_account_where_signup_is_closed(tmp_path: Path) -> None:
    with office(tmp_path / "open") as home:
        boss = enter(home, address("boss"))
        place = boss.json_of("GET", "/whoami")["workspace"]
    with office(tmp_path / "open", {"CRMKIT_AUTH_SIGNUP": "invited"}) as home, home.stranger() as someone:
        boss = person_of(home.url, boss.token, boss.email)
        guest = address("guest")
        invite = new(boss, f"/workspaces/{place}/invites", email=guest)
        assert someone.post("/auth/request", json={"email": guest}).status_code == 200
        assert boss.delete(f"/workspaces/{place}/invites/{invite}").status_code == 200
        entry = {"email": guest, "code": home.letterbox.code_for(guest)}
        assert error_of(someone.post("/auth/verify", json=entry)) == (401, "invalid_code")
        with Books(home.folder) as books:
            assert guest not in {email for (email,) in books.ask("SELECT email FROM users")}
