"""The tables that hold rows of workspaces: what an erasure empties, what travels with a workspace to another server.

Those of kinds follow from their declarations; all others are listed here, once. A test compares both with the schema.
"""

from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind, Kinds


class Owned(Struct, frozen=True):
    """A table with a column `workspace_id`.

    One that `travels` has a `key`, which leads to one row within the workspace. Its columns `numbers` hold numbers of
    rows, which lead with that of the workspace (see Workspace), perhaps below zero; 0 is no row.

    Its columns `telling` hold texts of what a client sent or was answered. Where a row tells of a person who is erased,
    these are emptied if it `stays`, else the row is dropped; it has a `key` then, too. One with a column `ended` is
    looked at once that is filled.

    Its columns `held` hold what declared keys are compared by (see Dialect.held).

    Its columns `reals` hold numbers that may have a fraction.

    What its columns `moved` hold is a server's own matter: with a workspace travels what they hold after it.
    """

    name: str
    travels: bool = False
    key: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    telling: tuple[str, ...] = ()
    stays: bool = False
    ended: str = ""
    reals: tuple[str, ...] = ()
    moved: tuple[tuple[str, Any], ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether its rows have the numbers of the workspace's range."""
        return self.key == ("seq",)


def carried(name: str, *key: str, numbers: tuple[str, ...] = ()) -> Owned:
    return Owned(name, True, key, numbers)


def telling(name: str, key: tuple[str, ...], *columns: str, stays: bool = False, ended: str = "") -> Owned:
    return Owned(name, key=key, telling=columns, stays=stays, ended=ended)


_OF_IMPORTS = ("options", "name", "titles", "columns", "notes", "kept", "error")

# what a workspace has beside its records, in an order in which foreign keys let it be emptied
_BESIDE = (
    Owned("custom_values", True, ("place", "value", "id"), ("place", "seq"), held=("value",)),
    carried("custom_indexes", "seq", numbers=("seq",)),
    carried("likely_duplicates", "a", "b"),
    carried("unpaired", "kind", numbers=("last",)),
    carried("unfilled", "kind", numbers=("last",)),
    carried("audit", "seq", numbers=("seq", "op")),
    Owned("audit_begins"),  # an arriving log is sealed anew
    carried("deleted", "id"),
    carried("counts", "kind"),
    carried("numbers", "kind"),
    carried("activity_addresses", "record_id", "address"),
    carried("ahead", "id"),
    carried("open_sums", "kind", "stage", "currency"),
    carried("pipelines", "kind"),
    telling("answers", ("token_id", "key"), "headers", "body", stays=True),
    Owned("confirmations"),
    Owned("briefs"),  # of a token
    carried("invites", "id"),
    telling("links", ("id",), "path"),  # of a token
    Owned("job_records"),
    telling(
        "jobs", ("id",), "input", "position", "result", "error", ended="ended_at"
    ),  # what one of the system had left to do is begun anew
    telling("refused_rows", ("import_id", "number"), "error", "fields", "cells"),
    telling("proposals", ("id",), "path", "body", "changes", "says", "reason"),  # of tokens
    telling(
        "imports", ("id",), *_OF_IMPORTS, stays=True, ended="ended_at"
    ),  # what they wrote travels; their files and reports do not
    Owned("webhook_keys"),  # of people here; a webhook that moves is off, and gets another secret
    Owned("deliveries"),
    Owned("grants"),
    Owned("tokens"),
    Owned("memberships"),  # members travel by their addresses
)


def tables(kinds: Kinds) -> tuple[Owned, ...]:
    """Return the tables of a workspace, in an order in which foreign keys let them be emptied."""
    of_kinds = (kinds.activity, *kinds.linking_first, *kinds.settings)
    return (*map(_of_kind, of_kinds), *_BESIDE)


def _of_kind(kind: Kind) -> Owned:
    reals = tuple(field.name for field in kind.fields if field.type.column == "REAL")
    return Owned(kind.plural, True, ("seq",), ("seq",), reals=reals, moved=kind.moved)


def telling_of_persons(kinds: Kinds) -> tuple[Owned, ...]:
    """Return those beside records and their log that may tell of a person."""
    return tuple(table for table in tables(kinds) if table.telling)


def travelling(kinds: Kinds) -> tuple[Owned, ...]:
    """Return those that travel with a workspace, in an order in which foreign keys let them be filled."""
    return tuple(table for table in reversed(tables(kinds)) if table.travels)
