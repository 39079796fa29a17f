"""What `crmkit audit verify` and `crmkit doctor` do: the log is compared with its seals, a little in each moment."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from msgspec import Struct

from crmkit.clock import after
from crmkit.errors import Problem
from crmkit.storage.interface.brand import ReadNext, RunNext
from crmkit.storage.log import checking, seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.log.checking import Part

MOST_TOLD = 20  # faults; the others are counted
AT_ONCE = 200  # workspaces
LATE_MINUTES = 30  # that an entry may wait for its seal: three times as long as one does


class Verdict(Struct):
    """The log as it is: the digest at the end of its seals, what is wrong, and how many entries there are."""

    head: str
    faults: list[str]
    all_faults: int
    sealed: int
    erased: int
    pruned: int
    gone: int
    unsealed: int

    @property
    def line(self) -> str:
        """How many entries there are, in words."""
        told = f"entries: {self.sealed:,} sealed, {self.erased:,} of them erased"
        more = {"removed for their age": self.pruned, "gone with their workspaces": self.gone}
        more["not sealed yet"] = self.unsealed
        return ", ".join((told, *(f"{count:,} {what}" for what, count in more.items() if count)))


def seal(read: ReadNext, runs: Callable[[], AbstractContextManager[RunNext]], secret: bytes, now: str) -> list[str]:
    """Seal all that was logged, and return of which workspaces that was not possible, and why.

    `runs` is asked for only where something waits. Raises a Problem of status 503, as of a full disk.
    """
    chain, faults = Chain(secret), list[str]()
    waiting = list(_waiting(read))
    if not waiting:
        return faults
    with runs() as run:
        for each in waiting:
            try:
                _seal(run, chain, each, now)
            except Exception as error:  # a text that the database cannot read as one
                if isinstance(error, Problem) and error.status == 503:  # which says nothing of the log
                    raise
                faults.append(f"{each.workspace.id}: its newest entries cannot be sealed: {error.__cause__ or error}")
    return faults


def renew(read: ReadNext, run: RunNext, secret: bytes, now: str) -> Verdict:
    """Drop all seals, seal the log as it is now, and return how it is then; no server may run.

    Whoever ends this in between leaves a log that waits to be sealed.
    """
    run(partial(seals.drop, chain=Chain(secret)), (seals.LANE,), now)
    return verify(read, secret, unsealed=seal(read, lambda: nullcontext(run), secret, now))


def _seal(run: RunNext, chain: Chain, waiting: seals.Waiting, now: str) -> None:
    lanes, left = (waiting.workspace.id, seals.LANE), waiting.newest - waiting.after
    while left > 0:
        count = run(partial(seals.seal, chain=chain, workspace=waiting.workspace), lanes, now)
        left = left - count if count else 0


def verify(read: ReadNext, secret: bytes, head: str = "", unsealed: Sequence[str] = ()) -> Verdict:
    """Return how the log is; where a `head` is given that is at the end of no seal, its end was cut off.

    `unsealed` are the faults that sealing it told, which are told first.
    Raises ValueError for a head that is none.
    """
    chain, sought = Chain(secret), _head(head)
    part, total, faults, count = Part(chain.start, sought=sought), Part(b""), list[str](), 0
    while not part.is_over:
        part = read(partial(checking.check, chain=chain, part=part))
        for name in ("sealed", "erased", "gone"):
            setattr(total, name, getattr(total, name) + getattr(part, name))
        faults += part.faults[: MOST_TOLD - len(faults)]
        count += len(part.faults)
    begin: int | None = checking.LOWEST
    while begin is not None:
        misplaced, begin = read(partial(checking.misplaced, begin=begin))
        faults += misplaced[: MOST_TOLD - len(faults)]
        count += len(misplaced)
    total.pruned, unproved = read(partial(checking.removed, chain=chain))
    waiting = sum(each.newest - each.after for each in _waiting(read))
    if sought and sought != chain.start and not part.is_met:
        unproved.append(f"no seal has the head {head}: the end of the log was cut off, or what came before it changed")
    first = [*unsealed, *unproved]
    counts = (total.sealed, total.erased, total.pruned, total.gone, waiting)
    return Verdict(part.digest.hex(), (first + faults)[:MOST_TOLD], count + len(first), *counts)


def late(read: ReadNext, now: str) -> list[str]:
    """Return of which workspaces entries wait to be sealed, and have for too long, while a server runs."""
    found = list[str]()
    position: int | None = 0
    while position is not None:
        some, position = read(partial(seals.late, before=late_since(now), after=position, most=AT_ONCE))
        found += some
    return told_late(found)


def late_since(now: str) -> str:
    """Return the time since when an entry must wait to be late."""
    return after(now, minutes=-LATE_MINUTES)


def told_late(workspaces: Iterable[str]) -> list[str]:
    return [f"{id}: entries wait to be sealed since more than {LATE_MINUTES} minutes" for id in workspaces]


def _waiting(read: ReadNext) -> Iterator[seals.Waiting]:
    after: int | None = 0
    while after is not None:
        found, after = read(partial(seals.waiting, after=after, most=AT_ONCE))
        yield from found


def _head(head: str) -> bytes:
    try:
        found = bytes.fromhex(head)
    except ValueError:
        found = b"?"
    if len(found) not in (0, 32):
        raise ValueError(f"--head {head}: a head is the 64 letters and digits that `crmkit audit verify` printed")
    return found
