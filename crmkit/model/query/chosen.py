"""What `fields=` chooses: the fields of each kind that an answer shows, and keys of custom one by one."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from crmkit.errors import Problem, a, listed, nearest
from crmkit.model.query.filters import CustomKey, quoted, target_of
from crmkit.model.record import Kind

FIELDS = "fields"  # the parameter
HANDLE = "handle"  # always shown, and the only thing shown where it is chosen alone
ANY_KEY = "custom.KEY"
MAX_CHOSEN = 200  # names in one list

# a name: a comma inside a quoted key of custom does not end it
_NAME = re.compile(r'(?:\."(?:[^"\\]|\\.?)*+(?:"|\Z)|[^,])+', re.DOTALL)

Path = tuple[str, ...]  # the keys that lead to a value in custom


class Chosen(Struct, frozen=True):
    """What is shown of a record of one kind, after its handle and id.

    `fields` are those of its own, in this order; of custom only what is at the `keys`, if there are any. `beside` is
    what an answer shows of it that is no field of its own.
    """

    fields: tuple[str, ...] = ()
    keys: tuple[Path, ...] = ()
    beside: tuple[str, ...] = ()


def nothing_of(kind: Kind, beside: Sequence[str] = ()) -> Chosen:
    """Return what chooses no field of a kind, but what is `beside`.

    A secret is in the one answer that shows it, whatever was chosen.
    """
    return Chosen(beside=(*(field.name for field in kind.secrets), *beside))


ByKind = Mapping[Kind, Chosen]
ALL: ByKind = {}  # nothing was chosen


def names_in(text: str) -> list[str]:
    """Return the names in a list that commas separate, trimmed, empty ones left out."""
    return [part for name in _NAME.findall(text) if (part := name.strip())]


def chosen(kinds: Sequence[Kind], text: str, beside: Sequence[str] = ()) -> ByKind:
    """Return what a text like `name,custom.region` chooses of each kind, ALL for an empty one.

    A kind shows those names that it has; `beside` are names that all have. Raises `invalid_value` for a name that none
    has.
    """
    names = dict.fromkeys(names_in(text))
    if len(names) > MAX_CHOSEN:
        what = {FIELDS: f"has {len(names)} names; at most {MAX_CHOSEN} fit"}
        raise Problem("invalid_value", "Choose fewer fields, or leave fields out to see all.", fields=what)
    for name in names:
        if name != HANDLE and name not in beside and not any(_has(kind, name) for kind in kinds):
            raise _unknown(kinds, name, beside)
    return {kind: _of(kind, [*names], beside) for kind in kinds} if names else ALL


def _has(kind: Kind, name: str) -> bool:
    return name in kind.by_name or isinstance(target_of(kind, name), CustomKey)


def _of(kind: Kind, names: Sequence[str], beside: Sequence[str]) -> Chosen:
    fields, keys = dict[str, None](), list[Path]()
    for name in names:
        if name in kind.by_name:
            fields[name] = None
        elif isinstance(target := target_of(kind, name), CustomKey):
            keys.append(target.path)
            fields[kind.custom.name if kind.custom else ""] = None
    whole = kind.custom is not None and kind.custom.name in names
    fields.pop("id", None)
    always = nothing_of(kind).beside
    return Chosen(tuple(fields), () if whole else _widest(keys), (*always, *(name for name in names if name in beside)))


def _widest(keys: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths, each once, without those that are within another one."""
    return tuple(
        path
        for path in dict.fromkeys(keys)
        if not any(path[: len(other)] == other for other in keys if len(other) < len(path))
    )


def _unknown(kinds: Sequence[Kind], name: str, beside: Sequence[str]) -> Problem:
    known = list(dict.fromkeys([*(name for kind in kinds for name in kind.by_name), *beside, HANDLE]))
    keys = [ANY_KEY] if any(kind.custom for kind in kinds) else []
    of = listed([a(kind.noun) for kind in kinds], "or")
    return Problem(
        "invalid_value",
        f"Choose fields among {', '.join([*known, *keys])}.",
        fields={FIELDS: f"{quoted(name)} is no field of {of}{nearest(name, known)}"},
    )
