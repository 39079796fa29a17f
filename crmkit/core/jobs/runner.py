"""Does the jobs that are due, a step of each workspace in turn, and sleeps until the next is due or one is added."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, NoReturn

from msgspec import to_builtins
from msgspec.structs import replace

from crmkit.clock import after, moment
from crmkit.core.call import Call
from crmkit.core.jobs.kind import Failure, JobKind
from crmkit.core.people import access
from crmkit.errors import Problem
from crmkit.storage import jobs
from crmkit.storage.interface.commits import Listener
from crmkit.storage.interface.lanes import ANYWHERE, Lanes
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Due, Job, Outcome
from crmkit.storage.people import tokens

log = logging.getLogger("crmkit")

PERFORM_SECONDS = 30  # for what leaves the machine: longer than a slow receiver takes to answer
LEASE_SECONDS = 2 * PERFORM_SECONDS  # until a job is taken up again whose process died while it performed
PAUSES = (1, 10, 60, 600, 3600)  # seconds after a bug: a passing cause is over soon, a new version comes in an hour
LONGEST_PAUSE = max(*PAUSES, LEASE_SECONDS)
WAIT_SECONDS = 60  # while the disk is full or too much is being asked; as long as it takes
MOST_SLEEP = 60  # seconds, since a clock that is set forward wakes nobody
MOST_REST = 1  # second between two steps: a step waits that long only where others keep the writer busy
MOST_PERFORMING = 32  # at once; they wait for others, not for this machine
MOST_OF_ONE = 4  # of them of one workspace, whose receivers may all be slow
REVOKED = "invalid_token: The token that started this job was revoked, or its user left the workspace."
PASSING = ("not_ready", "busy")  # codes of problems that are nobody's mistake


async def run_jobs(call: Call) -> None:
    """Do what is due until cancelled. A failure of the database is logged and tried again."""
    with call.crm.database.commits.listener(jobs.TOPIC) as listener:
        async with asyncio.TaskGroup() as group:
            await _Runner(call, listener, group).run()


class _Runner:
    def __init__(self, call: Call, listener: Listener, group: asyncio.TaskGroup) -> None:
        self._crm = call.crm
        self._system = call
        self._listener = listener
        self._group = group
        self._performing: dict[int, str] = {}  # number of a job -> its workspace
        self._preparing: set[int] = set()  # numbers of jobs
        self._turns: dict[str, int] = {}  # workspace -> number of the job that had its turn in the newest round
        self._seen: str | None = None  # the newest time of the clock

    async def run(self) -> NoReturn:
        is_begun = False
        while True:
            try:
                if not is_begun:
                    await self._system.write(self._released, ANYWHERE, silent=True)
                    is_begun = True
                due, next_at = await self._look()
                if not await self._round(due):
                    await self._sleep(next_at)
            except Exception as error:
                line = self._crm.database.log_throttle.line(str(error.__cause__ or error))
                if line:
                    log.warning("jobs wait: %s", line, exc_info=not isinstance(error, Problem))
                await asyncio.sleep(WAIT_SECONDS)

    def _released(self, tx: Tx) -> None:
        """Have what was performed by a process that is no more performed again at once; before anything else is."""
        for kind in self._crm.jobs.performing:
            jobs.release(tx, kind)

    async def _look(self) -> tuple[list[Due], str | None]:
        """Return what is due and when the next job will be; end pauses that the clock, set back, made too long."""
        now, seen = self._crm.now, self._seen
        due, next_at = await self._system.read(jobs.due, now)
        if next_at is not None and (seen is None or now < seen):
            latest = after(now, seconds=LONGEST_PAUSE)
            await self._system.write(lambda tx: jobs.end_pauses_after(tx, latest), ANYWHERE, silent=True)
            due, next_at = await self._system.read(jobs.due, now)
        self._seen = now
        return due, next_at

    async def _round(self, due: Sequence[Due]) -> bool:
        """Begin one step for each workspace, the jobs of one workspace in turn; tell whether there was any to begin."""
        turns: dict[str, int] = {}
        for workspace_id, waiting in groupby(due, lambda job: job.workspace_id):
            ready = [job for job in waiting if self._may_begin(job)]
            if ready:
                last = self._turns.get(workspace_id, 0)
                job = next((job for job in ready if job.seq > last), ready[0])
                turns[workspace_id] = job.seq
                began = time.monotonic()
                await self._begin(job)
                await asyncio.sleep(self._rest(began))
        self._turns = turns
        return bool(turns)

    def _rest(self, began: float) -> float:
        """Return the seconds after what began then that are for others: half of the time, unless nobody asks."""
        return 0 if self._crm.traffic.is_quiet else min(time.monotonic() - began, MOST_REST)

    def _may_begin(self, due: Due) -> bool:
        if due.seq in self._preparing:
            return False
        kind = self._crm.jobs.get(due.kind)
        if kind is None or kind.perform is None:
            return True
        if due.seq in self._performing:  # the clock was set forward, past the end of the lease
            return False
        own = sum(workspace_id == due.workspace_id for workspace_id in self._performing.values())
        return own < MOST_OF_ONE and len(self._performing) < MOST_PERFORMING

    async def _begin(self, due: Due) -> None:
        """Do a step; where something is prepared or performed before it, begin that, which goes on beside others."""
        kind = self._crm.jobs.get(due.kind)
        if kind is None:
            await self._end(due, jobs.FAILED, "server_error: This version of the program does not know such a job.")
        elif kind.prepare is not None:
            self._preparing.add(due.seq)  # nothing is left behind, so the job needs no lease
            self._group.create_task(self._prepare(kind, due))
        elif kind.perform is None:
            await self._tried(due, lambda: self._step(kind, due, Outcome()))
        else:
            until = after(self._crm.now, seconds=LEASE_SECONDS)
            job = await self._write(due, lambda tx: jobs.lease(tx, due, until))
            if job is not None:
                self._performing[due.seq] = due.workspace_id
                self._group.create_task(self._perform(kind, replace(due, due_at=until), job))

    async def _prepare(self, kind: JobKind, due: Due) -> None:
        async def prepared() -> None:
            assert kind.prepare is not None
            job = await self._system.read(jobs.find, due.workspace_id, due.id)
            if job is not None and not job.has_ended:
                outcome = Outcome(await kind.prepare(await self._call(due), job))
                await self._step(kind, due, outcome, job)

        began = time.monotonic()
        try:
            await self._tried(due, prepared)
            await asyncio.sleep(self._rest(began))
        except Exception as error:  # the disk is full
            log.warning("job %s waits: %s", due.id, error)
            await asyncio.sleep(WAIT_SECONDS)
        finally:
            self._preparing.discard(due.seq)
            self._listener.wake()

    async def _perform(self, kind: JobKind, due: Due, job: Job) -> None:
        async def performed() -> None:
            assert kind.perform is not None
            call = await self._call(due)
            await self._step(kind, due, await self._outcome(kind.perform(call, job), due))

        try:
            await self._tried(due, performed)
        except Exception as error:  # the disk is full: the job is taken up again later
            log.warning("job %s waits: %s", due.id, error)
        finally:
            del self._performing[due.seq]
            self._listener.wake()

    async def _outcome(self, performed: Awaitable[Any], due: Due) -> Outcome:
        """Return what the step is told; raises a Problem that is about the program or the actor, not the receiver."""
        try:
            async with asyncio.timeout(PERFORM_SECONDS):
                return Outcome(await performed)
        except Problem as problem:
            if problem.code in (*PASSING, "invalid_token"):
                raise
            return Outcome(failed=problem)
        except OSError as error:  # a TimeoutError is one
            return Outcome(failed=error)
        except Exception as error:
            log.error("performing job %s (%s) failed", due.id, due.kind, exc_info=error)
            return Outcome(failed=error)

    async def _step(self, kind: JobKind, due: Due, outcome: Outcome, prepared: Job | None = None) -> None:
        """Do a step; none where the job is not any more where it was `prepared`, since another process went on."""
        recorded = asyncio.Event()

        async def record() -> None:
            recorded.set()

        def unit(tx: Tx) -> None:
            tx.after(record)
            job = jobs.claim(tx, due)
            if job is None or (prepared is not None and job.position != prepared.position):
                return
            if job.op is not None:
                tx.operations[due.workspace_id] = job.op  # all steps of a job are one operation
            reached = kind.stepped(self._crm, tx, replace(job, outcome=outcome))
            jobs.save(tx, replace(reached, op=tx.operations.get(due.workspace_id)))

        call = await self._call(due)
        try:
            await call.write(unit, _lanes(due))
        except Exception as error:
            if not recorded.is_set():
                raise
            log.error("an effect of job %s (%s) failed; the job goes on", due.id, due.kind, exc_info=error)

    async def _tried(self, due: Due, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work; what it raises ends the job or has it tried again later."""
        try:
            await work()
        except Problem as problem:
            if problem.code in PASSING:
                await self._pause(due, WAIT_SECONDS, due.tries)
            elif problem.code == "invalid_token":
                await self._end(due, jobs.STOPPED, REVOKED)
            else:
                failure = to_builtins(Failure.of(problem))
                await self._end(due, jobs.FAILED, problem.text, failure)
        except Exception as error:
            log.error("job %s (%s) failed", due.id, due.kind, exc_info=error)
            if due.tries < len(PAUSES):
                await self._pause(due, PAUSES[due.tries], due.tries + 1)
            else:
                await self._end(due, jobs.FAILED, f"server_error: Our fault; it is logged under {due.id}.")

    async def _pause(self, due: Due, seconds: float, tries: int) -> None:
        until = after(self._crm.now, seconds=seconds)
        await self._write(due, lambda tx: jobs.pause(tx, due, until, tries))

    async def _end(self, due: Due, state: str, error: str, failure: Any = None) -> None:
        kind = self._crm.jobs.get(due.kind)

        def unit(tx: Tx) -> None:
            job = jobs.end(tx, due, state, error, failure)
            if job is not None and kind is not None and kind.ended is not None:
                kind.ended(self._crm, tx, job)

        await self._write(due, unit)

    async def _write(self, due: Due, unit: Callable[[Tx], Any]) -> Any:
        """Write of the job itself, which needs no actor."""
        return await self._system.write(unit, _lanes(due))

    async def _call(self, due: Due) -> Call:
        """Return the call of the job's actor as of now; raises `invalid_token` when token or membership is gone."""
        if not due.token_id:
            return self._system
        actor = await self._system.read(tokens.current, due.token_id)
        if actor is None:
            raise access.invalid_token()
        return Call(self._crm, actor)

    async def _sleep(self, next_at: str | None) -> None:
        """Return when a job was added or performed, the next one may be due, or another program may have added one."""
        span = MOST_SLEEP if next_at is None else (moment(next_at) - moment(self._crm.now)).total_seconds()
        try:
            async with asyncio.timeout(min(span, MOST_SLEEP)):
                await self._listener.wait()
        except TimeoutError:
            pass


def _lanes(due: Due) -> Lanes:
    return (due.workspace_id,) if due.workspace_id else ANYWHERE
