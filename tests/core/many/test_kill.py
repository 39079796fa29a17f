"""The program is killed with kill -9 in a stream of batches: each batch is there as a whole then, or not at all."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.house import ALICE, UNLIMITED, Person, Process, process
from tests.postgres import rows

ITEMS = 200
KILLS = 4
WAITS = 60  # seconds until the test gives up


def kill_after(program: Process, answered: set[str], seconds: float) -> None:
    """Kill the program so long after two more batches were answered."""
    before, ends = len(answered), time.monotonic() + WAITS
    while len(answered) < before + 2 and time.monotonic() < ends:
        time.sleep(0.005)
    time.sleep(seconds)
    program.kill()


@pytest.mark.slow
def test_each_batch_is_whole_or_absent_and_whole_if_it_was_answered(tmp_path: Path) -> None:
    folder, luck = tmp_path / "data", random.Random()
    token, answered, sent = "", set[str](), 0
    for _ in range(KILLS):
        with process(folder, **UNLIMITED) as program:
            if not token:
                with program.sign_in() as alice:
                    token = alice.token
            killer = threading.Thread(target=kill_after, args=(program, answered, luck.uniform(0, 0.3)))
            with Person(program.url, token, ALICE) as alice:
                killer.start()
                while True:
                    name = f"batch {sent}"
                    sent += 1
                    items = [{"name": name, "email": f"{sent}.{number}@acme.com"} for number in range(ITEMS)]
                    try:
                        answer = alice.post("/contacts/batch", json=[*items, {"nonsense": 1}])
                    except httpx.TransportError:
                        break
                    assert answer.status_code == 207
                    answered.add(name)
            killer.join()
    with process(folder, **UNLIMITED):
        pass  # it starts again on what was left
    held = Counter(name for (name,) in rows(folder, "SELECT name FROM contacts"))
    ((counted,),) = rows(folder, "SELECT live FROM counts WHERE kind = 'contacts'")
    created = "SELECT count(*) FROM audit WHERE action = 'contact.create'"
    ((logged,),) = rows(folder, created)
    ((operations,),) = rows(folder, f"{created} AND op IS NULL")
    assert answered <= held.keys()
    assert set(held.values()) == {ITEMS}
    assert len(answered) > KILLS
    assert (counted, logged, operations) == (held.total(), held.total(), len(held))
