"""A word that many have is searched tier by tier, which finds what ranking all matches finds."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.lists import pages as lists
from crmkit.storage.postgres.search import pages, sql
from tests import postgres
from tests.kinds import ACTIVITY
from tests.storage.desk import Desk, desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

# of the first tier, the second and the third; the index of titles marks a beginning by a capital Q
NAMES = {"Needle": 0, "needleman": 0, "Nèedle of": 0, "a needle": 1, "Pineneedle": 1, "qneedle": 1, "hay": 2, "": 2}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor, list[str]]]:
    """Contacts with `needle` in all tiers, counted and waiting, and their ids in the order in which they are found."""
    with desk(tmp_path_factory.mktemp("mixed") / "data") as back:
        alice, choice = back.person(), random.Random(5)
        back.save_all(back.person("neighbour@example.com"), [{"name": f"Needle {n}"} for n in range(9)])
        names = [choice.choice([*NAMES]) for _ in range(150)]
        bodies = [
            {"name": f"{name} {n}", "notes": None if name in ("", "Needle") else "needle"}
            for n, name in enumerate(names)
        ]
        made = back.save_all(alice, bodies)
        back.index()
        for contact in made[::40]:
            back.remove(alice, contact)
        for contact in made[1::25]:
            back.change(alice, contact, follow_up_note="waits again")
        kept = [(NAMES[name], contact.id) for name, contact in zip(names, made, strict=True) if name]
        kept.reverse()
        gone = {contact.id for contact in made[::40]}
        yield back, alice, [id for _, id in sorted(kept, key=lambda each: each[0]) if id not in gone]


@pytest.fixture
def tiers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, range]]:
    """The tiers that are read, with the numbers of rows, while more than ten matches are many."""
    monkeypatch.setattr(pages, "MAX_RECORDS_READ", -1)
    monkeypatch.setattr(lists, "COUNTED", 10)
    read = list[tuple[int, range]]()
    of_tier = sql.of_tier

    def noted(kind: Any, terms: Any, tier: int, rows: range) -> Any:
        read.append((tier, rows))
        return of_tier(kind, terms, tier, rows)

    monkeypatch.setattr(sql, "of_tier", noted)
    return read


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
def test_pages_of_a_word_that_many_have_are_those_of_all_matches_ranked(
    mixed: tuple[Desk, Actor, list[str]], tiers: list[tuple[int, range]], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice, expected = mixed
    asked = (("search", "needle"), ("limit", str(limit)))
    assert [contact.id for contact in back.pages(alice, *asked)] == expected
    assert {tier for tier, _ in tiers} == {0, 1, 2}
    tiers.clear()
    first = back.find(alice, *asked)
    assert (first.paging.total, first.paging.at_least) == ((len(expected), None) if limit == 200 else (None, 10))
    assert back.find(alice, *asked, count="exact").paging.total == len(expected)
    if limit == 1:
        assert {tier for tier, _ in tiers} == {0}  # a full page needs no other
    monkeypatch.setattr(lists, "COUNTED", 1_000)
    assert [contact.id for contact in back.pages(alice, *asked)] == expected


@pytest.mark.parametrize("most_named", [64, 0])
@pytest.mark.parametrize(("newest", "spans"), [("needle", [52, 52, 9]), ("hay", [57, 56])])
def test_the_newest_rows_are_looked_through_first_and_all_where_none_of_them_matches(
    tmp_path: Path,
    tiers: list[tuple[int, range]],
    newest: str,
    spans: list[int],
    most_named: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sql, "_MOST_SPANS", most_named)  # whether the index knows which rows are asked for
    monkeypatch.setattr(pages, "AMPLE", 1)
    monkeypatch.setattr(pages, "WIDER", 1)
    with desk(tmp_path / "data") as back:
        alice = back.person()
        names = [*["needle"] * 12, *["hay"] * 100, newest]
        made = back.save_all(alice, [{"name": f"{name} {n}"} for n, name in enumerate(names)])
        back.index()
        found = back.find(alice, search="needle", limit="5").records
        matches = [contact.id for contact in made[::-1] if contact.name.startswith("needle")]
        assert [contact.id for contact in found] == matches[:5]
    assert [(tier, len(rows)) for tier, rows in tiers] == [(0, span) for span in spans]


def test_other_searches_are_not_read_by_tier(
    mixed: tuple[Desk, Actor, list[str]], tiers: list[tuple[int, range]]
) -> None:
    back, alice, expected = mixed
    for asked in ({"search": "needle hay"}, {"search": "needl"}, {"search": "needle", "sort": "name"}):
        assert back.find(alice, **asked).records
    assert {c.id for c in back.find(alice, search="needle", name="like:needle", limit="200").records} < {*expected}
    assert tiers == []


def test_a_word_is_not_taken_for_frequent_where_texts_that_wait_may_have_lost_it(
    tmp_path: Path, tiers: list[tuple[int, range]]
) -> None:
    with desk(tmp_path / "data") as back:
        alice = back.person()
        made = back.save_all(alice, [{"name": f"needle {n}"} for n in range(12)])
        back.index()
        assert back.find(alice, search="needle", limit="5").paging.at_least == 10
        assert tiers
        tiers.clear()
        for contact in made[:3]:
            back.change(alice, contact, name="hay")
        assert back.find(alice, search="needle", limit="5").paging.total == 9
        assert tiers == []


def test_kinds_that_have_no_title_are_found_in_their_order(tmp_path: Path, tiers: list[tuple[int, range]]) -> None:
    with desk(tmp_path / "data") as back:
        alice = back.person()
        contact = back.save(alice, name="Jane")
        made = [back.log(alice, contact, kind="note", body=f"needle {n}") for n in range(12)]
        back.index()
        found = back.find(alice, search="needle", limit="5", kind=ACTIVITY)
        assert [each.id for each in found.records] == [each.id for each in made[:-6:-1]]
        assert {tier for tier, _ in tiers} == {2}
