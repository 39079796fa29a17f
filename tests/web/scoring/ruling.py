"""Scoring rules and scores, as tests write and read them."""

from typing import Any

from tests.house import Person
from tests.teams.office import new


def ruled(person: Person, expression: str, **more: Any) -> str:
    """Return the id of a new rule."""
    return new(person, "/scoring-rules", **{"name": "r", "expression": expression, **more})


def score(person: Person, path: str) -> float:
    """Return the score of the record at a path."""
    found: float = person.json_of("GET", path)["score"]
    return found
