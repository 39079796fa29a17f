"""What the scopes of a token open where a route is about several kinds."""

from collections.abc import Sequence

from crmkit.errors import listed
from crmkit.model.access import WRITE, Access, scope_required
from crmkit.model.record import Kind, Kinds

Notes = tuple[str, ...]


def chosen(access: Access, every: Sequence[Kind], named: Sequence[Kind] = ()) -> tuple[list[Kind], Notes]:
    """Return the kinds that are `named`, else those of `every` that a token reads, with the note on those left out.

    Raises `scope_required` for one that is named and the token does not read, and where it reads none.
    """
    if named:
        access.check(*map(scope, named))
        return list(named), ()
    found = [kind for kind in every if access.allows(scope(kind))]
    if not found:
        raise scope_required(access, scope(every[0]))
    closed = dict.fromkeys(kind.area for kind in every if kind not in found)
    return found, (f"left out, since this token does not read them: {listed(closed)}",) if closed else ()


def scope(kind: Kind) -> str:
    """Return what a token needs to read the records of a kind."""
    return f"{kind.area}.read"


def check_writes(access: Access, kinds: Kinds) -> None:
    """Raise `scope_required` for a token that writes nothing of any kind, before anything is looked up."""
    areas = dict.fromkeys(kind.area for kind in (*kinds.records, kinds.activity, *kinds.settings))
    if not any(access.allows(f"{area}.{verb}") for area in areas for verb in ("write", "delete")):
        raise scope_required(access, WRITE)
