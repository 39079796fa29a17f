"""What `fields=` chose of one record: its line, and its JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import structs

from crmkit.model.query.chosen import Chosen, Path
from crmkit.model.record import Kind, Record
from crmkit.render import text


def line(kind: Kind, record: Record, chosen: Chosen | None, names: Iterable[str]) -> str:
    """Return the line of a record, with these fields where nothing was chosen."""
    if chosen is None:
        return text.line(kind, record, names)
    if chosen.keys and kind.custom:
        held = at_keys(getattr(record, kind.custom.name), chosen.keys, is_line=True)
        record = structs.replace(record, **{kind.custom.name: held})
    return text.line(kind, record, chosen.fields)


def data(kind: Kind, record: Record, chosen: Chosen) -> dict[str, Any]:
    """Return the JSON of what was chosen of a record."""
    found = {"handle": record.handle, "id": record.id, **{name: getattr(record, name) for name in chosen.fields}}
    if chosen.keys and kind.custom:
        found[kind.custom.name] = at_keys(found[kind.custom.name], chosen.keys)
    return found


def beside(more: Mapping[str, Any], chosen: Chosen | None) -> Mapping[str, Any]:
    """Return what is shown beside a record's own fields."""
    return more if chosen is None else {name: more[name] for name in chosen.beside if name in more}


def at_keys(custom: Mapping[str, Any] | None, keys: Sequence[Path], is_line: bool = False) -> dict[str, Any]:
    """Return what custom holds at these keys, nested as there. What it lacks is None; a line leaves that out."""
    found: dict[str, Any] = {}
    for path in keys:
        value: Any = custom
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None and is_line:
            continue
        inner = found
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return found
