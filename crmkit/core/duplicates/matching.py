"""What makes two records likely one, by the rules of their kind (see Kind.alike)."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from crmkit.model.likeness import ALIKE, likeness
from crmkit.model.record import Alike, Kind, Record
from crmkit.storage.duplicates import candidates
from crmkit.storage.interface.tx import Tx


class Match(Struct, frozen=True):
    """A record that is likely the same as another, by which rule, and how alike their titles are."""

    record: Record
    rule: Alike
    reason: str
    likeness: float


def matches(
    tx: Tx,
    kind: Kind,
    workspace_id: str,
    record: Record,
    country: str,
    is_stored: bool = True,
    is_free: candidates.IsFree = lambda *_: False,
) -> list[Match]:
    """Return the live records that are likely the same as this one: those by the surest rule first, then the likest.

    `country` is that of the workspace. A record that is not stored has no id.
    """
    gists = gists_of(kind, record, country)
    held = next((name for name in kind.merges_by if name in gists and gists[name] == getattr(record, name)), "")
    besides = record.id if is_stored else ""
    found = [
        match
        for other in candidates.find(tx, kind, workspace_id, gists, besides, held, is_free)
        if (match := matched(kind, record, other, country)) is not None
    ]
    return sorted(found, key=lambda match: (kind.alike.index(match.rule), -match.likeness)) if len(found) > 1 else found


def matched(kind: Kind, record: Record, other: Record, country: str) -> Match | None:
    """Return by which rule, the surest, the other record is likely the same as this one; None if it is not."""
    one, two = gists_of(kind, record, country), gists_of(kind, other, country)
    for rule in kind.alike:
        if any(name not in one or one[name] != two.get(name) for name in rule.same) or not is_open(kind, rule, other):
            continue
        name = rule.like or kind.title.name
        found = likeness(getattr(record, name) or "", getattr(other, name) or "")
        if not rule.like or found > ALIKE:
            return Match(other, rule, kind.reason(rule), found)
    return None


def is_open(kind: Kind, rule: Alike, record: Record) -> bool:
    """Tell whether a record is one of those that the rule is about."""
    return not rule.open or getattr(record, rule.open) == kind.by_name[rule.open].default


def gists_of(kind: Kind, record: Record, country: str) -> Mapping[str, Any]:
    """Return what the filled fields in the rules' `same` have in common with others that are the same."""
    country = getattr(record, "country", None) or country
    found = {}
    for name, gist in _gists(kind):
        value = getattr(record, name)
        if value is not None and (common := gist(value, country)) is not None:
            found[name] = common
    return found


@cache
def _gists(kind: Kind) -> tuple[tuple[str, Callable[[Any, str], Any]], ...]:
    names = dict.fromkeys(name for rule in kind.alike for name in rule.same)
    return tuple((name, kind.by_name[name].type.gist) for name in names)
