"""Records that a text in a file names, where it is neither an id nor a key that names a record by itself."""

from functools import cache

from crmkit.model.fields import Invalid
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.dialect import Dialect

MOST = 20  # records of one name that are looked at


def find(connection: Connection, kind: Kind, workspace_id: str, text: str, id_elsewhere: str) -> list[Record]:
    """Return the record that has this text as its code or as its id elsewhere, else those of this name.

    Of names that differ in case alone, the one that is written just so is meant. `id_elsewhere` is the id as it is kept
    that a program gave the record, "" where none is known.
    """
    for form in kind.key_forms:
        for value in (text, id_elsewhere) if form.word and not form.needs_kind else ():
            record = _by_key(connection, kind, workspace_id, form.name, value)
            if record is not None:
                return [record]
    if not kind.has_title:
        return []
    key = kind.title.type.key(text)
    rows = connection.execute(_sql(connection.dialect, kind), (workspace_id, key, MOST)).fetchall()
    found = [records.shown(kind, row[0]) for row in rows]
    just_so = [record for record in found if getattr(record, kind.title.name) == text]
    return just_so or found


def _by_key(connection: Connection, kind: Kind, workspace_id: str, name: str, text: str) -> Record | None:
    try:
        value = kind.by_name[name].type.accept(text)
    except Invalid:
        return None
    return records.find(connection, kind, workspace_id, name, value) if value else None


@cache
def _sql(dialect: Dialect, kind: Kind) -> str:
    scope = f"r.workspace_id = ? AND r.{quoted(kind.title.compared)} = ?"
    return f"SELECT {whole(dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE {scope} LIMIT ?"
