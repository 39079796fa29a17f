"""All that a folder holds is copied into PostgreSQL and back, and a server there answers as the one before."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.operate import copying, doctor
from crmkit.operate.copying import Copied, Place
from crmkit.settings import Settings
from crmkit.storage import secret
from crmkit.storage.interface.database import InUse, Newer, Unusable
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests import postgres
from tests.house import ALICE, UNLIMITED, Person, house, run, settings_of
from tests.storage.desk import desk
from tests.storage.sqlite.backup.installation import CONTENT, UPLOAD, with_upload
from tests.teams.filling import filled
from tests.teams.office import enter, new, office

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

NOW = "2026-06-10T09:00:00Z"
WORDS = ("marmalade", "rhubarb", "custard")
READS = (
    *("/contacts?limit=100", "/contacts?sort=name&limit=3", "/companies", "/deals?sort=-updated_at", "/tasks"),
    *("/contacts?search=marmalade", "/contacts?search=marmelade", "/search?q=rhubarb", "/campaigns", "/tickets"),
    *("/contacts?custom.marmalade=marmalade", "/audit?limit=100", "/webhooks", "/views", "/fields", "/duplicates"),
    *("/reminders", "/workspaces", "/tokens", "/links", "/proposals", "/scoring-rules", "/pipelines/deals"),
)


def of_folder(folder: Path) -> Settings:
    return settings_of(CRMKIT_SERVER_DATA=str(folder))


def of_database(folder: Path) -> Settings:
    return settings_of(**postgres.environ(folder))


def here(folder: Path) -> Place:
    """Return the place of the data in a folder."""
    return copying.place_of(of_folder(folder), SQLITE)


def there(folder: Path) -> Place:
    """Return the place of the data in the PostgreSQL that belongs to a folder, which has the key."""
    return copying.place_of(of_database(folder), postgres.brand(folder))


def copied(source: Place, target: Place, note: Callable[[str], None] = print) -> list[Copied]:
    found = [*copying.copy(source, target, boot.KINDS, NOW, note)]
    copying.index(target, boot.KINDS, NOW)
    assert all(table.is_equal for table in found)
    return found


@contextmanager
def at_the_desk(folder: Path, name: str = "Jane") -> Iterator[None]:
    """Have a folder with a contact, served until the block ends."""
    with house(folder, {**UNLIMITED, "CRMKIT_SERVER_DATA": str(folder)}) as home, home.sign_in(ALICE) as alice:
        alice.post("/contacts", json={"name": name})
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a contact."""
    with at_the_desk(tmp_path / "folder"):
        pass
    return tmp_path / "folder"


def rows_in(place: Place, table: str) -> int:
    with place.brand.whole(place.folder) as source:
        (count,) = source.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    found: int = count
    return found


def is_empty(place: Place) -> bool:
    return not rows_in(place, "users") and not (place.folder / secret.FILE).exists()


def test_a_server_on_the_copy_answers_as_the_one_before_and_all_is_the_same_again_in_a_folder(tmp_path: Path) -> None:
    folder, database, back = tmp_path / "folder", tmp_path / "database", tmp_path / "back"
    with office(folder, {"CRMKIT_SERVER_DATA": str(folder)}) as home:
        alice = enter(home, ALICE)
        inside = filled(home, alice, workspace := new(alice, "/workspaces", name="Full"), WORDS)
        old = inside.json_of("POST", "/contacts", {"name": "June"})
        operation = inside.json_of("PATCH", f"/contacts/{old['id']}", {"name": "July"})["operation"]
        home.rested()
        before = [inside.text("GET", path).replace(home.url, "") for path in READS]
        token, clock = inside.token, home.clock
    head = boot.verify_log(of_folder(folder)).head  # seals all of it
    first = copied(here(folder), there(database))
    empty = {table.table for table in first if not table.rows}
    assert empty <= {"audit_ends", "signins", "grants", "erasures", "unpaired", "unfilled"}, empty

    verdict = boot.verify_log(of_database(database), head)
    assert (verdict.head, verdict.all_faults) == (head, 0)
    archives = [
        boot.export_workspace(settings, workspace, tmp_path / "archive").hash
        for settings in (of_folder(folder), of_database(database))
    ]
    assert archives[0] == archives[1]
    found = [*doctor.examine(of_database(database), postgres.brand(database), boot.KINDS)]
    assert {each.name for each in found if not each.good} <= {"durability"}

    second = copied(there(database), here(back))
    assert second == first
    assert [each.line for each in doctor.examine(of_folder(back), SQLITE, boot.KINDS) if not each.good] == []

    with house(database, UNLIMITED, clock) as home, Person(home.url, token, ALICE) as person:
        after = [person.text("GET", path).replace(home.url, "") for path in READS]
        for path, was, now in zip(READS, before, after, strict=True):
            assert now == was, path
            assert not was.startswith("ERROR"), path
        undone = person.post(f"/undo/{operation}")
        assert undone.status_code == 200, undone.text
        assert person.json_of("GET", f"/contacts/{old['id']}")["name"] == "June"
        assert person.post("/contacts", json={"name": "August"}).status_code == 201


def test_numbers_keep_all_their_digits_where_the_database_would_round_them(folder: Path, tmp_path: Path) -> None:
    latitude = 47.12345678901234
    with closing(connect(folder / FILE, True)) as connection:
        connection.execute("UPDATE contacts SET latitude = ?", (latitude,))
    place = there(tmp_path / "database")
    with psycopg.connect(postgres.url(tmp_path / "database"), autocommit=True) as one:
        one.execute(f'ALTER DATABASE "{one.info.dbname}" SET extra_float_digits = 0')
    first = copied(here(folder), place)
    assert copied(place, here(tmp_path / "back")) == first
    for each in (place, here(tmp_path / "back")):
        with each.brand.whole(each.folder) as source:
            assert source.connection.execute("SELECT latitude FROM contacts").fetchone() == (latitude,)


def test_values_of_declared_keys_are_the_same_numbers_and_texts_in_both(folder: Path, tmp_path: Path) -> None:
    values = [-3, 0, 2.5, 5.0, 5, 1e17, 1e300, -1e-7, 2**62, "", "5", "a", "ä", "Z", 'q"\\']
    with closing(connect(folder / FILE, True)) as connection:
        for place, value in enumerate(values):
            connection.execute("INSERT INTO custom_values VALUES ('ws_1', 1, ?, ?, 1, '')", (value, str(place)))
    first = copied(here(folder), there(tmp_path / "database"))
    assert copied(there(tmp_path / "database"), here(tmp_path / "back")) == first
    with closing(connect(tmp_path / "back" / FILE, False)) as connection:
        found = connection.execute("SELECT value FROM custom_values ORDER BY CAST(id AS INTEGER)").fetchall()
    assert [value for (value,) in found] == values


def test_both_brands_copy_the_same_tables(folder: Path, tmp_path: Path) -> None:
    with here(folder).brand.whole(folder) as one, postgres.brand(tmp_path / "x").whole(tmp_path) as other:
        tables = [*one.tables()]
        assert [*other.tables()] == tables, "a table of one brand alone is to be named in whole.py of that brand"
        names = {name for (name,) in one.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    of_search = {name for name in names if "_search" in name or name.startswith("search_") or name.endswith("_texts")}
    left_out = {name for name in names - of_search if not name.endswith("_unindexed")} - {each.name for each in tables}
    assert left_out == {"migrations", "sqlite_sequence"}


def test_numbers_of_workspaces_that_are_gone_are_given_to_no_other(folder: Path, tmp_path: Path) -> None:
    with closing(connect(folder / FILE, True)) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 41 WHERE name = 'workspaces'")
    database, back = tmp_path / "database", tmp_path / "back"
    copied(here(folder), there(database))
    copied(there(database), here(back))
    with closing(connect(back / FILE, False)) as connection:
        assert connection.execute("SELECT seq FROM sqlite_sequence").fetchall() == [(41,)]
    with desk(database) as desk_there:
        desk_there.person("bob@example.com")
        numbers = desk_there.do(
            desk_there.database.read(None, lambda connection: connection.execute("SELECT max(number) FROM workspaces"))
        )
        assert numbers.fetchone() == (42,)


def test_a_target_that_holds_something_is_refused_and_stays_as_it_was(folder: Path, tmp_path: Path) -> None:
    database = tmp_path / "database"
    database.mkdir()
    (database / secret.FILE).write_text(secret.text(folder))
    with desk(database) as back:
        back.person("bob@example.com")
    for source, target in ((here(folder), there(database)), (there(database), here(folder))):
        with pytest.raises(Unusable, match=r"holds data already \(rows of .*name another"):
            copied(source, target)
        assert rows_in(target, "users") == 1


def test_a_target_that_is_served_is_refused_and_a_source_that_is_served_is_told_of(
    folder: Path, tmp_path: Path
) -> None:
    with (
        house(tmp_path / "database", UNLIMITED),
        pytest.raises(InUse, match="a server runs on this database: stop it first"),
    ):
        copied(here(folder), Place(postgres.brand(tmp_path / "database"), tmp_path / "files", "there"))
    with at_the_desk(tmp_path / "served"):
        served = here(tmp_path / "served")
        notes = list[str]()
        copied(served, there(tmp_path / "beside"), notes.append)
        assert notes == [f"a server runs on {served.shown}: what it writes from now on is not copied"]
    assert rows_in(there(tmp_path / "beside"), "contacts") == 1


def test_a_row_that_the_target_refuses_is_named_and_nothing_is_left_there(folder: Path, tmp_path: Path) -> None:
    with closing(connect(folder / FILE, True)) as connection:
        connection.execute("UPDATE contacts SET notes = 'a' || char(0)")
    database = there(tmp_path / "database")
    with pytest.raises(Unusable, match="a row of contacts is refused: .*0x00"):
        copied(here(folder), database)
    assert is_empty(database)
    with closing(connect(folder / FILE, True)) as connection:
        connection.execute("UPDATE contacts SET notes = NULL")
    copied(here(folder), database)
    assert rows_in(database, "contacts") == 1


def test_a_copy_that_is_broken_off_leaves_nothing_and_can_be_begun_again(folder: Path, tmp_path: Path) -> None:
    with_upload(folder)
    database = there(tmp_path / "database")
    begun = copying.copy(here(folder), database, boot.KINDS, NOW, print)
    while next(begun).table != "users":
        pass
    begun.close()
    assert is_empty(database)
    copied(here(folder), database)
    assert not is_empty(database)
    assert secret.read(database.folder) == secret.read(folder)
    file = database.folder / "uploads" / UPLOAD
    assert file.read_bytes() == CONTENT
    assert {each.stat().st_mode & 0o777 for each in (database.folder / secret.FILE, file)} == {0o600}


def test_a_database_that_cannot_be_reached_or_has_no_schema_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand_of

    away = Place(brand_of("postgresql://nobody@127.0.0.1:1/none"), tmp_path / "files", "away")
    for source, target in ((here(folder), away), (away, here(tmp_path / "new"))):
        with pytest.raises(Unusable, match="^the database cannot be reached: ") as raised:
            copied(source, target)
        assert "\n" not in str(raised.value)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "files").exists()
    postgres._admin("CREATE DATABASE test_bare TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    try:
        bare = Place(brand_of(postgres.url_of("test_bare")), tmp_path / "files", "bare")
        with pytest.raises(Unusable, match="bare does not have the schema of this crmkit: run `crmkit migrate`"):
            copied(bare, here(tmp_path / "new"))
        assert not (tmp_path / "new").exists()
        copied(here(folder), bare)
        assert rows_in(bare, "contacts") == 1
    finally:
        postgres._admin("DROP DATABASE test_bare")


def test_the_key_of_another_server_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / secret.FILE).write_text("00" * 32)
    with pytest.raises(Unusable, match="is the key of another server"):
        copied(here(folder), there(tmp_path / "database"))
    assert (tmp_path / "database" / secret.FILE).read_text() == "00" * 32
    assert rows_in(there(tmp_path / "database"), "users") == 0


def test_a_copy_takes_the_key_that_the_database_belongs_to_and_no_other(folder: Path, tmp_path: Path) -> None:
    source = there(tmp_path / "database")
    copied(here(folder), source)
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.mkdir()
    (wrong / secret.FILE).write_text("00" * secret.SIZE)
    with pytest.raises(Unusable, match=r"is another key than that of the database: .*`crmkit copy`: --files"):
        copied(Place(source.brand, wrong, "wrong"), here(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    right.mkdir()
    (right / secret.FILE).write_text(secret.text(folder))
    copied(Place(source.brand, right, "right"), here(tmp_path / "new"))
    assert secret.text(tmp_path / "new") == secret.text(folder)


def test_a_table_of_somebody_else_is_no_part_of_a_copy_and_a_column_of_theirs_is_named(
    folder: Path, tmp_path: Path
) -> None:
    notes = (
        "CREATE TABLE my_notes (a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b timestamptz)",
        "CREATE INDEX my_notes_by_b ON my_notes (b)",
        "INSERT INTO my_notes (b) VALUES (now())",
    )
    with postgres.by_hand(tmp_path / "database") as connection:
        for sql in notes:
            connection.execute(sql)
    first = copied(here(folder), there(tmp_path / "database"))
    assert "my_notes" not in {table.table for table in first}
    assert copied(there(tmp_path / "database"), here(tmp_path / "back")) == first
    with postgres.by_hand(tmp_path / "database") as connection:
        assert connection.execute("SELECT a FROM my_notes").fetchall() == [(1,)]
        assert connection.execute("SELECT to_regclass('my_notes_by_b') IS NOT NULL").fetchall() == [(True,)]
        connection.execute("ALTER TABLE contacts ADD COLUMN mine timestamptz")
    with pytest.raises(Unusable, match=r"contacts\.mine is no column of crmkit's, and of type timestamptz: drop it"):
        copied(there(tmp_path / "database"), here(tmp_path / "new"))


def test_a_database_of_a_newer_crmkit_is_copied_by_that_one(folder: Path, tmp_path: Path) -> None:
    copied(here(folder), there(tmp_path / "database"))
    with postgres.by_hand(tmp_path / "database") as connection:
        connection.execute("INSERT INTO migrations (number, name, applied_at, needs) VALUES (9999, 'x', '', 0)")
    with pytest.raises(Newer, match="at version 9999, .*: copy by the newer crmkit"):
        copied(there(tmp_path / "database"), here(tmp_path / "back"))


@pytest.mark.slow
def test_the_command_prints_a_line_for_each_table_and_shows_no_password(folder: Path, tmp_path: Path) -> None:
    url = postgres.url(tmp_path / "database").replace("postgresql://postgres@", "postgresql://postgres:secret@")
    done = run("copy", "--from", "folder", "--to", url, "--files", "folder", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"activity_addresses  0 rows  [0-9a-f]{64}  equal", lines[0])
    assert any(re.fullmatch(r"contacts  1 rows  [0-9a-f]{64}  equal", line) for line in lines)
    assert lines[-2].startswith("copied folder to postgresql://postgres@/")
    again = run("copy", "--from", "folder", "--to", url, "--files", "folder", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("crmkit: postgresql://postgres@/")
    assert "secret" not in done.stdout + again.stderr
    other = run("copy", "--from", "mysql://x/y", "--to", "new", cwd=tmp_path)
    assert other.returncode == 1
    assert "starts with postgresql://" in other.stderr


def test_a_target_that_does_not_hold_the_same_is_told_by_its_tables_and_keeps_nothing(
    folder: Path, tmp_path: Path
) -> None:
    database = there(tmp_path / "database")
    with psycopg.connect(postgres.url(tmp_path / "database"), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN NEW.timezone := 'Mars/Olympus'; RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER spoil BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION spoil()")
    lines = list[str]()
    with pytest.raises(Unusable, match="does not hold the same in users, so nothing was kept there"):
        lines.extend(table.line for table in copying.copy(here(folder), database, boot.KINDS, NOW, print))
    assert is_empty(database)
