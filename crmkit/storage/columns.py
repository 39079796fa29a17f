"""The columns of a kind's table, by their declaration, and how a row is selected."""

from functools import cache, lru_cache

from crmkit.model.form import Field
from crmkit.model.record import Kind


@cache
def stored(kind: Kind) -> tuple[Field, ...]:
    """Return the fields in the order in which the kind's record class is built."""
    return tuple(kind.by_name[name] for name in kind.members)


@lru_cache(256)
def packed(kind: Kind, names: tuple[str, ...], table: str = "r.") -> str:
    """Return the SELECT list of rows that are packed: a JSON array of the id and these fields, and the row's number."""
    fields = [kind.by_name[name] for name in ("id", *names)]
    columns = [(f"{table}{quoted(field.name)}", field.type.structured) for field in fields]
    parts = [f"json({column})" if structured else column for column, structured in columns]
    return f"json_array({', '.join(parts)}) AS row, {table}seq"


@cache
def whole(kind: Kind) -> str:
    """Return the same of all fields, in the order in which the kind's record class is built."""
    return packed(kind, kind.members[1:])


@cache
def returned(kind: Kind) -> str:
    """Return `whole` as the RETURNING list of an UPDATE, which knows no other name of its table."""
    return packed(kind, kind.members[1:], table="")


def table_columns(kind: Kind) -> list[tuple[str, str]]:
    """Return name and SQL type of every column that the kind's declaration asks its table to have."""
    found = [("seq", "INTEGER"), ("workspace_id", "TEXT")]
    for field in stored(kind):
        found.append((field.name, field.type.column))
        if field.type.folded:
            found.append((field.compared, "TEXT"))
    return found


def quoted(column: str) -> str:
    return f'"{column}"' if column == "by" else column
