"""Logs that are asked by a few parameters of their own: activities and the audit log."""

from collections.abc import Iterable, Mapping

from crmkit.core.crm import Crm
from crmkit.core.reading.lists import find_all
from crmkit.errors import Problem
from crmkit.model import query
from crmkit.model.actor import Actor
from crmkit.model.listing import Listing
from crmkit.model.record import Kind

PAGING = ("limit", "cursor", "fields")

Pairs = Iterable[tuple[str, str]]


async def read(
    crm: Crm,
    actor: Actor,
    kind: Kind,
    pairs: Pairs,
    filters: Mapping[str, str],
    fixed: Pairs = (),
    details: bool = False,
) -> Listing:
    """Return a page of a log, newest first.

    `filters` maps each parameter to the field and operator it means (`since` -> `at=gte:`); `fixed` are conditions of
    the place that is read; `details` as in records.find_all. Raises what a query raises, in the parameters' words.
    """
    asked = list(fixed)
    for name, value in pairs:
        if value.strip():  # `contact=` with nothing behind it asks for nothing
            asked.append(_meant(kind, name, value, filters[name]) if name in filters else (name, value))
    return await find_all(crm, actor, kind, asked, details)


def _meant(kind: Kind, name: str, value: str, filter: str) -> tuple[str, str]:
    """Return the pair of a query that a parameter stands for."""
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
