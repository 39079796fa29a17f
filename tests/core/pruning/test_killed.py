"""The program is killed with kill -9 while it drops what is outdated, and goes on where it was."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from crmkit.clock import system_clock
from crmkit.core.call import Call
from crmkit.core.sealing import sealing
from tests.house import ALICE, UNLIMITED, GivenClock, house, process, run
from tests.postgres import rows

DAYS = 20  # that the plan keeps entries
BATCHES, ITEMS = 6, 500  # contacts, of which each has an entry
KEYS = 400  # answers, which are kept for a day
WAITS = 120  # seconds until the test gives up


def made(folder: Path, file: Path, at: GivenClock) -> None:
    """Have a log of that time, sealed, beside answers that are kept for a day."""
    with house(folder, UNLIMITED, at, file) as home, home.sign_in(ALICE) as alice:
        for batch in range(BATCHES):
            items = [{"name": f"Jane {batch} {each}"} for each in range(ITEMS)]
            assert alice.post("/contacts/batch", json={"items": items}).status_code == 201
        for key in range(KEYS):
            answer = alice.post("/companies", json={"name": f"Acme {key}"}, headers={"Idempotency-Key": f"k{key}"})
            assert answer.status_code == 201
        home.do(sealing.seal_all(Call(home.crm)))


def count(folder: Path, table: str) -> int:
    (found,) = rows(folder, f"SELECT count(*) FROM {table}")[0]
    return int(found)


def reached(folder: Path, left: int) -> None:
    """Return once so many entries are left, or fewer."""
    deadline = time.monotonic() + WAITS
    while count(folder, "audit") > left:
        assert time.monotonic() < deadline, f"{count(folder, 'audit')} entries are left"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.sqlite
def test_pruning_that_is_killed_again_and_again_drops_what_is_outdated_and_nothing_else(tmp_path: Path) -> None:
    folder, file = tmp_path / "data", tmp_path / "crmkit.toml"
    file.write_text(f'[plans]\ndefault = "short"\n[plans.short]\naudit_days = {DAYS}\n')
    made(folder, file, GivenClock(system_clock() - timedelta(days=DAYS + 5)))
    before = count(folder, "audit")
    assert before > BATCHES * ITEMS
    config = ("--config", str(file))
    for share in (0.95, 0.6, 0.3):
        with process(folder, *config, **UNLIMITED) as running:
            reached(folder, int(before * share))
            running.kill()
        assert 0 < count(folder, "audit") <= before * share
        verdict = run("audit", "verify", "--data", str(folder), cwd=tmp_path)
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    with process(folder, *config, **UNLIMITED) as running, running.sign_in() as alice:
        reached(folder, 100)
        assert alice.json_of("GET", "/contacts?limit=1")["total"] > 1_000
    assert count(folder, "contacts") == BATCHES * ITEMS
    assert count(folder, "companies") == KEYS
    assert count(folder, "answers") == 0
    for command in (("audit", "verify"), ("doctor",)):
        verdict = run(*command, "--data", str(folder), cwd=tmp_path)
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
