"""Relations between records: every link refers to a live record."""

from collections.abc import Mapping
from typing import Any

from crmkit.core import derived, lookup
from crmkit.core.duplicates import pairing
from crmkit.errors import LOOK_IT_UP, Problem, listed
from crmkit.model.fields import Key, keys
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx


def linked(
    tx: Tx, kinds: Kinds, kind: Kind, values: Mapping[str, Any], notes: list[str] | None = None
) -> dict[str, Any]:
    """Return the values with ids and titles of linked records; raises `invalid_reference` unless all are live.

    Where an id is that of a record that was merged into another, that is said in `notes`.
    """
    found, wrong = dict(values), {}
    for reference in kinds.links[kind]:
        if reference.link not in values:
            continue
        named, other = values[reference.link], reference.to
        record = None if named is None else lookup.find(tx.reading(other.plural), other, tx.by, named)
        if record is not None:
            found[reference.link] = record.id
            if notes is not None:
                notes.extend(lookup.notes(named, record))
        elif named is not None:
            wrong[reference.link] = _missing(other, named)
        if reference.name:
            found[reference.name] = None if record is None else getattr(record, other.title.name)
    for name in (field.name for field in kind.joins if values.get(field.name) is not None):
        whole = lookup.find(tx.reading(kinds.whole.to.plural), kinds.whole.to, tx.by, values[name])
        if whole is None:
            wrong[name] = _missing(kinds.whole.to, values[name])
        else:
            found[name] = whole.id
    if wrong:
        raise Problem("invalid_reference", LOOK_IT_UP, fields=wrong)
    return found


def _missing(kind: Kind, named: str | Key) -> str:
    """Return what is wrong with an id or a natural key that no record of a kind has."""
    if isinstance(named, Key) and not named.of(kind.prefix):
        return f"{lookup.shown(named)} names no {kind.name}, which is found by its {keys.names(kind.key_forms)}"
    return lookup.nothing([kind], named)


def cascade(tx: Tx, kinds: Kinds, kind: Kind, record: Record) -> None:
    """Delete the records whose link to this one cascades, and empty every other link to it.

    Each is a change of the record that has the link, with version and audit row.
    """
    for reference in kinds.references[kind]:
        if reference.cascades:
            gone = records.remove_linked(tx, reference.kind, reference.link, record.id)
            derived.follow(tx, kinds, reference.kind, ((each, None) for each in gone))
            for each in gone if reference.kind.alike else ():
                pairing.follow(tx, reference.kind, each, None)
        else:
            derived.relink_and_follow(tx, kinds, reference.kind, reference.link, record.id, None)


def outcome_of_delete(kinds: Kinds, kind: Kind, record: Record | None) -> str:
    """Return the sentence that says what a delete of this record, or of any of its kind, takes along and what stays."""
    going = [kinds.activity.plural] if kind.is_logged else []
    going += [
        reference.kind.plural.replace("_", " ") for reference in kinds.references.get(kind, ()) if reference.cascades
    ]
    parts = [f"its {listed(dict.fromkeys(going))} go with it"] if going else []
    referring = dict.fromkeys(each.kind.plural for each in kinds.references.get(kind, ()) if not each.cascades)
    referred = dict.fromkeys(link.to.name for link in kinds.links[kind])
    if referring:
        parts.append(f"its {listed(referring)} stay, unlinked")
    elif referred:
        parts.append(f"its {listed(referred)} {'stay' if len(referred) > 1 else 'stays'}")
    if getattr(record, "repeat", None) and not getattr(record, "done", False):
        parts.append("its series ends with it")
    says = "; ".join(parts) or "nothing else goes with it"
    return f"{says[0].upper()}{says[1:]}."
