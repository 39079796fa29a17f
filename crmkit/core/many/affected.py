"""How many other records are written with one: a delete takes some along and unlinks others, a rename is repeated."""

from collections import Counter
from collections.abc import Sequence

from crmkit.core.many.act import Act
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists import members


def affected(connection: Connection, act: Act, workspace_id: str, ids: Sequence[str]) -> Counter[str]:
    """Return how many other records are written with each of the records with these ids."""
    found: Counter[str] = Counter()
    for kind, link in _links(act):
        found.update(members.linking(connection, kind, workspace_id, link, ids))
    return found


def _links(act: Act) -> list[tuple[Kind, str]]:
    """Return the kinds of those others, each with its link to the record."""
    kinds, kind = act.crm.kinds, act.kind
    references = kinds.references.get(kind, ())
    if not act.is_delete:
        return [(each.kind, each.link) for each in references if each.name] if act.renames else []
    logged = [(kinds.activity, kind.activity_link)] if kind.is_logged else []
    return [*logged, *((each.kind, each.link) for each in references)]
