"""The program is killed with kill -9 while it writes and sends: no change that was acknowledged lacks its event."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.house import Person, process
from tests.webhooks.receiver import Receiver

KILLS = 100
ENVIRON = {
    "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8",
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0",
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "0",
}


def writing(url: str, token: str, kept: list[str], ends: threading.Event) -> None:
    """Create contacts until the program is gone; keep the ids of those that were acknowledged."""
    with Person(url, token) as person:
        while not ends.is_set():
            try:
                answer = person.post("/contacts", json={"name": "Ana"}, headers={"Accept": "application/json"})
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                kept.append(answer.json()["id"])


@pytest.mark.slow
def test_no_acknowledged_change_lacks_its_event_after_a_hundred_kills(tmp_path: Path, there: Receiver) -> None:
    folder, kept, ends, chance = tmp_path / "data", list[str](), threading.Event(), random.Random(1)
    with process(folder, **ENVIRON) as first:
        alice = first.sign_in()
        answer = alice.json_of("POST", "/webhooks", {"url": there.url, "events": ["contact.created"]})
        assert answer["state"] == "active", answer
        alice.close()
    for _ in range(KILLS):
        with process(folder, **ENVIRON) as running:
            writer = threading.Thread(target=writing, args=(running.url, alice.token, kept, ends))
            writer.start()
            time.sleep(chance.uniform(0.05, 0.8))
            running.kill()
            writer.join(20)
    with process(folder, **ENVIRON):

        def told() -> list[str]:
            return [id for each in list(there.received) for id in _ids(each.body["data"])]

        there.wait(lambda: set(kept) <= set(told()), 300)
    assert len(kept) > KILLS
    of_event = Counter(each.headers["webhook-id"] for each in there.received)
    assert len(of_event) <= len(set(told()))
    assert sum(of_event.values()) - len(of_event) < len(kept)  # some are sent twice, not most


def _ids(data: dict[str, object]) -> list[str]:
    found = data.get("ids") or [data["id"]]
    assert isinstance(found, list)
    return found
