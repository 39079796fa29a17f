"""A PostgreSQL of the bench: it keeps the data sets in the cache, and gives each server a database of its own."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.data import filled
from bench.data.dataset import Dataset, cache
from tests.postgres import running

# as an operator sets it: what is answered is on the disk
OPTIONS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "shared_preload_libraries": "pg_stat_statements",
}


@contextmanager
def kept() -> Iterator[str]:
    """Run the server of the cache until the block ends; yields its connection string. Raises SystemExit without one."""
    with running(OPTIONS, _home()) as server:
        yield server


def database(server: str, made: Dataset, ends: ExitStack) -> str:
    """Return the URL of a new database that holds the data until all ends."""
    name = f"run_{os.getpid()}_{made.contacts}"
    url = filled.fresh(server, made, name)
    ends.callback(filled.drop, server, name)
    return url


def _home() -> Path:
    """Return the folder of its files; the user postgres, under whom it runs for root, may see no home of others."""
    if os.geteuid() != 0:
        return cache() / "postgres"
    return Path("/var", "tmp") / f"crmkit-bench-{hashlib.sha256(str(cache()).encode()).hexdigest()[:8]}"
