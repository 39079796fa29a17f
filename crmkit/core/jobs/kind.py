"""What a kind of job is: its name, its step, and what it does outside the database."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, convert

from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx
from crmkit.storage.jobs import Job

if TYPE_CHECKING:
    from crmkit.core.call import Call
    from crmkit.core.crm import Crm

Step = Callable[[Tx, Job], Job]


class JobKind(Struct, frozen=True):
    """`step` does a little of the job and returns it at the position that it reached (see Job.goes_on).

    What it writes and the position are one transaction, so nothing is done twice or left out. It may run again, as
    any unit, and should take a few milliseconds, since others wait to write. A Problem that it raises ends the job as
    failed. Anything else that it raises is a bug: it is logged, and the step is tried again after a pause, a few times.
    An effect that it leaves with tx.after is tried once: what must not be lost is performed.

    `perform`, where there is one, is awaited before each step for what leaves the machine, within PERFORM_SECONDS; the
    step finds what it returned in `job.outcome.value`, or what it raised in `job.outcome.failed`, and decides itself
    whether to pause, go on or raise. After a crash it is repeated: it happens at least once.

    What `perform` raises is no bug, be it a Problem, a refused connection or a TimeoutError; what is neither a Problem
    nor an OSError is logged besides. Three kinds of Problem never reach the step: the job waits and performs again
    after `not_ready` and `busy`, and stops after `invalid_token`.

    `prepare`, where there is one in place of `perform`, is awaited before each step too, for as long as it takes, while
    other jobs go on: it reads what the step needs, which finds that in `job.outcome.value`. It leaves nothing behind,
    so it may be repeated, and what it raises is told as what a step raises.
    """

    name: str
    step: Step | None = None
    perform: "Callable[[Call, Job], Awaitable[Any]] | None" = None
    prepare: "Callable[[Call, Job], Awaitable[Any]] | None" = None
    step_in: "Callable[[Crm, Tx, Job], Job] | None" = None  # in place of `step`, where one needs the program's parts
    area: Callable[[Job], str] = lambda job: "*"  # that a token reads who is told of the job of another
    is_told: bool = False  # though it is one of the system, somebody asked for it and is told of it
    ended: "Callable[[Crm, Tx, Job], None] | None" = None  # in the transaction that ends a job without its step

    def stepped(self, crm: "Crm", tx: Tx, job: Job) -> Job:
        """Return the job after a step."""
        if self.step is not None:
            return self.step(tx, job)
        if self.step_in is None:
            raise TypeError(f"{self.name} has no step")
        return self.step_in(crm, tx, job)


class Result(Struct, frozen=True):
    """What a job ends with (`job.ends(Result(...))`) whose end is the answer to the request that started it.

    `message` is the sentence after OK, `facts` further members of the JSON, `notes` its notes. The answer tells how to
    undo what the job logged, unless that cannot be undone.
    """

    message: str
    facts: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    can_undo: bool = True

    @classmethod
    def of(cls, job: Job) -> "Result | None":
        """Return what a job that is done ended with; None where its kind ends with something else."""
        is_told = isinstance(job.result, dict) and {"message"} <= job.result.keys() <= set(cls.__struct_fields__)
        return convert(job.result, cls) if is_told else None


class Failure(Struct, frozen=True):
    """What a job keeps of the Problem that ended it, beside code and hint."""

    fields: dict[str, str] = {}
    facts: dict[str, Any] = {}

    @classmethod
    def of(cls, problem: Problem) -> "Failure":
        return cls(problem.fields, problem.facts)


def failure(job: Job) -> Problem | None:
    """Return the Problem that ended a job before it was done; None where it is done or goes on."""
    if not job.error:
        return None
    told = convert(job.result, Failure) if isinstance(job.result, dict) else Failure()
    return Problem.kept(job.error, fields=told.fields, facts=told.facts)


class JobKinds:
    """The kinds of jobs that a program has; raises ValueError for two of one name."""

    def __init__(self, *kinds: JobKind) -> None:
        self._by_name = {kind.name: kind for kind in kinds}
        if len(self._by_name) < len(kinds):
            raise ValueError("two kinds of jobs have the same name")

    @property
    def performing(self) -> list[str]:
        """The names of the kinds that do something outside the database."""
        return [name for name, kind in self._by_name.items() if kind.perform is not None]

    def get(self, name: str) -> JobKind | None:
        """Return the kind of this name, or None."""
        return self._by_name.get(name)
