"""A list of what is in a campaign is read by indexes, however many members there are, and finds just those."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records import memberships
from crmkit.model.actor import Actor
from crmkit.model.query import parse
from crmkit.storage.interface.tx import Tx
from crmkit.storage.lists import planner
from crmkit.storage.lists.plan import LookUp, WalkIndex
from crmkit.storage.lists.sql import count, page
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.kinds import CAMPAIGN, CONTACT, REGISTRY
from tests.storage.desk import Desk, desk, steps_of, workspace_of

SIZE = 900


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor, dict[str, Any], list[Any]]]:
    """Contacts of which a few are in one campaign, the oldest half in another; each campaign by its name."""
    with desk(tmp_path_factory.mktemp("joined") / "data") as back:
        alice = back.person()
        contacts = back.save_all(alice, [{"name": f"Contact {n:03}"} for n in range(SIZE)])
        campaigns = {name: back.make(alice, CAMPAIGN, name=name) for name in ("few", "many")}

        def joins(tx: Tx) -> None:
            for name, members in (("few", contacts[::300]), ("many", contacts[: SIZE // 2])):
                for member in members:
                    memberships.join(tx, REGISTRY, campaigns[name].id, CONTACT, member.id)

        back.do(Call(back.crm, alice).write(joins))
        yield back, alice, campaigns, contacts


@pytest.mark.sqlite
def test_few_members_are_looked_up_and_many_walked_but_counted_by_their_index(filled: Any) -> None:
    back, alice, campaigns, _ = filled
    with closing(connect(back.database.folder / FILE, False)) as connection:
        for name, access in (("few", LookUp), ("many", WalkIndex)):
            query = parse.parse(CONTACT, [("campaign", campaigns[name].id)])
            plan = planner.decide(connection, CONTACT, workspace_of(alice), query)
            assert isinstance(plan.access, access)
            assert isinstance(plan.counting, LookUp)
            again = planner.after_trial(connection, CONTACT, workspace_of(alice), plan)
            assert isinstance(again.access, LookUp)


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["few", "many"])
def test_every_statement_finds_members_by_an_index(filled: Any, name: str) -> None:
    back, alice, campaigns, _ = filled
    workspace = workspace_of(alice)
    with closing(connect(back.database.folder / FILE, False)) as connection:
        for filter in (campaigns[name].id, f"in:{campaigns['few'].id},{campaigns['many'].id}"):
            plan = planner.decide(connection, CONTACT, workspace, parse.parse(CONTACT, [("campaign", filter)]))
            late = planner.after_trial(connection, CONTACT, workspace, plan)
            for statement in (
                page(DIALECT, CONTACT, workspace, plan, None),
                page(DIALECT, CONTACT, workspace, late, None),
                count(DIALECT, CONTACT, workspace, plan, 1001),
            ):
                steps = steps_of(connection, statement)
                assert any(step.startswith("SEARCH j ") for step in steps), steps
                assert not any(step.startswith("SCAN j") or step.startswith("SCAN r") for step in steps), steps
                by = r"INDEX campaign_memberships_by_"
                assert all(by in step for step in steps if step.startswith("SEARCH j")), steps


@pytest.mark.sqlite
def test_both_ways_find_the_members_in_the_order_of_the_list(filled: Any) -> None:
    back, alice, campaigns, contacts = filled
    for name, members in (("few", contacts[::300]), ("many", contacts[: SIZE // 2])):
        for sort in ("name", "-name", "stage,-name"):
            found = back.pages(alice, ("campaign", campaigns[name].id), ("sort", sort), ("limit", "200"))
            expected = sorted((each.name for each in members), reverse="-" in sort)
            assert [each.name for each in found] == expected
        total = back.find(alice, ("campaign", campaigns[name].id), ("limit", "1")).paging.total
        assert total == len(members)
    both = f"in:{campaigns['few'].id},{campaigns['many'].id}"
    assert back.find(alice, ("campaign", both), ("limit", "1")).paging.total == len(
        {*contacts[::300], *contacts[: SIZE // 2]}
    )
    assert back.find(alice, ("campaign", "is:null"), ("limit", "1")).paging.total == SIZE // 2 - 1


@pytest.mark.sqlite
def test_the_members_of_one_kind_are_walked_by_an_index_of_theirs(filled: Any) -> None:
    back, alice, campaigns, _ = filled
    membership, workspace = REGISTRY.membership, workspace_of(alice)
    with closing(connect(back.database.folder / FILE, False)) as connection:
        for link in ("contact_id", "company_id"):
            query = parse.parse(membership, [("campaign_id", campaigns["many"].id), (link, "not:null")])
            plan = planner.decide(connection, membership, workspace, query)
            assert isinstance(plan.access, WalkIndex)
            assert not plan.access.is_trial
            (step,) = steps_of(connection, page(DIALECT, membership, workspace, plan, None))
            assert f"INDEX campaign_memberships_by_campaign_of_{link[:-3]} " in step
            (step,) = steps_of(connection, count(DIALECT, membership, workspace, plan, 1001))
            assert "USING COVERING INDEX campaign_memberships_by_" in step
