"""The program is killed with kill -9 while it writes and sends: no change that was acknowledged lacks its event."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from crmkit.core.webhooks.sending import MOST_IN_ROUND
from tests.house import Person, process
from tests.webhooks.receiver import Message, Receiver

KILLS = 100
LIFE_SECONDS = 0.02, 0.4  # of the program, once it serves
REST_SECONDS = 0.01  # between two writes: what is left to send at the end is what takes long
ENVIRON = {
    "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8",
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0",
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "0",
}


def writing(url: str, token: str, kept: list[str]) -> None:
    """Create contacts until the program is gone; keep the ids of those that were acknowledged."""
    with Person(url, token) as person:
        while True:
            try:
                answer = person.post("/contacts", json={"name": "Ana"}, headers={"Accept": "application/json"})
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                kept.append(answer.json()["id"])
            time.sleep(REST_SECONDS)


@pytest.mark.slow
def test_no_acknowledged_change_lacks_its_event_after_a_hundred_kills(tmp_path: Path, there: Receiver) -> None:
    folder, kept, told, chance = tmp_path / "data", list[str](), set[str](), random.Random(1)

    def answer_of(message: Message) -> int:
        told.update(_ids(message.body["data"]))
        return 204

    there.answers = answer_of
    with process(folder, **ENVIRON) as first:
        alice = first.sign_in()
        answer = alice.json_of("POST", "/webhooks", {"url": there.url, "events": ["contact.created"]})
        assert answer["state"] == "active", answer
        alice.close()
    for _ in range(KILLS):
        with process(folder, **ENVIRON) as running:
            writer = threading.Thread(target=writing, args=(running.url, alice.token, kept))
            writer.start()
            time.sleep(chance.uniform(*LIFE_SECONDS))
            running.kill()
            writer.join(20)
    with process(folder, **ENVIRON):
        there.wait(lambda: told.issuperset(kept), 120)
    assert len(kept) > KILLS
    of_event = Counter(each.headers["webhook-id"] for each in there.received)
    assert len(of_event) <= len(told)
    assert sum(of_event.values()) - len(of_event) <= KILLS * MOST_IN_ROUND  # what was not noted when it was killed


def _ids(data: dict[str, object]) -> list[str]:
    found = data.get("ids") or [data["id"]]
    assert isinstance(found, list)
    return found
