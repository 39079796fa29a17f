"""A database of every released schema becomes what a fresh one is, with all that it held, and can be worked with."""

import hashlib
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.backup import checking
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS, Migration, schema
from tests.kinds import COMPANY, DEAL
from tests.storage.desk import desk
from tests.storage.sqlite.migrations import released

EMPTIED = {"confirmations"}  # by a migration: whoever holds one asks again
OF_ACTIVITIES = {"last_contacted_at", "contacts_made"}  # a database that has none yet differs in these
RELEASED = Path(__file__).parents[3] / "golden" / "released.txt"


def content(connection: Connection, tables: list[str]) -> dict[str, list[dict[str, object]]]:
    """Return the rows of tables."""
    found = {}
    for table in tables:
        columns = [name for _, name, *_ in connection.execute(f'PRAGMA table_xinfo("{table}")').fetchall()]
        rows = connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall()
        found[table] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


@pytest.mark.slow
def test_every_released_database_is_migrated_to_what_a_fresh_one_is(tmp_path: Path) -> None:
    prepare(tmp_path / "fresh")
    migrate.run(tmp_path / "fresh" / FILE, connect)
    with closing(connect(tmp_path / "fresh" / FILE, False)) as connection:
        fresh = schema.of(connection)
    made = list(released.databases(tmp_path / "released"))
    with closing(connect(made[-1] / FILE, False)) as connection:
        newest = content(connection, released.tables(connection))
        assert all(newest.values())
    for done, folder in enumerate(made, start=1):
        with closing(connect(folder / FILE, False)) as connection:
            assert migrate.version(connection) == done
            held = [table for table in released.tables(connection) if table not in EMPTIED]
        assert migrate.run(folder / FILE, connect) == [migration.name for migration in MIGRATIONS[done:]]
        with closing(connect(folder / FILE, True)) as connection:
            assert schema.of(connection) == fresh
            assert checking.fault(connection) is None
            for table, rows in content(connection, held).items():
                skipped = set() if "activities" in held else OF_ACTIVITIES
                for row, wanted in zip(rows, newest[table], strict=True):
                    differs = {name for name in wanted if row[name] != wanted[name]}
                    assert differs <= skipped, f"{table}, from version {done}"
        assert sorted(path.name for path in folder.glob("*.db")) == (
            [f"crmkit-before-{done + 1:04d}.db", FILE] if done < len(made) else [FILE]
        )


@pytest.mark.slow
def test_an_old_database_that_was_migrated_can_be_worked_with(tmp_path: Path) -> None:
    made = list(released.databases(tmp_path / "released"))
    for done in {8, 20, 30, len(made)}:
        folder = tmp_path / str(done)
        shutil.copytree(made[done - 1], folder)
        with desk(folder) as back:
            alice = back.person()
            assert alice.workspace_id == released.IDS["workspaces"]
            back.index()
            (jane,) = back.find(alice).records
            assert (jane.name, jane.email) == ("Jane Doe", "jane@example.com")
            assert back.change(alice, jane, name="Jane Kelly").version == jane.version + 1
            assert [found.id for found in back.find(alice, ("search", "kelly")).records] == [jane.id]
            back.save(alice, name="Ann")
            assert [len(back.find(alice, kind=kind).records) for kind in (COMPANY, DEAL)] == [1, 1]
        with closing(connect(folder / FILE, True)) as connection:
            assert checking.fault(connection) is None


def digest(migration: Migration) -> str:
    return hashlib.sha256("\n".join(migration.statements).encode()).hexdigest()[:16]


@pytest.mark.golden
def test_a_released_migration_keeps_its_statements() -> None:
    """`make golden` adds what is new; a line that no longer holds is red until it is taken out by hand."""
    found = {migration.name: digest(migration) for migration in MIGRATIONS}
    lines = RELEASED.read_text().splitlines() if RELEASED.exists() else []
    kept = {name: own for own, _, name in (line.partition(" ") for line in lines)}
    if os.environ.get("UPDATE_GOLDEN"):
        kept = {name: kept.get(name, own) for name, own in found.items()}
        RELEASED.write_text("".join(f"{own} {name}\n" for name, own in kept.items()))
    assert kept == found, "a database that has it already would differ: write a new migration"
