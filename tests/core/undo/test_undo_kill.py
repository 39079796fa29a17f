"""The program is killed with kill -9 while a job takes an operation back: each record goes once, in one operation."""

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from crmkit import boot
from crmkit.core.people import login
from crmkit.core.undo import job as undoing
from crmkit.storage import records
from crmkit.storage.hashed import sha256
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import number_of
from crmkit.storage.jobs import Job
from crmkit.storage.log import audit
from crmkit.storage.people import tokens
from tests import postgres
from tests.core.jobs.test_kill import found, program
from tests.house import ALICE
from tests.kinds import CONTACT
from tests.postgres import rows

OF = 600 if postgres.SERVER else 3_000  # contacts
KILLS = 2 if postgres.SERVER else 8
WAITS = 120  # seconds until the test gives up


def added(folder: Path) -> Job:
    """Return the job that takes back an operation of many contacts; Alice signs in for both."""
    crm = boot.crm_of(boot.load_settings(environ=postgres.environ(folder)))

    def act(tx: Tx) -> None:
        signed_in = login.sign_in(tx, crm=crm, email=ALICE, token_name="test")
        use = tokens.find(tx.connection, sha256(signed_in.token))
        tx.actor = use.actor if use else None

    def made(tx: Tx) -> int:
        act(tx)
        place = tx.by.workspace_id
        tx.operations.pop(place, None)
        for n in range(OF):
            records.put(tx, CONTACT, None, CONTACT.new({"name": f"Jane {n}"}))
        return tx.operations[place]

    first = postgres.brand_of(folder).run(folder, made, [mail_lane(ALICE)], crm.now)

    def job(tx: Tx) -> Job:
        act(tx)
        assert number_of(first) == tx.by.workspace_number
        return undoing.add(tx, undoing.Input(audit.operation_id(tx.by.workspace_id, first), first, OF, {}))

    return postgres.brand_of(folder).run(folder, job, [mail_lane(ALICE)], crm.now)


def counted(folder: Path, sql: str) -> Any:
    return rows(folder, sql)[0][0]


def moved(folder: Path, job: Job, process: subprocess.Popen[bytes], deletes: int) -> int:
    """Return how many contacts are deleted, once it is more than so many or the job has ended."""
    deadline = time.monotonic() + WAITS
    while True:
        now = counted(folder, "SELECT count(*) FROM audit WHERE action = 'contact.delete'")
        if now > deletes or found(folder, job).has_ended:
            return int(now)
        assert process.poll() is None, (folder.parent / "output").read_text()
        assert time.monotonic() < deadline, now
        time.sleep(0.01)


@pytest.mark.slow
def test_an_undo_that_is_killed_again_and_again_takes_each_record_back_once(tmp_path: Path) -> None:
    folder, luck = tmp_path / "data", random.Random(18)
    job = added(folder)
    deletes = 0
    for _ in range(KILLS):
        with program(folder) as process:
            deletes = moved(folder, job, process, deletes)
            time.sleep(luck.random() * 0.1)
    with program(folder) as process:
        while not found(folder, job).has_ended:
            moved(folder, job, process, OF)
        last = found(folder, job)
    assert last.result["message"].endswith(f"({OF} records)")
    assert counted(folder, "SELECT count(*) FROM contacts") == 0
    of_one = "FROM audit WHERE action = 'contact.delete'"
    assert counted(folder, f"SELECT count(*) {of_one}") == counted(folder, f"SELECT count(DISTINCT target) {of_one}")
    assert counted(folder, f"SELECT count(DISTINCT coalesce(op, seq)) {of_one}") == 1
    assert counted(folder, "SELECT count(*) FROM audit WHERE action = 'operation.undo'") == 1
