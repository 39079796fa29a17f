"""Tags that a PATCH adds and removes, beside the list that replaces all of them."""

from typing import Any

import pytest

from tests.house import Person
from tests.web.refused import refused

PLACES = ["/contacts", "/companies", "/deals"]


def made(alice: Person, path: str, tags: list[str] | None = None) -> str:
    body = {"title" if path == "/deals" else "name": "One", "tags": tags}
    return f"{path}/{alice.json_of('POST', path, body)['id']}"


@pytest.mark.parametrize("path", PLACES)
def test_tags_are_added_and_removed_without_the_others_being_named(alice: Person, path: str) -> None:
    one = made(alice, path, ["old", "Fintech"])
    changed = alice.json_of("PATCH", one, {"tags": {"add": ["vip", "new"], "remove": ["OLD"]}})
    assert (changed["tags"], changed["version"]) == (["Fintech", "vip", "new"], 2)
    assert alice.json_of("GET", f"{path}?tags=vip,fintech")["total"] == 1
    assert alice.json_of("GET", f"{path}?tags=old")["total"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"add": ["VIP"]},
        {"remove": ["gone"]},
        {"add": ["vip"], "remove": ["gone"]},
        {"add": ["vip"], "remove": ["vip"]},
        {"add": [], "remove": []},
    ],
)
def test_adding_a_tag_that_is_there_or_removing_one_that_is_not_changes_nothing(alice: Person, change: Any) -> None:
    one = made(alice, "/contacts", ["vip", "old"])
    kept = alice.json_of("PATCH", one, {"tags": change})
    assert (kept["tags"], kept["version"]) == (["vip", "old"], 1)
    assert len(alice.json_of("GET", "/audit?action=contact.update")["items"]) == 0


def test_removing_the_last_tag_leaves_none_and_adding_the_first_makes_a_list(alice: Person) -> None:
    one = made(alice, "/contacts", ["vip"])
    assert alice.json_of("PATCH", one, {"tags": {"remove": ["vip"]}})["tags"] is None
    assert alice.json_of("PATCH", one, {"tags": {"add": ["a", "A", "b"]}})["tags"] == ["a", "b"]
    assert alice.json_of("PATCH", one, {"tags": {"add": ["b"]}})["tags"] == ["a", "b"]


def test_at_most_fifty_tags_fit_however_they_come(alice: Person) -> None:
    one = made(alice, "/contacts", [f"t{number}" for number in range(49)])
    assert len(alice.json_of("PATCH", one, {"tags": {"add": ["t49"]}})["tags"]) == 50
    refused(alice, "invalid_value", "PATCH", one, {"tags": {"add": ["t50"]}}, {"tags": "has 51 tags; at most 50"})
    assert len(alice.json_of("PATCH", one, {"tags": {"add": ["t50"], "remove": ["t0"]}})["tags"]) == 50


@pytest.mark.parametrize(
    "change",
    [{}, {"set": ["a"]}, {"add": ["a"], "drop": ["b"]}, {"add": "a"}, {"add": None}, {"add": ["a b"]}, {"remove": [1]}],
)
def test_what_is_no_change_of_tags_is_refused(alice: Person, change: Any) -> None:
    one = made(alice, "/contacts", ["vip"])
    refused(alice, "invalid_value", "PATCH", one, {"tags": change}, {"tags": "must be a list"})
    assert alice.json_of("GET", one)["version"] == 1


def test_only_a_patch_adds_and_removes(alice: Person) -> None:
    body = {"name": "One", "tags": {"add": ["vip"]}}
    refused(alice, "invalid_value", "POST", "/contacts", body, {"tags": "must be a list"})
