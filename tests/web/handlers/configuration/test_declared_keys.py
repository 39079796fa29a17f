"""Keys of custom that a workspace declares: their values are checked, found by an index and sorted by it."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.storage.custom import misfits
from tests.house import House, Person
from tests.teams.office import address, enter, new, office
from tests.web.handlers.configuration.declaring import declared, names, ready


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("declared") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


FIT = {
    "text": ["a", "", "5"],
    "number": [5, -1.5, 0],
    "bool": [True, False],
    "date": ["2026-06-30"],
    "time": ["2026-06-10T09:00:00Z", "2026-06-10T11:00:00.5+02:00"],
    "choice": ["small", "Very big"],
    "list": [[], ["a", 1]],
    "object": [{}, {"city": "Rome"}],
}
OTHERS = {
    "text": [5, True, [], {}],
    "number": ["5", True, []],
    "bool": [0, 1, "true"],
    "date": ["2026-02-30", "2026-06-10T09:00:00Z", " 2026-06-30", 20260630],
    "time": ["2026-06-10", "2026-06-10T09:00:00", "9 o'clock", 5],
    "choice": ["Small", "", 1, ["small"]],
    "list": [{}, "a,b"],
    "object": [[], "x"],
}
EMPTY: tuple[Any, ...] = ("", [], {})


@pytest.mark.parametrize("type", FIT)
def test_a_declared_key_takes_values_of_its_type_as_they_are_and_no_others(alice: Person, type: str) -> None:
    choices = {"choices": ["small", "Very big"]} if type == "choice" else {}
    declared(alice, "odd key", type, **choices)
    contact = new(alice, "/contacts", name="Jane", email="jane@example.com")
    for value in FIT[type]:
        body = {"custom": {"odd key": value, "free": {"any": [1]}}}
        for shown in (
            alice.json_of("PATCH", f"/contacts/{contact}", body),
            alice.json_of("POST", "/contacts", {"email": "jane@example.com", **body}),
            alice.json_of("POST", "/contacts", {"name": "Other", **body}),
        ):
            assert shown["custom"]["odd key"] == value
    before = alice.json_of("GET", f"/contacts/{contact}")
    for value in OTHERS[type]:
        body = {"custom": {"odd key": value}}
        merging = ("POST", "/contacts", {"email": "jane@example.com"})
        for method, path, more in (
            ("PATCH", f"/contacts/{contact}", {}),
            *(() if value in EMPTY else (merging,)),  # which ignores what is empty
            ("POST", "/contacts", {"name": "Other"}),
        ):
            refused = alice.json_of(method, path, {**more, **body})
            assert (refused["error"], list(refused["fields"])) == ("invalid_value", ['custom."odd key"']), value
    assert alice.json_of("GET", f"/contacts/{contact}") == before
    assert alice.json_of("PATCH", f"/contacts/{contact}", {"custom": {"odd key": None}})["version"] > before["version"]


def test_a_required_key_is_needed_to_create_and_never_cleared(alice: Person) -> None:
    old = new(alice, "/contacts", name="Old")
    declared(alice, "tier", "text", required=True)
    refused = alice.json_of("POST", "/contacts", {"name": "Jane"})
    assert (refused["error"], refused["fields"]) == ("missing_field", {"custom.tier": "is needed to create"})
    jane = new(alice, "/contacts", name="Jane", email="jane@example.com", custom={"tier": "gold", "free": 1})
    for custom in ({"tier": None}, {"tier": " "}, None):
        refused = alice.json_of("PATCH", f"/contacts/{jane}", {"custom": custom})
        assert (refused["error"], refused["fields"]) == ("missing_field", {"custom.tier": "cannot be empty"})
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"custom": {"free": None}})["custom"] == {"tier": "gold"}
    assert alice.json_of("PATCH", f"/contacts/{old}", {"name": "Older"})["name"] == "Older"
    assert alice.json_of("POST", "/contacts", {"email": "jane@example.com", "name": "Jay"})["name"] == "Jay"
    new(alice, "/companies", name="Acme")


@pytest.mark.parametrize(("type", "empty", "full"), [("list", [], ["a"]), ("object", {}, {"a": 1})])
def test_a_required_list_or_object_is_never_empty(alice: Person, type: str, empty: Any, full: Any) -> None:
    declared(alice, "parts", type, required=True)
    refused = alice.json_of("POST", "/contacts", {"name": "Jane", "custom": {"parts": empty}})
    assert (refused["error"], refused["fields"]) == ("missing_field", {"custom.parts": "cannot be empty"})
    jane = new(alice, "/contacts", name="Jane", custom={"parts": full})
    refused = alice.json_of("PATCH", f"/contacts/{jane}", {"custom": {"parts": empty}})
    assert (refused["error"], refused["fields"]) == ("missing_field", {"custom.parts": "cannot be empty"})


def test_a_choice_is_told_apart_from_its_neighbours_whatever_is_in_it(alice: Person) -> None:
    long = "x" * 100
    declared(alice, "tier", "choice", choices=["a,b", "c", long])
    refused = alice.json_of("POST", "/contacts", {"name": "Jane", "custom": {"tier": "zz"}})
    assert refused["fields"] == {"custom.tier": f'must be one of "a,b", "c", "{long}"'}


def test_filters_and_sorts_know_the_type(alice: Person) -> None:
    for name, size in (("nine", 9), ("ten", 10), ("half", 9.5), ("none", None)):
        new(alice, "/contacts", name=name, custom={"size": size, "when": f"2026-06-{size or 1:02.0f}T22:30:00Z"})
    declared(alice, "size", "number")
    declared(alice, "when", "time")
    assert names(alice, "sort=custom.size") == ["nine", "half", "ten", "none"]
    assert names(alice, "sort=-custom.size") == ["ten", "half", "nine", "none"]
    assert names(alice, "custom.size=gte:9.5&sort=name") == ["half", "ten"]
    assert names(alice, "custom.size=in:9,10&sort=name") == ["nine", "ten"]
    assert names(alice, "custom.size=ne:9&sort=name") == ["half", "none", "ten"]
    assert names(alice, "custom.size=is:null") == ["none"]
    assert names(alice, "custom.when=2026-06-09") == ["nine"]
    assert names(alice, "custom.when=2026-06-10T00:30:00%2B02:00") == ["nine"]
    refused = alice.json_of("GET", "/contacts?custom.size=many")
    assert (refused["error"], refused["fields"]) == ("invalid_value", {"custom.size": "must be a number"})
    assert alice.json_of("GET", "/contacts?custom.size=like:9")["error"] == "invalid_operator"
    assert alice.json_of("GET", "/contacts?custom.size=gte:9")["total"] == 3


def test_a_choice_is_found_without_case_and_sorts_in_its_declared_order(alice: Person) -> None:
    field = declared(alice, "tier", "choice", choices=["small", "medium", "Big"])
    for tier in ("Big", "small", "medium", "Big"):
        new(alice, "/contacts", name=tier, custom={"tier": tier})
    assert names(alice, "sort=custom.tier") == ["small", "medium", "Big", "Big"]
    assert names(alice, "custom.tier=big") == ["Big", "Big"]
    refused = alice.json_of("GET", "/contacts?custom.tier=bigg")
    assert refused["fields"] == {"custom.tier": 'must be one of "small", "medium", "Big" (did you mean Big?)'}
    more = alice.json_of("PATCH", f"/fields/{field}", {"choices": ["small", "medium", "Big", "huge"]})
    assert more["state"] == "ready"
    turned = alice.json_of("PATCH", f"/fields/{field}", {"choices": ["Big", "medium", "small"]})
    assert turned["state"] == "building"
    ready(alice, field)
    assert names(alice, "sort=custom.tier") == ["Big", "Big", "medium", "small"]
    refused = alice.json_of("PATCH", f"/fields/{field}", {"choices": ["Big", "medium"]})
    assert (refused["error"], list(refused["fields"].values())) == ("does_not_fit", ["has custom.tier=small"])


def test_a_cursor_ends_with_the_index_of_a_declared_key(alice: Person) -> None:
    field = declared(alice, "size", "number")
    for size in (1, 2, 3):
        new(alice, "/contacts", name=str(size), custom={"size": size})

    def cursor() -> str:
        return str(alice.json_of("GET", "/contacts?sort=custom.size&limit=1")["next_cursor"])

    def second(cursor: str) -> Any:
        return alice.json_of("GET", f"/contacts?sort=custom.size&limit=1&cursor={cursor}")

    first = cursor()
    alice.json_of("PATCH", f"/fields/{field}", {"about": "heads"})
    assert [item["name"] for item in second(first)["items"]] == ["2"]
    alice.json_of("PATCH", f"/fields/{field}", {"type": "choice", "choices": ["x"]})
    assert second(first).get("error") is None  # it does not fit, so nothing changed
    alice.json_of("DELETE", f"/fields/{field}")
    assert second(first)["error"] == "invalid_cursor"
    free = cursor()
    text = new(alice, "/fields", kind="contact", key="name", type="text")
    assert [item["name"] for item in second(free)["items"]] == ["2"]
    ready(alice, text)
    declared(alice, "size", "number")
    assert second(free)["error"] == second(first)["error"] == "invalid_cursor"


def test_a_cursor_ends_where_the_type_of_its_key_is_changed(alice: Person) -> None:
    field = declared(alice, "when", "text")
    for day in (1, 2):
        new(alice, "/contacts", name=str(day), custom={"when": f"2026-06-0{day}"})
    query = "/contacts?sort=custom.when&limit=1"
    cursor = alice.json_of("GET", query)["next_cursor"]
    assert alice.json_of("PATCH", f"/fields/{field}", {"type": "date"})["type"] == "date"
    assert alice.json_of("GET", f"{query}&cursor={cursor}")["error"] == "invalid_cursor"


def test_a_key_in_another_case_than_the_declared_one_is_noted_in_sorts_and_filters(alice: Person) -> None:
    declared(alice, "size", "number")
    new(alice, "/contacts", name="Jane", custom={"size": 5})
    told = ["keys of custom count with case: custom.size is declared, custom.Size is not"]
    for query, notes in {
        "sort=-custom.Size": told,
        "custom.Size=ne:7": told,
        "custom.Size=5": told,
        "sort=custom.size": [],
        "sort=custom.nope": [],
    }.items():
        assert alice.json_of("GET", f"/contacts?{query}").get("notes", []) == notes, query


def test_a_key_is_the_same_in_quotes_and_nested_keys_stay_free(alice: Person) -> None:
    declared(alice, "size", "number")
    declared(alice, "place", "object")
    jane = new(alice, "/contacts", name="Jane", custom={"size": 5, "place": {"city": "Rome", "size": "big"}})
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"custom": {"place": "Rome"}})["error"] == "invalid_value"
    assert names(alice, "custom.%22size%22=gte:5&custom.place.city=rome&custom.place.size=big") == ["Jane"]
    assert names(alice, "sort=custom.place.city") == ["Jane"]


def test_what_fits_no_type_any_more_is_counted_and_sorts_last(home: House, alice: Person) -> None:
    """A first look reads the newest records alone, so a value may be there that it has not seen."""
    old = new(alice, "/contacts", name="old", custom={"size": "many"})
    new(alice, "/contacts", name="new", custom={"size": 5})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(misfits, "LOOKED", 0)
        home.clock.move(hours=1)
        field = declared(alice, "size", "number")
    assert alice.json_of("GET", f"/fields/{field}")["misfits"] == 1
    assert names(alice, "sort=custom.size") == names(alice, "sort=-custom.size") == ["new", "old"]
    assert names(alice, "custom.size=gte:0") == ["new"]
    assert names(alice, "custom.size=not:null&sort=name") == ["new", "old"]
    assert names(alice, "custom.size=not:null&sort=custom.size") == ["new", "old"]
    alice.json_of("PATCH", f"/contacts/{old}", {"custom": {"size": 7}})
    assert alice.json_of("GET", f"/fields/{field}")["misfits"] == 0
    assert names(alice, "sort=-custom.size") == ["old", "new"]


def test_a_new_type_looks_at_all_values_some_at_a_time(alice: Person) -> None:
    field = declared(alice, "size", "text")
    ids = [new(alice, "/contacts", name=str(n), custom={"size": "many" if n in (1, 6) else str(n)}) for n in range(7)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(misfits, "AT_ONCE", 2)
        refusal = alice.json_of("PATCH", f"/fields/{field}", {"type": "date"})
        assert (refusal["error"], len(refusal["fields"])) == ("does_not_fit", 7)
        choices = {"type": "choice", "choices": [str(n) for n in range(7)]}
        refusal = alice.json_of("PATCH", f"/fields/{field}", choices)
        assert list(refusal["fields"]) == [f"contact/{ids[1]}", f"contact/{ids[6]}"]
        for n in (1, 6):
            alice.json_of("PATCH", f"/contacts/{ids[n]}", {"custom": {"size": "3"}})
        assert alice.json_of("PATCH", f"/fields/{field}", choices)["type"] == "choice"


def test_counts_group_by_declared_keys_and_know_their_times_and_numbers(alice: Person) -> None:
    for key, type, more in (("seen", "time", {}), ("day", "date", {}), ("seats", "number", {}), ("ok", "bool", {})):
        declared(alice, key, type, **more)
    for seen, day, seats, ok in (
        ("2026-06-30T22:30:00Z", "2026-06-30", 5, True),
        ("2026-07-01T00:30:00+02:00", "2026-07-01", 2.5, True),
        ("2026-07-01T12:00:00Z", None, None, False),
    ):
        new(alice, "/contacts", name="Jane", custom={"seen": seen, "day": day, "seats": seats, "ok": ok})

    def rows(query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in alice.json_of("GET", f"/contacts/count?{query}")["items"]]

    assert rows("by=custom.seen") == [("2026-06-30T22:30:00Z", 2), ("2026-07-01T12:00:00Z", 1)]
    assert rows("by=custom.seen.month&timezone=Europe/Berlin") == [("2026-07", 3)]
    assert rows("by=custom.seen.month&timezone=UTC") == [("2026-06", 2), ("2026-07", 1)]
    assert rows("by=custom.day.quarter") == [("2026-Q2", 1), ("2026-Q3", 1), (None, 1)]
    assert rows("by=custom.ok&sum=custom.seats&min=custom.day&max=custom.seen") == [
        (True, 2, 7.5, "2026-06-30", "2026-06-30T22:30:00Z"),
        (False, 1, 0, None, "2026-07-01T12:00:00Z"),
    ]
    assert "have no sum of" in alice.get("/contacts/count?sum=custom.ok").text


def test_values_that_do_not_fit_a_declared_key_are_groups_of_their_own(home: House, alice: Person) -> None:
    for when in ("yesterday", "Yesterday", "2026-06-10T09:00:00Z", None):
        new(alice, "/contacts", name="Jane", custom={"seen": when, "x": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(misfits, "LOOKED", 0)
        home.clock.move(hours=1)
        declared(alice, "seen", "time")
    items = alice.json_of("GET", "/contacts/count?by=custom.seen")["items"]
    assert [tuple(row.values()) for row in items] == [("yesterday", 2), ("2026-06-10T09:00:00Z", 1), (None, 1)]
    items = alice.json_of("GET", "/contacts/count?by=custom.seen.day")["items"]
    assert [tuple(row.values()) for row in items] == [(None, 3), ("2026-06-10", 1)]
