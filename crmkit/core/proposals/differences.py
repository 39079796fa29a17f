"""How what a write would change now differs from what was shown, and what it changes in a few words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crmkit.core.undo.reversal import cut
from crmkit.errors import a, listed
from crmkit.model.record import Kinds
from crmkit.storage.proposals.proposal import Change

MOST_TOLD = 20  # fields in an answer
MOST_ONE_BY_ONE = 3  # changes that are told one by one

_Fields = dict[tuple[str, str], Sequence[Any]]  # [old, new] of each change in turn, by target and field


def between(shown: Sequence[Change], now: Sequence[Change]) -> dict[str, str]:
    """Return what is different of each field or record that is named; nothing if both write the same."""
    was, is_ = _fields(shown), _fields(now)
    before, after = _actions(shown), _actions(now)
    found = {
        target: f"would be {_done(after[target])} now, which was not shown" for target in after if target not in before
    }
    found |= {
        target: f"was to be {_done(before[target])}, which would do nothing now"
        for target in before
        if target not in after
    }
    found |= {
        target: f"would be {_done(after[target])} now; that it would be {_done(before[target])} was shown"
        for target in before
        if target in after and before[target] != after[target]
    }
    for place in {**was, **is_}:
        target, name = place
        if target in found or was.get(place) == is_.get(place):
            continue
        found[f"{target}.{name}"] = _told(was.get(place), is_.get(place))
    return dict([*found.items()][:MOST_TOLD])


def summary(changes: Sequence[Change], kinds: Kinds) -> list[str]:
    """Return sentences that say what is changed: of each record that is there if they are few, else how many."""
    there = [change for change in changes if _verb(change) != "create"]
    named = there if len(there) <= MOST_ONE_BY_ONE else []
    counted = Counter((_verb(change), change.noun) for change in changes if change not in named)
    many = listed(_listed(counted, kinds)) if counted else ""
    return [*map(_one, named), *([f"would {many}"] if many else [])]


def _fields(changes: Iterable[Change]) -> _Fields:
    found: _Fields = {}
    for change in changes:
        for name, (old, new) in change.changes.items():
            found[change.target, name] = [*found.get((change.target, name), ()), old, new]
    return found


def _actions(changes: Iterable[Change]) -> Mapping[str, tuple[str, ...]]:
    """Return what is done to each target, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for change in changes:
        found[change.target] = (*found.get(change.target, ()), _verb(change))
    return found


def _told(was: Sequence[Any] | None, is_: Sequence[Any] | None) -> str:
    if is_ is None:
        return "would not change now"
    if was is None:
        return f"would change too, from {cut(is_[0])} to {cut(is_[-1])}"
    if was[0] != is_[0]:
        return f"is {cut(is_[0])} now; it was {cut(was[0])} when this was proposed"
    return f"would become {cut(is_[-1])} now; {cut(was[-1])} was shown"


def _one(change: Change) -> str:
    verb = _verb(change)
    fields = f"{listed(change.changes)} of " if verb == "update" and change.changes else ""
    return f"would {_word(verb)} {fields}{change.target}"


def _verb(change: Change) -> str:
    return change.action.rpartition(".")[2]


def _done(verbs: Sequence[str]) -> str:
    return " and ".join(f"{verb}d" for verb in verbs)


def _counted(kinds: Kinds, noun: str, count: int) -> str:
    kind = kinds.by_word.get(noun)
    return a(noun) if count == 1 else f"{count} {kind.plural if kind else noun}"


def _listed(counted: Counter[tuple[str, str]], kinds: Kinds) -> list[str]:
    """Return what is done to how many of each kind; a verb stands before the first kind alone."""
    told, last = list[str](), ""
    for (verb, noun), count in counted.items():
        told.append(f"{'' if verb == last else f'{_word(verb)} '}{_counted(kinds, noun, count)}")
        last = verb
    return told


def _word(verb: str) -> str:
    return "change" if verb == "update" else verb
