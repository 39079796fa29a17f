"""A file as rows, and its mapping to the fields of a kind."""

import asyncio
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.record import Kind
from crmkit.storage.custom import indexes
from crmkit.storage.interface.tx import Tx
from crmkit.storage.transfer.imports import Column, Options


class Row(NamedTuple):
    number: int
    cells: tuple[Any, ...]


class Table:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.left_out: tuple[Any, ...] = ()
        with open(path, newline="", encoding="utf-8-sig") as file:
            self.titles = tuple(next(csv.reader(file), ()))
        if not self.titles:
            raise Problem("invalid_file", "The file is empty.")
        self.count = sum(1 for _ in self.rows())

    def rows(self, after: int = 0) -> Iterator[Row]:
        with open(self._path, newline="", encoding="utf-8-sig") as file:
            for number, cells in enumerate(csv.reader(file), 1):
                if number > max(after, 1):
                    yield Row(number, tuple(cells))


@dataclass(frozen=True)
class Refused:
    row: Row
    error: str
    fields: Mapping[str, str]
    hint: str = ""


@dataclass(frozen=True)
class Body:
    row: Row
    values: dict[str, Any]
    needs_lookup: bool = False


@dataclass(frozen=True)
class _Column:
    number: int
    title: str
    field: str


class Plan:
    kept: Any = None

    def __init__(self, table: Table, kind: Kind, options: Options) -> None:
        fields = [options.map.get(title, title if title in kind.taken else f"custom.{title}") for title in table.titles]
        self.columns = [_Column(n, t, f) for n, (t, f) in enumerate(zip(table.titles, fields, strict=True), 1)]
        self.notes: Sequence[str] = ()

    def body(self, row: Row) -> Body | Refused:
        body: dict[str, Any] = {}
        for column, cell in zip(self.columns, row.cells, strict=False):
            if column.field.startswith("custom.") and cell:
                body.setdefault("custom", {})[column.field.removeprefix("custom.")] = cell
            elif column.field and cell:
                body[column.field] = cell
        return Body(row, body)

    def resolve(self, tx: Tx, crm: Crm, body: Body) -> dict[str, Any]:
        return body.values


@dataclass(frozen=True)
class Source:
    """A file that is read by its mapping."""

    table: Table
    plan: Plan
    kind: Kind
    mode: str

    @property
    def columns(self) -> list[Column]:
        return [Column(each.number, each.title, each.field) for each in self.plan.columns]


async def opened(
    call: Call, path: Path, name: str, content_type: str, options: Options, asker: Asker, kept: Any = None
) -> Source:
    """Return the file with its mapping; raises `invalid_file`, and what is wrong with the options.

    `kept` is what the mapping keeps of an earlier reading of the whole file.
    """
    kind = call.crm.kinds.by_word[options.kind]
    await call.read(indexes.declared, call.actor.workspace_id, kind.name)

    def work() -> Source:
        table = Table(path)
        return Source(table, Plan(table, kind, options), kind, options.mode)

    return await asyncio.to_thread(work)
