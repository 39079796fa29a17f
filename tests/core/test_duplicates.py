"""Records that are likely one: what a create says of them, which pairs are listed, and what becomes of these."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core import derived, upkeep
from crmkit.core.call import Call
from crmkit.core.duplicates import dismissing, listing
from crmkit.core.many import batch
from crmkit.core.records import write
from crmkit.model.actor import Actor
from crmkit.model.fold import plain
from crmkit.model.record import Kind
from crmkit.storage.duplicates import candidates, unpaired
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.sqlite.migrations import m0051_accents
from tests import postgres
from tests.core.records.log import entries, newest_operation, undo
from tests.kinds import COMPANY, CONTACT, DEAL, KINDS, REGISTRY, TASK
from tests.storage.desk import Desk, desk

NAMED = "name and city"
PHONE = "+49 30 1234567"


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("duplicates") / "data") as opened:
        yield opened


@pytest.fixture
def alice(back: Desk, request: pytest.FixtureRequest) -> Actor:
    """Alice, in a workspace that is hers alone in each test."""
    return back.person(f"alice{abs(hash(request.node.nodeid))}@example.com")


def saved(back: Desk, actor: Actor, kind: Kind = CONTACT, merges_alike: bool = False, **sent: Any) -> Any:
    return back.do(write.save(Call(back.crm, actor), kind, sent, merges_alike))


def found(back: Desk, actor: Actor, **parameters: str) -> Any:
    return back.do(listing.find_all(Call(back.crm, actor), parameters))


def pairs(back: Desk, actor: Actor, kind: Kind = CONTACT) -> set[tuple[frozenset[str], str]]:
    """Return the handles of each listed pair, with the reason."""
    rows = [row for _, row in found(back, actor, kind=kind.plural, limit="200").rows]
    return {(frozenset((row["a"], row["b"])), row["reason"]) for row in rows}


def both(one: Any, other: Any, reason: str) -> set[tuple[frozenset[str], str]]:
    return {(frozenset((one.handle, other.handle)), reason)}


CONTACTS = [  # what is there, what comes, why they are likely one
    ({"phone": PHONE}, {"name": "Doe, Jane", "phone": "0049 (30) 123-4567"}, "phone and name"),
    ({"phone": PHONE}, {"name": "Jane M. Doe", "phone": PHONE}, "phone and name"),
    ({"phone": PHONE}, {"name": "John Doe", "phone": PHONE}, ""),
    ({"phone": "unknown"}, {"phone": "unknown"}, ""),
    ({"city": "Köln"}, {"name": "JANE DOE", "city": "KÖLN"}, "name and city"),
    ({"city": "Köln"}, {"city": "Bonn"}, ""),
    ({"city": "Köln"}, {"name": "Jané  Döe", "city": "Koln"}, "name and city"),
    ({"name": "Jané Döe", "city": "Koln"}, {"city": "Köln"}, "name and city"),
    ({"name": "Jané Doe", "city": "Łódź"}, {"name": "Jane Döe", "city": "LODZ"}, "name and city"),
    ({"name": "José", "city": "Köln"}, {"name": "Josef", "city": "Köln"}, ""),
    ({"name": "\u0301", "city": "Köln"}, {"name": "\u0300", "city": "Köln"}, ""),
    ({"city": "Köln"}, {"name": "Jane Do", "city": "Köln"}, ""),
    ({}, {}, ""),
    ({"email": "jane@acme.example"}, {"name": "X", "email": "jane+news@acme.example"}, "email"),
    ({"email": "jane+a@acme.example"}, {"name": "X", "email": "jane+b@acme.example"}, "email"),
    ({"email": "jane+a@acme.example"}, {"name": "X", "email": "jane@acme.example"}, "email"),
    ({"email": "jane@acme.example"}, {"name": "X", "email": "jane+news@other.example"}, ""),
    ({"email": "jane@acme.example"}, {"name": "X", "email": "janet@acme.example"}, ""),
]


@pytest.mark.parametrize(("there", "comes", "reason"), CONTACTS)
def test_a_create_says_whom_the_new_contact_may_be_the_same_as(
    back: Desk, alice: Actor, there: Any, comes: Any, reason: str
) -> None:
    jane = saved(back, alice, **{"name": "Jane Doe", **there}).record
    new = saved(back, alice, **{"name": "Jane Doe", **comes})
    assert new.created
    assert new.notes == ((f"may be the same as {jane.handle} ({reason})",) if reason else ())
    assert new.potential_duplicate == (jane.handle if reason else "")
    assert pairs(back, alice) == (both(jane, new.record, reason) if reason else set())


def test_a_contact_of_the_same_name_and_company_is_noted(back: Desk, alice: Actor) -> None:
    acme, other = (saved(back, alice, COMPANY, name=name).record.id for name in ("Acme", "Other"))
    jane = saved(back, alice, name="Jane Doe", company_id=acme).record
    assert not saved(back, alice, name="Jane Doe", company_id=other).notes
    new = saved(back, alice, name="Jane Doe", company_id=acme)
    assert new.notes == (f"may be the same as {jane.handle} (name and company)",)


def test_filters_and_natural_keys_tell_accents_apart(back: Desk, alice: Actor) -> None:
    values = {"name": "José", "city": "Łódź", "code": "É1"}, {"name": "Jose", "city": "Lodz", "code": "E1"}
    both_of_them = [saved(back, alice, **each).record for each in values]
    for record, each in zip(both_of_them, values, strict=True):
        for name, value in each.items():
            assert [found.id for found in back.find(alice, **{name: value}).records] == [record.id]


def test_a_pair_follows_accents_that_come_and_go(back: Desk, alice: Actor) -> None:
    one = saved(back, alice, name="Jose", city="Lodz").record
    other = saved(back, alice, name="Jóse", city="Łódź").record
    for name, city, is_pair in (("Jösé", "Lodz", True), ("Josa", "Łódź", False), ("Jose", "Łodz", True)):
        other = back.change(alice, other, name=name, city=city)
        assert pairs(back, alice) == (both(one, other, "name and city") if is_pair else set())
        undo(back, alice, newest_operation(back, alice))
        other = back.fetch(alice, other)
        assert pairs(back, alice) == both(one, other, "name and city")


def test_of_many_at_once_those_that_differ_in_accents_alone_are_noted(back: Desk, alice: Actor) -> None:
    zoe = saved(back, alice, name="Zoë Ångström", city="Malmö").record
    items = [{"name": name, "city": "Malmo"} for name in ("Zoe Angstrom", "José", "Jose", "JÓSE", "Josef")]
    new = back.do(batch.save(Call(back.crm, alice), CONTACT, items))
    _, first, second, *_ = (each.record.handle for each in new)
    assert [each.potential_duplicate for each in new[:3]] == [zoe.handle, "", first]
    assert new[3].potential_duplicate in (first, second)
    assert new[4].potential_duplicate == ""


def test_merge_alike_merges_by_phone_and_name_but_not_two_addresses(back: Desk, alice: Actor) -> None:
    jane = saved(back, alice, name="Jane Doe", phone=PHONE, stage="lead").record
    again = saved(back, alice, merges_alike=True, name="Doe, Jane", phone="030 1234567", country="DE", stage="")
    assert (again.record.id, again.record.name, again.record.stage) == (jane.id, "Doe, Jane", "lead")
    again = saved(back, alice, merges_alike=True, first_name="Jane", last_name="Doe", phone=PHONE, email="j@x.example")
    assert (again.record.id, again.created, again.notes) == (jane.id, False, ("merged by phone and name",))
    assert (again.record.first_name, again.record.email) == ("Jane", "j@x.example")
    other = saved(back, alice, merges_alike=True, name="Jane Doe", phone=PHONE, email="other@x.example")
    assert (other.created, other.notes) == (True, (f"may be the same as {jane.handle} (phone and name)",))
    stranger = saved(back, alice, merges_alike=True, name="Bob Stone", phone=PHONE)
    assert (stranger.created, stranger.notes) == (True, ())


def test_a_company_of_the_same_name_is_created_and_noted(back: Desk, alice: Actor) -> None:
    acme = saved(back, alice, COMPANY, name="Acme", domain="acme.example").record
    new = saved(back, alice, COMPANY, name="ACMÉ", domain="acme2.example")
    assert new.notes == (f"may be the same as {acme.handle} (name)",)
    assert pairs(back, alice, COMPANY) == both(acme, new.record, "name")


@pytest.mark.parametrize(("kind", "closed"), [(DEAL, {"status": "won"}), (TASK, {"done": True})])
def test_what_equals_an_open_one_in_title_and_contact_or_company_is_noted(
    back: Desk, alice: Actor, kind: Kind, closed: dict[str, Any]
) -> None:
    contact = saved(back, alice, name="Jane").record.id
    company = saved(back, alice, COMPANY, name="Acme").record.id
    for link, id in (("contact_id", contact), ("company_id", company)):
        first = saved(back, alice, kind, title="Pilot", **{link: id}).record
        assert not saved(back, alice, kind, title="Another", **{link: id}).notes
        new = saved(back, alice, kind, title="PILÓT", **{link: id})
        reason = f"title and {link.removesuffix('_id')}"
        assert new.notes == (f"may be the same as {first.handle} ({reason})",)
        assert pairs(back, alice, kind) == both(first, new.record, reason)
        for record in (first, new.record):
            back.change(alice, record, **closed)
        assert pairs(back, alice, kind) == set()
        assert not saved(back, alice, kind, title="Pilot", **{link: id}, **closed).notes
    assert not saved(back, alice, kind, title="Pilot").notes


def test_a_pair_goes_and_comes_with_what_made_it(back: Desk, alice: Actor) -> None:
    one = saved(back, alice, name="Jane Doe", city="Oslo").record
    other = saved(back, alice, name="Jane Doe", city="Lima").record
    assert pairs(back, alice) == set()
    other = back.change(alice, other, city="oslo")
    assert pairs(back, alice) == both(one, other, "name and city")
    back.change(alice, other, notes="nothing of that")
    assert pairs(back, alice) == both(one, other, "name and city")
    back.change(alice, one, name="Jane Roe")
    assert pairs(back, alice) == set()
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == both(one, other, "name and city")
    back.remove(alice, other)
    assert (pairs(back, alice), found(back, alice).paging.total) == (set(), 0)
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == both(one, other, "name and city")


def test_of_three_the_other_two_stay_a_pair_when_one_goes(back: Desk, alice: Actor) -> None:
    three = [saved(back, alice, name="Jane Doe", city="Oslo").record for _ in range(3)]
    for gone in three:
        back.remove(alice, gone)
        left = [record for record in three if record is not gone]
        assert pairs(back, alice) == both(left[0], left[1], "name and city")
        undo(back, alice, newest_operation(back, alice))


def test_a_pair_that_was_dismissed_is_listed_no_more_until_that_is_undone(back: Desk, alice: Actor) -> None:
    one, other = (saved(back, alice, name="Jane Doe", city="Oslo").record for _ in range(2))
    for a, b in ((one.handle, other.id), (other.id, one.id)):
        back.do(dismissing.dismiss(Call(back.crm, alice), {"a": a, "b": b}))
        assert (pairs(back, alice), found(back, alice).paging.total) == (set(), 0)
    back.change(alice, one, city="Lima")
    back.change(alice, one, city="Oslo")
    assert pairs(back, alice) == set()
    for _ in range(2):
        undo(back, alice, newest_operation(back, alice))
    undo(back, alice, newest_operation_of(back, alice, "dismissal.create"))
    assert pairs(back, alice) == both(one, other, "name and city")


def newest_operation_of(back: Desk, actor: Actor, action: str) -> str:
    newest = [entry for entry in entries(back, actor) if entry.action == action][-1]
    return audit.operation_id(actor.workspace_id, newest.op or newest.seq)


@pytest.mark.sqlite
def test_many_of_one_value_make_few_pairs_and_a_short_look(back: Desk, alice: Actor) -> None:
    def unit(tx: Tx) -> None:
        for _ in range(1_000):
            derived.put_and_follow(tx, REGISTRY, CONTACT, None, CONTACT.new({"name": "Jane Doe", "phone": PHONE}))

    back.do(Call(back.crm, alice).write(unit))
    new = saved(back, alice, name="Jane Doe", phone=PHONE)
    assert new.potential_duplicate
    counted = back.do(
        back.database.read(
            None,
            lambda c: c.execute(
                "SELECT count(*) FROM likely_duplicates WHERE workspace_id = ?", (alice.workspace_id,)
            ).fetchone()[0],
        )
    )
    assert 900 < counted <= 1_000
    seen, cursor = set(), ""
    while cursor is not None:
        page = found(back, alice, limit="200", cursor=cursor)
        seen |= {frozenset((row["a"], row["b"])) for _, row in page.rows}
        cursor = page.paging.next_cursor
    assert len(seen) == counted


def test_records_that_were_there_before_are_paired_by_upkeep(back: Desk, alice: Actor) -> None:
    one, other = back.save_all(alice, [{"name": "Jane Doe", "city": "Oslo"}] * 2)
    back.save_all(alice, [{"name": f"Someone {number}"} for number in range(250)])
    assert pairs(back, alice) == set()
    wait = partial(unpaired.add, workspace_id=alice.workspace_id, plural=CONTACT.plural)
    back.do(back.database.write(wait, lanes=[alice.workspace_id]))
    back.do(upkeep.pair_all(Call(back.crm)))
    assert pairs(back, alice) == both(one, other, "name and city")


def test_those_with_accents_that_were_there_before_are_paired_by_upkeep(back: Desk, alice: Actor) -> None:
    bob = back.person("bob-of-accents@example.com")
    one, other = back.save_all(alice, [{"name": "Jose", "city": "Lodz"}, {"name": "José", "city": "Łódź"}])
    back.save_all(alice, [{"name": f"Some one {number}"} for number in range(350)])
    (last,) = back.save_all(alice, [{"name": "Jósé", "city": "Lodz"}])
    back.save_all(bob, [{"name": "Jane", "city": "Oslo"}] * 2)
    acmes = back.save_all(bob, [{"name": "Acme"}, {"name": "Ácme"}], COMPANY)
    deals = back.save_all(bob, [{"title": title, "company_id": acmes[0].id} for title in ("Pilot", "Pilót")], DEAL)

    def as_before(tx: Tx) -> None:
        for kind in KINDS:
            for field in kind.accented:
                tx.connection.execute(f"UPDATE {kind.plural} SET {field.plain} = NULL")
        for statement in accents():
            if statement.startswith("INSERT"):
                tx.connection.execute(statement)

    def waiting(connection: Connection) -> set[tuple[str, str]]:
        sql = "SELECT workspace_id, kind FROM unfilled WHERE workspace_id IN (?, ?)"
        return {*map(tuple, connection.execute(sql, (alice.workspace_id, bob.workspace_id)).fetchall())}

    back.do(back.database.write(as_before, lanes=ANYWHERE))
    assert back.do(back.database.read(None, waiting)) == {
        *((alice.workspace_id, "contacts"), (bob.workspace_id, "companies"), (bob.workspace_id, "deals"))
    }
    back.do(upkeep.pair_all(Call(back.crm)))
    assert back.do(back.database.read(None, waiting)) == set()
    assert pairs(back, alice) <= {*both(one, other, NAMED), *both(one, last, NAMED), *both(other, last, NAMED)}
    assert {handle for pair, _ in pairs(back, alice) for handle in pair} == {one.handle, other.handle, last.handle}
    assert pairs(back, bob) == set()  # without accents: they were paired before
    assert pairs(back, bob, COMPANY) == both(*acmes, "name")
    assert pairs(back, bob, DEAL) == both(*deals, "title and company")


def accents() -> Sequence[str]:
    """Return the statements of the step that has accents looked at."""
    if not postgres.SERVER:
        return m0051_accents.MIGRATION.statements
    from crmkit.storage.postgres import schema

    return schema.newest().after(50)[0].statements


def test_the_newest_pairs_of_all_kinds_are_told_since_a_moment(back: Desk, alice: Actor) -> None:
    for kind in (CONTACT, COMPANY):
        for _ in range(2):
            saved(back, alice, kind, name="Acme", **({"city": "Oslo"} if kind is CONTACT else {}))
    since = back.crm.now
    later = [saved(back, alice, COMPANY, name="Later").record for _ in range(2)]
    back.clock.move(hours=1)
    newer = [saved(back, alice, COMPANY, name="Newer").record for _ in range(2)]

    def newest(since: str, limit: int = 10) -> list[Any]:
        return back.do(back.database.read(None, listing.newest, REGISTRY.alike, alice, since, limit))

    assert {pair.a.name for pair in newest(since)} == {"Acme", "Later", "Newer"}
    assert [pair.b.id for pair in newest(back.crm.now)] != []
    assert {newest(since, 1)[0].a.id, newest(since, 1)[0].b.id} == {record.id for record in newer}
    assert later


def test_the_rules_of_each_kind_look_by_an_index(back: Desk, alice: Actor) -> None:
    for kind in KINDS:
        for rule in kind.alike:
            assert any(index.fields[0] == rule.same[0] for index in kind.indexes), (kind.name, rule)
            assert set(rule.fields) <= kind.by_name.keys()


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", REGISTRY.alike, ids=lambda kind: kind.name)
def test_each_part_of_a_look_goes_by_an_index(back: Desk, kind: Kind) -> None:
    filled = tuple(dict.fromkeys(name for rule in kind.alike for name in rule.same))

    def plan(connection: Connection) -> tuple[int, list[str]]:
        sql, looks = candidates._looks(connection.dialect, kind, filled, "")
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?")).fetchall()
        return len(looks), [row[3] for row in rows if row[3].startswith(("SEARCH r", "SCAN r"))]

    looks, steps = back.do(back.database.read(None, plan))
    assert len(steps) == looks
    assert all(" INDEX " in step and "workspace_id=? AND " in step for step in steps), steps


values = st.fixed_dictionaries(
    {"name": st.sampled_from(["Ann", "Änn", "Bob"]), "city": st.sampled_from([None, "Oslo", "Lima", "Ósló"])}
)
steps = st.lists(
    st.tuples(st.sampled_from(["create", "create", "change", "remove", "merge", "undo"]), values, st.integers(0, 99)),
    max_size=25,
)
PEOPLE = count()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_the_pairs_join_just_those_that_are_likely_one_whatever_was_written(
    back: Desk, steps: list[tuple[str, dict[str, Any], int]]
) -> None:
    actor = back.person(f"p{next(PEOPLE)}@example.com")
    there: list[Any] = []
    for act, body, number in steps:
        if act == "create" or not there:
            saved(back, actor, **body)
        elif act == "change":
            back.change(actor, there[number % len(there)], **body)
        elif act == "remove":
            back.remove(actor, there[number % len(there)])
        elif act == "merge":
            one, other = there[number % len(there)], there[number // 7 % len(there)]
            if one.id != other.id:
                back.merge(actor, one, other)
        elif not undone(back, actor):
            continue
        there = back.pages(actor, kind=CONTACT)
    groups: dict[Any, set[str]] = {}
    for record in there:
        key = (plain(record.name), plain(record.city)) if record.city else record.id
        groups.setdefault(key, set()).add(record.handle)
    joined = [{record.handle} for record in there]
    for pair, _ in pairs(back, actor):
        touched = [group for group in joined if group & pair]
        joined = [group for group in joined if not group & pair] + [set().union(*touched)]
    assert sorted(map(sorted, joined)) == sorted(map(sorted, groups.values()))


def undone(back: Desk, actor: Actor) -> bool:
    """Take the newest operation back if that is one of records; tell whether it was."""
    if not entries(back, actor)[-1].target.startswith("contact/"):
        return False
    undo(back, actor, newest_operation(back, actor))
    return True
