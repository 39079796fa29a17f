"""What ends while others write to it: a workspace, a person, a member. Nothing of it is left, and nothing half done."""

from typing import Any

from tests import postgres
from tests.core.crowd import Call, statuses
from tests.house import Person
from tests.storms.place import Place, bearer, stepped

WORD = "vyrkelsnoot"


def telling(town: Place, word: str) -> dict[str, set[str]]:
    """Return which tables and columns hold a text, whatever its case."""

    def look(connection: Any) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table in postgres.tables(connection):
            if table.endswith(("_search_data", "_search_idx", "_search_docsize", "_search_config")):
                continue
            for row in postgres.rows_of(connection, table):
                for name, value in row.items():
                    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                    if word.lower() in text.lower():
                        found.setdefault(table, set()).add(name)
        return found

    told: dict[str, set[str]] = town.read(look)
    return told


def writes(number: int, path: str) -> list[Call]:
    """Return writes of all sorts that hold the word."""
    calls = [Call("POST", "/contacts", {"name": f"{WORD} {n}", "company": {"name": WORD}}) for n in range(number)]
    calls += [Call("PATCH", path, {"notes": f"{WORD} {n}"}, {"Idempotency-Key": f"k{n}"}) for n in range(number)]
    calls += [Call("POST", f"{path}/activities", {"body": f"{WORD} {n}"}) for n in range(number)]
    return calls + [Call("GET", f"/contacts?search={WORD}")] * number


def test_a_workspace_that_is_closed_beside_writes_leaves_nothing(town: Place) -> None:
    for number in range(3):
        alice = town.newcomer("alice")
        workspace, other = town.workspace(alice), alice.json_of("POST", "/workspaces", {"name": "Other"})["id"]
        path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane'})['id']}"
        calls = writes(8, path)
        code = alice.json_of("DELETE", f"/workspaces/{workspace}")["local_code"]
        place = 4 + number * 8
        calls.insert(place, Call("DELETE", f"/workspaces/{workspace}?code={code}"))
        answers = town.storm(calls, alice)
        assert answers.pop(place).status_code == 200
        assert set(statuses(answers)) <= {200, 201, 401}
        assert telling(town, workspace) == {}
        assert telling(town, WORD) == {}
        assert {person.get("/whoami").status_code for person in town.everywhere(alice)} == {401}
        assert town.rows("SELECT count(*) FROM workspaces WHERE id = ?", other) == [(1,)]


def second_step(person: Person, path: str) -> Call:
    """Return the request that erases a contact, as it is now."""
    code = person.json_of("DELETE", f"{path}?erase=1")["local_code"]
    confirm = person.json_of("DELETE", f"{path}?erase=1&code={code}")["confirm"]
    return Call("DELETE", f"{path}?erase=1&confirm={confirm}")


def test_a_person_who_is_erased_beside_writes_is_told_of_nowhere(town: Place, alice: Person) -> None:
    body = {"name": f"Xanthippe {WORD}", "email": f"{WORD}@example.com", "notes": WORD}
    path = f"/contacts/{alice.json_of('POST', '/contacts', body)['id']}"
    calls = [Call("PATCH", path, {"notes": f"{WORD} {n}"}, {"Idempotency-Key": f"k{n}"}) for n in range(24)]
    calls += [Call("GET", f"/contacts?search={WORD}")] * 4
    erased, *answers = town.storm([second_step(alice, path), *calls], alice)
    if erased.status_code == 403:  # it was changed before, so what was agreed to is not what it is now
        (erased,) = town.storm([second_step(alice, path)], alice)
    assert erased.status_code in (200, 202), erased
    assert set(statuses(answers)) <= {200, 201, 404}
    town.until(
        alice, "/whoami", lambda _: not town.rows("SELECT 1 FROM jobs WHERE kind = 'erase' AND ended_at IS NULL")
    )
    assert telling(town, WORD) == {}
    assert alice.get(path).status_code == 404


def test_a_member_who_is_removed_beside_their_writes_is_told_of_each_that_was_done(town: Place, alice: Person) -> None:
    for number in range(4):
        bob = town.joins(alice, "bob")
        calls = [Call("POST", "/contacts", {"name": f"Bob's {number}.{n}"}, bearer(bob)) for n in range(20)]
        calls.insert(number * 5, Call("DELETE", town.member(bob), None, bearer(alice)))
        answers = town.storm(calls)
        assert answers.pop(number * 5).status_code == 200
        assert set(statuses(answers)) <= {201, 401}
        made = statuses(answers)[201]
        assert alice.json_of("GET", f"/contacts?name=like:Bob's {number}.")["total"] == made
        assert alice.json_of("GET", f"/audit?by={bob.email}&action=contact.create")["total"] == made
        assert alice.json_of("GET", "/audit?limit=1")["items"][0]["action"] == "member.delete"


def test_of_two_admins_who_take_each_other_or_themselves_away_one_is_left(town: Place) -> None:
    for number in range(6):
        alice = town.newcomer("alice")
        bob = town.joins(alice, "bob", "admin")
        ways: list[tuple[str, str, Any]] = [("POST", "/role", {"role": "member"}), ("DELETE", "", None)]
        calls = [
            Call(method, f"{town.member(other)}{end}", body, bearer(person))
            for person in (alice, bob)
            for other in (alice, bob)
            for method, end, body in ways
        ]
        town.storm(calls[number:] + calls[:number])
        sql = "SELECT count(*) FROM memberships WHERE workspace_id = ? AND role = 'admin'"
        assert town.rows(sql, town.workspace(alice)) == [(1,)]


def test_of_two_admins_who_end_their_accounts_at_once_one_stays(town: Place) -> None:
    for _ in range(3):
        alice = town.newcomer("alice")
        bob = town.joins(alice, "bob", "admin")
        town.joins(alice, "charlie")  # who would be left without an admin
        codes = {person.token: person.json_of("DELETE", "/me")["local_code"] for person in (alice, bob)}
        calls = [Call("DELETE", f"/me?code={codes[person.token]}", None, bearer(person)) for person in (alice, bob)]
        answers = town.storm(calls * 2)
        assert statuses(answers)[200] == 1, [answer.body for answer in answers]
        sql = "SELECT count(*) FROM memberships WHERE workspace_id = ? AND role = 'admin'"
        assert town.rows(sql, town.workspace(alice)) == [(1,)]


def test_an_invite_by_an_admin_who_is_demoted_in_that_moment_waits_for_nobody(town: Place, alice: Person) -> None:
    path = f"/workspaces/{town.workspace(alice)}"
    for number in range(4):
        bob = town.joins(alice, "bob", "admin")
        calls = [
            Call("POST", f"{path}/invites", {"email": f"g{number}.{n}@example.com"}, bearer(bob)) for n in range(8)
        ]
        calls.insert(number * 2, Call("POST", f"{town.member(bob)}/role", {"role": "member"}, bearer(alice)))
        answers = town.storm(calls)
        assert answers.pop(number * 2).status_code == 200
        assert set(statuses(answers)) <= {201, 403}
        assert alice.json_of("GET", f"{path}/members")["invites"] == []  # what a former admin sent is withdrawn
        assert stepped(bob, "POST", f"{path}/invites", {"email": "late@example.com"}).status_code == 403
