"""What leaves the machine is awaited beside other jobs, within its seconds, and its outcome is recorded by the step."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.jobs import runner
from crmkit.core.jobs.kind import JobKind, JobKinds
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from tests.core.jobs.kinds import ADDER, actor_of, add, ended, found, look, until
from tests.house import ALICE, CHARLIE, UNLIMITED, house


def kept(tx: Tx, job: Job) -> Job:
    return job.ends(job.outcome)


async def answers(call: Call, job: Job) -> Any:
    """Wait for ever for those that are told to, and return who asked."""
    if job.input == "hangs":
        await asyncio.Event().wait()
    return call.actor.email


ASKING = JobKinds(ADDER, JobKind("asking", kept, answers))


def test_slow_receivers_of_one_workspace_hold_up_nobody_else(tmp_path: Path) -> None:
    with (
        house(tmp_path / "data", UNLIMITED, jobs=ASKING) as home,
        home.sign_in(ALICE) as alice,
        home.sign_in(CHARLIE) as charlie,
    ):
        slow = [add(home, actor_of(home, alice), "asking", "hangs") for _ in range(runner.MOST_OF_ONE)]
        for job in slow:
            until(home, job, lambda job: job.state == "running")
        behind = add(home, actor_of(home, alice), "asking")
        beside = add(home, actor_of(home, alice), "adder", {"of": 3, "word": "Jane"})
        assert ended(home, add(home, actor_of(home, charlie), "asking")).result == CHARLIE
        assert ended(home, beside).state == "done"
        assert found(home, behind).state == "waiting"  # until one of those that hang is over
        assert all(found(home, job).state == "running" for job in slow)


def test_what_takes_too_long_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PERFORM_SECONDS", 0.3)
    with house(tmp_path / "data", UNLIMITED, jobs=ASKING) as home, home.sign_in(ALICE) as alice:
        slow = [add(home, actor_of(home, alice), "asking", "hangs") for _ in range(runner.MOST_OF_ONE)]
        assert ended(home, add(home, actor_of(home, alice), "asking")).result == ALICE  # once there is room
        for job in slow:
            until(home, job, lambda job: job.tries == 1)
        for pause in runner.PAUSES:
            tries = found(home, slow[0]).tries
            home.clock.move(seconds=pause)
            look(home)
            until(home, slow[0], lambda job, tries=tries: job.tries > tries or job.ended_at is not None)
        assert ended(home, slow[0]).error.startswith("server_error: ")


def test_a_clock_that_is_set_forward_has_nothing_asked_twice(tmp_path: Path) -> None:
    asked, goes = [], asyncio.Event()

    async def waits(call: Call, job: Job) -> int:
        asked.append(job.id)
        await goes.wait()
        return len(asked)

    async def go() -> None:
        goes.set()

    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(ADDER, JobKind("asking", kept, waits))) as home:
        job = add(home, None, "asking")
        until(home, job, lambda _: asked == [job.id])
        home.clock.move(days=1)
        look(home)
        ended(home, add(home, None, "unheard of"))  # so the runner has looked
        home.do(go())
        assert ended(home, job).result == 1


def test_the_outcome_of_a_job_that_was_stopped_meanwhile_is_not_recorded(tmp_path: Path) -> None:
    asked, goes = asyncio.Event(), asyncio.Event()

    async def waits(call: Call, job: Job) -> str:
        asked.set()
        await goes.wait()
        return "late"

    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(JobKind("asking", kept, waits))) as home:
        job = add(home, None, "asking")
        home.do(asked.wait())

        async def stop_and_go() -> Job | None:
            stop = partial(jobs.stop, workspace_id="", id=job.id)
            stopped = await home.crm.database.write(stop, lanes=["*"])
            goes.set()
            return stopped

        stopped = home.do(stop_and_go())
        other = add(home, None, "asking")
        assert ended(home, other).result == "late"
        assert found(home, job) == stopped


def test_a_job_whose_token_is_revoked_asks_nobody(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED, jobs=ASKING) as home, home.sign_in(ALICE) as alice:
        actor = actor_of(home, alice)
        job = add(home, actor, "asking", due_at="2026-06-10T09:00:05Z")
        assert alice.delete(f"/tokens/{actor.token_id}").status_code == 200
        home.clock.move(seconds=5)
        look(home)
        stopped = ended(home, job)
        assert (stopped.state, stopped.error, stopped.result) == ("stopped", runner.REVOKED, None)


def test_a_server_that_stops_leaves_what_it_was_asking(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED, jobs=ASKING) as home, home.sign_in(ALICE) as alice:
        job = add(home, actor_of(home, alice), "asking", "hangs")
        until(home, job, lambda job: job.state == "running")
    with house(tmp_path / "data", UNLIMITED, home.clock, jobs=ASKING) as home:
        assert found(home, job).state == "running"
        assert found(home, job).tries == 0
