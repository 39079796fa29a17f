"""The program is killed with kill -9 while an index is built and records change: afterwards it holds what it should."""

import json
import random
import time
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.core.people import login
from crmkit.storage import records
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from tests import postgres
from tests.house import ALICE, UNLIMITED, Person, process
from tests.kinds import CONTACT
from tests.postgres import rows

OF = 20_000  # contacts: 80 steps
KILLS = 3
WAITS = 60  # seconds until a test gives up


def fill(folder: Path) -> tuple[str, list[str]]:
    """Make contacts with a number in custom; return Alice's token and their ids."""
    crm = boot.crm_of(boot.load_settings(environ=postgres.environ(folder)))

    def unit(tx: Tx) -> tuple[str, list[str]]:
        token = login.sign_in(tx, crm=crm, email=ALICE, token_name="test").token
        use = tokens.find(tx.connection, sha256(token))
        tx.actor = use.actor if use else None
        bodies = ({"name": f"n{number}", "custom": {"size": number % 100}} for number in range(OF))
        return token, [records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft(body))).id for body in bodies]

    return postgres.brand_of(folder).run(folder, unit, [mail_lane(ALICE)], crm.now)


def built(folder: Path) -> int:
    """Return how many entries there are."""
    return int(rows(folder, "SELECT count(*) FROM custom_values")[0][0])


@pytest.mark.slow
def test_an_index_that_is_killed_while_it_is_built_holds_each_value_once(tmp_path: Path) -> None:
    folder, luck = tmp_path / "data", random.Random(17)
    token, ids = fill(folder)
    for turn in range(KILLS):
        with process(folder, **UNLIMITED) as program, Person(program.url, token, ALICE) as alice:
            if turn == 0:
                made = alice.post("/fields", json={"kind": "contact", "key": "size", "type": "number"})
                assert made.status_code == 201
            for _ in range(luck.randint(1, 6)):
                size = luck.choice([None, luck.randint(0, 1000)])
                changed = alice.patch(f"/contacts/{luck.choice(ids)}", json={"custom": {"size": size}})
                assert changed.status_code == 200
            program.kill()
        if turn == 0:
            assert built(folder) < OF, "the first kill came after the end"
    with process(folder, **UNLIMITED) as program, Person(program.url, token, ALICE) as alice:
        deadline = time.monotonic() + WAITS
        while alice.json_of("GET", "/fields")["items"][0]["state"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        largest = alice.json_of("GET", "/contacts?sort=-custom.size&limit=1")["items"][0]
    held = {id: json.loads(custom)["size"] for id, custom in rows(folder, "SELECT id, custom FROM contacts") if custom}
    entries = rows(folder, "SELECT id, value FROM custom_values")
    assert {id: int(value) for id, value in entries} == held
    assert built(folder) == len(held)
    assert largest["custom"]["size"] == max(held.values())
