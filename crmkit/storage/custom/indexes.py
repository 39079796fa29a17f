"""Which keys of `custom` are declared in a workspace, and the index of each: a row of `custom_indexes`.

An index is `building`, then `ready`; one that is `dropped` is no longer written, and goes once it is empty.
"""

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from crmkit.model.declared.types import Declared, of_form
from crmkit.model.query.filters import CustomKey, DeclaredKey
from crmkit.model.record import Kind
from crmkit.storage import sequence
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

BUILDING, READY, DROPPED = "building", "ready", "dropped"


class CustomIndex(Struct, frozen=True):
    """A declared key and its index; `place` is the number of the index."""

    place: int
    key: str
    form: str
    required: bool
    state: str

    @property
    def type(self) -> Declared:
        return of_form(self.form)

    @property
    def target(self) -> DeclaredKey:
        """What filters and sorts of this key are about."""
        name = CustomKey((self.key,)).name
        return DeclaredKey(name, self.type, True, frozenset(), "", key=self.key, form=self.form, place=self.place)


Declarations = tuple[CustomIndex, ...]

_COLUMNS = 'seq, "key", form, required, state'


def declared(connection: Connection, workspace_id: str, kind_name: str) -> Declarations:
    """Return the declared keys of a kind, in the order in which their indexes were made."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM custom_indexes AS i "
        "WHERE i.workspace_id = ? AND i.\"kind\" = ? AND i.state <> 'dropped' ORDER BY seq",
        (workspace_id, kind_name),
    )
    return tuple(CustomIndex(seq, key, form, bool(required), state) for seq, key, form, required, state in rows)


def known(tx: Tx, kind: Kind) -> Declarations:
    """Return the same for the workspace of a unit's actor; without a statement where it declares none for the kind."""
    if kind.name not in tx.by.preferences.declared_kinds.split():
        return ()
    key = (tx.by.workspace_id, kind.name)
    found = tx.known.declared.get(key)
    if found is None:
        found = tx.known.declared[key] = declared(tx.connection, *key)
    return found


def ready(connection: Connection, workspace_id: str, places: Collection[int]) -> set[int]:
    """Return which of these indexes hold all values at this moment."""
    marks = ", ".join("?" * len(places))
    sql = f"SELECT seq FROM custom_indexes WHERE workspace_id = ? AND state = 'ready' AND seq IN ({marks})"
    return {seq for (seq,) in connection.execute(sql, (workspace_id, *places))}


def unfinished(connection: Connection, workspace_id: str) -> list[tuple[int, str, str]]:
    """Return place, kind and state of each index that is being built or emptied."""
    sql = (
        'SELECT i.seq, i."kind", i.state FROM custom_indexes AS i '
        "WHERE i.workspace_id = ? AND i.state <> 'ready' ORDER BY i.seq"
    )
    return connection.execute(sql, (workspace_id,)).fetchall()


def add(tx: Tx, kind_name: str, key: str, form: str, required: bool) -> int:
    """Return the place of a new index, which is to be built."""
    place, workspace_id = sequence.take(tx, "custom_indexes"), tx.by.workspace_id
    tx.connection.execute(
        'INSERT INTO custom_indexes (seq, workspace_id, "kind", "key", form, required, state) '
        "VALUES (?, ?, ?, ?, ?, ?, 'building')",
        (place, workspace_id, kind_name, key, form, int(required)),
    )
    _changed(tx)
    return place


def redeclare(tx: Tx, index: CustomIndex, form: str, required: bool) -> None:
    """Write what a declaration says now, whose values are compared as before."""
    sql = "UPDATE custom_indexes SET form = ?, required = ? WHERE workspace_id = ? AND seq = ?"
    tx.connection.execute(sql, (form, int(required), tx.by.workspace_id, index.place))
    _changed(tx)


def drop(tx: Tx, index: CustomIndex) -> None:
    """Have an index neither read nor written any more; its values are still there."""
    sql = "UPDATE custom_indexes SET state = 'dropped' WHERE workspace_id = ? AND seq = ?"
    tx.connection.execute(sql, (tx.by.workspace_id, index.place))
    _changed(tx)


def _changed(tx: Tx) -> None:
    """Write which kinds have declared keys where every actor of the workspace has it."""
    workspace_id = tx.by.workspace_id
    rows = tx.connection.execute(
        "SELECT DISTINCT i.\"kind\" FROM custom_indexes AS i WHERE i.workspace_id = ? AND i.state <> 'dropped'",
        (workspace_id,),
    )
    names = " ".join(sorted(name for (name,) in rows))
    tx.connection.execute("UPDATE workspaces SET declared_kinds = ? WHERE id = ?", (names, workspace_id))
    tx.known.declared.clear()
    tx.actor = replace(tx.by, preferences=replace(tx.by.preferences, declared_kinds=names))
