"""Which SQLite this is: the one that ships with crmkit where a wheel carries it, else the interpreter's own.

SQLite 3.7.0 to 3.51.2 can lose committed rows when one connection checkpoints while another commits (the WAL-reset
bug, fixed in 3.51.3 and, on their branches, 3.50.7 and 3.44.6). The shipped one is fixed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:  # no wheel for this platform
        import sqlite3

__all__ = ["VERSION", "is_fixed", "sqlite3"]

VERSION = sqlite3.sqlite_version

# without an adapter, each None that is bound costs 1.5 µs in place of 0.2: the module looks for one in vain
sqlite3.register_adapter(type(None), {}.get)  # type: ignore[arg-type]  # which says that none may stay None


def is_fixed(version: str) -> bool:
    """Tell whether a SQLite of this version is free of the WAL-reset bug (sqlite.org/wal.html, section 11)."""
    number = tuple(int(part) for part in version.split(".")[:3])
    if number < (3, 7, 0) or number >= (3, 51, 3):
        return True
    return (3, 50, 7) <= number < (3, 51, 0) or (3, 44, 6) <= number < (3, 45, 0)
