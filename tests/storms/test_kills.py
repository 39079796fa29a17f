"""One of two servers is killed with kill -9 in the middle of writes: the other goes on, nothing is lost or half done.

What the killed one had acknowledged is there. What it had not answered is there whole, once, or not at all.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests import postgres
from tests.house import Person, Process, process
from tests.storage.postgres.faults.load import answers_of, until, writing, wrong_in
from tests.storms.place import ENVIRON, Place, settings_in

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

PARTS, KILLS = 5, 6  # 30 in all
CLIENTS = 2  # of each server, who write contacts; beside them one who writes what belongs together
WAITS = 60
ON = 20  # writes that the other server must do after the kill


def nested(url: str, token: str, name: str, stop: threading.Event) -> None:
    """Create contacts with a company and two activities each, until it is time to stop or the server has gone."""
    with Person(url, token) as person:
        number = 0
        while not stop.is_set():
            number += 1
            body = {
                "name": "Nested",
                "email": f"nested.{name}.{number}@example.com",
                "company": {"name": f"Co {name}.{number}"},
                "activities": [{"kind": "call", "body": "one"}, {"kind": "note", "body": "two"}],
            }
            try:
                assert person.post("/contacts", json=body).status_code == 201
            except httpx.TransportError:
                return
            time.sleep(0.02)


@contextmanager
def nesting(urls: list[str], token: str) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=nested, args=(url, token, f"{n}", stop)) for n, url in enumerate(urls)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


HALVES = {
    "contacts that are half": (
        "SELECT id FROM contacts WHERE workspace_id = ? "
        "AND (activities <> 2 OR contacts_made <> 1 OR company_id IS NULL OR version <> 1)"
    ),
    "companies without their contact": (
        "SELECT id FROM companies AS c WHERE workspace_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM contacts AS r WHERE r.workspace_id = c.workspace_id AND r.company_id = c.id)"
    ),
    "activities without their contact": (
        "SELECT id FROM activities AS a WHERE workspace_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM contacts AS r WHERE r.workspace_id = a.workspace_id AND r.id = a.contact_id)"
    ),
}


class Pair:
    """Two servers on one database, one of which is killed and started again."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack, self.kills = folder, stack, 0
        self.running = [self._start(0), self._start(1)]
        self.place = Place([each.url for each in self.running], settings_in(folder))
        stack.callback(self.place.close)

    def _start(self, number: int) -> Process:
        return self._stack.enter_context(process(self._folder, said=f"output{self.kills}.{number}", **ENVIRON))

    def killed(self, victim: int, wanted: int) -> list[str]:
        """Kill a server after so many writes; return what is wrong with what the other has, which goes on."""
        place = self.place
        alice, beth = place.newcomer("alice"), place.newcomer("beth")
        other = place.holder(alice.token, alice.email, place.urls[1 - victim])
        with nesting(place.urls, beth.token), writing(place.urls * CLIENTS, alice.token, self.kills) as writers:
            until(lambda: answers_of(writers)["done"] >= wanted, WAITS)
            self.running[victim].kill()
            self.kills += 1
            going_on = writers[1 - victim :: 2]
            before = answers_of(going_on)["done"]
            until(lambda: answers_of(going_on)["done"] >= before + ON, WAITS)
        wrong = wrong_in(other, writers)
        if answers_of(going_on).keys() != {"done"}:
            wrong.append(f"the server that went on answered {answers_of(going_on)}")
        nested = place.workspace(beth)
        wrong += [f"{what}: {found}" for what, sql in HALVES.items() if (found := place.rows(sql, nested))]
        self.running[victim] = self._start(victim)
        place.urls = [each.url for each in self.running]
        return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_what_was_acknowledged_by_a_server_that_is_killed_is_at_the_other(tmp_path: Path, part: int) -> None:
    chance = random.Random(part)
    with ExitStack() as stack:
        pair = Pair(tmp_path / "data", stack)
        for _ in range(KILLS):
            assert pair.killed(chance.randrange(2), chance.randint(1, 60)) == []
        assert pair.place.faults() == []
        printed = "".join(file.read_text(errors="replace") for file in tmp_path.glob("data.output*"))
        assert "Traceback" not in printed
