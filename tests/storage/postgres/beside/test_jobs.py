"""Of the processes of one database one does the work beside requests; another follows where it is killed or stops."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests import postgres
from tests.house import ALICE, Person
from tests.storage.postgres.beside.processes import Processes
from tests.webhooks.making import made
from tests.webhooks.receiver import Message, Receiver, until

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

MANY = 2_000
FOLLOWS_SECONDS = 30  # leaves room for a busy machine: a lease is taken over after ten


def ids_of(receiving: Receiver) -> Counter[str]:
    """Return how often each event came."""
    return Counter(each.headers["webhook-id"] for each in receiving.received)


def test_events_of_all_processes_are_sent_once_and_go_on_once_the_one_that_sends_is_killed(
    processes: Processes, receiving: Receiver
) -> None:
    one, two = processes.start(), processes.start()
    with one.sign_in() as here, Person(two.url, here.token, ALICE) as other:
        made(here, receiving, events=["contact.created"])
        for number in range(20):
            assert (here, other)[number % 2].post("/contacts", json={"name": f"Jane {number}"}).status_code == 201
        receiving.wait(lambda: len(ids_of(receiving)) == 20)
        assert set(ids_of(receiving).values()) == {1}
        noted = "SELECT 1 FROM deliveries WHERE state = 'delivered'"  # what was not is sent again
        until(lambda: len(processes.rows(noted)) == 20)

        working, (left,) = processes.working(), processes.others()
        working.kill()
        with Person(left.url, here.token, ALICE) as person:
            for number in range(20):
                assert person.post("/contacts", json={"name": f"Eve {number}"}).status_code == 201
        receiving.wait(lambda: len(ids_of(receiving)) == 40, FOLLOWS_SECONDS)
        assert set(ids_of(receiving).values()) == {1}


class Hanging:
    """Has the first message wait for its answer until it is let go."""

    def __init__(self, receiving: Receiver) -> None:
        self.hangs, self.goes_on = threading.Event(), threading.Event()
        receiving.answers = self.answer

    def answer(self, message: Message) -> int:
        if not self.hangs.is_set():
            self.hangs.set()
            self.goes_on.wait(60)
        return 204

    def begun(self, processes: Processes, receiving: Receiver) -> None:
        """Return once a message waits, which tells of a new contact."""
        with processes.running[0].sign_in() as here:
            made(here, receiving, events=["contact.created"])
            here.post("/contacts", json={"name": "Jane"})
        assert self.hangs.wait(FOLLOWS_SECONDS)


def _attempts(processes: Processes) -> int:
    """Return how often it was tried to send what has arrived now."""
    sql = "SELECT attempts FROM deliveries WHERE state = 'delivered'"
    ((attempts,),) = until(lambda: processes.rows(sql), FOLLOWS_SECONDS)
    return int(attempts)


def test_what_is_being_sent_is_not_sent_again_where_another_process_starts(
    processes: Processes, receiving: Receiver
) -> None:
    processes.start()
    hanging = Hanging(receiving)
    hanging.begun(processes, receiving)
    processes.start()
    hanging.goes_on.set()
    assert _attempts(processes) == len(receiving.received)  # more than one where the receiver was too slow


def test_what_is_being_sent_is_sent_again_by_another_process_after_a_kill(
    processes: Processes, receiving: Receiver
) -> None:
    processes.start()
    processes.start()
    hanging = Hanging(receiving)
    hanging.begun(processes, receiving)
    processes.working().kill()
    hanging.goes_on.set()
    _attempts(processes)
    assert len(receiving.received) >= 2
    assert len(ids_of(receiving)) == 1


def test_a_process_that_stands_still_is_followed_by_another_and_goes_on_later_without_its_work(
    processes: Processes, receiving: Receiver
) -> None:
    one, two = processes.start(), processes.start()
    with one.sign_in() as here:
        made(here, receiving, events=["contact.created"])
        token = here.token
    still = processes.working()
    still.popen.send_signal(signal.SIGSTOP)
    try:
        (left,) = (each for each in (one, two) if each is not still)
        with Person(left.url, token, ALICE) as person:
            assert person.post("/contacts", json={"name": "Jane"}).status_code == 201
        receiving.wait_for(1, FOLLOWS_SECONDS)
        assert processes.working() is left
    finally:
        still.popen.send_signal(signal.SIGCONT)
    with Person(still.url, token, ALICE) as person:
        assert person.post("/contacts", json={"name": "Eve"}).status_code == 201
    receiving.wait_for(2, FOLLOWS_SECONDS)
    assert set(ids_of(receiving).values()) == {1}
    assert processes.working() is left
    said = "work beside requests stops here"
    assert until(lambda: said in still.printed(), FOLLOWS_SECONDS)
    assert still.stop() == 0
    assert still.printed().count(said) == 1


def test_a_process_that_stops_gives_its_work_to_another_at_once(processes: Processes) -> None:
    processes.start()
    processes.start()
    for _ in range(2):
        working, (left, *_) = processes.working(), processes.others()
        began = time.monotonic()
        assert working.stop() == 0
        stopped = time.monotonic()
        processes.running.remove(working)
        assert processes.working() is left
        assert time.monotonic() - stopped < FOLLOWS_SECONDS
        assert stopped - began < FOLLOWS_SECONDS
        processes.start()


def test_an_import_goes_on_at_another_process_and_writes_each_row_once(processes: Processes) -> None:
    processes.start()
    processes.start()
    content = "\n".join(["name,email", *(f"Jane {number},jane{number}@acme.example" for number in range(MANY))])
    with processes.working().sign_in() as person:
        token = person.token
        answer = person.post("/import?start=1", content=content.encode())
        assert answer.status_code < 300, answer.text
    for _ in range(2):
        done = _done(processes)
        until(lambda done=done: _done(processes) > done, FOLLOWS_SECONDS)
        working = processes.working()
        working.kill()
        assert _done(processes) < MANY
        processes.running.remove(working)
        processes.start()
    until(lambda: _done(processes) == MANY, 120)
    with Person(processes.running[0].url, token, ALICE) as person:
        found = until(lambda: _ended(person), 60)
        assert (found["state"], found["creates"], found["updates"], found["refused"]) == ("done", MANY, 0, 0)
        assert person.json_of("GET", "/contacts")["total"] == MANY
    whole = "SELECT count(*), count(DISTINCT target), count(DISTINCT coalesce(op, seq)) FROM audit "
    assert processes.rows(f"{whole} WHERE action = 'contact.create'") == [(MANY, MANY, 1)]


def _done(processes: Processes) -> int:
    return sum(done for (done,) in processes.rows("SELECT done FROM imports"))


def _ended(person: Person) -> dict[str, object] | None:
    found: dict[str, object] = person.json_of("GET", "/imports")["items"][0]
    return None if found["state"] == "running" else found


def test_an_upload_that_one_process_receives_is_no_left_over_to_one_that_starts(processes: Processes) -> None:
    one = processes.start()
    lines = [f"Jane {number},jane{number}@acme.example\n".encode() for number in range(20)]

    def pieces() -> Iterator[bytes]:
        yield b"name,email\n"
        yield from lines[:10]
        until(lambda: len(list(processes.folder.glob("uploads/*"))) == 1)
        processes.start()
        assert len(list(processes.folder.glob("uploads/*"))) == 1
        yield from lines[10:]

    with one.sign_in() as person:
        answer = person.post("/import?start=1", content=pieces(), timeout=httpx.Timeout(60))
        assert answer.status_code < 300, answer.text
        found = until(lambda: _ended(person), 60)
        assert (found["state"], found["creates"]) == ("done", 20)
