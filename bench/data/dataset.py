"""`python -m bench.data.dataset SIZE`: a database with a large workspace beside many small ones, made once and kept.

Everything is written by the functions that the product's own verbs write with, in long transactions, so reads and
writes work on it as on data that came through the API: an index that is made at the end has no room in its pages, and a
create then took 13 pages of the log in place of 7.
"""

import argparse
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

import msgspec
from msgspec import structs

from bench.data.drawn import RARE, STAGES, TERM, TERM_EVERY, TODAY, Body, Drawn
from bench.kinds import ACTIVITY, COMPANY, CONTACT, DEAL, REGISTRY, TASK
from crmkit import boot, ids
from crmkit.clock import moment, stamp, system_clock
from crmkit.core import derived
from crmkit.core.crm import Crm
from crmkit.core.people import login
from crmkit.model.record import Kind, Record
from crmkit.settings import Settings, load
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.sqlite.search import indexing

RECIPE = 7  # goes up when the data that is made changes
SMALL = 1_000  # workspaces beside the large one
MEDIUM = 1_000  # contacts of one of them; the others have 10 to 50
SEED = 7
ROWS_AT_ONCE = 50_000
LOG_SPAN = timedelta(days=800)  # over which the large workspace was filled, up to TODAY

LARGE_ADMIN, MEDIUM_ADMIN = "ada@example.com", "medium@example.com"


class Dataset(msgspec.Struct, frozen=True):
    """Where the data is, the tokens of the admins of the large workspace and of one of MEDIUM contacts, and what
    searches find: `term` is in 0.5 % of the large one's contacts, `rare` in a few."""

    folder: str
    contacts: int
    token: str
    medium_token: str
    term: str = TERM
    term_times: int = 0
    rare: str = RARE
    recipe: int = RECIPE


def dataset(size: int, small: int = SMALL, medium: int = MEDIUM) -> Dataset:
    """Return the data of this size, made now unless it is there; its tokens are good for another month."""
    folder = _folder(size, small, medium)
    description = folder / "dataset.json"
    if description.exists():
        found = msgspec.json.decode(description.read_bytes(), type=Dataset)
        if found.recipe == RECIPE:
            with closing(connect(folder / FILE, True)) as connection:
                connection.execute("UPDATE tokens SET last_used_at = ?", (stamp(system_clock()),))
            return found
    shutil.rmtree(folder, ignore_errors=True)
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    token, medium_token = make(part, size, small, medium)
    found = Dataset(str(folder), size, token, medium_token, term_times=-(-size // TERM_EVERY))
    (part / "dataset.json").write_bytes(msgspec.json.encode(found))
    part.rename(folder)
    return found


def is_made(size: int, small: int = SMALL, medium: int = MEDIUM) -> bool:
    """Tell whether the data of this size is there already."""
    return (_folder(size, small, medium) / "dataset.json").exists()


def _folder(size: int, small: int, medium: int) -> Path:
    others = "" if (small, medium) == (SMALL, MEDIUM) else f"-{small}-{medium}"
    return cache() / f"{size}{others}-{len(MIGRATIONS):04d}"


def cache() -> Path:
    """Return the folder that keeps the data, outside of any checkout."""
    return Path(os.environ.get("CRMKIT_BENCH_DIR") or Path.home() / ".cache" / "crmkit-bench")


def settings_of(folder: Path | str) -> Settings:
    """Return the settings of a server on this data that no limit slows down."""
    return load(
        environ={
            "CRMKIT_SERVER_DATA": str(folder),
            "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0",
            "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "0",
        }
    )


def make(folder: Path, size: int, small: int, medium: int) -> tuple[str, str]:
    """Fill a new folder; return the tokens of the admins of the large workspace and the one of `medium` contacts."""
    crm = boot.crm_of(settings_of(folder))
    migrate.run(folder / FILE, connect)
    choice = random.Random(SEED)
    # ids and tokens come from the same seed as all else
    with closing(connect(folder / FILE, True)) as connection, patch.object(ids, "urandom", choice.randbytes):
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1048576"):
            connection.execute(f"PRAGMA {pragma}")
        for number in range(small // 2):
            _fill(connection, crm, f"small{number}@example.com", choice.randint(10, 50), choice)
        token = _fill(connection, crm, LARGE_ADMIN, size, choice)
        medium_token = _fill(connection, crm, MEDIUM_ADMIN, medium, choice)
        for number in range(small // 2, small - 1):
            _fill(connection, crm, f"small{number}@example.com", choice.randint(10, 50), choice)
        for kind in REGISTRY.searched:
            _index(connection, kind)
        connection.execute("UPDATE tokens SET last_used_at = ?", (stamp(system_clock()),))
        connection.execute("PRAGMA journal_mode = WAL")
        return token, medium_token


def _fill(connection: Connection, crm: Crm, email: str, size: int, choice: random.Random) -> str:
    """Open the workspace of a new person, fill it, and return their token."""
    stamps = _stamps(size)
    tx = Tx(connection, next(stamps))
    connection.execute("BEGIN")
    signed_in = login.sign_in(tx, crm, email, "bench")
    _Workspace(tx, size, stamps, choice).fill()
    connection.execute("COMMIT")
    return signed_in.token


def _stamps(size: int) -> Iterator[str]:
    """Yield the moment of each change in turn, evenly spread up to TODAY."""
    first = moment(TODAY) - LOG_SPAN
    step = LOG_SPAN / (4 * size + 10)
    for number in range(10**9):
        yield stamp(first + number * step)


class _Workspace:
    """One workspace on its way: companies, contacts, deals, a task for each contact, activities, changes to some."""

    def __init__(self, tx: Tx, size: int, stamps: Iterator[str], choice: random.Random) -> None:
        self._tx = tx
        self._size = size
        self._stamps = stamps
        self._choice = choice
        self._drawn = Drawn(choice, size)
        self._written = 0

    def fill(self) -> None:
        drawn, choice, size = self._drawn, self._choice, self._size
        companies = [self._insert(COMPANY, drawn.company()) for _ in range(max(1, size // 20))]
        contacts = []
        for number in range(size):
            company = choice.choice(companies) if choice.random() < 0.7 else None
            contacts.append(self._insert(CONTACT, drawn.contact(number, company)))
        deals = [self._insert(DEAL, drawn.deal(choice.choice(contacts))) for _ in range(size // 10)]
        for _ in range(size):
            self._insert(TASK, drawn.task(choice.choice(contacts)))
        for _ in range(size):
            home = choice.random()
            if home < 0.8:
                self._log(drawn.activity(), contact_id=choice.choice(contacts)[0])
            elif home < 0.95 and deals:
                id, deal = choice.choice(deals)
                self._log(drawn.activity(), deal_id=id, **{n: deal.get(n) for n in ("contact_id", "company_id")})
            else:
                self._log(drawn.activity(), company_id=choice.choice(companies)[0])
        for id, _ in choice.sample(contacts, size // 10):
            self._change(id, choice.choice(STAGES))

    def _insert(self, kind: Kind, body: Body) -> tuple[str, Body]:
        self._next()
        record = derived.put_and_follow(self._tx, REGISTRY, kind, None, kind.new(body))
        return record.id, body

    def _log(self, body: Body, **links: str | None) -> None:
        self._next()
        derived.put_and_follow(self._tx, REGISTRY, ACTIVITY, None, ACTIVITY.new({**body, **links}))

    def _change(self, id: str, stage: str | None) -> None:
        self._next()
        before = records.fetch(self._tx.connection, CONTACT, self._tx.by.workspace_id, id)
        assert isinstance(before, Record)
        records.put(self._tx, CONTACT, before, structs.replace(before, stage=stage))

    def _next(self) -> None:
        self._tx.now = next(self._stamps)
        self._tx.known.start = ids.start()  # as though each row had come alone
        self._written += 1
        if self._written % ROWS_AT_ONCE == 0:
            self._tx.connection.execute("COMMIT")
            self._tx.connection.execute("BEGIN")


def _index(connection: Connection, kind: Kind) -> None:
    """Index every text that waits, in batches of the product's own size, and merge the index as in a quiet moment."""
    tx = Tx(connection, TODAY)
    for step in (partial(indexing.index, tx, kind), partial(indexing.merge, tx, kind, is_whole=True)):
        done = True
        while done:
            connection.execute("BEGIN")
            done = bool(step())
            connection.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.data.dataset", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("size", type=lambda text: int(text.replace(",", "").replace("_", "")))
    print(msgspec.json.format(msgspec.json.encode(dataset(parser.parse_args().size)), indent=2).decode())


if __name__ == "__main__":
    main()
