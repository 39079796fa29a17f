"""Writers who note what they were told, and compare it with what is there."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.house import Person, record_in

REST_SECONDS = 0.05  # where nobody answers
MOST_EACH = 20  # contacts; then a writer changes its own
NOTHING_DONE, UNKNOWN = "nothing was done", "may or may not have been done"


@dataclass
class Writer:
    """One who writes contacts of its own, one write after another.

    `told` has the state of each by its address as it was acknowledged. `doubts` has, by address, the step of a write
    whose outcome the server did not know, or whose answer never came: it may have been done, but not by half.
    """

    name: str
    choice: random.Random
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubts: dict[str, set[int]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    slowest: float = 0.0
    steps: int = 0

    def write(self, person: Person) -> None:
        """Do one write, and note its answer."""
        self.steps += 1
        free = [email for email in self.told if email not in self.doubts]  # nobody writes on what is in doubt
        body = {"stage": f"step {self.steps}", "notes": "\n".join([f"step {self.steps}"] * 20)}
        began = time.monotonic()
        if len(free) < MOST_EACH or self.choice.random() < 0.05:
            email = f"{self.name}.{self.steps}@example.com"
            answer = self._answer(lambda: person.post("/contacts", json={"name": "Jane", "email": email, **body}))
        else:
            email = self.choice.choice(free)
            path = f"/contacts/{self.told[email]['id']}"
            answer = self._answer(lambda: person.patch(path, json=body))
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer is None:
            self.answers["lost"] += 1
            time.sleep(REST_SECONDS)
            self.doubts.setdefault(email, set()).add(self.steps)
        elif answer.status_code in (200, 201):
            self.answers["done"] += 1
            self.told[email] = record_in(answer.json())
        else:
            said = answer.json()
            assert (answer.status_code, said["error"]) == (503, "not_ready"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
            if UNKNOWN in said["hint"]:
                self.answers["unknown"] += 1
                self.doubts.setdefault(email, set()).add(self.steps)
            else:
                assert NOTHING_DONE in said["hint"], answer.text
                self.refusals.append(answer.text)
                self.answers["refused"] += 1

    @staticmethod
    def _answer(send: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            return send()
        except httpx.TransportError:
            return None


@contextmanager
def writing(urls: Sequence[str], token: str, seed: int = 1) -> Iterator[list[Writer]]:
    """Have a writer write to each of these servers until the block ends."""
    writers = [Writer(f"w{number}", random.Random(seed + number)) for number in range(len(urls))]
    goes_on, failures = threading.Event(), list[BaseException]()
    goes_on.set()

    def work(writer: Writer, url: str) -> None:
        try:
            with Person(url, token) as person:
                person.headers["Accept"] = "application/json"
                while goes_on.is_set():
                    writer.write(person)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=each, daemon=True) for each in zip(writers, urls, strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        goes_on.clear()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "a writer hangs"
    if failures:
        raise failures[0]


def wrong_in(person: Person, writers: Sequence[Writer]) -> list[str]:
    """Return what is wrong with what is there, seen from what the writers were told."""
    found = stored(person)
    wrong, known = [], set[str]()
    for writer in writers:
        known |= {*writer.told, *writer.doubts}
        for email in {*writer.told, *writer.doubts}:
            told, there, doubts = writer.told.get(email), found.get(email), writer.doubts.get(email, set())
            if there is None:
                if told is not None:
                    wrong.append(f"{email} is lost")
                continue
            if there["notes"] != "\n".join([there["stage"]] * 20):
                wrong.append(f"{email} is half of one write and half of another")
            if told is not None and there["version"] == told["version"]:
                if there != told:
                    wrong.append(f"{email} is other than was told")
            elif int(there["stage"].removeprefix("step ")) not in doubts:
                wrong.append(f"{email} is at {there['stage']}, of which it was told that nothing was done")
            elif there["version"] != (1 if told is None else told["version"] + 1):
                wrong.append(f"{email} was written more often than once")
    wrong += [f"{email} was asked for by nobody" for email in found.keys() - known]
    logged = entries(person)
    wrong += [
        f"{email} has {logged[there['id']]} entries of the log and version {there['version']}"
        for email, there in found.items()
        if logged[there["id"]] != there["version"]
    ]
    total = person.json_of("GET", "/contacts")["total"]
    return [*wrong, f"{total} are counted of {len(found)}"] if total != len(found) else wrong


def answers_of(writers: Sequence[Writer]) -> Counter[str]:
    """Return how many writes were done, refused, unknown, or lost with their connection."""
    return sum((writer.answers for writer in writers), Counter[str]())


def until(met: Callable[[], bool], seconds: float = 35) -> None:
    """Return once something holds."""
    ends = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.02)


def stored(person: Person) -> dict[str, dict[str, Any]]:
    """Return every contact that is there, by its address."""
    return {item["email"]: item for item in _all(person, "/contacts?limit=200&sort=id")}


def entries(person: Person) -> Counter[str]:
    """Return how many entries the log has for each contact, by its id."""
    found = _all(person, "/audit?limit=200")
    return Counter(each["target"].removeprefix("contact/") for each in found if each["target"].startswith("contact/"))


def _all(person: Person, path: str) -> Iterator[Any]:
    cursor = ""
    while cursor is not None:
        page = person.json_of("GET", f"{path}{cursor and '&cursor=' + cursor}")
        yield from page["items"]
        cursor = page["next_cursor"]
