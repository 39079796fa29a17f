"""The records that a row names, looked up in the transaction: by keys in columns of their own, by id, key, name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crmkit.core import lookup
from crmkit.core.crm import Crm
from crmkit.core.records import merging, write
from crmkit.core.rules.rule import Values
from crmkit.core.transfer.mapping.filling import Body, Named
from crmkit.errors import Problem
from crmkit.model import names
from crmkit.model.actor import Asker
from crmkit.model.fields import Invalid, Key
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer import named

_LIKE_A_KEY = re.compile("[@._:/]")  # which every id, address and domain has, and every key behind a word


def resolved(tx: Tx, crm: Crm, body: Body, program: str, asker: Asker) -> dict[str, Any]:
    """Return the values of a POST, in which each record that the body names is its id, or an object that creates it.

    A record that is found is merged with what the row tells of it. Raises `invalid_reference` for one that is not
    found, or has its name in common with others, and `scope_required` for a key or a name of a kind that the token does
    not read.
    """
    values, faults = dict(body.values), {}
    for name in body.names:
        if name.creates and name.link.link in values:  # which another column names
            _keep(values, name)
            continue
        kind, keys, meant = name.link.to, _keys(name, asker), _meant(name)
        if keys or (name.text and not isinstance(meant, str)):  # which can be guessed, unlike an id
            tx.by.access.check(f"{kind.area}.read")
        record = merging.met(tx, kind, keys)[0] if keys else None
        found = [record.id] if record else _found(tx, name, meant, keys, program)
        told = {kind.title.name: name.text, **name.fields} if record else name.fields
        if len(found) > 1:
            faults[name.place] = f"{len(found)} {kind.plural} have this name; send the id or a key of one"
        elif found:
            values[name.link.link] = found[0]
            if told:
                record = record or lookup.existing(tx.connection, kind, tx.by, found[0])
                _merge(tx, crm, kind, record, told, asker)
        elif not name.creates:
            faults[name.place] = f"there is no {kind.name} {names.clean(name.text)} in this workspace"
        elif name.text or not name.link.kind.custom:
            values[name.link.place] = {kind.title.name: name.text, **_key_in(kind, name.text), **name.fields}
        else:  # nothing to create one of
            _keep(values, name)
    if faults:
        raise Problem("invalid_reference", "Name each by its id or key, or create it first.", fields=faults)
    return values


def _keep(values: dict[str, Any], name: Named) -> None:
    """Keep what a row says of a related record under the titles of its columns."""
    if name.link.kind.custom:
        values["custom"] = {**name.cells, **(values.get("custom") or {})}


def _key_in(kind: Kind, text: str) -> Values:
    """Return the key that a text is which names a record by itself: an address of mail, a domain."""
    for key in kind.merges_by if _LIKE_A_KEY.search(text) else ():
        type_ = kind.by_name[key].type
        if type_.names:
            try:
                return {key: type_.accept(text)}
            except Invalid:
                pass
    return {}


def _keys(name: Named, asker: Asker) -> Values:
    """Return the keys of a record that the row has in columns of their own; raises Problem."""
    keys = {key: name.fields[key] for key in name.link.to.merges_by if name.fields.get(key)}
    return name.link.to.draft(keys, asker) if keys else {}


def _meant(name: Named) -> str | Key | None:
    """Return the id or the natural key that a text is, None for a name."""
    if not _LIKE_A_KEY.search(name.text):
        return None
    try:
        meant: str | Key = name.link.kind.taken[name.link.link].type.accept(name.text)
    except Invalid:
        return None
    return meant


def _found(tx: Tx, name: Named, meant: str | Key | None, keys: Values, program: str) -> list[str]:
    """Return the ids of the records that a text names, more than one where they share a name.

    One whose keys are others than those in the row is another one of the same name.
    """
    kind, workspace_id = name.link.to, tx.by.workspace_id
    if not name.text:
        return []
    record = None if meant is None else lookup.find(tx.connection, kind, tx.by, meant)
    if record is not None:
        return [record.id]
    elsewhere = f"{program}:{name.text}" if program else ""
    found = named.find(tx.connection, kind, workspace_id, name.text, elsewhere)
    wanted = [keys.get(key) for key in kind.merges_by]
    return [each.id for each in found if not keys or _agree(each.keys, wanted)]


def _agree(keys: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Tell whether no key differs from one that is wanted."""
    return all(None in pair or pair[0] == pair[1] for pair in zip(keys, wanted, strict=True))


def _merge(tx: Tx, crm: Crm, kind: Kind, record: Record, told: Mapping[str, Any], asker: Asker) -> None:
    """Write what a row tells of a related record, as a POST that merges into it would; keys of others are left out."""
    values = merging.filled(kind, kind.draft({name: value for name, value in told.items() if value}, asker))
    for key in kind.merges_by:
        holder = records.find(tx.connection, kind, tx.by.workspace_id, key, values[key]) if values.get(key) else None
        if holder is not None and holder.id != record.id:
            del values[key]
    values = {name: value for name, value in values.items() if value != getattr(record, name)}
    if values:
        tx.by.access.check(f"{kind.area}.write")
        write.changed(tx, crm, kind, record, values)
