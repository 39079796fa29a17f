"""Logs that are asked by a few parameters of their own: activities and the audit log."""

from collections.abc import Iterable, Mapping

from crmkit.core.crm import Crm
from crmkit.core.records import find_all
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.listing import Listing
from crmkit.model.record import Kind

PAGING = ("limit", "cursor", "fields", "format")

Pairs = Iterable[tuple[str, str]]


async def read(
    crm: Crm, actor: Actor, kind: Kind, pairs: Pairs, filters: Mapping[str, str], fixed: Pairs = ()
) -> Listing:
    """Return a page of a log, newest first.

    `filters` maps each parameter to the field and operator it means (`since` -> `at=gte:`); `fixed` are conditions of
    the place that is read. Raises what a query raises, in the words of the parameters.
    """
    asked = list(fixed)
    for name, value in pairs:
        if name in filters:
            field, _, operator = filters[name].partition("=")
            asked.append((field, operator + value))
        else:
            asked.append((name, value))
    try:
        return await find_all(crm, actor, kind, asked)
    except Problem as problem:
        spelled = {meant.partition("=")[0]: name for name, meant in filters.items()}
        problem.fields = {spelled.get(name, name): what for name, what in problem.fields.items()}
        raise
