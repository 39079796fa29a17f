"""The audit log of teams: every change, in the workspace it belongs to, by whom, with which token, old and new."""

from typing import Any

from tests.house import House, Person
from tests.teams.office import JSON, Books, Team, address, asked, enter, erased, error_of, new, stepped, working_in


def entries(person: Person, query: str = "") -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = person.json_of("GET", f"/audit?limit=200{query}")["items"]
    return shown


def newest(person: Person) -> tuple[Any, ...]:
    """Return what the newest entry tells: action, target, by, token name, changes."""
    entry = entries(person)[0]
    return tuple(entry[name] for name in ("action", "target", "by", "token_name", "changes"))


def test_every_change_of_the_team_is_logged_with_old_and_new_values(us: Team) -> None:
    alice, path, dave = working_in(us.alice, us.id, "Claude"), us.path, address("dave")
    by = (us.alice.email, "Claude")
    token = alice.json_of("GET", "/tokens")["items"][0]["id"]
    assert newest(us.alice) == ("token.create", f"token/{token}", us.alice.email, "test", {"name": [None, "Claude"]})

    alice.patch(path, json={"name": "Acme"})
    renamed = {"name": [us.alice.email, "Acme"]}
    assert newest(alice) == ("workspace.update", f"workspace/{us.id}", *by, renamed)

    invite = new(alice, f"{path}/invites", email=dave)
    created = {"email": [None, dave], "role": [None, "member"]}
    assert newest(alice) == ("invite.create", f"invite/{invite}", *by, created)
    stepped(us.home, alice, "POST", f"{path}/invites", {"email": dave, "role": "admin"})
    action, target, *who, changes = newest(alice)
    assert (action, target, *who) == ("invite.update", f"invite/{invite}", *by)
    assert changes["role"] == ["member", "admin"]
    assert changes.keys() == {"role"}
    stepped(us.home, alice, "POST", f"{path}/invites", {"email": dave, "role": "admin"})  # mailed again, as it was
    assert len([entry for entry in entries(alice) if entry["target"] == f"invite/{invite}"]) == 2
    alice.delete(f"{path}/invites/{invite}")
    gone = {"email": [dave, None], "role": ["admin", None]}
    assert newest(alice) == ("invite.delete", f"invite/{invite}", *by, gone)

    new(alice, f"{path}/invites", email=dave)
    there = enter(us.home, dave, "Dave's agent")
    user = f"user/{there.json_of('GET', '/whoami')['user']}"
    joined = {"role": [None, "member"], "email": [None, dave]}
    found = [entry for entry in entries(alice) if entry["action"] == "member.create" and entry["target"] == user]
    assert [(entry["by"], entry["token_name"], entry["changes"]) for entry in found] == [(dave, "Dave's agent", joined)]

    member = f"{path}/members/{user.removeprefix('user/')}"
    stepped(us.home, alice, "POST", f"{member}/role", {"role": "admin"})
    assert newest(alice) == ("member.update", user, *by, {"role": ["member", "admin"]})
    alice.post(f"{member}/role", json={"role": "member"})
    assert newest(alice) == ("member.update", user, *by, {"role": ["admin", "member"]})
    alice.delete(member)
    assert newest(alice) == ("member.delete", user, *by, {"email": [dave, None], "role": ["member", None]})


def test_a_new_workspace_is_logged_in_itself_and_not_where_it_was_opened_from(us: Team) -> None:
    before = entries(us.alice)
    place = new(us.alice, "/workspaces", name="Second")
    inside = working_in(us.alice, place, "inside")
    assert entries(us.alice) == before
    log = [(entry["action"], entry["by"], entry["changes"]) for entry in entries(inside)]
    assert log == [
        ("token.create", us.alice.email, {"name": [None, "inside"]}),
        ("workspace.create", us.alice.email, {"name": [None, "Second"]}),
    ]
    inside.patch(us.path, json={"name": "Renamed from elsewhere"})
    assert len(entries(inside)) == 2
    assert newest(us.alice)[:4] == ("workspace.update", f"workspace/{us.id}", us.alice.email, "inside")


def test_a_revoked_token_is_logged_only_in_its_own_workspace(us: Team) -> None:
    place = new(us.alice, "/workspaces", name="Second")
    inside = working_in(us.alice, place, "inside")
    spare = working_in(us.alice, place, "spare")
    id = next(item["id"] for item in us.alice.json_of("GET", "/tokens")["items"] if item["name"] == "spare")
    before = entries(us.alice)
    assert us.alice.delete(f"/tokens/{id}").status_code == 200
    assert error_of(spare.get("/whoami")) == (401, "invalid_token")
    assert entries(us.alice) == before
    assert newest(inside) == ("token.revoke", f"token/{id}", us.alice.email, "test", {"name": ["spare", None]})


def test_every_change_of_data_is_logged_with_old_and_new_values(us: Team) -> None:
    bob = working_in(us.bob, us.id, "Bob's agent")
    by = (us.bob.email, "Bob's agent")
    jane = new(bob, "/contacts", name="Jane", tags=["vip"])
    action, target, *who, changes = newest(us.alice)
    assert (action, target, *who) == ("contact.create", f"contact/{jane}", *by)
    assert (changes["name"], changes["tags"]) == ([None, "Jane"], [None, ["vip"]])
    bob.patch(f"/contacts/{jane}", json={"stage": "lead", "tags": []})
    changed = {"stage": [None, "lead"], "tags": [["vip"], None]}
    assert newest(us.alice) == ("contact.update", f"contact/{jane}", *by, changed)
    call = new(bob, f"/contacts/{jane}/activities", body="Called")
    action, target, *who, changes = newest(us.alice)
    assert (action, target, *who) == ("activity.create", f"activity/{call}", *by)
    assert changes["body"] == [None, "Called"]
    deal = new(bob, "/deals", title="Big", contact_id=jane)
    erased(bob, f"/contacts/{jane}")
    log = entries(us.alice)[:3]
    assert {(entry["action"], entry["target"]) for entry in log} == {
        ("contact.delete", f"contact/{jane}"), ("deal.update", f"deal/{deal}"), ("activity.delete", f"activity/{call}")
    }  # fmt: skip
    held = next(entry["changes"] for entry in log if entry["action"] == "contact.delete")
    assert (held["name"], held["stage"]) == (["Jane", None], ["lead", None])


def test_what_was_refused_or_changed_nothing_is_not_logged(us: Team) -> None:
    log, members = entries(us.alice), f"{us.path}/members"
    for person in (us.bob, us.charlie):
        person.patch(us.path, json={"name": "Mine"})
        person.post(f"{us.path}/invites", json={"email": "x@example.com"})
        person.post(f"{us.member(us.bob)}/role", json={"role": "admin"})
        person.delete(us.member(us.alice))
        person.delete(us.path)
    asked(us.home, us.alice, "DELETE", us.path)
    asked(us.home, us.alice, "POST", f"{us.member(us.bob)}/role", {"role": "admin"})
    us.alice.delete(us.member(us.alice))
    us.alice.post(f"{us.path}/invites", json={"email": us.bob.email})
    us.alice.patch(us.path, json={"name": us.alice.email})  # its name already
    us.alice.post(f"{us.member(us.bob)}/role", json={"role": "member"})  # his role already
    us.alice.get(members)
    assert entries(us.alice) == log


def test_no_stranger_reads_the_log_and_nobody_edits_it(us: Team) -> None:
    (entry, *_) = entries(us.bob)
    assert us.id not in us.charlie.text("GET", "/audit")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert us.alice.request(method, "/audit", headers=JSON).status_code == 405
        assert us.alice.request(method, f"/audit/{entry['id']}", headers=JSON).status_code == 404


def test_every_entry_stands_in_one_workspace_and_names_its_author_and_token(home: House, us: Team) -> None:
    """Every row of the log names a workspace, a person who belonged to it, and a token's name."""
    with Books(home.folder) as books:
        places = {id for (id,) in books.ask("SELECT id FROM workspaces")}
        people = {email for (email,) in books.ask("SELECT email FROM users")}
        rows = list(books.rows("audit"))
        assert len(rows) > 10
        for row in rows:
            assert row["workspace_id"] in places
            assert row["by"] in people
            assert row["token_name"]
            assert row["seq"] >> 32 == books.number(row["workspace_id"])
        assert len({(row["workspace_id"], row["id"]) for row in rows}) == len(rows)
