"""What differs between kinds: the field that a POST merges by, rules between fields, what a delete does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit.core.records import followups
from crmkit.model.record import Kind

Values = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """`on_delete` says in one sentence what a delete takes along and what stays. `upsert_by` is the field that no two
    live records have in common, or empty. `adjust` applies the rules between fields and returns the values to write."""

    on_delete: str
    upsert_by: str = ""
    adjust: Callable[[Values], Values] = dict


_RULES = {
    "contact": Rules("Its activities go with it; its deals stay, unlinked.", "email", followups.adjust),
    "company": Rules("Its activities go with it; its contacts and deals stay, unlinked.", "domain"),
    "deal": Rules("Its activities go with it; its contact and company stay.", adjust=followups.adjust),
}


def rules_of(kind: Kind) -> Rules:
    return _RULES[kind.name]
