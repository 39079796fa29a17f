"""What concerns one kind alone: by what a POST merges, rules between fields, what a delete takes along."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit.core.records import followups
from crmkit.model.record import Kind

Values = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """`upsert_by` is the field whose value at most one live record has, or empty. `settle` returns the values to write,
    after the rules between fields. `farewell` says in one sentence what a delete takes along and what stays."""

    farewell: str
    upsert_by: str = ""
    settle: Callable[[Values], Values] = dict


_RULES = {
    "contact": Rules("Its activities go with it; its deals stay, unlinked.", "email", followups.settle),
    "company": Rules("Its activities go with it; its contacts and deals stay, unlinked.", "domain"),
    "deal": Rules("Its activities go with it; its contact and company stay.", settle=followups.settle),
}


def rules_of(kind: Kind) -> Rules:
    return _RULES[kind.name]
