"""All that a query finds, read at once: the same records in the same order as its pages, in batches."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import lists
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import whole
from tests.kinds import CONTACT, KINDS
from tests.storage.desk import Desk, workspace_of
from tests.storage.lists.test_paging import EVERY_KIND, asked_at_random
from tests.storage.samples import Library, sort_keys

pytestmark = pytest.mark.slow

BATCH = 7


@pytest.fixture(autouse=True)
def _in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "AT_ONCE", BATCH)
    monkeypatch.setattr(whole, "ORDERED", 3 * BATCH)


def read(back: Desk, actor: Any, kind: Kind, *pairs: tuple[str, str]) -> list[list[list[Any]]]:
    """Return the batches of all that these pairs find, with every field."""

    async def found() -> list[list[list[Any]]]:
        asked = await lists.asked(Call(back.crm, actor), kind, pairs)
        query = replace(asked.query, fields=kind.members[1:])

        def work(connection: Connection, workspace: Workspace) -> Iterator[bytes]:
            yield msgspec.json.encode(list(whole.find(connection, kind, workspace, query).batches()))

        stream = back.database.stream(actor, work, workspace_of(actor))
        batches: list[list[list[Any]]] = msgspec.json.decode(b"".join([piece async for piece in stream]))
        return batches

    return back.do(found())


def ids(batches: list[list[list[Any]]]) -> list[str]:
    return [row[0] for rows in batches for row in rows]


@EVERY_KIND
def test_all_records_by_each_key_are_in_the_order_of_their_pages(library: Library, kind: Kind) -> None:
    back, alice = library.back, library.alice
    for name in ("", *sort_keys(kind)):
        for sort in [("sort", name), ("sort", f"-{name}")] if name else [("sort", "")]:
            pages = back.pages(alice, sort, ("limit", "200"), kind=kind)
            assert ids(read(back, alice, kind, sort)) == [record.id for record in pages], sort


@EVERY_KIND
def test_all_records_of_any_query_are_those_of_its_pages(library: Library, kind: Kind) -> None:
    choice = random.Random(f"whole {kind.name}")
    back, alice = library.back, library.alice
    for _ in range(60):
        pairs = asked_at_random(kind, library, choice)
        pages = back.pages(alice, *pairs, ("limit", "200"), kind=kind)
        batches = read(back, alice, kind, *pairs)
        assert ids(batches) == [record.id for record in pages], pairs
        assert {len(rows) for rows in batches[:-1]} <= {BATCH}
        for row, record in zip((row for rows in batches for row in rows), pages, strict=True):
            assert row == msgspec.to_builtins([getattr(record, name) for name in kind.members])


def test_all_that_a_search_finds_is_sorted_as_a_list_without_a_search(library: Library) -> None:
    back, alice = library.back, library.alice
    word = next(record["name"].split()[0] for record in library.records["contact"] if record["name"].isascii())
    found = ids(read(back, alice, CONTACT, ("search", word)))
    pages = [record.id for record in back.pages(alice, ("search", word), ("limit", "200"))]
    assert sorted(found) == sorted(pages)
    every = ids(read(back, alice, CONTACT))
    assert found == [id for id in every if id in {*found}]


def test_a_group_and_a_filter_by_campaign_find_what_their_list_finds(library: Library) -> None:
    back, alice = library.back, library.alice
    pairs = (("or.stage", "lead"), ("or.email", "not:null"))
    pages = [record.id for record in back.pages(alice, *pairs, ("limit", "200"))]
    assert ids(read(back, alice, CONTACT, *pairs)) == pages


def test_the_keys_of_custom_are_those_of_the_records_that_are_found(library: Library) -> None:
    back, alice = library.back, library.alice

    async def found(kind: Kind, most: int, *pairs: tuple[str, str]) -> list[str]:
        asked = await lists.asked(Call(back.crm, alice), kind, pairs)

        def work(connection: Connection, workspace: Workspace) -> Iterator[bytes]:
            yield msgspec.json.encode(whole.find(connection, kind, workspace, asked.query).keys(most))

        keys: list[str] = msgspec.json.decode(
            b"".join([piece async for piece in back.database.stream(alice, work, workspace_of(alice))])
        )
        return keys

    for kind in KINDS:
        if kind.custom is None:
            continue
        held = [{*(record["custom"] or {})} for record in library.records[kind.name]]
        every = sorted(set().union(*held))
        assert back.do(found(kind, 10_000)) == every
        assert len(back.do(found(kind, 2))) == min(2, len(every))
        for record, keys in zip(library.records[kind.name][:5], held[:5], strict=True):
            assert back.do(found(kind, 10_000, ("id", record["id"]))) == sorted(keys)
