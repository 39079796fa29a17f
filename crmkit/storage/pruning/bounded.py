"""Deletes that are bounded: a step of some milliseconds, whatever has gathered."""

from typing import Any

from crmkit.storage.interface.tx import Tx

AT_ONCE = 200  # rows that one statement drops
FEW = 20  # things that a step drops by statements of their own


def limited(table: str, key: str, where: str) -> str:
    """Return the condition of a statement that meets up to AT_ONCE of the rows of which `where` is true."""
    return f"({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT {AT_ONCE})"


def dropped(tx: Tx, sql: str, *args: Any) -> bool:
    """Run such a statement, and tell whether some may be left."""
    return bool(tx.connection.execute(sql, args).rowcount >= AT_ONCE)
