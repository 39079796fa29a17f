"""An import of declared fields and views: with the rights and checks of their POST, undone as any other."""

import time
from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import JSON, address, enter, error_of, new, team
from tests.web.handlers.transfer.imports.test_imports import counts, ended, file, imported, planned

FIELD = ("kind", "key", "type", "choices", "about", "required")
SIZE = ("contact", "size", "number", "", "of the shoes", "true")
COLOUR = ("deals", "colour", "choice", "red, blue", "", "")
VIEW = ("name", "path")


@pytest.fixture
def alice(town: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(town, address("alice"))


def fields(*rows: tuple[str, ...]) -> str:
    return file(*rows, head=FIELD)


def views(*rows: tuple[str, ...]) -> str:
    return file(*rows, head=VIEW)


def written(person: Person, plural: str) -> list[dict[str, Any]]:
    """Return what was written of each record of a kind of settings."""
    names = {"fields": FIELD, "views": VIEW}[plural]
    found = person.json_of("GET", f"/{plural}?limit=200")["items"]
    return sorted(({name: each[name] for name in names} for each in found), key=lambda each: [*map(str, each.values())])


def test_declared_fields_are_imported_and_their_keys_are_indexed(alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane", custom={"size": 42})
    expected = planned(alice, fields(SIZE, COLOUR), "kind=fields")
    assert counts(expected) == (2, 2, 0, 0)
    assert written(alice, "fields") == []
    alice.json_of("POST", f"/imports/{expected['id']}/start")
    done = ended(alice, expected["id"])
    assert (done["state"], *counts(done)) == ("done", 2, 2, 0, 0)
    assert written(alice, "fields") == [
        {
            "kind": "contact",
            "key": "size",
            "type": "number",
            "choices": None,
            "about": "of the shoes",
            "required": True,
        },
        {
            "kind": "deal",
            "key": "colour",
            "type": "choice",
            "choices": ["red", "blue"],
            "about": None,
            "required": False,
        },
    ]
    deadline = time.monotonic() + 30
    while {each["state"] for each in alice.json_of("GET", "/fields")["items"]} != {"ready"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [each["id"] for each in alice.json_of("GET", "/contacts?custom.size=gt:41")["items"]] == [jane]
    assert alice.json_of("POST", "/deals", {"title": "x", "custom": {"colour": "green"}})["error"] == "invalid_value"
    assert alice.post(f"/undo/{done['operation']}").status_code == 200
    assert written(alice, "fields") == []


def test_views_are_imported_and_one_undo_takes_them_back(alice: Person) -> None:
    done = imported(alice, views(("hot", "/contacts?stage=lead"), ("all", "/deals/count")), "kind=views")
    assert (done["state"], *counts(done)) == ("done", 2, 2, 0, 0)
    assert alice.json_of("GET", "/views/hot")["items"] == []
    assert alice.post(f"/undo/{done['operation']}").status_code == 200
    assert written(alice, "views") == []


@pytest.mark.parametrize("starts", [False, True])
def test_a_row_is_refused_for_what_its_post_refuses(alice: Person, starts: bool) -> None:
    new(alice, "/contacts", name="Jane", custom={"size": "large"})
    run = imported if starts else planned
    done = run(
        alice,
        fields(SIZE, ("deals", "colour", "choice", "", "", ""), ("ships", "a", "text", "", "", "")),
        "kind=fields",
    )
    refused = {row["row"]: (row["error"], [*row["fields"]]) for row in done["refused_rows"]}
    assert {row: error for row, (error, _) in refused.items()} == {
        2: "does_not_fit",
        3: "invalid_value",
        4: "invalid_value",
    }
    done = run(
        alice,
        views(
            ("help", "/contacts"),
            ("count", "/contacts"),
            ("me", "/whoami"),
            ("odd", "/contacts?nonsense=1"),
            ("a b", "/deals"),
        ),
        "kind=views",
    )
    assert {row["row"]: (row["error"], [*row["fields"]]) for row in done["refused_rows"]} == {
        3: ("invalid_value", ["name"]),
        4: ("invalid_value", ["path"]),
        5: ("invalid_value", ["path"]),
        6: ("invalid_value", ["name"]),
    }


def test_a_mode_says_what_becomes_of_a_setting_that_is_there(alice: Person) -> None:
    new(alice, "/views", name="hot", path="/contacts")
    new(alice, "/fields", kind="contact", key="size", type="text")
    both = (views(("hot", "/deals"), ("new", "/tasks")), "views"), (fields(SIZE, COLOUR), "fields")
    for content, kind in both:
        before = written(alice, kind)
        for mode, expected in (("create", (2, 1, 0, 1)), ("update", (2, 0, 1, 1)), ("merge", (2, 1, 1, 0))):
            told = planned(alice, content, f"kind={kind}&mode={mode}")
            done = imported(alice, content, f"kind={kind}&mode={mode}")
            assert counts(told) == counts(done) == expected
            codes = {"create": ["duplicate"], "update": ["not_found"], "merge": []}[mode]
            assert [row["error"] for row in done["refused_rows"]] == codes
            assert alice.post(f"/undo/{done['operation']}").status_code == 200
            assert written(alice, kind) == before


def test_a_row_that_stands_twice_changes_the_setting_of_the_first(alice: Person) -> None:
    content = fields(SIZE, (*SIZE[:4], "of the hat", ""))
    assert (
        counts(planned(alice, content, "kind=fields"))
        == counts(imported(alice, content, "kind=fields"))
        == (2, 1, 1, 0)
    )


def test_only_an_admin_imports_what_only_admins_write(town: House) -> None:
    us = team(town)
    plan = planned(us.alice, fields(SIZE), "kind=fields")["id"]
    other = planned(us.bob, views(("hot", "/contacts")), "kind=views")["id"]
    for answer in (
        us.bob.post("/import?kind=fields", content=fields(SIZE), headers=JSON),
        us.bob.post("/import?kind=fields&start=1", content=fields(SIZE), headers=JSON),
        us.bob.patch(f"/imports/{plan}", json={"mode": "update"}, headers=JSON),
        us.bob.patch(f"/imports/{other}", json={"kind": "fields"}, headers=JSON),
        us.bob.post(f"/imports/{plan}/start", headers=JSON),
    ):
        assert error_of(answer) == (403, "admin_required")
    assert written(us.alice, "fields") == []
    us.bob.json_of("POST", f"/imports/{other}/start")
    assert counts(ended(us.bob, other)) == (1, 1, 0, 0)
    us.alice.json_of("POST", f"/imports/{plan}/start")
    done = ended(us.alice, plan)
    assert error_of(us.bob.post(f"/undo/{done['operation']}", headers=JSON)) == (403, "admin_required")


@pytest.mark.parametrize("format", ["csv", "xlsx", "json", "jsonl"])
def test_exported_settings_are_imported_as_they_were(town: House, alice: Person, format: str) -> None:
    done = imported(alice, fields(SIZE, COLOUR, ("task", "full name", "text", "", "=1+1", "")), "kind=fields")
    assert counts(done) == (3, 3, 0, 0)
    imported(alice, views(("hot", '/contacts?stage=in:lead,won&custom."full name"=a'), ("all", "/tasks")), "kind=views")
    other = enter(town, address("bob"))
    for kind in ("fields", "views"):
        content = alice.get(f"/{kind}/export?format={format}").content
        for creates, updates in ((True, False), (False, True)):
            done = ended(other, other.json_of("POST", f"/import?kind={kind}&start=1", content)["id"])
            rows = len(written(alice, kind))
            assert (done["state"], *counts(done)) == ("done", rows, rows * creates, rows * updates, 0), done
            assert written(other, kind) == written(alice, kind)
