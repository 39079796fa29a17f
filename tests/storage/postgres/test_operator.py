"""What the operator does with a PostgreSQL: commands beside a server, what is refused, what is told of it."""

from pathlib import Path

import pytest

from crmkit import boot
from crmkit.core.call import Call
from crmkit.core.sealing import sealing
from crmkit.operate import doctor
from crmkit.settings import SettingsError
from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests import postgres
from tests.house import ALICE, BOB, UNLIMITED, house, process, run, settings_of
from tests.storage.desk import desk
from tests.teams.filling import filled
from tests.teams.office import enter, new, office

needs_server = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


def test_a_url_of_another_database_is_refused_with_what_is_taken() -> None:
    with pytest.raises(SettingsError, match="starts with postgresql://, not with mysql://"):
        boot.brand_of(settings_of(CRMKIT_SERVER_DATA="mysql://localhost/crmkit"))


def test_a_server_on_a_database_elsewhere_makes_no_backups_by_itself(tmp_path: Path) -> None:
    data = {"CRMKIT_SERVER_DATA": "postgresql://localhost/none", "CRMKIT_SERVER_FILES": str(tmp_path)}
    with pytest.raises(SettingsError, match="leave it at 0"):
        boot.serve(settings_of(**data, CRMKIT_BACKUP_EVERY_HOURS="1"), "")


@needs_server
@pytest.mark.slow
def test_a_server_says_at_its_start_that_this_is_experimental(tmp_path: Path) -> None:
    with process(tmp_path / "data") as served:
        assert "PostgreSQL is experimental: docs/growing.md says what was tested" in served.printed()
        assert served.stop() == 0


@needs_server
def test_backup_and_restore_name_the_programs_that_do_it(tmp_path: Path) -> None:
    backup, restore = (run(verb, "file", "--data", "data", cwd=tmp_path) for verb in ("backup", "restore"))
    assert (backup.returncode, restore.returncode) == (1, 1)
    assert "pg_dump" in backup.stderr
    assert "psql" in restore.stderr
    assert not (tmp_path / "file").exists()


@needs_server
def test_a_repair_is_refused_beside_a_server_and_a_server_beside_a_repair(tmp_path: Path) -> None:
    brand, folder = postgres.brand(tmp_path / "data"), tmp_path / "data"
    with house(folder):
        assert brand.is_served(folder)
        with pytest.raises(InUse, match="a server runs"), brand.alone(folder):
            pass
    assert not brand.is_served(folder)
    with brand.alone(folder) as run_next:
        run_next(lambda tx: None, ANYWHERE, "2026-06-10T09:00:00Z")
        with pytest.raises(InUse, match="a repair runs"), desk(folder):
            pass


@needs_server
def test_the_doctor_finds_all_that_is_kept_as_the_records_have_it_and_repairs_what_is_not(tmp_path: Path) -> None:
    settings, brand = settings_of(**postgres.environ(tmp_path / "data")), postgres.brand(tmp_path / "data")

    def bad() -> dict[str, str]:
        found = [*doctor.examine(settings, brand, boot.KINDS)]
        assert {"counts", "derived", "search", "audit"} < {each.name for each in found}
        return {each.name: each.what for each in found if not each.good and each.name != "durability"}

    with office(tmp_path / "data") as home:
        alice = enter(home, "alice@example.com")
        filled(home, alice, new(alice, "/workspaces", name="Full"), ("marmalade", "rhubarb", "custard"))
        home.do(sealing.seal_all(Call(home.crm)))
        assert bad() == {}

    def spoil(*statements: str) -> None:
        with brand.alone(tmp_path / "data") as run_next:
            for sql in statements:
                run_next(lambda tx, sql=sql: tx.connection.execute(sql).rowcount, ANYWHERE, "2026-06-10T09:00:00Z")

    spoil("UPDATE counts SET live = live + 1 WHERE kind = 'contacts'", "DELETE FROM contacts_texts")
    assert bad().keys() == {"counts", "search"}
    assert doctor.repair(settings, brand, boot.KINDS).wrong
    assert bad() == {}
    spoil("UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(last_seq) FROM audit_seals)")
    assert "was changed" in bad()["audit"]


@needs_server
def test_an_account_that_is_disabled_is_refused_with_the_next_request(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED) as running, running.sign_in(ALICE), running.sign_in(BOB) as bob:
        assert bob.get("/whoami").status_code == 200
        for verb, status in (("disable", 401), ("enable", 200)):
            done = run("users", verb, BOB, "--data", "data", cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert bob.get("/whoami").status_code == status


@needs_server
def test_the_figures_name_the_database_and_its_size(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED) as running, running.sign_in(ALICE):
        gauges = running.crm.database.gauges

        async def told() -> tuple[str, int]:
            found = gauges()
            return found.version, found.size

        version, size = running.do(told())
        assert version.startswith("PostgreSQL ")
        assert size > 1_000_000
        assert running.visitor().get("/metrics").status_code == 200
        assert running.visitor().get("/doctor").status_code == 200


@needs_server
def test_a_pending_schema_is_told_before_it_is_made(tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand

    postgres._admin("CREATE DATABASE test_pending TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    try:
        other = brand(postgres.url_of("test_pending"))
        assert other.pending(tmp_path).names == [f"{len(MIGRATIONS):04d} baseline"]
        assert other.migrate(tmp_path) == [f"{len(MIGRATIONS):04d} baseline"]
        assert other.pending(tmp_path).names == []
        with other.alone(tmp_path) as run_next:
            sql = "UPDATE migrations SET number = 1"
            run_next(lambda tx: tx.connection.execute(sql).rowcount, ANYWHERE, "2026-06-10T09:00:00Z")
        with pytest.raises(Unusable, match="has no steps"):
            other.pending(tmp_path)
    finally:
        postgres._admin("DROP DATABASE test_pending WITH (FORCE)")
