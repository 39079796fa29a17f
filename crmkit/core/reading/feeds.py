"""Lists that take a few parameters of their own in place of filters: activities and the audit log."""

from collections.abc import Iterable, Mapping

from crmkit.core.call import Call
from crmkit.core.reading.lists import find_all
from crmkit.errors import Problem
from crmkit.model import query
from crmkit.model.listing import Listing
from crmkit.model.record import Kind

PAGING = ("limit", "cursor", "fields")

Pairs = Iterable[tuple[str, str]]


async def read(
    call: Call,
    kind: Kind,
    pairs: Pairs,
    filters: Mapping[str, str],
    fixed: Pairs = (),
    details: bool = False,
) -> Listing:
    """Return a page of such a list, newest first.

    `filters` maps each parameter to a field and operator (`since` -> `at=gte:`). `fixed` are further filters, which the
    path implies. `details` is that of lists.find_all. An error names the parameter, not the field that it stands for.
    """
    translated = list(fixed)
    for name, value in pairs:
        if value.strip():  # an empty parameter filters nothing
            translated.append(_as_filter(kind, name, value, filters[name]) if name in filters else (name, value))
    return await find_all(call, kind, translated, details)


def _as_filter(kind: Kind, name: str, value: str, filter: str) -> tuple[str, str]:
    """Return the filter that a parameter stands for; raises `invalid_value` with the name of the parameter."""
    field, _, operator = filter.partition("=")
    try:
        query.parse(kind, [(field, operator + value)])
    except Problem as problem:
        if field not in problem.fields:
            raise
        several = ", or several by comma" if operator == "in:" else ""
        hint = f"Write {name}=VALUE{several}; GET /help tells what it looks like."
        raise Problem("invalid_value", hint, fields={name: problem.fields[field]}) from None
    return field, operator + value
