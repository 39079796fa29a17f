"""A database that takes no writes, or is another program's: each command says so in a line, and what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.operate import doctor
from crmkit.storage.interface.database import Unusable
from tests import postgres
from tests.house import ALICE, run, settings_of
from tests.storage.desk import desk
from tests.storage.postgres.faults.cluster import Cluster, cluster
from tests.storage.postgres.steps.stepping import database

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

WRITE = (
    ("serve", "--port", "0", "--local"),
    ("token", "--email", ALICE),
    ("users", "disable", ALICE),
    ("doctor", "--repair"),
)


@pytest.fixture(scope="module")
def standby() -> Iterator[tuple[Cluster, Path]]:
    """A standby of a database on which a server has run, and the folder of its files."""
    with cluster() as primary, cluster() as other:
        primary.make()
        primary.empty()
        files = primary.home / "files"
        environ = {"CRMKIT_SERVER_DATA": primary.url, "CRMKIT_SERVER_FILES": str(files)}
        done = run("token", "--email", ALICE, cwd=primary.home, **environ)
        assert done.returncode == 0, done.stderr
        other.follow(primary)
        yield other, files


def environ_of(url: str, files: Path) -> dict[str, str]:
    return {"CRMKIT_SERVER_DATA": url, "CRMKIT_SERVER_FILES": str(files)}


@pytest.mark.parametrize("command", WRITE)
def test_what_would_write_to_a_standby_says_in_a_line_that_it_is_one(
    standby: tuple[Cluster, Path], command: tuple[str, ...], tmp_path: Path
) -> None:
    one, files = standby
    done = run(*command, cwd=tmp_path, **environ_of(one.url, files))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("crmkit: the database is a standby, which takes no writes: name its primary")


def test_a_standby_is_read_and_the_doctor_says_what_it_is(standby: tuple[Cluster, Path], tmp_path: Path) -> None:
    one, files = standby
    listed = run("users", "list", cwd=tmp_path, **environ_of(one.url, files))
    assert (listed.returncode, ALICE in listed.stdout) == (0, True)
    settings = settings_of(**environ_of(one.url, files))
    found = {each.name: each for each in doctor.examine(settings, boot.brand_of(settings), boot.KINDS)}
    assert not found["writes"].good
    assert "is a standby" in found["writes"].what
    assert found["schema"].good


@pytest.mark.parametrize("command", WRITE)
def test_what_would_write_where_a_role_may_only_read_says_so_in_a_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with desk(tmp_path / "data"):
        pass
    with postgres.by_hand(tmp_path / "data") as connection:
        ((name,),) = connection.execute("SELECT current_database()").fetchall()
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    environ = postgres.environ(tmp_path / "data")
    done = run(*command, cwd=tmp_path, **environ)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("crmkit: default_transaction_read_only is on, so the database takes no writes: set it off")
    settings = settings_of(**environ)
    found = {each.name: each for each in boot.brand_of(settings).examine(tmp_path / "data")}
    assert not found["writes"].good


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("CREATE TABLE migrations (id text)", "migrations is not as crmkit makes it"),
        ("CREATE TABLE migrations (number text, needs text)", "migrations is not as crmkit makes it"),
        ("CREATE TABLE contacts (id text)", "contacts is there already"),
        ("CREATE TABLE leases (id text)", "leases is there already"),
    ],
)
def test_a_database_of_another_program_stays_as_it_is(made: str, told: str, tmp_path: Path) -> None:
    with database("foreign") as url:
        import psycopg

        brand = boot.brand_of(settings_of(CRMKIT_SERVER_DATA=url))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(made)  # type: ignore[call-overload]
            for act in (brand.migrate, brand.pending):
                with pytest.raises(Unusable) as raised:
                    act(tmp_path)
                assert f"another program has its tables in this database: name an empty one ({told})" == str(
                    raised.value
                )
            (finding,) = (each for each in brand.examine(tmp_path) if each.name == "schema")
            assert "name an empty one" in finding.what
            tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            assert tables == (1,)
