"""How a filtered list is read: by an index that leads to few rows or by a walk in its order; both find the same."""

import random
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit import ids
from crmkit.errors import Problem
from crmkit.model import fold
from crmkit.model.actor import Actor
from crmkit.model.query import parse
from crmkit.model.query.filters import Condition
from crmkit.model.query.parse import Query
from crmkit.model.record import Index, Kind, index, partial
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists import planner
from crmkit.storage.lists.plan import LookUp
from crmkit.storage.lists.sql import page
from crmkit.storage.search.parts import parts
from crmkit.storage.sqlite.engine import migrate, progress
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from tests.kinds import ACTIVITY, AUDIT, COMPANY, CONTACT, DEAL, KINDS
from tests.storage.desk import Desk, desk, listed, steps_of, workspace_of

pytestmark = pytest.mark.sqlite

ALL = [*KINDS, ACTIVITY, AUDIT]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_indexes_of_a_table_are_those_that_are_declared(tmp_path: Path, kind: Kind) -> None:
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect)
    compared = {field.compared: field.name for field in kind.fields}
    found = set()
    with closing(connect(tmp_path / FILE, False)) as connection:
        indexes = connection.execute(
            'SELECT l.name, "unique", m.sql FROM pragma_index_list(?) AS l LEFT JOIN sqlite_master AS m USING (name)',
            (kind.plural,),
        )
        for name, is_unique, sql in indexes.fetchall():
            columns = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (name,)).fetchall()
            first, *rest = (compared.get(column, column) for (column,) in columns)
            assert first == "workspace_id"
            end = rest.index("id") if "id" in rest else len(rest)
            fields, covers = tuple(rest[:end]), tuple(rest[end + 1 :])
            if fields:  # not that of the id, which every table has
                filled = re.search(r'WHERE "?(\w+)"? IS NOT NULL', sql)
                beside = compared.get(filled[1], filled[1]) if filled else ""
                found.add(Index(fields, beside, bool(is_unique), covers))
    firsts = {kind.by_name[rule.same[0]] for rule in kind.alike}  # by which likely duplicates are looked up
    without_accents = {partial(field.plain) for field in firsts if field in kind.accented}
    assert found == {*kind.indexes, *without_accents} - {index("seq")}


PLACES = [(None, None), (None, 8.5), (47.31, 8.51), (47.1, 8.5), (-17.01, 179.95), (-17.01, -179.95), (-17, 179)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Actor]]:
    """A database of 400 contacts, half of them indexed for search, some changed since."""
    choice = random.Random(3)
    with desk(tmp_path_factory.mktemp("library") / "data") as back:
        alice = back.person()
        companies = [back.make(alice, COMPANY, name=f"Firm {n}") for n in range(5)]
        made: list[Any] = []
        for part in range(4):
            bodies = [
                {
                    "name": choice.choice(["Jane Doe", "JANE DOE", "Zoë", "Straße 5", "x", "a  b"]),
                    "email": f"p{part}.{number}@example.com",
                    "phone": choice.choice([None, "+41 44 668", "555"]),
                    "stage": choice.choice([None, "lead", "Lead", "won"]),
                    "tags": choice.choice([None, ["vip"], ["VIP", "ünï"], ["vipers"]]),
                    "notes": choice.choice([None, "Met on a BOAT.\nTwice", "boat", 'say "hi"']),
                    **dict(zip(("latitude", "longitude"), choice.choice(PLACES), strict=True)),
                    "company_id": choice.choice([None, *(company.id for company in companies)]),
                    "follow_up_at": choice.choice([None, "2026-06-01T09:00:00Z", "2026-07-01T09:00:00Z"]),
                }
                for number in range(100)
            ]
            made += back.save_all(alice, bodies)
            back.clock.move(hours=1)
            if part == 2:
                back.index()
        for contact in choice.sample(made, 60):
            back.change(alice, contact, name="Renamed", notes="changed", stage="won")
        yield back, alice


FILTERS = [
    ("name", "jane doe"),
    ("name", "renamed"),
    ("name", "like:oe"),
    ("name", "like:STRASSE"),
    ("name", "in:x,zoë"),
    ("name", "a  b"),
    ("email", "like:@example.com"),
    ("email", "p1.7@example.com"),
    ("phone", "+41 44 668"),
    ("stage", "in:lead,won"),
    ("stage", "lead"),
    ("stage", "in:nowhere"),
    ("stage", "gte:m"),
    ("tags", "vip"),
    ("tags", "like:vip"),
    ("tags", "in:vipers,ünï"),
    ("tags", "vip,ünï"),
    ("notes", "like:boat"),
    ("notes", "like:on a boat."),
    ("notes", 'say "hi"'),
    ("follow_up_at", "lt:2026-06-10"),
    ("created_at", "gte:2026-06-10T11:00:00Z"),
    ("updated_at", "lt:2026-06-10T11:00:00Z"),
    ("company_name", "like:firm"),
    ("company_name", "Firm 3"),
    ("company_name", "starts:FIRM 3"),
    ("name", "starts:jane"),
    ("name", "ends:DOE"),
    ("name", "unlike:jane"),
    ("notes", "starts:met on"),
    ("notes", "ends:twice"),
    ("stage", "out:lead,won"),
    ("stage", "between:lead,m"),
    ("tags", "starts:vip"),
    ("tags", "none:vip"),
    ("phone", "starts:+41 4"),
    ("follow_up_at", "between:2026-06-01,2026-06-30"),
    ("location", "within:47.3,8.5,20"),
    ("location", "within:-17,180,20"),
    ("location", "is:null"),
]


@pytest.mark.slow
def test_looking_up_a_filter_finds_the_same_contacts_as_walking_the_list(
    library: tuple[Desk, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice = library
    choice = random.Random(5)
    sorts = ["", "name", "-name", "stage", "-created_at", "follow_up_at,name", "owner"]
    led = 0
    with closing(connect(back.database.folder / FILE, False)) as connection:
        for _ in range(150):
            pairs = [*choice.sample(FILTERS, choice.randint(1, 2)), ("sort", choice.choice(sorts)), ("limit", "60")]
            asked = parse.parse(CONTACT, pairs)
            led += is_looked_up(connection, alice, asked)
            by_lead = [contact.id for contact in back.pages(alice, *pairs)]
            with monkeypatch.context() as patched:
                for name in ("AT_ONCE", "FEW", "MANY"):
                    patched.setattr(planner, name, -1)
                assert not is_looked_up(connection, alice, asked)
                assert [contact.id for contact in back.pages(alice, *pairs)] == by_lead, pairs
                assert back.find(alice, *pairs).paging.total == len(by_lead)
    assert led > 40


def is_looked_up(connection: Connection, actor: Actor, asked: Query) -> bool:
    return isinstance(planner.decide(connection, CONTACT, workspace_of(actor), asked).access, LookUp)


def plan_of(back: Desk, actor: Actor, kind: Kind, pairs: list[tuple[str, str]]) -> list[str]:
    asked = listed(kind, pairs)
    with closing(connect(back.database.folder / FILE, False)) as connection:
        plan = planner.decide(connection, kind, workspace_of(actor), asked)
        statement = page(connection.dialect, kind, workspace_of(actor), plan, None)
        return steps_of(connection, statement)


@pytest.mark.parametrize(
    ("pairs", "index"),
    [
        ([("name", "jane doe")], "contacts_by_name"),
        ([("stage", "in:nowhere,won")], "contacts_by_stage"),
        ([("stage", "lead"), ("sort", "name")], "contacts_by_stage"),
        ([("created_at", "gte:2026-06-10T12:00:00Z"), ("sort", "name")], "contacts_by_created_at"),
        ([("created_at", "between:2026-06-10T12:00:00Z,2026-06-11"), ("sort", "name")], "contacts_by_created_at"),
        ([("name", "starts:Jane D")], "contacts_by_name"),
        ([("location", "within:47.3,8.5,20")], "contacts_by_latitude"),
        ([("location", "within:-17,180,20"), ("sort", "name")], "contacts_by_latitude"),
    ],
)
def test_a_filter_that_few_rows_meet_is_looked_up_instead_of_walking_the_list(
    library: tuple[Desk, Actor], monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[str, str]], index: str
) -> None:
    back, alice = library
    pairs = [*pairs, ("limit", "200")]
    steps = plan_of(back, alice, CONTACT, pairs)
    assert steps[0] == "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)", steps
    assert any(f"INDEX {index} (" in step for step in steps), steps
    for name in ("AT_ONCE", "FEW"):
        monkeypatch.setattr(planner, name, 3)
    (step,) = plan_of(back, alice, CONTACT, pairs)  # one walk, nothing sorted
    assert "contacts_by_name" in step if dict(pairs).get("sort") else "contacts_by_updated_at" in step


@pytest.mark.parametrize(
    ("kind", "pairs", "index"),
    [
        (AUDIT, [], "INTEGER PRIMARY KEY"),
        (AUDIT, [("action", "contact.update")], "audit_by_action"),
        (AUDIT, [("by", "bob@example.com")], "audit_by_who"),
        (CONTACT, [("owner", "bob@example.com")], "contacts_by_owner"),
        (CONTACT, [("sort", "id")], "sqlite_autoindex_contacts_1"),
        (CONTACT, [("follow_up_at", "not:null"), ("sort", "follow_up_at")], "contacts_by_follow_up"),
        (AUDIT, [("target", "contact/c_aaaaaaaa")], "audit_by_target"),
        (CONTACT, [("stage", "lead")], "contacts_by_stage"),
        (CONTACT, [("email", "p1.7@example.com"), ("name", "x")], "contacts_by_email"),
        (DEAL, [("contact_id", ids.numbered("c", 1))], "deals_by_contact"),
        (ACTIVITY, [("contact_id", ids.numbered("c", 1))], "activities_by_contact"),
        (ACTIVITY, [("occurred_at", "lt:2026-01-01")], "activities_by_occurred_at"),
    ],
)
def test_an_index_in_the_order_of_the_list_is_walked_and_nothing_is_sorted(
    library: tuple[Desk, Actor], kind: Kind, pairs: list[tuple[str, str]], index: str
) -> None:
    (step,) = plan_of(*library, kind, pairs)
    assert f"USING {index} (" in step or f"USING INDEX {index} (" in step, step


TEXT = st.text(
    st.sampled_from("ab c\t,\"'-+.%_KÅİıŁøßﬁéü\u0301\u0316\u0338\u3099\u200b\u00a0가각ｶﾞΣςÅﬀ")
    | st.characters(codec="utf-8"),
    max_size=12,
)


@pytest.mark.slow
@given(TEXT, st.integers(0, 12), st.integers(0, 12))
@example("a\u0301bc", 0, 4)
@example("office", 0, 12)
def test_every_text_that_meets_a_filter_has_the_part_that_is_looked_up(text: str, start: int, end: int) -> None:
    folded = fold.fold(text)
    for operand in {folded, folded[start:end]}:
        groups = parts(CONTACT, Condition(CONTACT.by_name["name"], "like", operand))
        assert groups is None or groups[0][0] in fold.plain(text)


@pytest.mark.parametrize(
    ("name", "operator", "value", "groups"),
    [
        ("name", "eq", "jane doe", [["jane doe"]]),
        ("name", "like", 'a "b"', [['a "b"']]),
        ("name", "eq", "zoë", None),
        ("name", "eq", "müller", [["ller"]]),
        ("name", "in", ("jane", "zoë"), None),
        ("name", "in", ("jane", "john"), [["jane", "john"]]),
        ("tags", "eq", ("vip", "ab"), [["vip"]]),
        ("tags", "eq", ("vip", "old"), [["vip"], ["old"]]),
        ("tags", "in", ("vip", "ab"), None),
        ("name", "ne", "jane", None),
        ("name", "gte", "jane", None),
        ("name", "starts", "jane", [["jane"]]),
        ("name", "ends", "jane", [["jane"]]),
        ("name", "unlike", "jane", None),
        ("tags", "out", ("vip", "abc"), None),
        ("owner", "eq", "bob@example.com", None),
    ],
)
def test_a_filter_has_these_parts_that_an_index_of_trigrams_knows(
    name: str, operator: str, value: Any, groups: list[list[str]] | None
) -> None:
    found = parts(CONTACT, Condition(CONTACT.by_name[name], operator, value))
    assert (found and [[*group] for group in found]) == groups


def test_a_comma_between_tags_is_no_part_of_a_tag(library: tuple[Desk, Actor]) -> None:
    back, alice = library
    for text in (",", "vip,", ",vip", "vip,ünï"):
        with pytest.raises(Problem, match="invalid_value"):
            back.find(alice, ("tags", f"like:{text}"))
    assert back.find(alice, ("tags", "like:vip")).paging.total


@pytest.mark.slow
@pytest.mark.parametrize("few", [-1, planner.FEW])
def test_pages_neither_skip_nor_repeat_a_contact_when_a_walk_is_given_up(
    library: tuple[Desk, Actor], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """What follows the walk is a reading of the whole table, or a lead that was too long before."""
    back, alice = library
    for name, most in (("AT_ONCE", -1), ("FEW", few), ("MANY", -1)):
        monkeypatch.setattr(planner, name, most)
    for filters in (
        [("phone", "555")],
        [("stage", "won")],
        [("stage", "lead"), ("tags", "vip")],
        [("owner", "is:null")],
    ):
        for sort in ("", "name", "-created_at", "stage", "-follow_up_at", "follow_up_at", "email", "-email,name"):
            pairs = [*filters, ("sort", sort), ("limit", "20")]
            whole = [contact.id for contact in back.pages(alice, *pairs)]
            assert len(set(whole)) == len(whole) == back.find(alice, *pairs).paging.total
            for steps in (0, 30, 300, 1_500, 4_000):
                monkeypatch.setattr(progress, "LOOK_STEPS", 10)
                monkeypatch.setattr(progress, "TRIAL_STEPS", steps)
                assert [contact.id for contact in back.pages(alice, *pairs)] == whole, (pairs, steps)
