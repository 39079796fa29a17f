"""kill -9 under load: what was acknowledged is there when the server is back, whole and with its audit row."""

import random
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import UNLIMITED, Person, process, record_in

pytestmark = pytest.mark.slow

SEED = 20260610
KILLS = 20
CLIENTS = 4
CONTACTS_EACH = 30  # then a client changes its own instead of creating more


@dataclass
class Rounds:
    """Counts acknowledgements over all clients; `enough` is set by the one that makes the round's number full."""

    wanted: int
    seen: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledged(self) -> None:
        with self.lock:
            self.seen += 1
            if self.seen >= self.wanted:
                self.enough.set()


@dataclass
class Client:
    """One who writes, and notes every write that the server acknowledged, as soon as the answer is read.

    `told` maps the id of a contact to the newest state that was acknowledged. `asked` is the write that was under way
    when the server went: it may or may not have happened, but not by half.
    """

    name: str
    choice: random.Random
    log: Path
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: tuple[str, int] | None = None
    writes: int = 0
    acknowledgements: list[tuple[str, int]] = field(default_factory=list)

    def work(self, url: str, token: str, rounds: Rounds) -> None:
        """Write until the server is gone."""
        with Person(url, token) as person, self.log.open("a", buffering=1) as log, suppress(httpx.TransportError):
            person.headers["Accept"] = "application/json"
            while True:
                answer = self.write(person)
                assert answer.status_code in (200, 201), answer.text
                contact = record_in(answer.json())
                step = int(contact["stage"].removeprefix("step "))
                self.told[contact["id"]] = contact
                self.acknowledgements.append((contact["id"], step))
                log.write(f"{contact['id']} {contact['version']} {step}\n")
                self.asked = None
                rounds.acknowledged()

    def write(self, person: Person) -> httpx.Response:
        self.writes += 1
        body = {"stage": f"step {self.writes}", "notes": notes(f"step {self.writes}")}
        if len(self.told) < CONTACTS_EACH or self.choice.random() < 0.02:
            email = f"{self.name}.{self.writes}@example.com"
            self.asked = (email, self.writes)
            return person.post("/contacts", json={"name": f"{self.name} {self.writes}", "email": email, **body})
        id = self.choice.choice(list(self.told))
        self.asked = (id, self.writes)
        return person.patch(f"/contacts/{id}", json=body)


def stored(person: Person) -> dict[str, dict[str, Any]]:
    """Return every contact that the server has, by id."""
    found, cursor = {}, ""
    while cursor is not None:
        page = person.json_of("GET", f"/contacts?limit=200&sort=id{cursor and '&cursor=' + cursor}")
        found |= {contact["id"]: contact for contact in page["items"]}
        cursor = page["next_cursor"]
    return found


def check(clients: list[Client], found: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is wrong with what was found, seen from what was acknowledged."""
    wrong = []
    known: set[str] = set()
    for client in clients:
        known |= set(client.told)
        for id, told in client.told.items():
            contact = found.get(id)
            if contact is None:
                wrong.append(f"{id} is lost")
                continue
            if contact["version"] == told["version"]:
                if contact != told:
                    wrong.append(f"{id} has other fields than were acknowledged")
            elif (contact["version"], client.asked) != (told["version"] + 1, (id, client.writes)):
                wrong.append(f"{id} is at {contact['version']}, acknowledged was {told['version']}")
            step = contact["stage"]
            if contact["notes"] != notes(step):
                wrong.append(f"{id} is half of one write and half of another")
            client.told[id] = contact
    asked = {client.asked[0] for client in clients if client.asked}
    wrong += [f"{id} was asked for by nobody" for id in set(found) - known if found[id]["email"] not in asked]
    for client in clients:  # a create whose answer was lost, found again
        for id in set(found) - known:
            if client.asked and found[id]["email"] == client.asked[0]:
                client.told[id] = found[id]
        client.asked = None
    return wrong


def test_every_write_that_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    choice = random.Random(SEED)
    folder = tmp_path / "data"
    clients = [
        Client(f"client{number}", random.Random(SEED + number), tmp_path / f"log{number}")
        for number in range(1, CLIENTS + 1)
    ]
    token = ""
    wrong: list[str] = []
    for _ in range(KILLS):
        with process(folder, **UNLIMITED) as served:
            if not token:
                with served.sign_in() as first:
                    token = first.token
            with Person(served.url, token) as person:
                wrong += check(clients, stored(person))
            rounds = Rounds(choice.randint(1, 250))
            threads = [threading.Thread(target=client.work, args=(served.url, token, rounds)) for client in clients]
            for thread in threads:
                thread.start()
            assert rounds.enough.wait(60)
            served.kill()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
    with process(folder, **UNLIMITED) as served, Person(served.url, token) as person:
        last = stored(person)
        wrong += check(clients, last)
        assert served.stop() == 0
    assert wrong == []

    with closing(sqlite3.connect(folder / FILE)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        new_stage = "coalesce(json_extract(changes, '$.stage[1]'), json_extract(changes, '$[1].stage'))"
        audited = {
            (target.removeprefix("contact/"), int(stage.removeprefix("step ")))
            for target, stage in file.execute(f"SELECT target, {new_stage} FROM audit")
            if target.startswith("contact/")
        }
        entries = dict(file.execute("SELECT target, count(*) FROM audit GROUP BY target"))
        live = file.execute("SELECT live FROM counts WHERE kind = 'contacts'").fetchone()[0]
    acknowledged = {pair for client in clients for pair in client.acknowledgements}
    assert sum(len(client.log.read_text().splitlines()) for client in clients) == len(acknowledged)
    assert acknowledged - audited == set()
    assert {id: entries[f"contact/{id}"] for id in last} == {id: contact["version"] for id, contact in last.items()}
    assert live == len(last)
    print(f"{KILLS} kills, {len(acknowledged)} acknowledged writes on {len(last)} contacts, 0 lost")


def notes(step: str) -> str:
    """Return notes that say 20 times in which step they were written."""
    return "\n".join([step] * 20)
