"""What reads the cells of one column: into a field, a related record, a key of custom, or nothing."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit import ids
from crmkit.core.transfer.mapping import endings
from crmkit.core.transfer.mapping.filling import Filling
from crmkit.core.transfer.mapping.target import ID, Target
from crmkit.model.cells import custom_value, json_of, unmarked
from crmkit.model.declared.types import Declared
from crmkit.model.fields import (
    Currency,
    Custom,
    Email,
    FieldType,
    Flag,
    Integer,
    Invalid,
    Link,
    LongText,
    Tags,
    Text,
)
from crmkit.model.form import Field
from crmkit.model.names import trimmed
from crmkit.model.record import Kind
from crmkit.model.sheets import lists, numbers, words
from crmkit.model.sheets.habits import Habits

Read = Callable[[Any, Filling], None]  # a cell that is not empty

_SEVERAL = ";"  # between the ids of related records


class MappedColumn(Struct, frozen=True):
    """A column of a file and what it is for. `field` is as `map.` spells it, "" where the column is left out.

    One `is_lost` that says nothing of a kind that has no custom to keep it.
    """

    number: int
    title: str
    field: str
    target: Target
    is_lost: bool = False


class Sheet(Struct, frozen=True):
    """What the columns of a file have in common.

    It may be an export of ours, have marks before formulas, and be the report of rows that an import refused.
    """

    kind: Kind
    habits: Habits
    is_own: bool = False
    has_marks: bool = True
    is_report: bool = False

    def text(self, cell: str) -> str:
        """Return the text of a cell, "" for one that says that there is nothing."""
        if cell[0] == "'" and self.has_marks:
            cell = unmarked(cell)
        if self.is_own:
            return cell
        cell = trimmed(cell)
        return "" if cell in words.NOTHING else cell


def plain(cell: Any) -> str:
    """Return the text of a number or of yes and no, as one would write it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell)


def reader(column: MappedColumn, sheet: Sheet, to: Kind, declared: Declared | None) -> Read | None:
    """Return what reads a column; None for one that is left out. `to` is the kind of the record that it is about."""
    target = column.target
    if target.path:
        return _custom(column, sheet, declared)
    if not target.field:
        return None
    if target.field == ID and not target.place:
        return _id(column, sheet)
    field = to.imported.get(target.field) or to.by_name[target.field]
    if target.means:
        return endings.answering(column)
    if target.place:
        read = _related(column, sheet, to, field)
        return _decoded(read, dict) if sheet.is_report else read
    if isinstance(field.type, Custom):
        return _object(column)
    if isinstance(field.type, Link):
        return _link(column, sheet)
    if isinstance(field.type, Integer) and field.type.is_money and not column.title.lower().endswith("cents"):
        return _money(column, sheet)
    read = _field(column, sheet, field)
    if field.name in to.past.writable:
        return endings.timed(read, column, field.name)
    at = to.past.writable.get(f"{field.name}_at") if isinstance(field.type, Flag) else None
    if at is not None:
        return endings.dated(read, column, sheet, field.name, at)
    return read if not sheet.is_report or type(field.type) in (Text, LongText) else _decoded(read, list)


def _decoded(read: Read, sort: type) -> Read:
    """Return what reads a column of a report, which has the JSON of a list or an object that stood in a file."""

    def decoded(cell: Any, filling: Filling) -> None:
        found = custom_value(cell) if isinstance(cell, str) and cell.startswith(("[", "{")) else None
        read(found if isinstance(found, sort) else cell, filling)

    return decoded


def value_of(field: Field, cell: Any, sheet: Sheet) -> tuple[Any, str]:
    """Return what a POST sends for a cell, None where it is empty, and the rest of the cell; raises Invalid."""
    if isinstance(cell, str):
        text = sheet.text(cell)
        if not text:
            return None, ""
        if sheet.is_own:
            return field.type.from_own(text), ""
        if isinstance(field.type, Email) and field.type.takes_me and text in words.NOBODY:
            return None, ""
        return field.type.from_cell(text, sheet.habits)
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    if is_number and field.type.wire in (int, float):
        return int(cell) if field.type.wire is int and cell % 1 == 0 else cell, ""
    if isinstance(cell, list):
        return field.type.from_list(cell), ""
    if isinstance(cell, dict) or (sheet.is_own and field.type.wire is not str):
        return cell, ""
    return field.type.from_cell(plain(cell), replace(sheet.habits, decimal="."))


def _field(column: MappedColumn, sheet: Sheet, field: Field) -> Read:
    name, title, type_, target = field.name, column.title, field.type, column.target
    # a record without an address, or with an amount in the workspace's currency in place of its own, would be worse
    is_needed = field.required or isinstance(type_, Email | Currency)
    strict = not target.guessed or is_needed or sheet.kind.custom is None
    asker = sheet.habits.asker

    def read(cell: Any, filling: Filling) -> None:
        try:
            value, rest = value_of(field, cell, sheet)
        except Invalid as error:
            filling.faults[name] = str(error)
            return
        if value is None and not rest:
            return
        if target.group and target.group != filling.group:
            if filling.group:
                filling.keep(title, cell)
                return
            filling.group = target.group
        if value is not None and not strict and not _fits(type_, value, asker):
            filling.keep(title, cell)
            filling.unread.append(title)
            return
        if value is not None:
            if target.before and _is_id(value, sheet.kind):
                filling.id = value
            value = f"{target.before}{value}" if target.before else value
            before = filling.values.get(name)
            if before is None:
                filling.values[name] = value
            elif (both := _joined(type_, before, value, target.appends)) is not None:
                filling.values[name] = both
            elif before != value:
                filling.keep(title, cell)
                return
        if rest and value is None and target.guessed and sheet.kind.custom is None:
            filling.unread.append(title)
        elif rest:
            filling.keep(title, rest)

    is_plain = type(type_) is Text and not (sheet.is_own or target.group or target.before)
    return _text(name, type_.most, sheet, read) if is_plain and isinstance(type_, Text) else read


def _text(name: str, most: int, sheet: Sheet, otherwise: Read) -> Read:
    """Return what reads a text that needs nothing done, and leaves others to what reads all."""

    def read(cell: Any, filling: Filling) -> None:
        text = trimmed(cell) if type(cell) is str else ""
        is_odd = not text or cell[0] == "'" or len(text) > most or text in words.NOTHING or name in filling.values
        if is_odd:
            otherwise(cell, filling)
        else:
            filling.values[name] = text

    return read


def _fits(type_: FieldType, value: Any, asker: Any) -> bool:
    try:
        type_.accept(type_.meant(value, asker))
    except Invalid:
        return False
    return True


def _joined(type_: FieldType, before: Any, value: Any, appends: bool) -> Any:
    """Return what two columns of one field make together, None where they are two values of it."""
    if isinstance(type_, Tags) and isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    if isinstance(type_, LongText):
        return f"{before}\n\n{value}"
    return f"{before}\n{value}" if appends else None


def _custom(column: MappedColumn, sheet: Sheet, declared: Declared | None) -> Read:
    path, name = column.target.path, column.field
    is_line = column.title.startswith("custom.")

    def read(cell: Any, filling: Filling) -> None:
        if isinstance(cell, str):
            text = sheet.text(cell)
            if not text:
                return
            is_exact = sheet.is_own or (is_line and (declared is None or sheet.is_report))
            cell = custom_value(text) if is_exact else text
        if declared is not None and not sheet.is_own:
            try:
                if not isinstance(cell, list | dict):
                    is_text = isinstance(cell, str) or declared.is_text
                    cell = declared.from_cell(plain(cell), sheet.habits)[0] if is_text else cell
                declared.compared(cell)
            except Invalid as error:
                filling.faults[name] = str(error)
                return
        if len(path) == 1:
            filling.keep(path[0], cell)
            return
        held = filling.custom.setdefault(path[0], {})
        for key in path[1:-1]:
            held = held.setdefault(key, {}) if isinstance(held, dict) else held
        if isinstance(held, dict):
            held[path[-1]] = cell
        else:
            filling.keep(column.title, cell)

    return read


def _object(column: MappedColumn) -> Read:
    """Return what reads all of custom from one column."""

    def read(cell: Any, filling: Filling) -> None:
        found = cell
        if isinstance(cell, str):
            try:
                found = json_of(cell)
            except ValueError:
                found = None
        if isinstance(found, dict):
            for key, value in found.items():
                filling.keep(key, value)
        elif isinstance(cell, str):
            filling.keep(column.title, cell)
        else:
            filling.values["custom"] = cell  # for its check to refuse

    return read


def _id(column: MappedColumn, sheet: Sheet) -> Read:
    """Return what reads the id of the record that a row is; a text that is none is a fault where a client chose it."""
    kind, is_guessed = sheet.kind, column.target.guessed

    def read(cell: Any, filling: Filling) -> None:
        text = sheet.text(cell) if isinstance(cell, str) else plain(cell)
        if not text:
            return
        try:
            filling.id = ids.parse(text, kind.prefix, kind.prefixes)
        except ids.BadId as error:
            if not is_guessed:
                filling.faults[ID] = str(error)

    return read


def _is_id(text: str, kind: Kind) -> bool:
    try:
        return ids.parse(text, kind.prefix, kind.prefixes) == text
    except ids.BadId:
        return False


def _link(column: MappedColumn, sheet: Sheet) -> Read:
    """Return what reads the text that names a record, which is not created."""
    name, title = column.target.field, column.title

    def read(cell: Any, filling: Filling) -> None:
        text = sheet.text(cell) if isinstance(cell, str) else plain(cell)
        if text and filling.links.setdefault(name, text) != text:
            filling.keep(title, cell)

    return read


def _money(column: MappedColumn, sheet: Sheet) -> Read:
    name, title = column.target.field, column.title
    _, known = numbers.sign_behind(title)

    def read(cell: Any, filling: Filling) -> None:
        is_text = isinstance(cell, str)
        text = sheet.text(cell) if is_text else plain(cell)
        if not text:
            return
        if any(name == other for other, _, _ in filling.money):
            filling.keep(title, cell)
            return
        found = numbers.money(text, sheet.habits.decimal if is_text else ".")
        if found is None:
            filling.faults[name] = "must be an amount like 1234.50"
        else:
            amount, sign = found
            filling.money.append((name, amount, sign or known))

    return read


def _related(column: MappedColumn, sheet: Sheet, to: Kind, field: Field) -> Read:
    """Return what reads a field of a related record; with its name may stand its address."""
    place, title, target = column.target.place, column.title, column.target
    is_name, is_id = field is to.title, bool(target.before)
    mail = next((key.name for key in (to.by_name[name] for name in to.merges_by) if isinstance(key.type, Email)), "")

    def read(cell: Any, filling: Filling) -> None:
        if isinstance(cell, dict):
            filling.values[place] = cell
            return
        cell = cell if isinstance(cell, str) else plain(cell)
        more = ""
        if is_id and _SEVERAL in cell:
            cell, _, more = cell.partition(_SEVERAL)
        try:
            value, rest = value_of(field, cell, sheet)
        except Invalid as error:
            filling.faults[f"{place}.{field.name}"] = str(error)
            return
        if more:
            filling.keep(title, more.strip())
        if value is not None and not _fits(field.type, value, sheet.habits.asker) and not is_name:
            value, rest = None, cell
            filling.unread.append(title)
        if value is not None:
            known = filling.places.setdefault(place, {})
            said, address = lists.named(value) if is_name and mail else ("", "")
            value = f"{target.before}{said or value}" if is_name or is_id else value
            if known.setdefault(field.name, value) != value:
                filling.keep(title, cell)
                return
            if address:
                known.setdefault(mail, address)
            filling.written.setdefault((place, field.name), (title, cell))
        if rest:
            filling.keep(title, rest)

    return read
