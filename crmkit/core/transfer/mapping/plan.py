"""The plan of an import: what each column of a file is for, and the body of a POST that each row makes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.core.crm import Crm
from crmkit.core.transfer.mapping import lookups, tables, titles
from crmkit.core.transfer.mapping.columns import Scan
from crmkit.core.transfer.mapping.filling import Body, Filling, Refused
from crmkit.core.transfer.mapping.reading import MappedColumn, Read, Sheet, reader
from crmkit.core.transfer.mapping.target import ID, Target, Unknown, named, places_of
from crmkit.errors import Problem, a, in_quotes, nearest
from crmkit.files.table import Row, Table
from crmkit.model.actor import Asker
from crmkit.model.declared.types import Declared
from crmkit.model.fields import FieldType, Flag
from crmkit.model.names import clean
from crmkit.model.record import Kind, Kinds, Reference
from crmkit.model.sheets.habits import Habits
from crmkit.storage.custom.indexes import Declarations
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer.imports import Options

# what comes of reading a cell beyond all that its type foresees: a number of too many digits, a day past the calendar
UNREADABLE = (ValueError, ArithmeticError, RecursionError)


class Plan(Struct, frozen=True):
    """What the columns of a file are for. `program` wrote it, as far as that is known.

    `kept` is a JSON value with what the cells of whole columns told, so that the file need not be read again for it.
    """

    kinds: Kinds
    kind: Kind
    columns: tuple[MappedColumn, ...]
    program: str
    kept: dict[str, Any]
    asker: Asker
    notes: tuple[str, ...]  # what is worth telling of the file
    _readers: tuple[Read | None, ...]
    _links: dict[str, Reference]

    @classmethod
    def of(
        cls,
        table: Table,
        kinds: Kinds,
        options: Options,
        asker: Asker,
        declared: Declarations = (),
        kept: Mapping[str, Any] | None = None,
    ) -> "Plan":
        """Return the plan for a file; reads its rows once unless it is given what was `kept`.

        Raises Problem: `invalid_value` for columns that are none, `unknown_field` for fields that are none and, if the
        options refuse them, for columns whose titles say nothing.
        """
        kind = kinds.by_word[options.kind]
        program, own = (
            _written_by(table, kind) if kept is None else (titles.program_named(kept["program"]), kept["own"])
        )
        types = {index.key: index.type for index in declared}
        columns = _columns(table.titles, kinds, kind, options, program, types, own)
        scan = Scan.read(table, _dated(columns, kinds, kind, types), options.dates) if kept is None else Scan.of(kept)
        sheet = Sheet(kind, Habits(asker), own, table.has_marks, titles.is_report(table.titles))
        readers = []
        for column in columns:
            of = replace(sheet, habits=replace(sheet.habits, **scan.habits(column.number)))
            readers.append(reader(column, of, _kind_of(column, kinds, kind), _declared(column.target, types)))
        places = places_of(kinds, kind)
        links = {link.link: link for link in (*kinds.links.get(kind, ()), *kinds.joined(kind))} | places
        name = program.name if program else ""
        note = f"{scan.ambiguous} may be day or month first: dates=dmy or dates=mdy says which"
        left = [column.title for column in columns if column.is_lost]
        lost = f"left out, since {a(kind.noun)} has no custom: {in_quotes(list(map(clean, left)))}"
        notes = (*((note,) if scan.ambiguous else ()), *((lost,) if left else ()))
        found = {**scan.kept, "own": own, "program": name, "marks": table.has_marks}
        return cls(kinds, kind, columns, name, found, asker, notes, tuple(readers), links)

    def body(self, row: Row) -> Body | Refused:
        """Return the body of a POST that a row makes, or why it makes none."""
        filling = Filling(self.kind, is_own=self.kept["own"])
        for cell, read, column in zip(row.cells, self._readers, self.columns, strict=True):
            if read is not None and cell is not None and cell != "":
                try:
                    read(cell, filling)
                except UNREADABLE:
                    filling.faults[column.field] = "has a cell that cannot be read"
        return filling.body(row.number, self._links, self.asker)

    def resolve(self, tx: Tx, crm: Crm, body: Body) -> dict[str, Any]:
        """Return the values of a body with the records that it names; raises Problem `invalid_reference`."""
        values = lookups.resolved(tx, crm, body, self.program, self.asker)
        if body.is_elsewhere and lookup.find(tx.connection, self.kind, tx.by, body.id):
            del values["source_id"]
        return values


def _written_by(table: Table, kind: Kind) -> tuple[tables.Program | None, bool]:
    """Return the program that wrote a file, and whether it is an export of ours."""
    first = next((row.cells for row in table.rows()), ())
    return titles.program_of(table.titles, table.format, first), titles.is_own(table.titles, first, kind)


def _columns(
    found: Sequence[str],
    kinds: Kinds,
    kind: Kind,
    options: Options,
    program: tables.Program | None,
    declared: Mapping[str, Declared],
    own: bool,
) -> tuple[MappedColumn, ...]:
    chosen = _chosen(found, kinds, kind, options, program)
    by_key = {tables.key(key): key for key in declared}
    columns, unknown = [], list[str]()
    names = {place: link.to.title.name for place, link in places_of(kinds, kind).items()}
    guesses = titles.targets(found, kinds, kind, program, own)
    for number, (title, guess) in enumerate(zip(found, guesses, strict=True), 1):
        target = chosen.get(title) or guess
        if title not in chosen and tables.key(title) in by_key and (target is None or target.guessed):
            target = Target(path=(by_key[tables.key(title)],))
        if target is None:
            unknown.append(title)
            keeps = options.unknown == "custom" and kind.custom is not None
            target = Target(path=(title,)) if keeps else Target()
        is_lost = bool(unknown) and unknown[-1] == title and options.unknown == "custom" and kind.custom is None
        columns.append(MappedColumn(number, title, target.name(names), target, is_lost))
    if unknown and options.unknown == "refuse":
        hint = "Name a field for each with map.TITLE=field, leave it out with map.TITLE=, or send unknown=custom."
        told = {title: f"is no field of {a(kind.noun)}{nearest(title, kind.imported)}" for title in unknown}
        raise Problem("unknown_field", hint, fields=told)
    return tuple(columns)


def _chosen(
    found: Sequence[str], kinds: Kinds, kind: Kind, options: Options, program: tables.Program | None
) -> dict[str, Target]:
    """Return what the client says that columns are for, by their titles."""
    by_key = {tables.key(title): title for title in reversed(found)}
    chosen, strangers, wrong = {}, {}, {}
    for said, text in options.map.items():
        title = said if said in found else by_key.get(tables.key(said))
        if title is None and _is_called_so(text, said, found, kinds, kind):
            continue
        if title is None:
            strangers[f"map.{said}"] = f"is no column of this file{nearest(said, found)}"
            continue
        try:
            target = named(text, title, kinds, kind)
        except Unknown as error:
            wrong[f"map.{said}"] = str(error)
            continue
        is_id = program is not None and target.field == "source_id" and tables.key(title) in program.ids
        chosen[title] = replace(target, before=f"{program.name}:") if program and is_id else target
    if wrong:
        hint = "Name a field of the kind, custom.KEY, or nothing."
        raise Problem("unknown_field", hint, fields={**strangers, **wrong})
    if strangers:
        raise Problem("invalid_value", f"The columns are: {', '.join(found)}.", fields=strangers)
    return chosen


def _is_called_so(text: str, said: str, found: Sequence[str], kinds: Kinds, kind: Kind) -> bool:
    """Tell whether a report of refused rows has the key of custom that a column is for in place of its title."""
    try:
        return titles.is_report(found) and named(text, said, kinds, kind).name({}) in found
    except (Unknown, KeyError):
        return False


def _kind_of(column: MappedColumn, kinds: Kinds, kind: Kind) -> Kind:
    """Return the kind of the record that a column is about."""
    return kinds.places[kind][column.target.place].to if column.target.place else kind


def _dated(
    columns: Sequence[MappedColumn], kinds: Kinds, kind: Kind, declared: Mapping[str, Declared]
) -> Iterator[tuple[int, bool]]:
    """Yield the numbers of the columns whose cells tell of each other, and whether they are days, not numbers."""
    for column in columns:
        target = column.target
        type_: FieldType | None = _declared(target, declared)
        if target.field and target.field != ID:
            type_ = _kind_of(column, kinds, kind).imported[target.field].type
        is_flag = isinstance(type_, Flag)  # whose cells may tell when
        if type_ is not None and (type_.dated or type_.adds or is_flag):
            yield column.number, type_.dated or is_flag


def _declared(target: Target, declared: Mapping[str, Declared]) -> Declared | None:
    """Return the type of a key of custom that the workspace declares."""
    return declared.get(target.path[0]) if len(target.path) == 1 else None
