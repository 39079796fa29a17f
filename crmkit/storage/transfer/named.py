"""Records that a text in a file names, where it is neither an id nor a key that names a record by itself."""

from functools import cache
from typing import Any, NamedTuple

from crmkit.model.fields import Invalid
from crmkit.model.fields.keys import KeyForm
from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection

MOST = 20  # records of one name that are looked at


class Match(NamedTuple):
    """A record that is named: its id, its name, and its keys in the order of Kind.merges_by."""

    id: str
    title: str
    keys: tuple[Any, ...]


def find(connection: Connection, kind: Kind, workspace_id: str, text: str, id_elsewhere: str) -> list[Match]:
    """Return the record that has this text as its code or as its id elsewhere, else those of this name.

    Of names that differ in case alone, the one that is written just so is meant. `id_elsewhere` is the id as it is kept
    that a program gave the record, "" where none is known.
    """
    args: list[object] = []
    for form in _forms(kind):
        args += [part for value in (text, id_elsewhere) for part in (workspace_id, _compared(form, value))]
    if kind.has_title:
        args += [workspace_id, kind.title.type.key(text)]
    if not args:
        return []
    rows = connection.execute(_sql(kind), tuple(args)).fetchall()
    first = min((rank for rank, *_ in rows), default=0)
    found = [Match(id, title, tuple(keys)) for rank, id, title, *keys in rows if rank == first]
    return [match for match in found if match.title == text] or found


@cache
def _forms(kind: Kind) -> tuple[KeyForm, ...]:
    """Return the unique fields whose values are words like others: code, source_id."""
    return tuple(form for form in kind.key_forms if form.word and not form.needs_kind)


def _compared(form: KeyForm, text: str) -> object:
    """Return what the column of a key is compared with, None for a text that it cannot hold."""
    try:
        value = form.type.accept(text)
    except Invalid:
        return None
    return form.type.key(value) if form.type.key_column else value


@cache
def _sql(kind: Kind) -> str:
    """Return the statement that finds the records by each key in turn, then by name, ranked so."""
    title = f"r.{quoted(kind.title.name)}" if kind.has_title else "''"
    shown = ", ".join(("r.id", title, *(f"r.{quoted(name)}" for name in kind.merges_by)))

    def of(rank: int, column: str) -> str:
        table = f"{quoted(kind.plural)} AS r WHERE r.workspace_id = ? AND r.{quoted(column)} = ?"
        return f"SELECT {rank}, {shown} FROM {table}"

    keys = [kind.by_name[form.name].compared for form in _forms(kind) for _ in range(2)]
    parts = [of(rank, column) for rank, column in enumerate(keys)]
    if kind.has_title:  # a LIMIT of the whole takes longer than all the rest
        parts.append(f"SELECT * FROM ({of(len(keys), kind.title.compared)} LIMIT {MOST}) AS q")
    return " UNION ALL ".join(parts)
