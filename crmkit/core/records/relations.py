"""Relations between records: every link refers to a live record."""

from collections.abc import Mapping
from typing import Any

from crmkit.errors import Problem, listed
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx


def linked(tx: Tx, kinds: Kinds, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the titles of linked records; raises `invalid_reference` unless all of them are live."""
    found, wrong = dict(values), {}
    for reference in kinds.links[kind]:
        if reference.link not in values:
            continue
        id, other = values[reference.link], reference.to
        record = None if id is None else records.fetch(tx.connection, other, tx.by.workspace_id, id)
        if id is not None and record is None:
            wrong[reference.link] = f"there is no {other.name} {id} in this workspace"
        found[reference.name] = None if record is None else getattr(record, other.title.name)
    if wrong:
        raise Problem("invalid_reference", "Create the record first, or look its id up.", fields=wrong)
    return found


def unlink(tx: Tx, kinds: Kinds, kind: Kind, record: Record) -> None:
    """Empty every link to this record; that is a change of the record that has the link, with version and audit row."""
    for reference in kinds.references[kind]:
        records.unlink(tx, reference.kind, reference.link, record.id)


def outcome_of_delete(kinds: Kinds, kind: Kind) -> str:
    """Return the sentence that says what a delete of a record takes along and what stays."""
    parts = ["its activities go with it"] if kind.is_logged else []
    referring = dict.fromkeys(reference.kind.plural for reference in kinds.references[kind])
    referred = dict.fromkeys(link.to.name for link in kinds.links[kind])
    if referring:
        parts.append(f"its {listed(referring)} stay, unlinked")
    elif referred:
        parts.append(f"its {listed(referred)} {'stay' if len(referred) > 1 else 'stays'}")
    says = "; ".join(parts) or "nothing else goes with it"
    return f"{says[0].upper()}{says[1:]}."
