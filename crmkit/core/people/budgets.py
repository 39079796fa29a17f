"""Budgets: how often somebody may do something in a while; counted in the database, so a restart forgets nothing."""

from msgspec import Struct

from crmkit.clock import after, moment
from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import attempts

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds


class Allowance(Struct, frozen=True):
    """What is left of a limit; `reset` is in seconds from now."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class Budget(Struct, frozen=True):
    """At most `most` times of `what` by one `who` (a mail address, a client, a user) in any `seconds`; 0 is no limit.

    `hint` is told to whoever has used it up; {most} and {wait}, in seconds, are filled in.
    """

    what: str
    who: str
    most: int
    seconds: int
    hint: str


def spend(tx: Tx, *budgets: Budget) -> tuple[Allowance, ...]:
    """Count once for each budget and return what is left of each; raises `rate_limited`, and then none is counted."""
    allowances = tuple(_left(tx, budget) for budget in budgets)
    for budget in budgets:
        attempts.count(tx, budget.what, budget.who)
    return allowances


def give_back(tx: Tx, *budgets: Budget) -> None:
    """Uncount what was spent a moment ago."""
    for budget in budgets:
        attempts.take_back(tx, budget.what, budget.who)


def limit_reached(hint: str, limit: int, wait: int) -> Problem:
    """Return the 429 of a limit that frees up in `wait` seconds."""
    headers = {"Retry-After": str(wait), **Allowance(limit, 0, wait).headers}
    return Problem("rate_limited", hint, headers=headers)


def seconds(start: str, end: str) -> int:
    """Return the whole seconds between two stamps, 0 when the second is earlier."""
    return max(0, int((moment(end) - moment(start)).total_seconds()))


def _left(tx: Tx, budget: Budget) -> Allowance:
    """Return what will be left after one more."""
    done, first = attempts.counted(tx, budget.what, budget.who, after(tx.now, seconds=1 - budget.seconds))
    wait = seconds(tx.now, after(first or tx.now, seconds=budget.seconds))
    if budget.most and done >= budget.most:
        raise limit_reached(budget.hint.format(most=budget.most, wait=wait), budget.most, wait)
    return Allowance(budget.most, max(0, budget.most - done - 1), wait)
