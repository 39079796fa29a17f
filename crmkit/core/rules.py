"""What concerns one kind alone, as its own file in this package tells it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit.core import contacts
from crmkit.model.record import Kind, Record


@dataclass(frozen=True)
class Rules:
    """`upsert_by` is the field whose value at most one live record has. `settle` returns the values to write, after
    the rules between fields. `farewell` says in one sentence what a delete takes along and what stays."""

    upsert_by: str
    settle: Callable[[dict[str, Any]], dict[str, Any]]
    farewell: Callable[[Record], str]


_RULES = {"contact": Rules(contacts.UPSERT_BY, contacts.settle, contacts.farewell)}


def rules_of(kind: Kind) -> Rules:
    return _RULES[kind.name]
