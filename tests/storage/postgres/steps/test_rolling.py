"""A new version comes while the one before serves: real programs, of which one has a step more."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres
from tests.house import UNLIMITED, Person, Process, command, process

pytest.importorskip("psycopg", reason="its driver is an extra")

from crmkit.storage.postgres import migrate, schema
from tests.storage.postgres.steps.stepping import connected, program

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

NOW = schema.newest().number
TABLE = "CREATE TABLE lamps (id text PRIMARY KEY)"
COLUMN = "ALTER TABLE contacts ADD COLUMN lamp text"
INDEX = "CREATE INDEX CONCURRENTLY contacts_by_lamp ON contacts (workspace_id, lamp)"


def step(*statements: str) -> str:
    return f"-- {NOW + 1} lamps\n" + "".join(f"{sql};\n" for sql in statements)


def asked(server: Process, alice: Person, ends: threading.Event, found: Counter[int]) -> Callable[[], None]:
    """Return a function that sends all sorts of requests to a server until it is told to end."""

    def ask() -> None:
        with Person(server.url, alice.token) as person:
            while not ends.is_set():
                made = person.post("/contacts", json={"name": "Jane Kelason"}, headers={"Accept": "application/json"})
                answers = [made, person.get("/contacts?sort=name&limit=5"), person.get("/search?q=kelason")]
                if made.status_code == 201:
                    path = f"/contacts/{made.json()['id']}"
                    answers += [person.patch(path, json={"stage": "lead"}), person.get(path)]
                found.update(answer.status_code for answer in answers)

    return ask


def wait(is_so: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < 20
        time.sleep(0.05)


def test_the_old_version_and_the_new_serve_beside_each_other_while_it_steps(tmp_path: Path) -> None:
    new = program(tmp_path / "new", step(TABLE, COLUMN, INDEX))
    ends, found = threading.Event(), Counter[int]()
    with process(tmp_path / "data", **UNLIMITED) as old, old.sign_in() as alice:
        url = postgres.url(tmp_path / "data")
        threads = [threading.Thread(target=asked(old, alice, ends, found))]
        threads[0].start()
        try:
            with connected(url) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM contacts").fetchone()  # so that the step has to wait
                threading.Timer(2, reader.execute, ["COMMIT"]).start()
                with process(tmp_path / "data", **UNLIMITED, **new) as other:
                    assert migrate.state(url) == (NOW + 1, [])
                    threads.append(threading.Thread(target=asked(other, alice, ends, found)))
                    threads[-1].start()
                    before = found.total()
                    wait(lambda: found.total() > before + 100)
                    with process(tmp_path / "data", **UNLIMITED) as again:  # the old version, begun anew
                        with Person(again.url, alice.token) as person:
                            assert person.get("/contacts").status_code == 200
                        assert again.stop() == 0
                    ends.set()
                    for thread in threads:
                        thread.join(20)
                    assert other.stop() == 0
        finally:
            ends.set()
        assert old.stop() == 0
    assert found.keys() == {200, 201}, found
    with connected(url) as connection:
        sql = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'contacts_by_lamp'::regclass"
        assert connection.execute(sql).fetchone() == (True,)
        assert connection.execute("SELECT count(lamp) FROM contacts").fetchone() == (0,)


def test_a_process_that_is_killed_in_the_middle_of_a_step_leaves_the_old_schema_and_the_next_does_it(
    tmp_path: Path,
) -> None:
    slow = program(tmp_path / "slow", step(TABLE, "SELECT pg_sleep(60)", COLUMN, INDEX))
    fast = program(tmp_path / "fast", step(TABLE, COLUMN, INDEX))
    place = postgres.environ(tmp_path / "data")
    url = postgres.url(tmp_path / "data")

    def begun(new: dict[str, str]) -> subprocess.Popen[bytes]:
        line, environ = command("migrate", **place, **new)
        return subprocess.Popen(line, env={**environ, **new}, cwd=tmp_path, stdout=subprocess.PIPE)

    with connected(url) as connection:
        sleeps = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)'"
        )
        killed = begun(slow)
        wait(lambda: connection.execute(sleeps).fetchone() == (1,))
        waits = begun(fast)  # for the lock of the first
        killed.kill()
        killed.communicate()
        assert waits.wait(20) == 0
        assert waits.stdout is not None
        assert f"applied {NOW + 1:04d} lamps\napplied index contacts_by_lamp" in waits.stdout.read().decode()
        waits.stdout.close()
        assert connection.execute(sleeps).fetchone() == (0,)
        rows = connection.execute("SELECT number FROM migrations ORDER BY number").fetchall()
        assert rows == [(NOW,), (NOW + 1,)]
