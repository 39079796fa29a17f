"""The end of an account: what goes with its person, what stays with others, and that those keep an admin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House
from tests.teams.office import (
    Books,
    Team,
    address,
    asked,
    enter,
    error_of,
    new,
    office,
    plainly,
    stepped,
    team,
    working_in,
)
from tests.teams.test_erasure import traces
from tests.web.connecting import App

pytestmark = pytest.mark.slow


@pytest.fixture
def us(tmp_path: Path) -> Iterator[Team]:
    with office(tmp_path / "data") as home:
        yield team(home)


def kept(books: Books, email: str) -> dict[str, set[str]]:
    """Return table -> columns in which the address still stands."""
    found: dict[str, set[str]] = {}
    for table in traces(books, (email,)):
        for row in books.rows(table):
            found.setdefault(table, set()).update(name for name, text in row.items() if email in str(text))
    return found


def test_an_account_ends_with_a_mailed_code_and_leaves_its_address_where_others_need_it(us: Team) -> None:
    bob, dora = us.bob, enter(us.home, address("dora"))
    alone = bob.json_of("GET", "/workspaces")["items"]
    own = next(place["id"] for place in alone if place["id"] != us.id)
    inside = working_in(bob, own)
    new(inside, "/contacts", name="Bobs", notes="xylophonist")
    new(inside, f"/workspaces/{own}/invites", email=address("guest"))
    theirs = new(bob, "/contacts", name="Ours")
    doras = dora.json_of("GET", "/whoami")["workspace"]
    new(dora, f"/workspaces/{doras}/invites", email=bob.email)
    App(us.home).enter(bob.email)
    asked(us.home, us.alice, "POST", f"{us.member(bob)}/role", {"role": "admin"})
    asked(us.home, us.alice, "DELETE", us.path)
    asked(us.home, dora, "POST", f"/workspaces/{doras}/invites", {"email": bob.email, "role": "admin"})
    code = asked(us.home, bob, "DELETE", "/me")
    assert own in us.home.letterbox.letters[-1].body
    answer = bob.delete(f"/me?code={code}")
    assert answer.text == f"OK ended the account of {bob.email} and workspace/{own} with all data\n"
    for person in (bob, inside):
        assert error_of(person.get("/whoami")) == (401, "invalid_token")
    assert us.people() == {us.alice.email: "admin"}
    assert us.alice.json_of("GET", f"/contacts/{theirs}")["created_by"] == bob.email
    with Books(us.home.folder) as books:
        books.settled(us.alice)
        assert kept(books, bob.email) == {"audit": {"by", "changes"}, "contacts": {"created_by"}}
        assert traces(books, (own, "xylophonist")) == {}
        assert kept(books, us.ids[bob.email]) == {"audit": {"target"}}
    (gone,) = us.alice.json_of("GET", "/audit?action=member.delete")["items"]
    assert (gone["by"], gone["target"]) == (bob.email, f"user/{us.ids[bob.email]}")
    (declined,) = dora.json_of("GET", "/audit?action=invite.delete")["items"]
    assert declined["changes"]["email"] == [bob.email, None]


def test_who_signs_in_again_after_ending_their_account_has_a_fresh_one(us: Team) -> None:
    before = us.charlie.json_of("GET", "/whoami")
    ended = stepped(us.home, us.charlie, "DELETE", "/me")
    assert ended.json()["workspaces"] == [before["workspace"]]
    after = enter(us.home, us.charlie.email).json_of("GET", "/whoami")
    assert {after["user"], after["workspace"]}.isdisjoint({before["user"], before["workspace"]})


def test_the_only_admin_of_others_cannot_end_their_account(us: Team) -> None:
    answer = plainly(us.home, us.alice, "DELETE", "/me")
    assert error_of(answer) == (409, "last_admin")
    assert us.id in answer.json()["hint"]
    assert stepped(us.home, us.alice, "POST", f"{us.member(us.bob)}/role", {"role": "admin"}).status_code == 200
    assert stepped(us.home, us.alice, "DELETE", "/me").status_code == 200
    assert us.bob.json_of("GET", f"{us.path}/members")["members"][0]["email"] == us.bob.email


def test_the_code_to_end_an_account_counts_only_for_the_workspaces_in_its_mail(us: Team) -> None:
    code = asked(us.home, us.charlie, "DELETE", "/me")
    new(us.charlie, "/workspaces", name="Since then")
    assert error_of(us.charlie.delete(f"/me?code={code}")) == (403, "invalid_code")
    assert len(us.charlie.json_of("GET", "/workspaces")["items"]) == 2


def test_invites_of_the_person_who_left_are_withdrawn(us: Team) -> None:
    carol, guest = us.joins("carol", "admin"), address("guest")
    new(carol, f"{us.path}/invites", email=guest)
    assert stepped(us.home, carol, "DELETE", "/me").status_code == 200
    assert us.invited() == {}
    assert us.alice.json_of("GET", "/audit?action=invite.delete")["total"] == 1


def test_an_app_ends_the_account_of_its_user_only_with_the_mailed_code(home: House) -> None:
    alice = enter(home, address("alice"))
    app = App(home).token(alice.email)
    alice.headers["Authorization"] = f"Bearer {app}"
    assert error_of(alice.delete("/me?code=123456x")) == (403, "invalid_code")
    assert stepped(home, alice, "DELETE", "/me").status_code == 200
    assert error_of(alice.get("/whoami")) == (401, "invalid_token")
