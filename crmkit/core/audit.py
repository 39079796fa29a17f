"""Reading the audit log."""

from collections.abc import Iterable

from crmkit import ids
from crmkit.core.crm import Crm
from crmkit.core.records import find_all
from crmkit.errors import Problem, nearest
from crmkit.model.actor import Actor
from crmkit.model.fields import parse_time
from crmkit.model.listing import Listing
from crmkit.records import AUDIT

FILTERS = ("by", "action", "target", "since", "until")
PAGING = ("limit", "cursor", "fields", "format")


async def entries(crm: Crm, actor: Actor, pairs: Iterable[tuple[str, str]]) -> Listing:
    """Return a page of the workspace's audit log, newest first.

    `by` is an address, `action` a word like contact.update, `target` an id in any form, `since` and `until` times.
    """
    return await find_all(crm, actor, AUDIT, [_filter(name, value) for name, value in pairs])


def _filter(name: str, value: str) -> tuple[str, str]:
    if name in PAGING:
        return name, value
    if name not in FILTERS:
        known = (*FILTERS, *PAGING)
        raise Problem(
            "invalid_filter",
            f"Ask the audit log by {', '.join(known)}.",
            fields={name: f"is no parameter here{nearest(name, known)}"},
        )
    if name in ("since", "until"):
        try:
            return "at", f"{'gte' if name == 'since' else 'lt'}:{parse_time(value)}"
        except ValueError as error:
            raise Problem("invalid_value", f"Correct {name}.", fields={name: str(error)}) from None
    if name == "target" and "/" not in value:
        kind = ids.PREFIXES.get(value.partition("_")[0])
        return name, f"eq:{kind}/{value}" if kind else f"eq:{value}"
    return name, f"eq:{value}"
