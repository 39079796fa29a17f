"""The SQL of one condition finds just what plain Python finds."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkit.model.operators.circle import Circle, distance
from crmkit.model.operators.rows import BY_NAME, OPERATORS, ROWS, TAKEN_BY, Operand, Taken
from crmkit.model.query.filters import Condition, filter_of, target_of
from crmkit.storage.interface.statement import Statement
from crmkit.storage.lists.conditions import of_column, written
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from tests.kinds import COMPANY, CONTACT

letters = st.text(st.sampled_from("ab%_\ud7ff\ue000\U0010ffff é") | st.characters(codec="utf-8"), max_size=5)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteConnection]:
    with closing(connect(tmp_path_factory.mktemp("conditions") / "empty.db", True)) as opened:
        yield opened


def finds(connection: SqliteConnection, found: Statement, row: str = "1") -> bool:
    sql = f"SELECT count(*) FROM (SELECT {row}) AS r WHERE {found.sql}"
    return bool(connection.execute(sql, found.args).fetchone()[0])


@settings(deadline=None)
@given(letters.filter(lambda text: "\x00" not in text), letters.filter(lambda text: text and "\x00" not in text))
@example("a\ud7ff\ue000", "a\ud7ff")
@example("\U0010ffff\U0010ffffa", "\U0010ffff")
@example("b\U0010ffffa", "b\U0010ffff")
@example("c", "b\U0010ffff")
@example("%a", "%")
def test_a_text_starts_ends_and_contains_as_in_python(connection: SqliteConnection, text: str, part: str) -> None:
    name = CONTACT.by_name["name"]
    plain = {"starts": text.startswith(part), "ends": text.endswith(part), "like": part in text}
    for operator, expected in [*plain.items(), ("unlike", part not in text)]:
        found = of_column(DIALECT, Statement("?", (text,)), Condition(name, operator, part))
        assert finds(connection, found) == expected, operator


@settings(deadline=None)
@given(*[st.floats(-90, 90), st.floats(-180, 180)] * 2, st.floats(0, 21_000))
@example(0, 179.99, 0, -179.99, 3)
@example(90, 5, 89.99, -175, 2)
@example(-89.99, 0, -89.99, 180, 3)
@example(47.3, 8.5, 47.3, 8.5, 0)
@example(10, -180, 10, 180, 0)
def test_a_place_is_within_a_circle_if_it_is_no_farther_than_the_radius(
    connection: SqliteConnection, north: float, east: float, other: float, there: float, km: float
) -> None:
    found = written(DIALECT, Condition(CONTACT.filters["location"], "within", Circle(north, east, km)))
    row = f'{other!r} AS "latitude", {there!r} AS "longitude"'
    away = distance(north, east, other, there)
    if abs(away - km) > 1e-5:
        assert finds(connection, found, row) == (away < km)
    edge = written(DIALECT, Condition(CONTACT.filters["location"], "within", Circle(north, east, away)))
    assert finds(connection, edge, row)


def test_a_record_without_latitude_or_longitude_has_no_location(connection: SqliteConnection) -> None:
    location = COMPANY.filters["location"]
    for latitude, longitude, is_there in (("NULL", "8", 0), ("47", "NULL", 0), ("NULL", "NULL", 0), ("47", "8", 1)):
        row = f'{latitude} AS "latitude", {longitude} AS "longitude"'
        assert finds(connection, written(DIALECT, Condition(location, "not", None)), row) == is_there
        assert finds(connection, written(DIALECT, Condition(location, "is", None)), row) != is_there
        assert (
            finds(connection, written(DIALECT, Condition(location, "within", Circle(47, 8, 30_000))), row) == is_there
        )


def test_a_row_of_an_operator_stands_for_conditions_that_are_rows_and_is_taken_by_some_sort_of_field() -> None:
    for row in ROWS:
        assert all(name in BY_NAME for name in (*row.conditions, row.negates or row.name))
        assert row.name not in row.alike
    assert set(OPERATORS) == {name for names in TAKEN_BY.values() for name in names}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("stage", "lead", "is lead"),
        ("stage", "in:lead,won", "is lead or won"),
        ("stage", "out:lead,won", "is not lead or won (or is empty)"),
        ("tags", "vip,new", "have vip and new"),
        ("tags", "any:vip,new", "have vip or new"),
        ("tags", "none:vip", "have none of vip (or are empty)"),
        ("created_at", "gte:2026-06-10", "is 2026-06-10 or later"),
        ("version", "between:2,5", "is from 2 to 5"),
        ("name", "unlike:acm", "does not contain acm (or is empty)"),
        ("location", "within:47.3,8.5,5", "is within 5 km of 47.3, 8.5"),
        ("email", "is:null", "is empty"),
        ("custom.a", "starts:x", "starts with x"),
    ],
)
def test_a_filter_says_in_words_what_it_asks_for(name: str, text: str, words: str) -> None:
    target = target_of(CONTACT, name)
    assert target is not None
    assert filter_of(target, name, text).words == words


def test_every_operator_has_words_for_every_sort_of_field_that_takes_it() -> None:
    for taken in Taken:
        for name in TAKEN_BY[taken]:
            operands = {Operand.NULL: (), Operand.TWO: ("1", "2"), Operand.CIRCLE: ("1", "2", "3")}
            said = BY_NAME[name].said(taken, operands.get(BY_NAME[name].operand, ("1",)))
            assert "{" not in said
            assert said.startswith(("is ", "have ", "do ", "does ", "contains ", "starts ", "ends "))
