"""PostgreSQL goes away and comes back: meanwhile requests are refused with what to do, afterwards all goes on."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmkit.storage.interface.tx import Tx
from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.storage.postgres.faults.cluster import Cluster, cluster
from tests.storage.postgres.faults.load import answers_of, until, writing, wrong_in

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

SOON = 5  # seconds, of a machine that has much to do
CLIENTS = 6
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'crmkit'"


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A PostgreSQL that these tests may stop."""
    with cluster() as found:
        found.make()
        yield found


@pytest.fixture
def home(tmp_path: Path, own: Cluster) -> Iterator[House]:
    own.empty()
    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_SERVER_DATA": own.url}) as running:
        yield running


def is_ready(home: House) -> bool:
    with home.stranger() as someone:
        return someone.get("/readyz").text == "ready\n"


def test_what_is_asked_while_it_is_away_is_refused_soon_and_done_once_it_is_back(
    home: House, alice: Person, own: Cluster
) -> None:
    alice.post("/contacts", json={"name": "Jane"})
    own.kill()
    requests: list[Callable[[], object]] = [
        lambda: alice.get("/readyz"),
        lambda: alice.get("/contacts"),
        lambda: alice.get("/contacts?search=jane"),
        lambda: alice.post("/contacts", json={"name": "Joe"}),
        lambda: alice.post("/auth/request", json={"email": ALICE}),
    ]
    for ask in requests * 2:
        began = time.monotonic()
        answer = ask()
        assert time.monotonic() - began < SOON
        assert (answer.status_code, "not_ready" in answer.text) == (503, True), answer.text
        assert answer.headers["Retry-After"]
        assert "Send it again shortly" in answer.text
    assert alice.get("/healthz").status_code == 200
    own.start()
    until(lambda: is_ready(home))
    assert alice.post("/contacts", json={"name": "Joe"}).status_code == 201
    assert alice.json_of("GET", "/contacts?search=jane")["total"] == 1


def test_commits_of_others_are_heard_again_once_it_is_back(
    home: House, alice: Person, own: Cluster, tmp_path: Path
) -> None:
    with (
        house(tmp_path / "data", {**UNLIMITED, "CRMKIT_SERVER_DATA": own.url}) as other,
        Person(other.url, alice.token) as there,
    ):
        own.kill()
        own.start()
        until(lambda: is_ready(home) and is_ready(other))
        cursor = there.json_of("GET", "/changes")["next_cursor"]
        told = list[str]()
        waiting = threading.Thread(target=lambda: told.append(there.text("GET", f"/changes?cursor={cursor}&wait=25")))
        waiting.start()
        assert alice.post("/contacts", json={"name": "Jane"}).status_code == 201
        waiting.join(20)
        assert "change=created" in told[0]


def test_of_writes_beside_crashes_of_it_each_that_was_acknowledged_is_there(
    home: House, alice: Person, own: Cluster
) -> None:
    chance = random.Random(3)
    with writing([home.url] * CLIENTS, alice.token) as writers:
        for crash in range(4):
            done = answers_of(writers)["done"]
            until(lambda done=done: answers_of(writers)["done"] > done + chance.randint(5, 40))  # type: ignore[misc]
            if crash % 2:
                os.kill(own.ask(BACKENDS)[0][0], signal.SIGKILL)  # it ends all others and recovers by itself
            else:
                own.kill()
                time.sleep(0.5)
                own.start()
        done = answers_of(writers)["done"]
        until(lambda: answers_of(writers)["done"] > done + 20)
    until(lambda: is_ready(home))
    assert answers_of(writers).keys() <= {"done", "refused", "unknown"}
    # to take it for silent, to look how a transaction ended and to connect may follow each other
    assert max(writer.slowest for writer in writers) < 4 * SOON
    assert wrong_in(alice, writers) == []


def test_of_writes_whose_sessions_are_ended_at_random_each_is_done(home: House, alice: Person, own: Cluster) -> None:
    chance = random.Random(4)
    with writing([home.url] * CLIENTS, alice.token) as writers:
        for _ in range(60):
            pids = [pid for (pid,) in own.ask(BACKENDS)]
            if pids:
                own.ask(f"SELECT pg_terminate_backend({chance.choice(pids)})")
            time.sleep(0.05)
    assert answers_of(writers).keys() == {"done"}, [writer.refusals for writer in writers]
    assert wrong_in(alice, writers) == []


def test_an_id_that_is_given_again_after_a_crash_is_not_taken_for_a_commit(own: Cluster, tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand
    from crmkit.storage.postgres.engine import transactions
    from crmkit.storage.postgres.engine.connection import connect

    own.empty()
    brand(own.url).migrate(tmp_path)
    taken = "SELECT pg_current_xact_id()::text"
    one, other = connect(own.url), connect(own.url)
    one.execute("BEGIN")
    (id,) = one.execute(taken).fetchone()
    (pid,) = other.execute("SELECT pg_backend_pid()").fetchone()
    os.kill(pid, signal.SIGKILL)
    until(lambda: one.driver.closed or not _answers(one))
    until(lambda: _answers_again(own))
    assert own.ask(taken) == [(id,)]
    assert own.ask(f"SELECT pg_xact_status('{id}'::xid8)") == [("committed",)]
    assert transactions._is_done(one, transactions._InDoubt(id, {"mail:x"}, [])) is None
    (id,) = one.execute(taken).fetchone()
    assert transactions._is_done(one, transactions._InDoubt(id, {"mail:x"}, [])) is True
    assert transactions._is_done(one, transactions._InDoubt(str(int(id) + 1000), {"mail:x"}, [])) is False
    one.close()
    other.close()


def _answers(connection: object) -> bool:
    import psycopg

    try:
        connection.execute("SELECT 1")  # type: ignore[attr-defined]
    except psycopg.Error:
        return False
    return True


def _answers_again(own: Cluster) -> bool:
    import psycopg

    try:
        return bool(own.ask("SELECT 1"))
    except psycopg.OperationalError:
        return False


def test_an_effect_waits_for_the_commit_and_is_dropped_with_it(home: House, own: Cluster) -> None:
    done = list[str]()

    async def effect() -> None:
        done.append("sent")

    def unit(tx: Tx) -> None:
        tx.after(effect)

    own.kill()
    from crmkit.core.call import Call
    from crmkit.errors import Problem

    with pytest.raises(Problem):
        home.do(Call(home.crm).write(unit, ["mail:x"]))
    own.start()
    until(lambda: is_ready(home))
    assert done == []
    home.do(Call(home.crm).write(unit, ["mail:x"]))
    assert done == ["sent"]
