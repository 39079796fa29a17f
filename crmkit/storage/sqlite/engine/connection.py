"""Connections to the SQLite file: one kind writes and checkpoints, the other can only read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from crmkit.model import phones
from crmkit.model.declared.types import of_form
from crmkit.model.fields import Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed, undirected
from crmkit.model.operators.circle import distance
from crmkit.model.query.buckets import bucket
from crmkit.storage.data_folder import is_read_only
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.texts import Texts
from crmkit.storage.search.texts import searched
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.progress import trial
from crmkit.storage.sqlite.search.texts import TEXTS
from crmkit.storage.sqlite.search.trigrams import coded

CACHE_KIB = 64 * 1024
MAPPED_BYTES = 64 << 30  # of the file are memory-mapped for reads: a search of a million looks at hundreds of pages
STREAM_KIB = 2 * 1024  # of cache for a stream, which reads each page once
BUSY_MS = 5_000
CHECKPOINT_PAGES = 16_000  # of the log, 64 MB: a page that changes often is copied back once
KEPT_BYTES = 64 << 20  # of the log's file, once the log begins anew


class SqliteConnection(sqlite3.Connection):
    """SQLite's own connection, with what storage asks of one beside `execute`; no call is wrapped."""

    __slots__ = ()

    dialect: ClassVar[Dialect] = DIALECT
    texts: ClassVar[Texts] = TEXTS

    def trial(self) -> AbstractContextManager[None]:
        return trial(self)


def connect(file: Path, writes: bool) -> SqliteConnection:
    """Return a connection with our settings; one that does not write can neither change nor checkpoint the file."""
    if writes:
        connection = sqlite3.connect(
            file,
            factory=SqliteConnection,
            isolation_level=None,
            cached_statements=256,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an answered write survives power loss
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")
    else:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro{_still(file)}",
            uri=True,
            factory=SqliteConnection,
            isolation_level=None,
            cached_statements=256,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.create_function("crm_fold", 1, _folded, deterministic=True)
    connection.create_function("crm_compared", 2, _compared, deterministic=True)
    connection.create_function("crm_bucket", 3, bucket, deterministic=True)
    connection.create_function("crm_distance", 4, _distance, deterministic=True)
    connection.create_function("crm_coded", 1, coded, deterministic=True)
    connection.create_function("crm_phone_key", 1, _of_text(phones.key), deterministic=True)
    connection.create_function("crm_phone_found", 1, _of_text(phones.found), deterministic=True)
    connection.create_function("crm_searched", 1, _searched, deterministic=True)
    for name, trim in (("trimmed", trimmed), ("stripped", str.strip), ("undirected", undirected)):
        connection.create_function(f"crm_{name}", 1, partial(_seen, trim), deterministic=True)
    return connection


def _still(file: Path) -> str:
    """Return what tells SQLite that nobody writes a file: a read-only file system, on which it can make no log."""
    is_still = file.parent.exists() and is_read_only(file.parent) and not file.with_name(f"{file.name}-wal").exists()
    return "&immutable=1" if is_still else ""


def connect_for_stream(file: Path) -> SqliteConnection:
    """Return a read-only connection whose memory does not grow with what it reads: nothing is mapped, little cached."""
    connection = connect(file, False)
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute(f"PRAGMA cache_size = -{STREAM_KIB}")
    return connection


def _distance(*degrees: float | None) -> float | None:
    return None if None in degrees else distance(*degrees)  # type: ignore[arg-type]


def _of_text(work: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    return lambda value: work(value) if isinstance(value, str) else None


def _folded(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value


def _compared(form: str, value: str | None) -> Any:
    """Return what a JSON value of a declared form is compared by, None for one that does not fit."""
    try:
        return None if value is None else of_form(form).compared(msgspec.json.decode(value))
    except Invalid:
        return None


def _seen(trim: Callable[[str], str], text: Any) -> Any:
    """Return a text trimmed as a field of its type is, None if nobody would see anything of it."""
    if not isinstance(text, str):
        return text
    return trim(text) if trimmed(text) else None


def _searched(values: str) -> str:
    """Return the values in a JSON array as one text of search."""
    return searched(msgspec.json.decode(values))
