"""The indexes of declared keys follow the declarations; jobs fill and empty them, a few rows a step.

The jobs are the system's: they go on when the admin who declared the key is gone.
"""

from crmkit.model.declared.types import continues, declared_type
from crmkit.model.record import Kind, Kinds, Record
from crmkit.records.settings.field import DeclaredField
from crmkit.storage import jobs, records
from crmkit.storage.custom import building, indexes
from crmkit.storage.custom.indexes import CustomIndex
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

FILL, EMPTY = "index_field", "unindex_field"  # kinds of jobs; core.configuration.building has their steps


def form_of(type: str, choices: list[str] | None) -> str:
    """Return the form of a declared type."""
    return declared_type(type, tuple(choices or ()) if type == "choice" else ()).form


def follow(tx: Tx, kinds: Kinds, kind: Kind, before: Record | None, after: Record | None) -> Record | None:
    """Write the index of a declared key after its declaration was written, and have it built or emptied.

    Return the declaration as it is then.
    """
    old = None if before is None else _index(tx, _field(before))
    if after is None:
        if old is not None:
            _drop(tx, old)
        return None
    field = _field(after)
    form = form_of(field.type, field.choices)
    if old is not None and (old.form == form or (continues(old.form, form) and not field.misfits)):
        indexes.redeclare(tx, old, form, field.required)
        return after
    if old is not None:
        _drop(tx, old)
    place = indexes.add(tx, field.kind, field.key, form, field.required)
    building.show_building(tx, tx.by.workspace_id, after.id)
    _add(tx, FILL, {"place": place, "table": kinds.by_word[field.kind].plural})
    return records.fetch(tx.connection, kind, tx.by.workspace_id, after.id)


def resume(tx: Tx, kinds: Kinds, workspace: Workspace) -> None:
    """Have the indexes of a workspace that has no jobs built and emptied, those that are not what they should be."""
    for place, kind_name, state in indexes.unfinished(tx.connection, workspace.id):
        if state == indexes.DROPPED:
            jobs.add(tx, EMPTY, {"place": place}, workspace=workspace)
        else:
            jobs.add(tx, FILL, {"place": place, "table": kinds.by_word[kind_name].plural}, workspace=workspace)


def _field(record: Record) -> DeclaredField:
    if not isinstance(record, DeclaredField):
        raise TypeError(f"{record.handle} declares no key")
    return record


def _drop(tx: Tx, index: CustomIndex) -> None:
    indexes.drop(tx, index)
    _add(tx, EMPTY, {"place": index.place})


def _index(tx: Tx, field: DeclaredField) -> CustomIndex | None:
    found = indexes.declared(tx.connection, tx.by.workspace_id, field.kind)
    return next((index for index in found if index.key == field.key), None)


def _add(tx: Tx, kind: str, input: dict[str, object]) -> None:
    jobs.add(tx, kind, input, workspace=Workspace.of(tx.by))
