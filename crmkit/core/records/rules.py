"""What differs between kinds: rules between fields, what a delete does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit.core.records import followups
from crmkit.model.record import Kind

Values = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """`on_delete` says in one sentence what a delete takes along and what stays. `adjust` applies the rules between
    fields and returns the values to write."""

    on_delete: str
    adjust: Callable[[Values], Values] = dict


_RULES = {
    "contact": Rules("Its activities go with it; its deals stay, unlinked.", followups.adjust),
    "company": Rules("Its activities go with it; its contacts and deals stay, unlinked."),
    "deal": Rules("Its activities go with it; its contact and company stay.", followups.adjust),
}


def rules_of(kind: Kind) -> Rules:
    return _RULES[kind.name]
