"""People who declare keys of custom."""

import time
from typing import Any

from tests.house import Person
from tests.teams.office import new

WAITS = 20  # seconds until a test gives up


def declared(person: Person, key: str, type: str, kind: str = "contact", **more: Any) -> str:
    """Return the id of a new field, once it is ready."""
    return ready(person, new(person, "/fields", kind=kind, key=key, type=type, **more))


def ready(person: Person, id: str) -> str:
    deadline = time.monotonic() + WAITS
    while person.json_of("GET", f"/fields/{id}")["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return id


def names(person: Person, query: str) -> list[str]:
    found = person.json_of("GET", f"/contacts?{query}")
    assert "items" in found, found
    return [item["name"] for item in found["items"]]
