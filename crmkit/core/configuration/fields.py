"""The verbs that write declared fields. All records are looked at before the transaction, which looks at the newest.

Values that come between the two, and those of a first declaration that are older than the look, are no error: the index
leaves them out, and the field counts them as `misfits`.
"""

from collections.abc import Mapping
from typing import Any

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.declared import fit
from crmkit.core.declared.indexing import form_of
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.model.declared.types import continues
from crmkit.model.record import Kind
from crmkit.records.settings.field import DeclaredField
from crmkit.storage import records
from crmkit.storage.custom import misfits
from crmkit.storage.custom.misfits import SHOWN, Misfit
from crmkit.storage.interface.workspace import Workspace


async def save(call: Call, kind: Kind, body: Mapping[str, Any], merges_alike: bool = False) -> Saved:
    """Return the new field; raises `does_not_fit` where records have other values, as far as a short look tells."""
    values = kind.draft(body, call.asker)
    await _look(call, values)
    return await write.save(call, kind, body, merges_alike)


async def change(call: Call, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None) -> Saved:
    """Return the field changed; raises `does_not_fit` where values of records do not fit its new type."""
    sent = {name: value for name, value in body.items() if name != "version"}
    values = kind.draft(sent, call.asker)
    if "type" in values or "choices" in values:
        before = await call.read(lookup.existing, kind, call.actor, lookup.id_or_key(kind, id))
        if isinstance(before, DeclaredField):
            await _look(call, values, before)
    return await write.change(call, kind, id, body, if_match)


async def look(call: Call, kind: Kind, body: Mapping[str, Any]) -> None:
    """Raise what `save` does before it writes; for a key that is declared already, what `change` does."""
    values = kind.draft(body, call.asker)
    names = {name: values.get(name) for names in kind.known_by for name in names}
    before = None
    if None not in names.values():
        before = await call.read(records.find_by, kind, call.actor.workspace_id, names)
    await _look(call, values, before if isinstance(before, DeclaredField) else None)


async def _look(call: Call, values: Mapping[str, Any], before: DeclaredField | None = None) -> None:
    """Raise `does_not_fit` if the type that a declaration is to have does not fit values of records.

    What is wrong with the declaration itself is left to the write. Without rights nothing is looked at.
    """
    held = {name: None if before is None else getattr(before, name) for name in ("kind", "key", "type", "choices")}
    wanted = {name: values.get(name, old) for name, old in held.items()}
    is_choice = wanted["type"] == "choice"
    if call.actor.role != "admin" or None in (wanted["kind"], wanted["key"], wanted["type"]):
        return
    if is_choice and not wanted["choices"]:
        return
    form = form_of(wanted["type"], wanted["choices"] if is_choice else None)
    if before is not None and continues(form_of(before.type, before.choices), form):
        return
    kind, workspace = call.crm.kinds.by_word[wanted["kind"]], Workspace.of(call.actor)
    first, newest = await call.read(misfits.numbers, kind, workspace)
    if before is None:
        first = max(first, newest - misfits.LOOKED)
    found = list[Misfit]()
    while first <= newest and len(found) < SHOWN:
        last = min(newest, first + misfits.AT_ONCE - 1)
        found += await call.scan(misfits.among, kind, first, last, wanted["key"], form)
        first = last + 1
    fit.check(kind, wanted["key"], form, found[:SHOWN])
