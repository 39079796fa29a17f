"""Whatever stands in a table: a row is the body of a POST or refused, and what has no field is kept as it is."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.core.records import nested
from crmkit.core.transfer.mapping import Body, Refused, tables, words
from crmkit.errors import Problem
from crmkit.model.names import trimmed
from crmkit.model.record import Kind
from crmkit.model.sheets.words import NOTHING
from tests.core.transfer.mapping import headers
from tests.core.transfer.mapping.tables import ASKER, body, planned, table
from tests.kinds import ACTIVITY, COMPANY, CONTACT, KINDS, REGISTRY

KNOWN = sorted(
    {
        pair.partition("=")[0].strip()
        for text in (headers.OF_PROGRAMS, headers.OTHERS)
        for pair in re.split(",|\n", text)
    }
    | {title.strip() for _, line in tables.lines(words.FIELDS) for title in line.split(";")}
    | {name for kind in (*KINDS, ACTIVITY) for name in kind.names}
    | {"handle", "custom", "custom.a", "custom.a.b", 'custom."a.b"', "custom.", "company.name", "row", "error"}
)
ODD = [
    "",
    " ",
    "'",
    "''=",
    "=1",
    "N/A",
    "0/0/00",
    "1e999",
    "99999999999999999999",
    "3/4/2026",
    "2026-13-45 25:61",
    "€",
    "€ 5",
    "5 ¥",
]
ODD += [
    "a@b",
    "a@x.example,b@x.example",
    "Sam (sam@x.example)",
    "/o=x",
    "[",
    '["a"',
    '{"a":',
    '"',
    ";",
    ",",
    " ::: ",
    "\u202a+1",
    "\x00",
    "\ud800",
]
ODD += [
    "c_aaaaaaaa",
    "code:",
    "code:x",
    "1.234,56",
    "-",
    "(",
    "()",
    "me",
    "today",
    "+2w",
    "null",
    "true",
    "٣/٤/٢٠٢٦",
    "１２",
]
TEXTS = st.one_of(st.sampled_from(ODD), st.text(max_size=30))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
EVERY = {kind.name: kind for kind in (*KINDS, ACTIVITY, *REGISTRY.settings)}
KIND = st.sampled_from(sorted(EVERY)).map(EVERY.__getitem__)


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[Any]) -> Any:
    found = draw(st.lists(st.one_of(st.sampled_from(KNOWN), st.text(min_size=1, max_size=8)), min_size=1, max_size=8))
    rows = draw(st.lists(st.tuples(*(cells for _ in found)), max_size=4))
    return table(found, *rows, format=draw(st.sampled_from(("csv", "xlsx", "json", "vcard"))))


def test_half_a_surrogate_pair_is_no_value_of_any_field() -> None:
    for title in (*CONTACT.writable, *(f"company.{name}" for name in COMPANY.writable)):
        made = table([title], ("\ud800",), format="json")
        (row,) = made.rows()
        assert isinstance(planned(made, CONTACT).body(row), Body | Refused)


def test_a_status_that_is_a_list_is_refused() -> None:
    made = table(["Closed at", "Status"], ("2026-01-02", ["won"]), format="json")
    (row,) = made.rows()
    for kind in EVERY.values():
        assert isinstance(planned(made, kind).body(row), Body | Refused)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    tables(st.one_of(TEXTS, VALUES)), KIND, st.sampled_from(("", "dmy", "ymd")), st.sampled_from(("custom", "ignore"))
)
def test_every_row_of_any_table_is_a_body_or_refused(found: Any, kind: Kind, dates: str, unknown: str) -> None:
    plan = planned(found, kind, dates=dates, unknown=unknown)
    json.dumps(plan.kept)
    for row in found.rows():
        body = plan.body(row)
        if isinstance(body, Refused):
            assert body.fields
            continue
        with suppress(Problem):  # as a POST would be
            nested.drafted(REGISTRY, kind, body.values, ASKER) if kind in REGISTRY.links else kind.draft(
                body.values, ASKER
            )
        for name in body.names:
            assert name.text or name.fields


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=6), st.data())
def test_texts_under_titles_that_say_nothing_are_kept_as_they_are(found: list[str], data: st.DataObject) -> None:
    shown = [f"zz {title}" for title in found]
    cells = [data.draw(st.text(max_size=20)) for _ in shown]
    made = table(["name", *shown], ("Ada", *cells), format="json")
    (row,) = made.rows()
    body = planned(made).body(row)
    assert isinstance(body, Body)
    kept = {title: text for title, cell in zip(made.titles[1:], cells, strict=True) if (text := trimmed(cell))}
    kept = {title: text for title, text in kept.items() if text not in NOTHING}
    assert body.values.get("custom", {}) == kept


def test_a_cell_of_custom_that_is_no_object_is_left_to_be_refused_beside_other_keys() -> None:
    titles = ["Name", "custom", "Shoe size"]
    with pytest.raises(Problem) as raised:
        CONTACT.draft(body(titles, "Jane", True, "42"), ASKER)
    assert list(raised.value.fields) == ["custom"]
    assert body(titles, "Jane", '{"a":1}', "42")["custom"] == {"a": 1, "Shoe size": "42"}
