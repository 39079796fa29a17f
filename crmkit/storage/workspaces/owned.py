"""The tables that hold rows of workspaces: what an erasure empties, what travels with a workspace to another server.

Those of kinds follow from their declarations; all others are listed here, once. A test compares both with the schema.
"""

from msgspec import Struct

from crmkit.model.record import Kinds


class Owned(Struct, frozen=True):
    """A table with a column `workspace_id`.

    One that `travels` has a `key`, which is its primary key within the workspace. Its columns `numbers` hold numbers of
    rows, which lead with that of the workspace (see Workspace), perhaps below zero; 0 is no row.
    """

    name: str
    travels: bool = False
    key: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether its rows have the numbers of the workspace's range."""
        return self.key == ("seq",)


def carried(name: str, *key: str, numbers: tuple[str, ...] = ()) -> Owned:
    return Owned(name, True, key, numbers)


# what a workspace has beside its records, in an order in which foreign keys let it be emptied
_BESIDE = (
    carried("custom_values", "place", "value", "id", numbers=("place", "seq")),
    carried("custom_indexes", "seq", numbers=("seq",)),
    carried("likely_duplicates", "a", "b"),
    carried("unpaired", "kind", numbers=("last",)),
    carried("audit", "seq", numbers=("seq", "op")),
    carried("deleted", "id"),
    carried("counts", "kind"),
    carried("numbers", "kind"),
    carried("activity_addresses", "record_id", "address"),
    carried("ahead", "id"),
    carried("open_sums", "kind", "stage", "currency"),
    carried("pipelines", "kind"),
    Owned("answers"),
    Owned("confirmations"),
    Owned("briefs"),  # of a token
    carried("invites", "id"),
    Owned("links"),  # of a token
    Owned("job_records"),
    Owned("jobs"),  # what one of the system had left to do is begun anew
    Owned("refused_rows"),
    Owned("proposals"),  # of tokens
    Owned("imports"),  # what they wrote travels; their files and reports do not
    Owned("grants"),
    Owned("tokens"),
    Owned("memberships"),  # members travel by their addresses
)


def tables(kinds: Kinds) -> tuple[Owned, ...]:
    """Return the tables of a workspace, in an order in which foreign keys let them be emptied."""
    of_kinds = (kinds.activity, *kinds.linking_first, *kinds.settings)
    return (*(carried(kind.plural, "seq", numbers=("seq",)) for kind in of_kinds), *_BESIDE)


def travelling(kinds: Kinds) -> tuple[Owned, ...]:
    """Return those that travel with a workspace, in an order in which foreign keys let them be filled."""
    return tuple(table for table in reversed(tables(kinds)) if table.travels)
