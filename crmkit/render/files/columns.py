"""The columns of a table of records: their titles, and the cells of each row."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.cells import MAY_RUN, marked
from crmkit.model.fields import Custom
from crmkit.model.query.chosen import HANDLE, Path
from crmkit.model.record import Kind
from crmkit.render import text
from crmkit.render.files.cells import Cell

_DOUBLE_BLANK = re.compile("(?<= ) ")

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

    def rows(self, batch: Sequence[Row], cell_of: Callable[[Any], Cell | None], of_custom: Cell) -> Iterator[Row]:
        """Return the cells of each row: by `cell_of` each field's type, and `of_custom` a value there; None if empty.

        They are written a column at a time: many columns are empty, and a loop over one of texts is short.
        """
        ids, *held = zip(*batch, strict=True) if batch else [()] * (1 + len(self.fields))
        columns: list[Sequence[Any]] = [[self.kind.handle(id) for id in ids], ids]
        for name, values in zip(self.fields, held, strict=True):
            if name == self._custom:
                columns += ([_at(each, path, of_custom) for each in values] for path in self.keys)
            elif (write := cell_of(self.kind.by_name[name].type)) is None or values.count(None) == len(values):
                columns.append(values)
            elif write is marked:
                columns.append([each if each is None or each[:1] not in MAY_RUN else marked(each) for each in values])
            else:
                columns.append([None if each is None else write(each) for each in values])
        return zip(*columns, strict=True)

    @property
    def _custom(self) -> str:
        return self.kind.custom.name if self.kind.custom else ""


def path_title(custom: str, path: Path) -> str:
    """Return a path as lines spell it, but for blanks behind blanks, which readers of titles drop."""
    return _DOUBLE_BLANK.sub(r"\\u0020", ".".join([custom, *map(text.key, path)]))


def keys_of(kind: Kind, fields: Sequence[str], rows: Sequence[Row]) -> tuple[Path, ...]:
    """Return the keys that custom has in any of these rows, in the order in which they come up."""
    names = [field.name for field in kind.fields if isinstance(field.type, Custom) and field.name in fields]
    at = [1 + fields.index(name) for name in names]
    found: dict[str, None] = {}
    for row in rows:
        for each in at:
            found |= dict.fromkeys(row[each] or ())
    return tuple((key,) for key in found)


def _at(held: Any, path: Path, write: Cell) -> Any:
    """Return the cell of what custom has at a path."""
    for key in path:
        held = held.get(key) if isinstance(held, dict) else None
    return None if held is None else write(held)
