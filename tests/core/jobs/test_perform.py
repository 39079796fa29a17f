"""What leaves the machine is awaited beside other jobs, within its seconds, and its outcome is recorded by the step."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.jobs import runner
from crmkit.core.jobs.kind import JobKind, JobKinds
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job
from tests.core.jobs.kinds import ADDER, actor_of, add, ended, found, look, until
from tests.house import ALICE, CHARLIE, UNLIMITED, house


def kept(tx: Tx, job: Job) -> Job:
    return job.ends(job.outcome.value)


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


def patient(tx: Tx, job: Job) -> Job:
    """Note each failure, and pause for ten days after it."""
    failures = job.position or []
    if job.outcome.failed is None:
        return job.ends([*failures, job.outcome.value])
    return job.waits([*failures, str(job.outcome.failed) or type(job.outcome.failed).__name__], after(tx.now, days=10))


def test_a_job_decides_what_follows_when_its_receiver_is_slow_or_refuses_or_the_answer_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fails = [Problem("mail_failed", "No mail today."), ConnectionRefusedError("refused"), ZeroDivisionError("a bug")]
    raised: list[Exception] = []

    async def perform(call: Call, job: Job) -> str:
        if job.position is None:
            await asyncio.Event().wait()
        if len(raised) < len(fails):
            raised.append(fails[len(raised)])
            raise raised[-1]
        return "answered"

    monkeypatch.setattr(runner, "PERFORM_SECONDS", 0.1)
    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(JobKind("asking", patient, perform))) as home:
        job = add(home, None, "asking")
        for times in range(1, len(fails) + 2):
            paused = until(home, job, lambda job, times=times: len(job.position or []) == times)
            assert (paused.state, paused.tries, paused.error) == ("waiting", 0, "")
            home.clock.move(days=10)
            look(home)
        told = ["TimeoutError", *map(str, fails), "answered"]
        assert ended(home, job).result == told
    assert [record.exc_info[1] for record in caplog.records if job.id in record.getMessage()] == [fails[-1]]


def test_a_receiver_that_never_answers_makes_room_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PERFORM_SECONDS", 0.3)
    with house(tmp_path / "data", UNLIMITED, jobs=ASKING) as home, home.sign_in(ALICE) as alice:
        for _ in range(runner.MOST_OF_ONE):
            add(home, actor_of(home, alice), "asking", "hangs")
        assert ended(home, add(home, actor_of(home, alice), "asking")).result == ALICE


def test_what_finds_the_disk_full_is_performed_again_and_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[None] = []

    async def perform(call: Call, job: Job) -> int:
        times.append(None)
        if len(times) == 1:
            raise Problem("not_ready", "The disk is full.")
        return len(times)

    monkeypatch.setattr(runner, "WAIT_SECONDS", 50)  # unlike the lease
    with house(tmp_path / "data", UNLIMITED, jobs=JobKinds(JobKind("asking", kept, perform))) as home:
        job = add(home, None, "asking")
        waiting = until(home, job, lambda job: job.due_at == after(home.crm.now, seconds=50))
        assert (waiting.tries, waiting.position) == (0, None)
        home.clock.move(seconds=50)
        look(home)
        assert ended(home, job).result == 2


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
