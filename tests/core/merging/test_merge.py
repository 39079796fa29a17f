"""A merge leads every link to the record that stays, is logged so that it can be taken back, and its old id goes on."""

from typing import Any

import pytest

from crmkit import ids
from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.merging import merge as merging
from crmkit.core.records import memberships
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import REACHED, Kind
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from tests import postgres
from tests.core.records.log import (
    derived_of,
    entries,
    live,
    logged,
    newest_operation,
    recomputed,
    replayed,
    tables,
    undo,
)
from tests.house import ALICE, BOB, CHARLIE
from tests.kinds import ACTIVITY, CAMPAIGN, COMPANY, CONTACT, CONVERSION, DEAL, KINDS, REGISTRY, TASK, TICKET
from tests.storage.desk import Confirming, Desk, kind_of, queued

MERGEABLE = [kind for kind in KINDS if kind.is_mergeable]


def surrounded(back: Desk, alice: Actor, kind: Kind, name: str, campaigns: list[Any]) -> Any:
    """Return a record to which one of every kind links, with activities, one of them dated ahead."""
    record = back.make(alice, kind, name=name, tags=[name], custom={name: 1, "both": name})
    link = {f"{kind.name}_id": record.id}
    deal = back.make(alice, DEAL, title=f"{name} deal", **link)
    back.make(alice, TASK, title=f"{name} task", **link)
    back.make(alice, TICKET, subject=f"{name} ticket", **link)
    if kind is CONTACT:
        back.make(alice, CONVERSION, platform="meta", **link)
    else:
        back.save(alice, name=f"{name} contact", **link)
    ahead = after(back.crm.now, minutes=50)
    for on, kind_of_activity, at, whom in (
        (record, "call", "2026-05-01", BOB),
        (record, "note", "2026-05-02", ALICE),
        (record, "meeting", ahead, BOB),
        (deal, "email", "2026-05-03", CHARLIE),
    ):
        sent = {"body": name, "kind": kind_of_activity, "occurred_at": at, "on_behalf_of": whom}
        back.log(alice, on, **sent)
    for campaign in campaigns:
        back.do(memberships.add(Call(back.crm, alice), campaign.id, {"id": record.id, "reason": f"of {name}"}))
    return record


def links_to(back: Desk, alice: Actor, id: str) -> dict[str, int]:
    """Return how many fields of records of each kind have an id."""
    found: dict[str, int] = {}
    for handle, record in live(back, alice).items():
        names = [name for name in type(record).__struct_fields__ if name != "id" and getattr(record, name) == id]
        if names:
            kind = handle.partition("/")[0]
            found[kind] = found.get(kind, 0) + len(names)
    return found


@pytest.mark.parametrize("kind", MERGEABLE, ids=lambda kind: kind.name)
def test_every_link_leads_to_the_record_that_stays(back: Desk, alice: Actor, kind: Kind) -> None:
    spring, autumn, winter = (back.make(alice, CAMPAIGN, name=name) for name in ("Spring", "Autumn", "Winter"))
    stays = surrounded(back, alice, kind, "One", [spring, autumn])
    goes = surrounded(back, alice, kind, "Two", [autumn, winter])
    both = {stays.id: links_to(back, alice, stays.id), goes.id: links_to(back, alice, goes.id)}
    found = back.merge(alice, stays, goes)
    expected = {name: both[stays.id][name] + count for name, count in both[goes.id].items()}
    assert links_to(back, alice, stays.id) == expected | {"membership": expected["membership"] - 1}
    assert links_to(back, alice, goes.id) == {}
    for reference in REGISTRY.references[kind]:
        if reference.kind in KINDS:
            named = back.pages(alice, (reference.link, stays.id), kind=reference.kind)
            assert len(named) == 2
            assert not reference.name or {getattr(each, reference.name) for each in named} == {"One"}
    assert found.custom == {"One": 1, "Two": 1, "both": "One"}
    assert (found.activities, found.contacts_made, found.on_behalf_of) == (8, 4, sorted([BOB, ALICE, CHARLIE]))
    back.pass_time(minutes=100)
    assert back.fetch(alice, stays).contacts_made == 6
    there = live(back, alice)
    assert derived_of(there) == recomputed(there, back.crm.now)
    assert replayed(entries(back, alice)) == {handle: logged(record) for handle, record in there.items()}
    assert tables(back, alice)["counts"][kind.plural]["live"] == len(back.pages(alice, kind=kind))
    if not postgres.SERVER:  # which checks each statement
        foreign = back.do(back.database.read(None, lambda c: c.execute("PRAGMA foreign_key_check").fetchall()))
        assert foreign == []


@pytest.mark.parametrize("kind", MERGEABLE, ids=lambda kind: kind.name)
def test_a_merge_is_taken_back_and_done_again_from_the_log_alone(back: Desk, alice: Actor, kind: Kind) -> None:
    campaign = back.make(alice, CAMPAIGN, name="Spring")
    stays = surrounded(back, alice, kind, "One", [campaign])
    goes = surrounded(back, alice, kind, "Two", [campaign])
    before = tables(back, alice)
    back.clock.move(hours=1)
    back.merge(alice, stays, goes)
    done = tables(back, alice)
    undo(back, alice, newest_operation(back, alice))
    assert without_versions(tables(back, alice)) == without_versions(before)
    assert back.fetch(alice, goes).handle == goes.handle
    undo(back, alice, newest_operation(back, alice))
    assert without_versions(tables(back, alice)) == without_versions(done)
    assert back.fetch(alice, goes).handle == stays.handle
    undo(back, alice, newest_operation(back, alice))
    assert without_versions(tables(back, alice)) == without_versions(before)
    actions = [each.action for each in entries(back, alice) if each.target == goes.handle]
    assert actions == [f"{kind.name}.{verb}" for verb in ("create", "merge", "restore", "merge", "restore")]


def without_versions(found: dict[str, Any]) -> dict[str, Any]:
    left_out = ("version", REACHED, "at")
    return {
        table: {id: {n: v for n, v in row.items() if n not in left_out} for id, row in rows.items()}
        for table, rows in found.items()
    }


def test_what_is_logged_of_the_record_that_goes_names_where_it_went(back: Desk, alice: Actor) -> None:
    stays, goes = back.save(alice, name="One"), back.save(alice, name="Two", email="two@acme.com")
    log = len(entries(back, alice))
    back.merge(alice, stays, goes)
    first, last = entries(back, alice)[log:]
    assert (first.action, first.target, first.version) == ("contact.merge", goes.handle, 1)
    held = {"name": "Two", "email": "two@acme.com", "created_at": goes.created_at, "created_by": ALICE}
    assert first.changes == [{**held, REACHED: goes.last_interaction_at}, {"merged_into": stays.id}]
    assert (last.action, last.target, last.op) == ("contact.update", stays.handle, first.seq)
    undo(back, alice, newest_operation(back, alice))
    restored = entries(back, alice)[-1]
    assert (restored.action, restored.changes[0]) == ("contact.restore", {"merged_into": stays.id})


def test_a_search_finds_the_record_by_what_the_other_gave_it(back: Desk, alice: Actor) -> None:
    stays, goes = back.save(alice, name="Jane"), back.save(alice, name="Jim", job_title="Boatbuilder")
    for is_indexed in (True, False):
        if is_indexed:
            back.index()
            found = back.merge(alice, stays, goes)
        assert back.pages(alice, ("search", "boatbuilder")) == [found]
        assert back.pages(alice, ("search", "jim")) == []


def test_unique_values_move_to_a_record_that_has_none(back: Desk, alice: Actor) -> None:
    values = {"email": "jane@acme.com", "source_id": "x1", "code": "C-1"}
    stays, goes = back.save(alice, name="Jane"), back.save(alice, name="Jane", **values)
    found = back.merge(alice, stays, goes)
    assert {name: getattr(found, name) for name in values} == values
    assert back.save(alice, name="Again", email="jane@acme.com").id == stays.id


def test_of_two_memberships_of_a_campaign_one_stays_with_a_reason(back: Desk, alice: Actor) -> None:
    campaign = back.make(alice, CAMPAIGN, name="Spring")
    stays, goes, third = (back.save(alice, name=name) for name in ("One", "Two", "Three"))
    for member, reason in ((stays, None), (goes, "wool"), (third, "silk")):
        back.do(memberships.add(Call(back.crm, alice), campaign.id, {"id": member.id, "reason": reason}))
    back.merge(alice, stays, goes)
    back.merge(alice, stays, third)
    listed = back.do(memberships.find_all(Call(back.crm, alice), campaign.id, {}))
    assert [(record.id, facts["reason"]) for _, record, facts in listed.rows] == [(stays.id, "wool")]
    assert back.fetch(alice, campaign).members == 1


def test_a_record_is_known_by_when_a_post_reached_either_last(back: Desk, alice: Actor) -> None:
    stays = back.save(alice, name="One")
    back.clock.move(hours=1)
    goes = back.save(alice, name="Two")
    back.clock.move(hours=1)
    assert back.merge(alice, stays, goes).last_interaction_at == goes.last_interaction_at


def test_an_id_leads_along_a_chain_until_the_last_one_is_deleted(back: Desk, alice: Actor) -> None:
    a, b, c, d = (back.save(alice, name=name) for name in "abcd")
    back.merge(alice, b, a)
    back.merge(alice, c, b)
    back.merge(alice, d, c)
    assert {back.fetch(alice, each).id for each in (a, b, c)} == {d.id}
    assert [each.id for each in back.pages(alice, ("id", f"in:{a.id},{b.id},{d.id}"))] == [d.id]
    undone = newest_operation(back, alice)
    undo(back, alice, undone)
    assert back.fetch(alice, a).id == c.id
    assert back.fetch(alice, c).id == c.id
    back.remove(alice, c)
    with pytest.raises(Problem) as raised:
        back.fetch(alice, a)
    assert raised.value.code == "not_found"
    assert raised.value.hint.startswith(f"This contact was merged into {c.id}, which was deleted at 2026-")
    with pytest.raises(Problem) as raised:
        back.make(alice, DEAL, title="Boat", contact_id=a.id)
    assert raised.value.code == "invalid_reference"


def test_ids_that_lead_in_a_ring_end_somewhere(back: Desk, alice: Actor) -> None:
    """No sequence of merges makes one; a database that was mended by hand may have it."""
    a, b = (back.save(alice, name=name) for name in "ab")
    for record in (a, b):
        back.remove(alice, record)
    sql = "UPDATE deleted SET merged_into = CASE id WHEN ? THEN ? ELSE ? END"
    back.do(back.database.write(lambda tx: tx.connection.execute(sql, (a.id, b.id, a.id)) and None))
    for record in (a, b):
        with pytest.raises(Problem) as raised:
            back.fetch(alice, record)
        assert raised.value.code == "not_found"


@pytest.mark.parametrize("operator", ["", "in:", "ne:"])
def test_a_filter_by_an_old_id_means_the_record_that_stays(back: Desk, alice: Actor, operator: str) -> None:
    stays, goes, other = (back.save(alice, name=name) for name in ("One", "Two", "Three"))
    deals = [back.make(alice, DEAL, title=each.name, contact_id=each.id) for each in (stays, goes, other)]
    for each in (stays, goes):
        back.log(alice, each, body="hello")
    back.merge(alice, stays, goes)
    wanted = {deals[2].id} if operator == "ne:" else {deals[0].id, deals[1].id}
    page = back.find(alice, ("contact_id", f"{operator}{goes.id}"), kind=DEAL)
    assert {each.id for each in page.records} == wanted
    assert page.paging.notes == (f"{goes.id} was merged into {stays.id}",)
    first = back.find(alice, ("contact_id", f"in:{goes.id},{stays.id}"), ("limit", "1"), kind=DEAL)
    assert (len(first.records), first.paging.total) == (1, 2)
    rest = back.find(
        alice, ("contact_id", f"in:{goes.id},{stays.id}"), ("cursor", first.paging.next_cursor or ""), kind=DEAL
    )
    assert {each.id for each in (*first.records, *rest.records)} == {deals[0].id, deals[1].id}
    assert len(back.find(alice, ("contact_id", goes.id), kind=ACTIVITY).records) == 2


@pytest.mark.sqlite
def test_a_list_looks_at_merged_ids_once_and_only_where_a_filter_has_an_id(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="One")

    def looks(*pairs: tuple[str, str]) -> int:
        run: list[str] = []

        def traced(callback: Any) -> None:
            work = back.database.scan(None, SqliteConnection.set_trace_callback, callback)
            back.do(work)

        traced(run.append)
        back.find(alice, *pairs, kind=DEAL)
        traced(None)
        return sum("merged_into" in statement for statement in run)

    assert looks(("title", "Boat")) == looks(("contact_id", "not:null")) == 0
    assert looks(("contact_id", f"in:{contact.id},{ids.mint('c')}")) == 1


def test_the_same_record_and_one_that_is_not_there_are_refused(back: Desk, alice: Actor) -> None:
    stays, gone, company = (
        back.save(alice, name="One"),
        back.save(alice, name="Two"),
        back.make(alice, COMPANY, name="A"),
    )
    theirs = back.save(back.person(CHARLIE), name="Theirs")
    back.remove(alice, gone)
    for source, code in (
        *((stays.id, "invalid_value"), (gone.id, "invalid_reference"), (theirs.id, "invalid_reference")),
        *(
            (company.id, "invalid_reference"),
            ("nope", "invalid_reference"),
            (None, "missing_field"),
            ("", "missing_field"),
            (5, "invalid_value"),
        ),
    ):
        with pytest.raises(Problem) as raised:
            back.do(merging.merge(Call(back.crm, alice), CONTACT, stays.id, {"from": source}))
        assert (raised.value.code, [*raised.value.fields]) == (code, ["from"])
    for path in (gone.id, theirs.id):
        with pytest.raises(Problem) as raised:
            back.do(merging.merge(Call(back.crm, alice), CONTACT, path, {"from": stays.id}))
        assert raised.value.code == "not_found"
    with pytest.raises(Problem) as raised:
        back.do(merging.merge(Call(back.crm, alice), CONTACT, stays.id, {"from": gone.id, "into": stays.id}))
    assert raised.value.code == "unknown_field"


def asked(back: Desk, alice: Actor, stays: Any, goes: Any) -> str:
    with pytest.raises(Problem) as raised:
        back.do(merging.merge(Call(back.crm, alice), kind_of(stays), stays.id, {"from": goes.id}))
    return raised.value.facts["confirm"]


def test_a_token_is_good_for_these_versions_in_this_direction(back: Desk, alice: Actor) -> None:
    one, two, three = (back.save(alice, name=name) for name in ("One", "Two", "Three"))

    def sent(stays: Any, goes: Any, token: str) -> str:
        with pytest.raises(Problem) as raised:
            back.do(merging.merge(Confirming(back.crm, alice, token), CONTACT, stays.id, {"from": goes.id}))
        return raised.value.code

    for stays, goes in ((two, one), (one, three), (three, two)):
        assert sent(stays, goes, asked(back, alice, one, two)) == "confirmation_required"
    for changed in (one, two):
        token = asked(back, alice, one, two)
        back.change(alice, changed, notes=f"{changed.name} is other")
        assert sent(one, two, token) == "confirmation_required"
    with pytest.raises(Problem) as raised:
        back.do(merging.merge(Call(back.crm, alice), CONTACT, one.id, {"from": two.id}, if_match=1))
    assert raised.value.code == "version_conflict"


def test_of_two_merges_crosswise_at_once_one_is_done(back: Desk, alice: Actor) -> None:
    one, two = back.save(alice, name="One"), back.save(alice, name="Two")
    tokens = {(a.id, b.id): asked(back, alice, a, b) for a, b in ((one, two), (two, one))}
    calls = [
        lambda a=a, b=b: merging.merge(Confirming(back.crm, alice, tokens[a, b]), CONTACT, a, {"from": b})
        for a, b in tokens
    ]
    first, second = back.do(queued(back.database, calls))
    assert first.record.id == one.id
    assert isinstance(second, Problem)
    assert second.fields == {"from": f"is the contact of the path itself: {two.id} was merged into {one.id}"}
    assert back.fetch(alice, two).id == one.id
    assert len(back.pages(alice)) == 1


def test_a_link_that_is_filled_brings_the_title_of_where_it_leads(back: Desk, alice: Actor) -> None:
    stays, goes = (back.make(alice, COMPANY, name=name) for name in ("One", "Two"))
    jane, janet = back.save(alice, name="Jane"), back.save(alice, name="Janet", company_id=goes.id)
    back.merge(alice, stays, goes)
    found = back.merge(alice, jane, janet)
    assert (found.company_id, found.company_name) == (stays.id, "One")
