"""The columns of a table of records: their titles, and the cells of each row."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.fields import Custom
from crmkit.model.query.chosen import HANDLE, Path
from crmkit.model.record import Kind
from crmkit.render import text
from crmkit.render.files.cells import Cell

Row = Sequence[Any]  # the id of a record, then the values of its fields


class Columns(Struct, frozen=True):
    """The handle, the id, a column for each field, and in place of custom one for each of its `keys`."""

    kind: Kind
    fields: tuple[str, ...]
    keys: tuple[Path, ...] = ()

    @property
    def titles(self) -> list[str]:
        own = {self._custom: [path_title(self._custom, path) for path in self.keys]}
        return [HANDLE, "id", *(title for name in self.fields for title in own.get(name, [name]))]

    def rows(self, batch: Sequence[Row], cell_of: Callable[[Any], Cell | None], of_custom: Cell) -> Iterator[list[Any]]:
        """Yield the cells of each row: by `cell_of` each field's type, and `of_custom` a value there; None if empty."""
        handle, keys = self.kind.handle, self.keys
        writes = [(at, cell_of(self.kind.by_name[name].type)) for at, name in enumerate(self.fields, 1)]
        written = [(at, write) for at, write in writes if write is not None and self.fields[at - 1] != self._custom]
        custom = 1 + self.fields.index(self._custom) if self._custom in self.fields else 0
        for row in batch:
            cells = list(row)
            for at, write in written:
                if (value := cells[at]) is not None:
                    cells[at] = write(value)
            if custom:
                held = cells[custom]
                cells[custom : custom + 1] = _at(held, keys, of_custom) if held else [None] * len(keys)
            cells.insert(0, handle(row[0]))
            yield cells

    @property
    def _custom(self) -> str:
        return self.kind.custom.name if self.kind.custom else ""


def path_title(custom: str, path: Path) -> str:
    return ".".join([custom, *map(text.key, path)])


def keys_of(kind: Kind, fields: Sequence[str], rows: Sequence[Row]) -> tuple[Path, ...]:
    """Return the keys that custom has in any of these rows, in the order in which they come up."""
    names = [field.name for field in kind.fields if isinstance(field.type, Custom) and field.name in fields]
    at = [1 + fields.index(name) for name in names]
    found: dict[str, None] = {}
    for row in rows:
        for each in at:
            found |= dict.fromkeys(row[each] or ())
    return tuple((key,) for key in found)


def _at(held: dict[str, Any], keys: Sequence[Path], write: Cell) -> list[Any]:
    found: list[Any] = []
    for path in keys:
        value: Any = held
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        found.append(None if value is None else write(value))
    return found
