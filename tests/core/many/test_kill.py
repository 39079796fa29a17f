"""The program is killed with kill -9 in a stream of batches: each batch is there as a whole then, or not at all."""

import random
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import ALICE, UNLIMITED, Person, process

ITEMS = 200
KILLS = 4


@pytest.mark.sqlite
@pytest.mark.slow
def test_each_batch_is_whole_or_absent_and_whole_if_it_was_answered(tmp_path: Path) -> None:
    folder, luck = tmp_path / "data", random.Random()
    token, answered, sent = "", set[str](), 0
    for _ in range(KILLS):
        with process(folder, **UNLIMITED) as program:
            if not token:
                with program.sign_in() as alice:
                    token = alice.token
            killer = threading.Timer(luck.uniform(0.2, 0.8), program.kill)
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
    with closing(connect(folder / FILE, False)) as connection:
        held = Counter(name for (name,) in connection.execute("SELECT name FROM contacts"))
        counted = connection.execute("SELECT live FROM counts WHERE kind = 'contacts'").fetchone()[0]
        logged = connection.execute("SELECT count(*) FROM audit WHERE action = 'contact.create'").fetchone()[0]
        operations = connection.execute(
            "SELECT count(*) FROM audit WHERE action = 'contact.create' AND op IS NULL"
        ).fetchone()[0]
    assert answered <= held.keys()
    assert set(held.values()) == {ITEMS}
    assert len(answered) > KILLS
    assert (counted, logged, operations) == (held.total(), held.total(), len(held))
