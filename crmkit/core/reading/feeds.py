"""Lists that take a few parameters of their own in place of filters: activities and the audit log."""

from collections.abc import Iterable, Mapping

from crmkit.core.call import Call
from crmkit.core.reading.lists import find_all
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.fields import Time
from crmkit.model.query import groups, parse
from crmkit.model.query.filters import split
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kind
from crmkit.model.times import relative

PAGING = ("limit", "cursor", "explain")

Pairs = Iterable[tuple[str, str]]


async def read(
    call: Call,
    kind: Kind,
    pairs: Pairs,
    filters: Mapping[str, str],
    fixed: Pairs = (),
    details: bool = False,
) -> Listing:
    """Return a page of activities or of entries of the audit log, newest first.

    `fixed` are further filters, which the path implies. `filters` and `pairs` are those of `translated`, `details` that
    of lists.find_all.
    """
    return await find_all(call, kind, [*fixed, *translated(call, kind, pairs, filters)], details)


def translated(call: Call, kind: Kind, pairs: Pairs, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the filters that the parameters of such a list stand for.

    `filters` maps each parameter to a field and operator (`since` -> `at=gte:`). An error names the parameter, not the
    field that it stands for. A day as an upper bound is meant with its end.
    """
    found, sent = list[tuple[str, str]](), set()
    for name, value in pairs:
        if not value.strip():  # an empty parameter filters nothing
            continue
        prefix, parameter = groups.split(name)
        if parameter not in filters:
            found.append((name, value))
            continue
        if name in sent and not prefix:
            comma = ", several values by comma" if filters[name].endswith("in:") else ""
            raise Problem("invalid_value", f"Send {name} once{comma}.", fields={name: "stands twice"})
        sent.add(name)
        field, text = _as_filter(kind, call.asker, name, value, filters[parameter])
        found.append((prefix + field, text))
    return found


def _as_filter(kind: Kind, asker: Asker, name: str, value: str, filter: str) -> tuple[str, str]:
    """Return the filter that a parameter stands for; raises `invalid_value` with the name of the parameter."""
    field, _, operator = filter.partition("=")
    type_ = kind.by_name[field].type
    sent, operand = split(value.strip())
    if operator in ("", "in:") and operand != value.strip() and sent in type_.operators:
        return field, value.strip()
    value = (relative.with_plus(value) if isinstance(type_, Time) else value).strip()
    try:
        parse.parse(kind, [(field, operator + value)], asker)
    except Problem as problem:
        if field not in problem.fields:
            raise
        several = ", or several by comma" if operator == "in:" else ""
        hint = f"Write {name}=VALUE{several}; GET /help tells what it looks like."
        raise Problem("invalid_value", hint, fields={name: problem.fields[field]}) from None
    if operator == "lt:" and type_.span(value, asker):
        operator = "lte:"
    return field, operator + value
