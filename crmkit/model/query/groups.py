"""Groups of filters of which one must be met: `or.FIELD=`, of another group `or2.FIELD=`, up to `or9.`."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from crmkit.model.query.filters import Condition

PREFIXES = ("or.", *(f"or{number}." for number in range(2, 10)))

_NAME = re.compile(r"(or[2-9]?\.)(.*)", re.DOTALL)
_LIKE = re.compile(r"or[ _-]?\d*[.\[_-]", re.IGNORECASE)

Part = tuple[Condition, ...]  # what one filter stands for: all of it is met


class AnyOf(Struct, frozen=True):
    """What a group asks: one of its parts is met."""

    parts: tuple[Part, ...]

    @property
    def conditions(self) -> Part:
        """The conditions of all parts of the group, one after another."""
        return tuple(condition for part in self.parts for condition in part)


Criterion = Condition | AnyOf


def split(name: str) -> tuple[str, str]:
    """Return the prefix of a group, "" for none, and the rest of the name of a parameter."""
    found = _NAME.fullmatch(name) if name.startswith("or") else None
    return (found[1], found[2]) if found else ("", name)


def is_like(name: str) -> bool:
    """Tell whether a name that is none may be meant as one in a group."""
    return _LIKE.match(name) is not None


def renamed(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return the names, with another prefix for each group whose prefix is one of those that are `taken`."""
    used = {split(name)[0] for name in taken} - {""}
    own = dict.fromkeys(split(name)[0] for name in names)
    free = iter([prefix for prefix in PREFIXES if prefix not in used and prefix not in own])
    others = {prefix: next(free, prefix) for prefix in own if prefix in used}
    return [others.get(prefix, prefix) + rest for prefix, rest in map(split, names)]


def filters(conditions: Iterable[Condition], groups: Mapping[str, Sequence[Part]]) -> tuple[Criterion, ...]:
    """Return what conditions and the parts of each group ask together; a group of one part asks just that."""
    found: list[Criterion] = list(conditions)
    for parts in groups.values():
        each = tuple(part for at, part in enumerate(parts) if part not in parts[:at])
        found += each[0] if len(each) == 1 else (AnyOf(each),)
    return tuple(found)


def flat(filters: Iterable[Criterion]) -> Iterator[Condition]:
    """Yield all conditions, those of groups among them."""
    for each in filters:
        yield from each.conditions if isinstance(each, AnyOf) else (each,)


def plain(filters: Iterable[Criterion]) -> tuple[Condition, ...]:
    """Return the conditions that every record must meet."""
    return tuple([each for each in filters if isinstance(each, Condition)])


def replaced(filters: Iterable[Criterion], by: Callable[[Condition], Iterable[Condition]]) -> tuple[Criterion, ...]:
    """Return the filters with what `by` returns in place of each condition."""
    found: list[Criterion] = []
    for each in filters:
        if isinstance(each, AnyOf):
            found.append(AnyOf(tuple(tuple(new for one in part for new in by(one)) for part in each.parts)))
        else:
            found += by(each)
    return tuple(found)
