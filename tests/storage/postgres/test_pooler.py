"""Behind a pooler that gives each transaction some session: pgbouncer, where it is installed."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.interface.lanes import ANYWHERE
from tests import pooler, postgres
from tests.house import UNLIMITED, Person, Process, process, run
from tests.storage.postgres.steps.stepping import database

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.skipif(pooler.PROGRAM is None, reason="pgbouncer is not installed"),
    pytest.mark.slow,
]

Two = tuple[Process, Process, dict[str, str]]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Two servers on one database, both by way of a pooler, and the settings of a third."""
    with database("pooled") as url, _pooled(postgres.SERVER, url.partition("@/")[2].partition("?")[0], tmp_path) as two:
        yield two


@contextmanager
def _pooled(server: str, name: str, folder: Path) -> Iterator[Two]:
    with pooler.pooling(server) as pooled:
        (folder / "data").mkdir(mode=0o700)
        place = {"CRMKIT_SERVER_DATA": postgres.url_of(name, pooled), "CRMKIT_SERVER_FILES": str(folder / "data")}
        settings = {**UNLIMITED, **place}
        with process(folder / "data", **settings) as one, process(folder / "data", **settings) as other:
            yield one, other, place


def test_two_servers_do_a_days_work_behind_a_pooler(two: Two, tmp_path: Path) -> None:
    one, other, place = two
    with one.sign_in() as here, Person(other.url, here.token) as there:
        for person in (here, there):
            for n in range(30):  # a statement is prepared once it came again and again
                assert person.post("/contacts", json={"name": f"Jane {n}", "rating": 2}).status_code == 201
        jane = here.json_of("POST", "/contacts", {"name": "Jane Kelason", "email": "jane@acme.com", "stage": "lead"})
        path = f"/contacts/{jane['id']}"
        assert there.patch(path, json={"stage": "customer"}, headers={"If-Match": "1"}).status_code == 200
        assert here.patch(path, json={"stage": "lost"}, headers={"If-Match": "1"}).status_code == 412
        assert there.post(f"{path}/activities", json={"kind": "call", "body": "hello"}).status_code == 201
        assert "customer" in here.text("GET", path)
        assert here.json_of("GET", "/contacts?sort=-rating&limit=5")["total"] == 61
        assert len(there.text("GET", "/contacts/export?format=csv").splitlines()) == 62
        items = [{"name": f"Joe {n}"} for n in range(50)]
        assert there.post("/contacts/batch", json={"items": items}).status_code in (200, 201)
        deadline = time.monotonic() + 20
        while "Kelason" not in here.text("GET", "/contacts?search=kelsaon"):  # a typo: its words are counted by one
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (id,) = [each["id"] for each in here.json_of("GET", "/tokens")["items"]]
        assert run("token", "--email", "bob@example.com", cwd=tmp_path, **place).returncode == 0
        assert run("doctor", cwd=tmp_path, **place).stdout.count("BAD") <= 1  # the tests' own haste
        assert here.delete(f"/tokens/{id}").status_code == 200
        assert there.get("/whoami").status_code == 401
    assert one.stop() == other.stop() == 0


def test_who_waits_for_changes_is_told_what_the_other_server_commits(two: Two) -> None:
    one, other, _ = two
    with one.sign_in() as here, Person(other.url, here.token) as there:
        start = there.json_of("GET", "/changes")["next_cursor"]
        found: list[Any] = []

        def wait() -> None:
            found.append((there.json_of("GET", f"/changes?cursor={start}&wait=20"), time.monotonic()))

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(1)  # so that it waits
        assert not found
        here.post("/contacts", json={"name": "Jane Kelason"})
        written = time.monotonic()
        thread.join(20)
        ((page, told),) = found
        assert [item["change"] for item in page["items"]] == ["created"]
        assert told - written < 5


def test_servers_with_nothing_to_do_write_little_but_their_leases(tmp_path: Path) -> None:
    from crmkit.storage.postgres.engine.connection import connect

    with (
        postgres.running() as alone,  # since what is counted is of all databases
        _pooled(alone, "postgres", tmp_path) as (_, _, place),
        closing(connect(place["CRMKIT_SERVER_DATA"])) as connection,
    ):

        def begun() -> int:
            sql = "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
            found: int = connection.execute(sql).fetchone()[0]
            return found

        before, seconds = begun(), 5
        time.sleep(seconds)
        assert begun() - before < 6 * seconds  # each look of each server that wrote would be 20 in a second


def test_a_repair_is_refused_beside_servers_behind_a_pooler(two: Two, tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand

    one, other, place = two
    folder = tmp_path / "data"
    pooled = brand(place["CRMKIT_SERVER_DATA"])
    assert pooled.is_served(folder)
    with pytest.raises(InUse, match="a server runs"), pooled.alone(folder):
        pass
    one.kill()
    assert other.stop() == 0
    with pooled.alone(folder) as run_next:
        run_next(lambda tx: None, ANYWHERE, "2026-06-10T09:00:00Z")
    assert not pooled.is_served(folder)


@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options"])
def test_a_pooler_that_was_not_told_of_is_refused_with_what_to_do(more: str) -> None:
    from crmkit.storage.postgres import migrate
    from crmkit.storage.postgres.engine.connection import connect

    with database("untold") as url, pooler.pooling(postgres.SERVER, more) as pooled:
        there = postgres.url_of(url.partition("@/")[2].partition("?")[0], pooled)
        with pytest.raises(Unusable, match="add pooler=transaction to the URL"):
            migrate.run(there.replace("&pooler=transaction", ""))
        assert migrate.run(there)
        with closing(connect(there)) as connection:
            assert connection.execute("SELECT count(*) FROM contacts").fetchone() == (0,)


def test_a_database_whose_numbers_would_lose_digits_is_refused_with_what_to_do() -> None:
    from crmkit.storage.postgres import migrate

    with database("rounded") as url, pooler.pooling(postgres.SERVER) as pooled:
        name = url.partition("@/")[2].partition("?")[0]
        migrate.run(url)
        postgres._admin(f"ALTER DATABASE {name} SET extra_float_digits = 0")
        with pytest.raises(Unusable, match="SET extra_float_digits = 1"):
            migrate.run(postgres.url_of(name, pooled))
        assert migrate.run(url) == []
