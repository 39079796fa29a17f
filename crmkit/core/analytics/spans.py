"""What is asked of figures: of which span of time."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.fields import Invalid, Time
from crmkit.model.times import periods
from crmkit.storage.analytics.span import Span

SPAN = ("period", "from", "to")  # the parameters that say which
DEFAULT = "last_30_days"
ROWS = 1_000  # of an answer
READ = 100_000  # of which one figure at most is made, where an index alone does not tell it

T = TypeVar("T")


def span(call: Call, parameters: Mapping[str, str]) -> Span:
    """Return the span that the parameters name; raises `invalid_value`.

    `from` or `to` overrides `period`: the one alone runs to now, the other from the beginning. A day is meant whole.
    """
    since = _read(call, parameters, "from", Time().first)
    until = _read(call, parameters, "to", Time().last)
    if since is None and until is None:
        first, end = _read(call, {"period": DEFAULT, **_filled(parameters)}, "period", Time().period) or ("", None)
        name = parameters.get("period", "").strip().lower() or DEFAULT
        return Span(name, None if first == periods.FIRST else first, end and after(end, seconds=-1))
    until = until or call.now
    if since is not None and since > until:
        wrong = {"from": f"is after {'to' if 'to' in _filled(parameters) else 'now'}"}
        raise Problem("invalid_value", "Send the earlier time as from, and the later one as to.", fields=wrong)
    return Span(None, since, until)


def left_out(rows: Sequence[object]) -> tuple[str, ...]:
    """Return a note on the rows after the first ROWS, if there are any."""
    more = len(rows) - ROWS
    return (f"{more} more rows are left out",) if more > 0 else ()


def _filled(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in parameters.items() if text.strip()}


def _read(call: Call, parameters: Mapping[str, str], name: str, read: Callable[[str, Asker], T]) -> T | None:
    """Return what `read` makes of a parameter, None without it; raises `invalid_value`."""
    text = _filled(parameters).get(name)
    try:
        return None if text is None else read(text, call.asker)
    except Invalid as error:
        hint = f"Send period={DEFAULT} or another, or from and to like from=2026-06-10&to=today."
        raise Problem("invalid_value", hint, fields={name: str(error)}) from None
