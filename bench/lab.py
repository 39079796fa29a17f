"""The laboratory of one run: its data, its servers, and rounds that take turns."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.data.dataset import LARGE_ADMIN, MEDIUM, MEDIUM_ADMIN, Dataset, cache, dataset, is_made
from bench.data.drawn import Drawn, another
from bench.load.generators import SERIAL_TEXT, Broken, Result, Shot, chosen, fire
from bench.servers import processes
from bench.servers.processes import Server
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE

KEPT = (FILE, "secret.key")
WARM_UP = 0.5
WRITING = 2  # times as long is a round of writes: it is to hold what comes every few thousand, copying back the log


class Skip(Exception):
    """A row that cannot be measured here, and why."""


@dataclass(frozen=True)
class Plan:
    """What a run is asked for. `sizes` are the contacts of the small, the usual and the large data set."""

    rounds: int = 9
    seconds: float = 1.2
    sizes: tuple[int, ...] = ()
    loader: str = "auto"
    load: int = 100_000
    peers: bool = True
    others: tuple[int, int] | None = None  # workspaces beside the large one, and contacts of the medium one


class Lab:
    """Starts what a row asks for when it is first asked for; everything ends with the run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.loader = chosen(plan.loader)
        self.kept: dict[str, Any] = {}  # what one row measured and another needs
        self._servers: dict[str, Server] = {}
        self._folders: dict[str, Path] = {}
        self._data: dict[tuple[int, bool], Dataset] = {}
        self._postgres: str | None = None  # its connection string, once it runs
        self._urls: dict[int, str] = {}  # of its databases
        self._ends = ExitStack()

    # data

    @property
    def small(self) -> int:
        return self._size(0, "a small data set")

    @property
    def usual(self) -> int:
        return self._size(1, "the usual data set")

    @property
    def large(self) -> int:
        return self._size(2, "a third, large data set; --sizes 1000000 makes it when it is not there")

    def _size(self, place: int, what: str) -> int:
        if len(self.plan.sizes) <= place:
            raise Skip(f"needs {what}")
        return self.plan.sizes[place]

    def data(self, size: int, alone: bool = False) -> Dataset:
        """Return the data of this size, beside its many small workspaces or `alone`."""
        key = (size, alone)
        if key not in self._data:
            more = (1, 10) if alone else self.plan.others or ()
            if not is_made(size, *more):
                say(f"making the data set of {size:,} contacts in {cache()}")
            self._data[key] = dataset(size, *more)
        return self._data[key]

    def copy(self, made: Dataset, name: str) -> Path:
        """Return a folder with a copy of the data, so that the data stays as it was made."""
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        cheaply = ["--reflink=auto"] if sys.platform == "linux" else []
        for file in KEPT:
            subprocess.run(["cp", *cheaply, str(Path(made.folder) / file), str(folder)], check=True)
            with (folder / file).open("rb+") as written:
                os.fsync(written.fileno())
        return folder

    # servers

    def product(
        self, size: int, alone: bool = False, kind: str = "", environ: Mapping[str, str] | None = None
    ) -> Server:
        """Return crmkit on a copy of the data of this size, one for each `kind` of use."""
        made = self.data(size, alone)
        name = f"crmkit {size:,}{' alone' if alone else ''}{kind and f' {kind}'}"

        def start() -> Server:
            say(f"starting {name}")
            folder = self._folders[name] = self.copy(made, f"data-{len(self._folders)}")
            return processes.product(name, folder, self.log(name), environ)

        return self._kept(name, start)

    def on_postgres(self, size: int, number: int = 0, core: int | None = processes.SERVER_CORE) -> Server:
        """Return crmkit on the data of this size in PostgreSQL, the process of this number of those that share it."""
        made, name = self.data(size), f"crmkit on PostgreSQL {size:,} {number}"

        def start() -> Server:
            from bench.servers import postgres  # its driver may be missing

            if self._postgres is None:
                try:
                    self._postgres = self._ends.enter_context(postgres.kept())
                except SystemExit as missing:
                    raise Skip(str(missing)) from None
            folder = self.folder / f"postgres-{size}"
            if not folder.exists():
                say(f"making the PostgreSQL database of {size:,} contacts")
                folder.mkdir(mode=0o700)
                shutil.copy(Path(made.folder) / KEPT[1], folder)
                self._urls[size] = postgres.database(self._postgres, made, self._ends)
            say(f"starting {name}")
            environ = {"CRMKIT_SERVER_DATA": self._urls[size], "CRMKIT_SERVER_FILES": str(folder)}
            return processes.product(name, folder, self.log(name), environ, core)

        return self._kept(name, start)

    def reference(self, kind: str, environ: Mapping[str, str] | None = None) -> Server:
        return self._kept(kind, lambda: processes.reference(kind, self.log(kind), environ))

    def keep(self, name: str, server: Server) -> Server:
        """Stop this server too when the run ends."""
        self._servers[name] = server
        return server

    def log(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-').replace(',', '')}.log"

    def _kept(self, name: str, start: Any) -> Server:
        return self._servers[name] if name in self._servers else self.keep(name, start())

    def file_of(self, server: Server) -> Path:
        """Return the database that a server of ours was started on."""
        return self._folders[server.name] / FILE

    def loaded(self, size: int) -> Server:
        """Return crmkit on the data of this size as earlier rows left it."""
        name = f"crmkit {size:,}"
        if name not in self._servers:
            raise Skip(f"no row before it asked {name} anything")
        return self._servers[name]

    @property
    def medium(self) -> int:
        """The contacts of the medium workspace."""
        return self.plan.others[1] if self.plan.others else MEDIUM

    def bytes(self, size: int) -> int:
        """Return the size of the database file of this many contacts, as it was made."""
        return (Path(self.data(size).folder) / FILE).stat().st_size

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()
        self._ends.close()

    # requests

    def requests(self, name: str, lines: list[str]) -> Path:
        """Return a file of requests, one METHOD PATH [BODY] in each line."""
        file = self.folder / f"{name}.requests"
        file.write_text("\n".join(lines))
        return file

    def drawn(self, made: Dataset, column: str, medium: bool = False, most: int = 1000) -> list[str]:
        """Return what some contacts of a workspace have in this column, from all over it."""
        with closing(connect(Path(made.folder) / FILE, False)) as connection:
            workspace = self.workspace(made, medium)
            sql = "SELECT min(seq), max(seq) FROM contacts WHERE workspace_id = ?"
            first, last = connection.execute(sql, (workspace,)).fetchone()
            step = max(1, (last - first) // most)
            sql = f"SELECT {column} FROM contacts WHERE seq = ?"
            rows = [connection.execute(sql, (seq,)).fetchone() for seq in range(first, last + 1, step)]
            return [row[0] for row in rows if row and row[0]]

    def workspace(self, made: Dataset, medium: bool = False) -> str:
        with closing(connect(Path(made.folder) / FILE, False)) as connection:
            sql = "SELECT id FROM workspaces WHERE created_by = ?"
            (id,) = connection.execute(sql, (MEDIUM_ADMIN if medium else LARGE_ADMIN,)).fetchone()
            found: str = id
            return found

    @cached_property
    def creates(self) -> Path:
        """Requests that each create a contact that was never there."""
        import random

        import msgspec

        random_ = random.Random(11)
        drawn = Drawn(random_, 10**9)
        lines = []
        for number in range(3, 2003):
            body = another(drawn.contact(number, None), f"1{SERIAL_TEXT}")
            lines.append(f"POST /contacts {msgspec.json.encode(body).decode()}")
        return self.requests("creates", lines)

    # rounds

    def fire(self, shot: Shot, seconds: float = 0.0, count: int = 0) -> Result:
        usual = self.plan.seconds * (WRITING if shot.writes else 1)
        result = fire(shot, seconds or usual, self.loader, count)
        if shot.writes:
            shot.server.settle()
        return result

    def warm(self, *shots: Shot) -> None:
        if self.plan.seconds >= WARM_UP:
            for shot in shots:
                self.fire(shot, WARM_UP)

    def rounds(self, *shots: Shot, each: Callable[[int], None] | None = None) -> list[list[Result]]:
        """Return for each shot its results, one per round; all take turns in each round, after a warm-up.

        What `each` does takes its turn too.
        """
        self.warm(*shots)
        found: list[list[Result]] = [[] for _ in shots]
        for number in range(self.plan.rounds):
            if each is not None:
                each(number)
            places = list(enumerate(shots))
            for place, shot in places if number % 2 == 0 else places[::-1]:
                found[place].append(self.fire(shot))
        return found


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


@contextmanager
def run_folder() -> Iterator[Path]:
    """Yield a folder for copies and logs that goes with the run, as do those of runs that were killed."""
    runs = cache() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.iterdir():
        if not _is_alive(left.name.partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    folder = runs / f"{os.getpid()}-{time.time_ns()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


__all__ = ["Broken", "Lab", "Plan", "Shot", "Skip", "run_folder", "say"]
