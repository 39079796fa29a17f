"""Relations between records: every link leads to a live record, and every repeated name says what that one says."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from crmkit.errors import Problem
from crmkit.model.fields import Link
from crmkit.model.form import Field
from crmkit.model.record import Kind, Record
from crmkit.records import KINDS
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx

BY_PREFIX = {kind.prefix: kind for kind in KINDS}


@dataclass(frozen=True)
class Reference:
    """A field of `kind` that leads to a record of the kind `to`; the field `name` repeats that one's title."""

    kind: Kind
    link: str
    name: str
    to: Kind


@cache
def references(kind: Kind) -> tuple[Reference, ...]:
    """Return the fields of all kinds that lead to records of this one."""
    return tuple(link for other in KINDS for link in links(other) if link.to is kind)


@cache
def links(kind: Kind) -> tuple[Reference, ...]:
    """Return the fields of this kind that a client may make lead to other records."""
    return tuple(
        Reference(kind, field.name, _name_of(kind, field), BY_PREFIX[field.type.prefix])
        for field in kind.fields
        if field.writable and isinstance(field.type, Link)
    )


def linked(tx: Tx, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the names of the records they link to; raises `invalid_reference` unless all are live."""
    found, wrong = dict(values), {}
    for reference in links(kind):
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


def rename(tx: Tx, kind: Kind, record: Record) -> None:
    """Make every record that repeats this one's title repeat it as it is now."""
    title = getattr(record, kind.title.name)
    for reference in references(kind):
        records.restate(tx, reference.kind, reference.link, record.id, {reference.name: title})


def unlink(tx: Tx, kind: Kind, record: Record) -> None:
    """Empty every link that leads to this record, as a change of the record that has the link."""
    for reference in references(kind):
        records.unlink(tx, reference.kind, reference.link, record.id, reference.name)


def _name_of(kind: Kind, link: Field) -> str:
    return next(field.name for field in kind.fields if field.name_of == link.name)
