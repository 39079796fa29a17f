"""Steps from older schemas: what they make, who does them, what is left where one is killed."""

import asyncio
import re
from pathlib import Path

import pytest

from crmkit.storage.interface.database import Newer, Unusable
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.sqlite.migrations.migration import index, logged, searchable, table
from tests import postgres

pytest.importorskip("psycopg", reason="its driver is an extra")

from crmkit.storage.postgres import migrate, schema
from crmkit.storage.postgres.brand import postgres as brand
from crmkit.storage.postgres.schema import Step, step_of
from tests.storage.postgres import written
from tests.storage.postgres.steps.stepping import as_of, catalogue, connected, database, steps_from, with_steps

needs_server = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

BASELINE = 50  # the schema of the first release that knew this brand
OLDEST = 44  # whose migrations since then are such as its steps may be
NOW = schema.newest().number
# what adds to a schema
ADDS = re.compile(
    r"CREATE TABLE |CREATE (UNIQUE )?INDEX |CREATE TRIGGER |INSERT |UPDATE |DELETE |"
    r"ALTER TABLE \S+ ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))"
)
STEP = Step(
    NOW + 1,
    "lamps",
    ("CREATE TABLE lamps (id text PRIMARY KEY)", "ALTER TABLE contacts ADD COLUMN lamp text"),
    ("CREATE INDEX CONCURRENTLY contacts_by_lamp ON contacts (workspace_id, lamp)",),
)


@pytest.mark.golden
@pytest.mark.parametrize("number", range(BASELINE + 1, len(MIGRATIONS) + 1))
def test_each_migration_has_its_step(number: int) -> None:
    file = Path(schema.__file__).parent / "steps" / f"{number:04d}.sql"
    if not file.exists():
        file.write_text(written.step_sql(number, MIGRATIONS[number - 1]), encoding="utf-8")
    step = step_of(file.read_text(encoding="utf-8"))
    assert step.number == number
    if not step.needs:  # then programs of the version before serve beside it
        assert [sql for sql in step.statements if not ADDS.match(sql)] == []


def test_a_step_follows_from_what_a_migration_says() -> None:
    columns = ("title TEXT NOT NULL", "size INTEGER", "contact_id TEXT")
    made = (table("lamps", columns, {"contact_id": "contacts"}), index("lamps", "size"), *searchable("lamps"))
    migration = MIGRATIONS[0].__class__("lamps", (*made, *logged("lamp"), index("deals", "size", is_partial=True)))
    step = step_of(written.step_sql(51, migration))
    assert step.title == "0051 lamps"
    assert step.statements[0].startswith('CREATE TABLE "lamps" (seq bigint PRIMARY KEY, workspace_id text COLLATE "C"')
    assert [re.sub(r" [(U].*", "", sql) for sql in step.statements[1:]] == [
        'CREATE INDEX "lamps_by_size" ON "lamps"',
        "CREATE TABLE lamps_texts",
        "CREATE INDEX lamps_texts_by_text ON lamps_texts",
        "CREATE INDEX lamps_texts_by_title ON lamps_texts",
        "CREATE INDEX lamps_texts_waiting ON lamps_texts",
        'ALTER TABLE activities ADD COLUMN "lamp_id" text COLLATE "C"',
    ]
    assert [re.sub(r" ON.*", "", sql) for sql in step.indexes] == [
        'CREATE INDEX CONCURRENTLY "activities_by_lamp"',
        'CREATE INDEX CONCURRENTLY "deals_by_size"',
    ]
    assert [sql for sql in step.statements if not ADDS.match(sql)] == []


@needs_server
def test_a_database_made_at_an_older_number_and_stepped_equals_a_new_one(tmp_path: Path) -> None:
    steps = steps_from(OLDEST)
    assert steps[-1].number == len(MIGRATIONS)
    made = schema.newest()
    made = schema.Schema(len(MIGRATIONS), made.statements, made.functions, steps)
    with database("older") as older, database("newest") as new:
        assert migrate.run(older, as_of(OLDEST, tmp_path)) == [f"{OLDEST:04d} baseline"]
        titles = migrate.pending(older, made)
        assert titles == [step.title for step in steps]
        applied = migrate.run(older, made)
        assert applied[: len(titles)] == titles
        assert {each.split()[1] for each in applied[len(titles) :]} == {
            sql.split()[3].strip(chr(34)) for step in steps for sql in step.indexes
        }
        assert migrate.pending(older, made) == []
        migrate.run(new)
        assert catalogue(older) == catalogue(new)
        with connected(older) as connection:
            rows = connection.execute("SELECT number FROM migrations ORDER BY number").fetchall()
        assert rows == [(number,) for number in range(OLDEST, len(MIGRATIONS) + 1)]


@needs_server
def test_of_many_that_start_at_once_one_does_the_step() -> None:
    with database("many") as url:
        migrate.run(url)

        async def all_of() -> list[list[str]]:
            return await asyncio.gather(*(asyncio.to_thread(migrate.run, url, with_steps(STEP)) for _ in range(4)))

        assert sorted(asyncio.run(all_of())) == [[], [], [], [STEP.title, "index contacts_by_lamp"]]


@needs_server
def test_a_step_that_fails_leaves_nothing_and_says_why() -> None:
    broken = Step(NOW + 1, "broken", (*STEP.statements, "SELECT 1 / 0"))
    with database("broken") as url:
        migrate.run(url)
        before = catalogue(url)
        with pytest.raises(Unusable, match="division by zero"):
            migrate.run(url, with_steps(broken))
        assert catalogue(url) == before
        assert migrate.pending(url, with_steps(broken)) == [broken.title]


@needs_server
def test_an_index_that_was_not_built_to_its_end_is_built_anew() -> None:
    with database("indexes") as url:
        migrate.run(url)
        migrate.run(url, with_steps(STEP))
        with connected(url) as connection:
            connection.execute("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'contacts_by_lamp'::regclass")
        assert migrate.pending(url, with_steps(STEP)) == ["index contacts_by_lamp"]
        assert migrate.run(url, with_steps(STEP)) == ["index contacts_by_lamp"]
        assert migrate.run(url, with_steps(STEP)) == []


@needs_server
def test_a_step_waits_for_a_table_and_lets_others_pass_meanwhile(tmp_path: Path) -> None:
    with database("waits") as url, connected(url) as reader, connected(url) as other:
        migrate.run(url)

        async def told() -> None:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM contacts").fetchone()
            stepping = asyncio.create_task(asyncio.to_thread(migrate.run, url, with_steps(STEP)))
            for _ in range(4):
                done, _ = await asyncio.wait([stepping], timeout=0.5)
                assert not done
                other.execute("SET statement_timeout = 5000")
                await asyncio.to_thread(lambda: other.execute("SELECT count(*) FROM contacts").fetchone())
            reader.execute("COMMIT")
            assert await stepping == [STEP.title, "index contacts_by_lamp"]

        asyncio.run(told())


@needs_server
def test_an_older_program_uses_a_newer_database_until_a_step_needs_a_newer_one() -> None:
    dropping = Step(NOW + 2, "no lamps", ("DROP TABLE lamps",), needs=NOW + 1)
    with database("older_program") as url:
        migrate.run(url)
        migrate.run(url, with_steps(STEP))
        assert migrate.run(url) == migrate.pending(url) == []
        assert migrate.state(url) == (NOW + 1, [])
        migrate.run(url, with_steps(STEP, dropping))
        assert migrate.run(url, with_steps(STEP)) == []
        for act in (migrate.run, migrate.pending, migrate.state):
            with pytest.raises(Newer, match=f"at version {NOW + 2}, this crmkit knows {NOW}: install the newer"):
                act(url)


@needs_server
def test_the_doctor_says_which_schema_there_is_and_what_to_do(tmp_path: Path) -> None:
    def told(url: str) -> tuple[bool, str]:
        (found,) = (each for each in brand(url).examine(tmp_path) if each.name == "schema")
        return found.good, found.what

    with database("doctor") as url:
        assert told(url) == (False, f"none yet: `crmkit migrate` applies {NOW:04d} baseline")
        migrate.run(url)
        assert told(url) == (True, f"version {NOW}")
        migrate.run(url, with_steps(STEP))
        assert told(url) == (True, f"version {NOW + 1}, of a newer crmkit; this one knows {NOW} and may use it")
        migrate.run(url, with_steps(STEP, Step(NOW + 2, "no lamps", ("DROP TABLE lamps",), needs=NOW + 1)))
        is_good, what = told(url)
        assert not is_good
        assert "install the newer crmkit again" in what


@needs_server
def test_times_of_declared_keys_are_compared_by_what_they_mean() -> None:
    with database("functions") as url:
        migrate.run(url)
        with connected(url) as connection:
            sql = "SELECT crm_compared('[\"time\"]', to_json(?::text))::text"
            found = [connection.execute(sql, (text,)).fetchone()[0] for text in ("2026-06-10T09:00:00.5+02:00", "soon")]
    assert found == ['"2026-06-10T07:00:00Z"', None]
