"""Two servers on one database: what leans on one writer elsewhere holds across both."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests import postgres
from tests.house import ALICE, BOB, UNLIMITED, House, Person, house

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[House, House]]:
    """Two servers that share a database and a folder of files."""
    (tmp_path / "data").mkdir(mode=0o700)
    with house(tmp_path / "data", UNLIMITED) as one, house(tmp_path / "data", UNLIMITED, one.clock) as two:
        yield one, two


@pytest.fixture
def here(both: tuple[House, House]) -> Iterator[Person]:
    """Alice at the first server."""
    with both[0].sign_in(ALICE) as person:
        yield person


@pytest.fixture
def there(both: tuple[House, House], here: Person) -> Iterator[Person]:
    """Alice at the second, with the same token."""
    with Person(both[1].url, here.token, here.email) as person:
        yield person


def together(works: list[Callable[[], int]]) -> Counter[int]:
    """Run all of these at once, as far as that can be, and count what they return."""
    barrier = threading.Barrier(8)

    def run(lane: int) -> list[int]:
        barrier.wait(20)
        return [work() for work in works[lane::8]]

    with ThreadPoolExecutor(8) as threads:
        return Counter(status for statuses in threads.map(run, range(8)) for status in statuses)


def test_of_many_posts_of_one_address_one_makes_the_contact(here: Person, there: Person) -> None:

    def post(person: Person, n: int) -> Callable[[], int]:
        return lambda: (
            person.post("/contacts", json={"name": "Jane", "email": "jane@acme.com", "notes": str(n)}).status_code
        )

    found = together([post(person, n) for n in range(24) for person in (here, there)])
    assert found == {201: 1, 200: 47}
    (jane,) = there.json_of("GET", "/contacts")["items"]
    changes = here.json_of("GET", f"/audit?target=contact/{jane['id']}&action=contact.update&limit=100")["items"]
    assert jane["version"] == 1 + len(changes)


def test_new_records_of_both_have_numbers_and_entries_of_their_own(here: Person, there: Person) -> None:

    def post(person: Person, n: int) -> Callable[[], int]:
        return lambda: person.post("/contacts", json={"name": f"Jane {n}"}).status_code

    assert together([post(person, n) for n in range(40) for person in (here, there)]) == {201: 80}
    assert there.json_of("GET", "/contacts")["total"] == 80
    entries = here.json_of("GET", "/audit?action=contact.create&limit=100")["items"]
    assert len({entry["target"] for entry in entries}) == 80


def test_of_changes_with_one_version_one_is_done(here: Person, there: Person) -> None:
    jane = here.json_of("POST", "/contacts", {"name": "Jane"})

    def change(person: Person, n: int) -> Callable[[], int]:
        path, headers = f"/contacts/{jane['id']}", {"If-Match": str(jane["version"])}
        return lambda: person.patch(path, json={"notes": f"note {n}"}, headers=headers).status_code

    found = together([change(person, n) for n in range(8) for person in (here, there)])
    assert found == {200: 1, 412: 15}


def test_a_token_that_one_server_ended_is_refused_by_the_other_at_once(
    both: tuple[House, House], here: Person, there: Person
) -> None:
    with both[1].sign_in(ALICE, "other") as other:
        assert other.get("/whoami").status_code == 200
        (id,) = [each["id"] for each in here.json_of("GET", "/tokens")["items"] if each["name"] == "other"]
        assert here.delete(f"/tokens/{id}").status_code == 200
        assert other.get("/whoami").status_code == 401


def test_of_two_admins_who_remove_each_other_at_once_one_stays(both: tuple[House, House], here: Person) -> None:
    workspace = here.json_of("GET", "/workspaces")["items"][0]["id"]
    invites = f"/workspaces/{workspace}/invites"
    invited = here.post(invites, json={"email": BOB, "role": "admin"})
    code = both[0].letterbox.code_for(ALICE)
    invited = here.post(f"{invites}?code={code}", json={"email": BOB, "role": "admin"})
    assert invited.status_code in (200, 201), invited.text
    with both[1].sign_in(BOB) as bob:
        members = here.json_of("GET", f"/workspaces/{workspace}/members")["members"]
        ids = {each["email"]: each["user_id"] for each in members}
        assert ids.keys() == {ALICE, BOB}
        paths = [
            (person, f"/workspaces/{workspace}/members/{ids[other]}") for person, other in ((here, BOB), (bob, ALICE))
        ]
        found = together([lambda person=person, path=path: person.delete(path).status_code for person, path in paths])
        assert found[200] == 1, found


def test_a_commit_of_one_server_wakes_who_listens_at_the_other(both: tuple[House, House], here: Person) -> None:
    ready, woken = threading.Event(), threading.Event()

    async def listen() -> None:
        with both[1].crm.database.commits.listener() as listener:
            ready.set()
            await listener.wait()
            woken.set()

    task = asyncio.run_coroutine_threadsafe(listen(), both[1].loop)
    assert ready.wait(10)
    here.post("/contacts", json={"name": "Jane"})
    assert woken.wait(10)
    task.result(10)


def test_who_holds_a_lane_and_asks_nothing_loses_it_after_a_while(tmp_path: Path) -> None:
    from crmkit.storage.postgres.engine import lanes
    from crmkit.storage.postgres.engine.connection import connect

    with closing(connect(postgres.url(tmp_path))) as connection:
        for lane in ("mail:jane@acme.com", "ws_k7m2q9xa"):
            connection.execute("BEGIN")
            assert lanes.lock(connection, [lane])
            asked = connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
            assert asked == (f"{lanes.IDLE_SECONDS}s",)
            connection.execute("ROLLBACK")
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("0",)
