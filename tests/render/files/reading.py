"""Our CSV, read back by the module of the standard library, and each cell by the type of its field."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from crmkit.model.cells import custom_value, unmarked
from crmkit.model.fields import Custom, FieldType, Flag, Integer, Number, Tags
from crmkit.model.record import Kind, Record
from crmkit.render import parse
from crmkit.render.files.columns import Row, keys_of
from crmkit.render.files.registry import writer
from crmkit.render.files.writer import Options


def rows_of(records: Sequence[Record], fields: Sequence[str]) -> list[list[Any]]:
    return [[getattr(record, name) for name in ("id", *fields)] for record in records]


def written(format: str, kind: Kind, rows: Sequence[Row], fields: Sequence[str] = (), **options: Any) -> bytes:
    """Return the file with these rows, which have all fields of the kind or those given, written in two batches."""
    names = tuple(fields) or kind.names[1:]
    options = {"keys": keys_of(kind, names, rows), **options}
    file = writer(format, kind, Options(names, **options))
    with closing(file):
        half = len(rows) // 2
        return b"".join([file.start(), file.rows(rows[:half]), file.rows(rows[half:]), *file.end()])


def table(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV by its titles."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def record(kind: Kind, row: dict[str, str], clean: Callable[[str], str] = unmarked) -> dict[str, Any]:
    """Return the JSON of the record in a row."""
    found: dict[str, Any] = dict.fromkeys(kind.names)
    for title, cell in row.items():
        path, content = parse.split(f"x  {title}=1")[1][0][0], clean(cell)
        if cell == "":
            continue
        if len(path) > 1:
            found[path[0]] = {**(found[path[0]] or {}), path[1]: custom_value(content)}
        else:
            found[path[0]] = value(kind.by_name[title].type, content) if title in kind.by_name else content
    return found


def value(type_: FieldType, content: str) -> Any:
    if isinstance(type_, Integer):
        return int(content)
    if isinstance(type_, Number):
        return float(content)
    if isinstance(type_, Flag):
        return {"true": True, "false": False}[content]
    if isinstance(type_, Tags) and not content.startswith("["):
        return content.split(",")
    return json.loads(content) if type_.structured and not isinstance(type_, Custom) else content
