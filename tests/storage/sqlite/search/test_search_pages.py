"""Searches page by page, and how many matches they tell of."""

import random
from collections.abc import Iterator

import pytest

from crmkit.model.actor import Actor
from tests.storage.desk import Desk, desk


@pytest.mark.usefixtures("every_plan")
def test_no_page_of_a_search_repeats_or_skips_a_match(back: Desk) -> None:
    alice, choice = back.person(), random.Random(9)
    bodies = []
    for number in range(90):
        place = choice.choice(["name starts", "name", "notes"])
        name = {"name starts": f"needle {number}", "name": f"a needle {number}", "notes": f"hay {number}"}[place]
        bodies.append({"name": name, "notes": "with a needle in it" if place == "notes" else None})
    made = back.save_all(alice, bodies)
    back.index()
    changed = [back.change(alice, contact, follow_up_note="x") for contact in made[::3]]  # these wait again
    rank = {"nee": 0, "a n": 1, "hay": 2}
    newest_first = made[::-1]
    expected = [c.id for c in sorted(newest_first, key=lambda c: rank[c.name[:3]])]
    for limit in ("1", "7", "30", "89", "90", "91"):
        pages = back.pages(alice, ("search", "needle"), ("limit", limit))
        assert [c.id for c in pages] == expected
    seen = back.pages(alice, ("search", "needle"), ("limit", "7"), between=back.index)
    assert [c.id for c in seen] == expected
    back.change(alice, changed[0], follow_up_note="y")
    newer = iter(range(100))

    def write_others() -> None:
        back.save(alice, name=f"needle, new {next(newer)}")

    seen = back.pages(alice, ("search", "needle"), ("limit", "7"), between=write_others)
    old = {c.id for c in made}
    assert [c.id for c in seen if c.id in old] == expected


@pytest.mark.usefixtures("every_plan")
def test_all_pages_of_a_mistyped_search_use_the_same_correction(back: Desk) -> None:
    alice = back.person()
    back.save_all(alice, [{"name": f"Jonathan {number}"} for number in range(7)])
    pages = back.pages(alice, ("search", "jonathun"), ("limit", "2"))
    assert [c.name for c in pages] == [f"Jonathan {number}" for number in reversed(range(7))]
    back.save(alice, name="Jonathun himself")
    first = back.find(alice, search="jonathun", limit="2")
    assert [c.name for c in first.records] == ["Jonathun himself"]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor]]:
    """1,001 contacts that match `needle` and `stage=lead`, 1,000 that match `hay`, and 10 more."""
    with desk(tmp_path_factory.mktemp("crowded") / "data") as back:
        alice = back.person()
        bodies = [{"name": f"needle{' hay' if n else ''} {n}", "stage": "lead"} for n in range(1_001)]
        back.save_all(alice, bodies + [{"name": f"other {n}"} for n in range(10)])
        yield back, alice


@pytest.mark.parametrize("indexed", [False, True])
def test_a_total_is_right_up_to_a_thousand_and_counted_no_further(crowded: tuple[Desk, Actor], indexed: bool) -> None:
    back, alice = crowded
    if indexed:
        back.index()
    for asked in ({"search": "needle"}, {"stage": "lead"}, {"search": "needle", "sort": "name"}):
        answer = back.find(alice, **asked)
        assert (answer.paging.total, answer.paging.at_least) == (None, 1_000), asked
        exact = back.find(alice, **asked, count="exact")
        assert (exact.paging.total, exact.paging.at_least) == (1_001, None), asked
    for asked in ({"search": "hay"}, {"stage": "lead", "name": "ne:needle 0"}):
        answer = back.find(alice, **asked)
        assert (answer.paging.total, answer.paging.at_least) == (1_000, None), asked
    everyone = back.find(alice)
    assert (everyone.paging.total, everyone.paging.at_least) == (1_011, None)  # unfiltered: exact, whatever it is
    second = back.find(alice, cursor=everyone.paging.next_cursor or "")
    assert (second.paging.is_first, second.paging.total, second.paging.at_least) == (False, None, None)
    assert back.find(alice, search="other").paging.total == 10
