"""Relations between records: every link refers to a live record, and the copy of its title is up to date."""

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
    """A field `link` of `kind` that refers to a record of the kind `to`; the field `name` holds a copy of its title."""

    kind: Kind
    link: str
    name: str
    to: Kind


@cache
def references(kind: Kind) -> tuple[Reference, ...]:
    """Return the fields of all kinds that refer to records of this one."""
    return tuple(link for other in KINDS for link in links(other) if link.to is kind)


@cache
def links(kind: Kind) -> tuple[Reference, ...]:
    """Return the fields of this kind that refer to other records and that clients write."""
    return tuple(
        Reference(kind, field.name, _name_of(kind, field), BY_PREFIX[field.type.prefix])
        for field in kind.fields
        if field.writable and isinstance(field.type, Link)
    )


def linked(tx: Tx, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the titles of linked records; raises `invalid_reference` unless all of them are live."""
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


def copy_title(tx: Tx, kind: Kind, record: Record) -> None:
    """Write the title of this record, which has changed, into all records that hold a copy of it."""
    title = getattr(record, kind.title.name)
    for reference in references(kind):
        records.restate(tx, reference.kind, reference.link, record.id, {reference.name: title})


def unlink(tx: Tx, kind: Kind, record: Record) -> None:
    """Empty every link to this record; that is a change of the record that has the link, with version and audit row."""
    for reference in references(kind):
        records.unlink(tx, reference.kind, reference.link, record.id, reference.name)


def _name_of(kind: Kind, link: Field) -> str:
    return next(field.name for field in kind.fields if field.name_of == link.name)
