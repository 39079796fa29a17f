"""The database has no connection left: a process goes on with those that it has, or says what to do."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.house import ALICE, UNLIMITED, House, house, run
from tests.storage.postgres.faults.cluster import NAME, Cluster, cluster
from tests.storage.postgres.faults.load import until

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

NEEDED = 6  # by a process, as it says
CLIENTS, ROUNDS = 12, 6
READS = ("/contacts/{}", "/contacts?sort=name", "/contacts?search=jane", "/whoami", "/audit?limit=3")


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A PostgreSQL of these tests."""
    with cluster() as found:
        found.make()
        yield found


def limited(own: Cluster, connections: int) -> None:
    """Start it again with an empty database and so many connections."""
    own.kill()
    own.start(max_connections=str(connections), superuser_reserved_connections="0", max_wal_senders="0")
    own.empty()


@contextmanager
def all_taken(own: Cluster) -> Iterator[list[Any]]:
    """Take every connection that is left, until the block ends."""
    import psycopg

    with ExitStack() as stack:
        taken = list[Any]()
        while True:
            try:
                one = psycopg.connect(f"host={own.home} user=postgres dbname={NAME}", autocommit=True)
            except psycopg.OperationalError:
                break
            taken.append(stack.enter_context(closing(one)))
        yield taken


def refusals(home: House) -> list[str]:
    """Return what was refused of requests of all sorts that many send at once."""
    refused = list[str]()
    with home.sign_in(ALICE) as alice:
        jane = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]

        def ask() -> None:
            with home.stranger() as someone:
                someone.headers.update(alice.headers)
                for n in range(ROUNDS):
                    answers = [someone.get(path.format(jane)) for path in READS]
                    answers.append(someone.post("/contacts", json={"name": f"Joe {n}"}))
                    answers.append(someone.get("/readyz"))
                    refused.extend(answer.text for answer in answers if answer.status_code >= 300)

        threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return refused


def served(own: Cluster, folder: Path) -> Any:
    return house(folder, {**UNLIMITED, "CRMKIT_SERVER_DATA": own.url})


@pytest.mark.parametrize("connections", [NEEDED, 8, 12, 15])
def test_a_process_answers_all_with_as_few_connections_as_there_are(
    own: Cluster, tmp_path: Path, connections: int
) -> None:
    limited(own, connections)
    with served(own, tmp_path / "data") as home:
        assert refusals(home) == []


def test_a_process_goes_on_where_others_take_all_connections_after_its_start(own: Cluster, tmp_path: Path) -> None:
    limited(own, 30)
    with served(own, tmp_path / "data") as home, all_taken(own) as taken:
        assert len(taken) > 10
        assert refusals(home) == []


def as_few(own: Cluster, connections: int) -> str:
    """Return the URL of a role that owns an empty database and may have so many connections."""
    limited(own, 30)
    own.ask("DROP ROLE IF EXISTS few", name="postgres")
    own.ask(f"CREATE ROLE few LOGIN CONNECTION LIMIT {connections}", name="postgres")
    own.ask(f"ALTER DATABASE {NAME} OWNER TO few")
    return own.url.replace("//postgres@", "//few@")


def test_it_is_not_ready_while_it_gets_no_connection_and_says_that_too_few_are_allowed(
    own: Cluster, tmp_path: Path
) -> None:
    environ = {**UNLIMITED, "CRMKIT_SERVER_DATA": as_few(own, -1)}
    with house(tmp_path / "data", environ) as home, home.sign_in(ALICE) as alice:
        own.ask("ALTER ROLE few CONNECTION LIMIT 0")
        own.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'")
        for path in ("/readyz", "/contacts?sort=name", "/whoami", "/contacts/export"):
            assert "has no connection left" in (refused := alice.get(path)).text, refused.text
            assert (refused.status_code, "max_connections" in refused.text) == (503, True)
        refused = alice.post("/contacts", json={"name": "Joe"})
        assert (refused.status_code, "has no connection left" in refused.text) == (503, True)
        own.ask("ALTER ROLE few CONNECTION LIMIT -1")
        until(lambda: alice.get("/readyz").text == "ready\n")
        assert alice.post("/contacts", json={"name": "Joe"}).status_code == 201


@pytest.mark.parametrize("connections", [1, 2, 4])
def test_a_process_that_gets_too_few_connections_ends_with_a_line_that_says_how_many_it_needs(
    own: Cluster, tmp_path: Path, connections: int
) -> None:
    environ = {"CRMKIT_SERVER_DATA": as_few(own, connections), "CRMKIT_SERVER_FILES": str(tmp_path / "data")}
    ended = run("serve", "--port", "0", cwd=tmp_path, **environ)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert f"a process needs {NEEDED}" in ended.stderr.splitlines()[-1]
