"""The set of records that a query found, frozen at one moment."""

import hashlib
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.many.act import Act
from crmkit.core.many.affected import affected
from crmkit.core.reading import keys
from crmkit.model.query.listing import Listing, Paging
from crmkit.model.query.parse import Query
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import members, pages
from crmkit.storage.lists.members import Part, members_of
from crmkit.storage.lists.pages import Page

AT_ONCE = 1_000  # records that one transaction writes at most, with those that go along: 0.1 s in which others wait
OF_PART = 50  # records of a part, which one step of a job writes
SHOWN = 3


class Found(Struct, frozen=True):
    """`parts` hold the records, in the order of their rows; `digest` is the hash of their ids.

    `first` is the page of those that the list shows first. `are_many` tells that one transaction would write too much.
    """

    query: Query
    count: int
    digest: str
    parts: tuple[Part, ...]
    first: Page | None
    are_many: bool

    def first_ids(self, most: int) -> list[str]:
        return list(islice((id for part in self.parts for id, _ in members_of(part)), most))

    @property
    def versions(self) -> dict[str, int]:
        """The version that each of the records had, by its id."""
        return {id: version for part in self.parts for id, version in members_of(part)}

    def shown(self, act: Act) -> Listing:
        """Return the first few, as the list shows them."""
        return Listing(act.kind, self.query.fields, [] if self.first is None else self.first.rows, Paging())


def find(connection: Connection, act: Act, workspace: Workspace, query: Query) -> Found:
    """Return all that a query finds, in some 20 bytes of memory for each record."""
    conditions, _ = keys.followed(connection, act.crm.kinds, workspace.id, query.conditions)
    query = replace(query, conditions=conditions)
    digest, count, parts = hashlib.sha256(), 0, list[Part]()
    for part in members.parts(connection, act.kind, workspace, query, OF_PART):
        ids = sorted(part[0].split(","))
        digest.update(f"{','.join(ids)}\n".encode())
        count += len(ids)
        parts.append(part)
    first = pages.fetch_page(connection, act.kind, workspace, replace(query, limit=SHOWN), None) if count else None
    are_many = count > AT_ONCE
    if not are_many:
        ids = [id for part in parts for id in part[0].split(",")]
        are_many = count + affected(connection, act, workspace.id, ids).total() > AT_ONCE
    return Found(query, count, digest.hexdigest(), tuple(parts), first, are_many)
