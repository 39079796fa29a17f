"""A PostgreSQL of a test's own, which it may stop, kill and replace."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests import postgres

NAME = "crmkit"  # of its database
DURABLE = {"fsync": "off", "full_page_writes": "on", "listen_addresses": "''", "max_connections": "60"}


class Cluster:
    """A server whose socket and data are in a folder; what a commit has written survives its end, not the machine's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.user: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses root
            shutil.chown(home, "postgres", "postgres")
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{NAME}?host={self.home}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs."""
        line = [postgres._programs() / program, *arguments]
        subprocess.run(
            line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.home, **self.user
        )

    def make(self) -> None:
        """Make it."""
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "-E",
            "UTF8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
            "-A",
            "trust",
            "-U",
            "postgres",
        )
        self.start()

    def empty(self) -> None:
        """Give it an empty database in place of the one that there may be."""
        self.ask(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)", name="postgres")
        made = f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
        self.ask(made, name="postgres")

    def follow(self, primary: "Cluster") -> None:
        """Make it a standby of another, which runs."""
        self.run("pg_basebackup", "-h", str(primary.home), "-U", "postgres", "-D", str(self.data), "-R", "-c", "fast")
        self.start()

    def start(self, **settings: str) -> None:
        """Start it, and return once it takes connections."""
        told = " ".join(f"-c {name}={value}" for name, value in {**DURABLE, **settings}.items())
        self._ctl("start", "-w", "-l", str(self.home / "log"), "-o", f"{told} -k {self.home}")

    def kill(self) -> None:
        """Stop it at once, as a crash does."""
        self._ctl("stop", "-w", "-m", "immediate")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._ctl("promote", "-w")

    def ask(self, sql: str, name: str = NAME) -> list[Any]:
        import psycopg

        with psycopg.connect(f"host={self.home} user=postgres dbname={name}", autocommit=True) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def _ctl(self, verb: str, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), *arguments, verb)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Yield one that is not made yet; it is stopped and removed at the end of the block."""
    home = Path(tempfile.mkdtemp(prefix="crmkit-cluster-"))
    found = Cluster(home)
    try:
        yield found
    finally:
        with suppress(subprocess.CalledProcessError):  # it does not run
            found.kill()
        shutil.rmtree(home, ignore_errors=True)
