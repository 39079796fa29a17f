"""Deleting in two steps: a confirm token is for one session, one record at one version, ten minutes, once.

Several wait at once, and none is harmed by another.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.clock import stamp
from crmkit.core import confirm as confirming
from tests.house import ALICE, House, Person


@pytest.fixture(scope="module")
def other(home: House) -> Iterator[Person]:
    """Alice in another conversation: the same person, another caller."""
    with home.sign_in(ALICE, "other") as person:
        yield person


@pytest.fixture
def path(alice: Person) -> str:
    return f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane Doe'})['id']}"


def asked(person: Person, path: str) -> str:
    """Return the confirm token of a first DELETE."""
    answer = person.json_of("DELETE", path)
    assert answer["error"] == "confirmation_required"
    return answer["confirm"]


def refused(person: Person, path: str, confirm: str) -> str:
    """Return the fresh token of a DELETE whose own did not count."""
    answer = person.json_of("DELETE", f"{path}?confirm={confirm}")
    assert answer["error"] == "confirmation_required", answer
    assert answer["hint"].startswith("That confirm token is wrong, used or outdated. ")
    assert answer["confirm"] != confirm
    assert person.get(path).status_code == 200
    return answer["confirm"]


def deletes(person: Person, path: str, confirm: str) -> None:
    answer = person.delete(f"{path}?confirm={confirm}")
    assert answer.status_code == 200
    assert answer.text.startswith(f"OK deleted contact/{path.rpartition('/')[2]}\n# undo: POST /undo/op_")
    assert person.get(path).status_code == 404


@pytest.mark.parametrize(
    ("plural", "title", "outcome"),
    [
        ("tasks", "title", "Its contact, company, deal and ticket stay."),
        (
            "contacts",
            "name",
            "Its activities, conversions and campaign memberships go with it; "
            "its deals, tasks and tickets stay, unlinked.",
        ),
        (
            "companies",
            "name",
            "Its activities and campaign memberships go with it; "
            "its contacts, deals, tasks and tickets stay, unlinked.",
        ),
        ("deals", "title", "Its activities go with it; its tasks stay, unlinked."),
        ("tickets", "subject", "Its activities go with it; its tasks stay, unlinked."),
        ("campaigns", "name", "Its campaign memberships go with it."),
    ],
)
def test_a_first_delete_says_what_goes_along_and_what_stays(
    alice: Person, plural: str, title: str, outcome: str
) -> None:
    record = alice.json_of("POST", f"/{plural}", {title: "Kelason"})
    assert alice.json_of("DELETE", f"/{plural}/{record['id']}")["hint"].startswith(f"{outcome} Ask the user, then")


def test_a_first_delete_deletes_nothing_and_tells_how_to_confirm(alice: Person, path: str) -> None:
    before = alice.json_of("GET", path)
    told = alice.delete(path)
    assert told.status_code == 409
    assert told.text.startswith(
        "ERROR confirmation_required\nHINT  Its activities, conversions and campaign memberships go with it; "
        "its deals, tasks and tickets stay, unlinked."
    )
    assert "used or outdated" not in told.text
    assert alice.json_of("GET", path) == before
    deleted = f"/audit?action=contact.delete&target={before['id']}"
    assert alice.json_of("GET", deleted)["total"] == 0
    method, next_call = re.search(r"(DELETE) (/contacts/\S+\?confirm=\w+)", told.text).groups()  # type: ignore[union-attr]
    assert alice.request(method, next_call).text.startswith(f"OK deleted {before['handle']}\n# undo: POST /undo/op_")
    (entry,) = alice.json_of("GET", deleted)["items"]
    assert entry["target"] == before["handle"]
    assert entry["changes"]["name"] == ["Jane Doe", None]


@pytest.mark.parametrize("wrong", ["x", "a" * 16, "confirm", "1", "%00", "%C3%A9", "a" * 5000, "'%20OR%201=1%20--"])
def test_a_wrong_token_deletes_nothing(alice: Person, path: str, wrong: str) -> None:
    if wrong == "%00":
        assert alice.delete(f"{path}?confirm={wrong}").status_code == 400
    else:
        refused(alice, path, wrong)
    assert alice.get(path).status_code == 200


def test_a_wrong_token_harms_none_that_was_shown(alice: Person, path: str) -> None:
    first = asked(alice, path)
    fresh = refused(alice, path, "x")
    refused(alice, path, fresh[::-1])
    deletes(alice, path, first)


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_of_tokens_that_were_shown_one_after_another_each_deletes(
    home: House, alice: Person, path: str, chosen: int
) -> None:
    shown = []
    for _ in range(3):
        shown.append(asked(alice, path))
        home.clock.move(minutes=3)
    deletes(alice, path, shown[chosen])
    assert alice.delete(f"{path}?confirm={shown[chosen - 1]}").status_code == 404


def test_a_token_used_for_another_record_still_deletes_its_own(alice: Person, path: str) -> None:
    confirm = asked(alice, path)
    twin = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane Doe'})['id']}"
    refused(alice, twin, confirm)
    deletes(alice, path, confirm)


def test_the_token_of_a_session_that_ended_works_in_no_other(home: House, alice: Person, path: str) -> None:
    with home.sign_in(ALICE, "short") as short:
        confirm = asked(short, path)
        (ended,) = (one["id"] for one in short.json_of("GET", "/tokens")["items"] if one["current"])
        assert short.delete(f"/tokens/{ended}").status_code == 200
        assert short.delete(f"{path}?confirm={confirm}").status_code == 401
    refused(alice, path, confirm)


def test_of_hundreds_of_tokens_that_one_session_was_shown_in_a_second_each_deletes(
    alice: Person, other: Person
) -> None:
    paths = [f"/contacts/{alice.json_of('POST', '/contacts', {'name': f'Jane {n}'})['id']}" for n in range(300)]
    theirs = asked(other, paths[-1])
    shown = [asked(alice, path) for path in paths]
    for path, confirm in zip(paths[:-1], shown, strict=False):
        deletes(alice, path, confirm)
    deletes(other, paths[-1], theirs)


def test_an_empty_token_is_the_same_as_none(alice: Person, path: str) -> None:
    assert alice.text("DELETE", f"{path}?confirm=").startswith("ERROR confirmation_required\nHINT  Its activities")
    deletes(alice, path, asked(alice, path) + "%20")


def test_a_used_token_does_not_work_again(home: House, alice: Person, path: str) -> None:
    confirm = asked(alice, path)
    deletes(alice, path, confirm)
    again = alice.delete(f"{path}?confirm={confirm}")
    assert again.status_code == 404
    assert f"was deleted at {stamp(home.clock())}; " in again.text
    twin = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane Doe'})['id']}"
    assert twin != path
    refused(alice, twin, confirm)


def test_the_token_of_one_caller_does_not_work_for_another(alice: Person, other: Person, path: str) -> None:
    mine, theirs = asked(alice, path), asked(other, path)
    refused(other, path, mine)
    refused(alice, path, theirs)
    deletes(alice, path, asked(alice, path))


def test_another_caller_cannot_spoil_a_token(alice: Person, other: Person, path: str) -> None:
    confirm = asked(alice, path)
    refused(other, path, "guess")
    deletes(alice, path, confirm)


def test_a_token_does_not_delete_what_changed_meanwhile(alice: Person, path: str) -> None:
    confirm = asked(alice, path)
    alice.patch(path, json={"stage": "customer"})
    fresh = refused(alice, path, confirm)
    alice.patch(path, json={"stage": "customer"})  # changes nothing
    deletes(alice, path, fresh)


def test_a_token_still_deletes_a_record_on_which_an_activity_was_logged_meanwhile(alice: Person, path: str) -> None:
    token = asked(alice, path)
    activity = alice.json_of("POST", f"{path}/activities", {"kind": "note", "body": "Called"})
    deletes(alice, path, token)
    assert alice.get(f"/activities/{activity['id']}").status_code == 404


@pytest.mark.parametrize(("seconds", "alive"), [(599, True), (601, False), (86_400, False)])
def test_a_token_lives_for_ten_minutes(home: House, alice: Person, path: str, seconds: float, alive: bool) -> None:
    confirm = asked(alice, path)
    home.clock.move(seconds=seconds)
    if alive:
        deletes(alice, path, confirm)
    else:
        deletes(alice, path, refused(alice, path, confirm))


def test_a_stranger_learns_nothing_of_a_record_by_deleting_it(alice: Person, charlie: Person, path: str) -> None:
    confirm = asked(alice, path)

    def answer(spelled: str) -> tuple[int, str]:
        told = charlie.delete(spelled)
        return told.status_code, told.text.replace(path.rpartition("/")[2], "ID").replace("c_aaaaaaaa", "ID")

    assert answer(f"{path}?confirm={confirm}") == answer(path) == answer("/contacts/c_aaaaaaaa")
    assert answer(path)[0] == 404
    deletes(alice, path, confirm)


def test_a_confirm_token_stands_in_no_file_and_no_log(home: House, alice: Person, path: str) -> None:
    confirm = asked(alice, path)
    kept: list[Any] = [file.read_bytes() for file in home.folder.iterdir()]
    assert not any(confirm.encode() in content for content in kept)
    assert confirm not in home.logged()


ACTS = [
    ("contact.delete", [("contact/c_a", 1)], "", b""),
    ("contact.delete", [("contact/c_a", 2)], "", b""),
    ("contact.delete", [("contact/c_b", 1)], "", b""),
    ("contact.delete", [("contact/c_a", 1), ("contact/c_b", 1)], "", b""),
    ("company.delete", [("contact/c_a", 1)], "", b""),
    ("contact.delete", ["contact/c_a"], "", b""),
    ("contact.delete", ["contact/c_a", "1"], "", b""),
    ("contact.delete", ["contact/c_a1"], "", b""),
    ("contact.delete", [], "contact/c_a", b""),
    ("contact.delete", [], "", b"contact/c_a"),
    ("contact.delete", [], "", b""),
    ('contact.delete","', [], "", b""),
    ("contact.delete", [], '","', b""),
]


def test_every_part_of_an_act_counts_for_its_binding_and_the_order_of_what_it_touches_does_not() -> None:
    bound = [confirming.binding(*act) for act in ACTS]
    assert len(set(bound)) == len(ACTS)
    assert bound == [confirming.binding(act, touched[::-1], query, body) for act, touched, query, body in ACTS]
