"""Every table that holds rows of workspaces is declared: the schema is compared with the list."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.storage.sqlite.search.texts import COUNTS
from crmkit.storage.workspaces import owned
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, desk

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("owned") / "data") as made:
        yield made


def asked(back: Desk, sql: str) -> list[tuple[Any, ...]]:
    return back.do(back.database.read(None, lambda connection: connection.execute(sql).fetchall()))


def columns(back: Desk) -> dict[str, dict[str, tuple[str, int]]]:
    """Return table -> column -> (its type, its place in the primary key)."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    rows = asked(
        back,
        "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'",
    )
    for table, column, type, place in rows:
        found.setdefault(table, {})[column] = (type, place)
    return found


def test_every_table_of_workspaces_is_declared(back: Desk) -> None:
    """A new one fails here until it is said whether its rows travel with a workspace to another server."""
    holding = {table for table, found in columns(back).items() if "workspace_id" in found}
    declared = [table.name for table in owned.tables(REGISTRY)]
    assert len(declared) == len(set(declared))
    assert {*declared, *COUNTS} == holding


def test_what_travels_has_its_primary_key_and_nothing_that_json_cannot_hold(back: Desk) -> None:
    schema = columns(back)
    for table in owned.travelling(REGISTRY):
        found = schema[table.name]
        key = sorted((place, name) for name, (_, place) in found.items() if place and name != "workspace_id")
        assert tuple(name for _, name in key) == table.key, table
        assert "BLOB" not in {type for type, _ in found.values()}, table


def test_every_column_that_holds_the_number_of_a_row_is_declared(back: Desk) -> None:
    """By its name: one of another name shows in the test that compares the tables of two servers."""
    for table in owned.travelling(REGISTRY):
        numbered = {name for name in columns(back)[table.name] if name in ("seq", "place", "op", "last")}
        if table.name == "numbers":  # `last` is that of a code
            numbered.discard("last")
        assert numbered == {*table.numbers}, table


def test_tables_are_filled_in_an_order_in_which_foreign_keys_let_them_be(back: Desk) -> None:
    names = [table.name for table in owned.travelling(REGISTRY)]
    for name in names:
        for (to,) in asked(back, f"SELECT \"table\" FROM pragma_foreign_key_list('{name}')"):
            if to in names:
                assert names.index(to) < names.index(name), (name, to)


# columns whose values no client chose: ids, times, states, codes, hashes, names of kinds and fields
CHOSEN_BY_US = {
    *("workspace_id", "id", "at", "kind", "state", "user_id", "role", "joined_at", "created_at", "ended_at", "due_at"),
    *("token_id", "expires_at", "hash", "binding", "action", "target", "merged_into", "record_id", "a", "b", "stage"),
    *("currency", "form", "job_id", "ids", "versions", "import_id", "since", "asked_at", "updated_at", "moved_at"),
    *("closed_at", "method", "area", "needs", "now", "zone", "content_type", "request", "file", "redirect_uri"),
    *(
        "proof",
        "webhook_id",
        "event",
        "type",
        "told",
        "first_at",
        "tried_at",
        "next_at",
        "secret",
        "old_secret",
        "old_until",
    ),
    *("challenge", "resource", "client_id", "access", "networks", "made_by", "last_used_at", "invited_by"),
}
# what tells of members and of how a workspace is set up, not of persons in its records
OF_MEMBERS = {
    ("audit", "by"),
    ("audit", "token_name"),
    ("activity_addresses", "address"),  # of a member or agent, and it goes with the record
    ("answers", "key"),  # chosen for one request, and needed to know it again
    ("invites", "email"),
    ("deliveries", "error"),  # of a receiver
    ("tokens", "name"),
    ("imports", "by"),
    ("proposals", "by"),
    ("proposals", "token_name"),
    ("proposals", "closed_by"),
    ("pipelines", "stages"),
    ("custom_indexes", "key"),
}
# what an erasure clears by itself: contents of the log, values that go with their record, words that nothing has
CLEARED = {("audit", "changes"), ("custom_values", "value")}


def test_every_text_beside_records_is_cleared_of_a_person_or_cannot_tell_of_one(back: Desk) -> None:
    """A new column fails here until an erasure clears it, or it is said why it need not."""
    kinds = {kind.plural for kind in (REGISTRY.activity, *REGISTRY.linking_first, *REGISTRY.settings)}
    schema, unsaid = columns(back), set[tuple[str, str]]()
    for table in owned.tables(REGISTRY):
        if table.name in kinds:  # fields of records: those of the person go, those of others stay
            continue
        texts = {name for name, (type_, _) in schema[table.name].items() if type_ in ("TEXT", "BLOB", "ANY")}
        assert {*table.telling} <= texts, table
        assert not table.telling or table.key, table
        unsaid |= {(table.name, name) for name in texts - {*table.telling} - CHOSEN_BY_US}
    assert unsaid - OF_MEMBERS - CLEARED == set()
    assert unsaid >= OF_MEMBERS | CLEARED


# tables without rows of workspaces, and those of the index: what is written of a record goes with it
OTHERS = {"migrations", "users", "workspaces", "codes", "attempts", "signins", "erasures", *COUNTS}
OTHERS |= {"audit_seals", "audit_digests", "audit_ends"}


def test_every_table_is_one_of_workspaces_or_is_known_to_hold_nothing_of_persons(back: Desk) -> None:
    texts = {
        f"{kind.plural}_{what}"
        for kind in REGISTRY.searched
        for what in ("texts", "unindexed", "search_data", "search_idx", "search_config", "search_docsize")
    }
    found = {table for table in columns(back) if not table.startswith("sqlite_")}
    assert found - texts == {*OTHERS, *(table.name for table in owned.tables(REGISTRY))}
