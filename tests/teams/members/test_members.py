"""Members: who belongs, in which role, until when; what holds from the very next request on."""

import re
from collections.abc import Callable

import pytest

from crmkit.clock import stamp
from tests.core.crowd import Call, at_once, statuses
from tests.house import Person, record_in
from tests.teams.office import JSON, Team, enter, error_of, new, stepped

pytestmark = pytest.mark.slow


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


def test_a_list_of_members_shows_every_member_and_every_invite(us: Team) -> None:
    assert us.alice.post(f"{us.path}/invites", json={"email": "dave@example.com"}).status_code == 201
    now = stamp(us.home.clock())
    known = us.bob.json_of("GET", f"{us.path}/members")
    assert list(known) == ["members", "invites"]
    assert [list(member) for member in known["members"]] == [["user_id", "email", "role", "joined_at"]] * 2
    assert [list(invite) for invite in known["invites"]] == [["id", "email", "role", "created_at"]]
    assert [(m["user_id"], m["email"], m["role"]) for m in known["members"]] == [
        (us.ids[us.alice.email], us.alice.email, "admin"),
        (us.ids[us.bob.email], us.bob.email, "member"),
    ]
    assert known["invites"][0]["created_at"] == now
    assert (known["invites"][0]["email"], known["invites"][0]["role"]) == ("dave@example.com", "member")
    lines = us.alice.text("GET", f"{us.path}/members").splitlines()
    expected = [
        *(f"user/{m['user_id']}  email={m['email']}  role={m['role']}  joined_at={m['joined_at']}"
          for m in known["members"]),
        *(f"invite/{i['id']}  email={i['email']}  role={i['role']}  created_at={i['created_at']}"
          for i in known["invites"]),
    ]  # fmt: skip
    assert lines == [*expected, "# 2 members", "# 1 invites"]
    assert error_of(us.charlie.get(f"{us.path}/members")) == (403, "not_a_member")


def test_neither_a_member_nor_a_stranger_changes_roles_or_removes_others(us: Team) -> None:
    for person, error in ((us.bob, "admin_required"), (us.charlie, "not_a_member")):
        for role in ("admin", "member"):
            for target in (us.alice, us.bob):
                assert error_of(person.post(f"{us.member(target)}/role", json={"role": role})) == (403, error)
        assert error_of(person.delete(us.member(us.alice))) == (403, error)
    assert us.people() == {us.alice.email: "admin", us.bob.email: "member"}


def test_a_promoted_member_is_an_admin_at_once(us: Team) -> None:
    answer = stepped(us.home, us.alice, "POST", f"{us.member(us.bob)}/role", {"role": "admin"})
    id = us.ids[us.bob.email]
    assert answer.status_code == 200
    assert record_in(answer.json()) == {
        "ok": True, "message": f"user/{id} role=admin", "user_id": id, "handle": f"user/{id}", "role": "admin"
    }  # fmt: skip
    assert us.bob.json_of("GET", "/whoami")["role"] == "admin"
    assert us.bob.patch(us.path, json={"name": "Ours"}).status_code == 200
    assert us.bob.text("POST", f"{us.member(us.alice)}/role", {"role": "member"}) == (
        f"OK user/{us.ids[us.alice.email]} role=member\n"
    )  # no step-up to take power away
    assert error_of(us.alice.patch(us.path, json={"name": "Mine"})) == (403, "admin_required")
    assert us.people() == {us.alice.email: "member", us.bob.email: "admin"}


def test_setting_the_role_that_somebody_has_takes_no_code_and_is_not_logged(us: Team) -> None:
    for person, role in ((us.alice, "admin"), (us.bob, "member")):
        assert us.alice.post(f"{us.member(person)}/role", json={"role": role}).status_code == 200
    assert us.alice.json_of("GET", "/audit?action=member.update")["total"] == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "missing_field"),
        ({"role": "owner"}, "invalid_value"),
        ({"role": None}, "missing_field"),
        ({"role": ["admin"]}, "invalid_value"),
        ({"role": "member", "email": "x@example.com"}, "unknown_field"),
    ],
)
def test_a_role_that_does_not_exist_is_refused(us: Team, body: object, error: str) -> None:
    assert error_of(us.alice.post(f"{us.member(us.bob)}/role", json=body)) == (400, error)
    assert us.people()[us.bob.email] == "member"


def test_someone_who_is_no_member_is_neither_promoted_nor_removed(us: Team) -> None:
    path = f"{us.path}/members/{us.ids[us.charlie.email]}"
    assert error_of(us.alice.post(f"{path}/role", json={"role": "admin"})) == (404, "not_found")
    assert error_of(us.alice.delete(path)) == (404, "not_found")
    assert us.charlie.get("/whoami").status_code == 200


def test_the_last_admin_can_neither_leave_nor_step_down(us: Team) -> None:
    for answer in (
        us.alice.delete(us.member(us.alice), headers=JSON),
        us.alice.post(f"{us.member(us.alice)}/role", json={"role": "member"}, headers=JSON),
    ):
        assert error_of(answer) == (409, "last_admin")
        assert "another member admin" in answer.json()["hint"]
    assert us.people() == {us.alice.email: "admin", us.bob.email: "member"}
    assert us.alice.json_of("GET", "/audit?action=member.delete")["total"] == 0
    stepped(us.home, us.alice, "POST", f"{us.member(us.bob)}/role", {"role": "admin"})
    assert us.alice.delete(us.member(us.alice)).status_code == 200  # now there is another
    for answer in (
        us.bob.delete(us.member(us.bob)),
        us.bob.post(f"{us.member(us.bob)}/role", json={"role": "member"}),
    ):
        assert error_of(answer) == (409, "last_admin")


def demote(us: Team, one: Person, other: Person) -> Call:
    return Call("POST", f"{us.member(other)}/role", {"role": "member"}, bearer(one))


def expel(us: Team, one: Person, other: Person) -> Call:
    return Call("DELETE", us.member(other), None, bearer(one))


def leave(us: Team, one: Person, _: Person) -> Call:
    return Call("DELETE", us.member(one), None, bearer(one))


def step_down(us: Team, one: Person, _: Person) -> Call:
    return Call("POST", f"{us.member(one)}/role", {"role": "member"}, bearer(one))


@pytest.mark.parametrize("act", [demote, expel, leave, step_down])
def test_of_two_admins_who_demote_remove_or_leave_at_once_one_stays(
    us: Team, act: Callable[[Team, Person, Person], Call]
) -> None:
    """Each takes away an admin, the other or itself; whoever comes second is too late."""
    late = {demote: {403: "admin_required"}, expel: {401: "invalid_token"}}.get(act, {409: "last_admin"})
    for _ in range(4):
        erin, frank = us.joins("erin", "admin"), us.joins("frank", "admin")
        others = [Call("POST", f"{us.member(us.alice)}/role", {"role": "member"}, bearer(erin))]
        assert statuses(at_once(us.home.url, others)) == {200: 1}  # Alice is out of the way
        answers = at_once(us.home.url, [act(us, erin, frank), act(us, frank, erin)])
        assert sum(answer.status_code == 200 for answer in answers) == 1, [a.text for a in answers]
        refused = next(answer for answer in answers if answer.status_code != 200)
        # one that had not reached its transaction is stopped by it, one that came later at the door
        assert {refused.status_code: refused.json()["error"]} == late
        left = [person for person in (erin, frank) if us.people().get(person.email) == "admin"]
        assert len(left) == 1
        promoted = stepped(us.home, left[0], "POST", f"{us.member(us.alice)}/role", {"role": "admin"})
        assert promoted.status_code == 200
        for person in (erin, frank):
            us.alice.delete(us.member(person))
        assert us.people() == {us.alice.email: "admin", us.bob.email: "member"}


def test_a_member_can_leave(us: Team) -> None:
    id = us.ids[us.bob.email]
    assert us.bob.delete(f"{us.path}/members/user%2F{id}").text == f"OK removed user/{id}\n"
    assert error_of(us.bob.get("/whoami")) == (401, "invalid_token")
    assert us.people() == {us.alice.email: "admin"}
    (entry,) = us.alice.json_of("GET", "/audit?action=member.delete")["items"]
    assert (entry["by"], entry["target"]) == (us.bob.email, f"user/{id}")


def test_a_removed_member_can_do_nothing_more(us: Team) -> None:
    jane = new(us.bob, "/contacts", name="Jane")
    second = us.bob.post(f"{us.path}/tokens", json={}, headers=JSON).json()["token"]
    assert record_in(us.alice.json_of("DELETE", us.member(us.bob))) == {
        "ok": True, "message": f"removed user/{us.ids[us.bob.email]}",
        "user_id": us.ids[us.bob.email], "handle": f"user/{us.ids[us.bob.email]}",
    }  # fmt: skip
    for token in (us.bob.token, second):
        with Person(us.home.url, token) as bob:
            for method, path in (("GET", "/whoami"), ("GET", "/contacts"), ("GET", "/workspaces"), ("GET", "/tokens")):
                assert error_of(bob.request(method, path)) == (401, "invalid_token")
            assert error_of(bob.patch(f"/contacts/{jane}", json={"stage": "lost"})) == (401, "invalid_token")
            assert error_of(bob.post(f"{us.path}/tokens", json={})) == (401, "invalid_token")
    assert error_of(us.alice.delete(us.member(us.bob))) == (404, "not_found")


def test_someone_removed_cannot_act_from_another_workspace(us: Team) -> None:
    """A token of another workspace lives on, but leads nowhere near this one."""
    elsewhere = new(us.bob, "/workspaces", name="Bob's")
    minted = us.bob.post(f"/workspaces/{elsewhere}/tokens", json={}, headers=JSON).json()["token"]
    with Person(us.home.url, minted) as bob:
        assert bob.get(f"{us.path}/members").status_code == 200
        assert us.alice.delete(us.member(us.bob)).status_code == 200
        assert bob.get("/whoami").status_code == 200
        assert error_of(bob.get(f"{us.path}/members")) == (403, "not_a_member")
        assert error_of(bob.post(f"{us.path}/tokens", json={})) == (403, "not_a_member")
        assert error_of(bob.delete(us.member(us.bob))) == (403, "not_a_member")


def test_no_write_of_a_member_is_done_after_their_removal_was_answered(us: Team) -> None:
    """Thirty writes and the removal in one moment: what the removal's answer leaves undone stays undone."""
    for round_ in range(3):
        grace = us.joins("grace")
        writes = [Call("POST", "/contacts", {"name": f"Jane {round_}.{n}"}, bearer(grace)) for n in range(30)]
        removal = expel(us, us.alice, grace)
        answers = at_once(us.home.url, [*writes[:10], removal, *writes[10:]])
        assert answers.pop(10).status_code == 200
        assert set(statuses(answers)) <= {201, 401}
        made = statuses(answers)[201]
        assert us.alice.json_of("GET", f"/contacts?name=like:Jane {round_}.&count=exact")["total"] == made
        log = us.alice.json_of("GET", f"/audit?limit=200&since=2026-06-10&by={grace.email}")["items"]
        assert sum(entry["action"] == "contact.create" for entry in log) == made
        newest = us.alice.json_of("GET", "/audit?limit=100")["items"]
        assert newest[0]["action"] == "member.delete"  # nothing of hers was logged after it
        assert statuses(at_once(us.home.url, writes)) == {401: 30}


def test_no_act_of_an_admin_is_done_after_their_demotion_was_answered(us: Team) -> None:
    for round_ in range(3):
        heidi = us.joins("heidi", "admin")
        renames = [Call("PATCH", us.path, {"name": f"Heidi {round_}.{n}"}, bearer(heidi)) for n in range(20)]
        answers = at_once(us.home.url, [*renames[:5], demote(us, us.alice, heidi), *renames[5:]])
        assert answers.pop(5).status_code == 200
        assert set(statuses(answers)) <= {200, 403}
        log = us.alice.json_of("GET", "/audit?limit=100")["items"]
        demotion = next(n for n, entry in enumerate(log) if entry["action"] == "member.update")
        assert demotion == 0
        assert statuses(at_once(us.home.url, renames)) == {403: 20}


def test_a_revoked_token_mints_no_other(us: Team) -> None:
    for _ in range(3):
        ivan = us.joins("ivan")
        (mine, *_) = (item["id"] for item in ivan.json_of("GET", "/tokens")["items"] if item["current"])
        mints = [Call("POST", f"{us.path}/tokens", {"token_name": "late"}, bearer(ivan)) for _ in range(20)]
        answers = at_once(us.home.url, [*mints[:5], Call("DELETE", f"/tokens/{mine}", None, bearer(ivan)), *mints[5:]])
        assert answers.pop(5).status_code == 200
        assert set(statuses(answers)) <= {201, 401}
        assert statuses(at_once(us.home.url, mints)) == {401: 20}
        assert us.alice.delete(us.member(ivan)).status_code == 200
        for answer in (answer for answer in answers if answer.status_code == 201):
            with Person(us.home.url, answer.json()["token"]) as late:
                assert error_of(late.get("/whoami")) == (401, "invalid_token")


def test_who_was_removed_and_invited_again_can_join_but_old_tokens_stay_invalid(us: Team) -> None:
    assert us.alice.delete(us.member(us.bob)).status_code == 200
    assert us.alice.post(f"{us.path}/invites", json={"email": us.bob.email}).status_code == 201
    again = enter(us.home, us.bob.email)
    assert again.post(f"{us.path}/join").status_code == 200
    assert again.json_of("GET", "/whoami")["user"] == us.ids[us.bob.email]
    assert error_of(us.bob.get("/whoami")) == (401, "invalid_token")
    assert re.fullmatch(r"u_\w{8}", us.ids[us.bob.email])
