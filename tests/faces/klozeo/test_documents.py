"""All that Klozeo's documents name is there: routes; filters, compared with a plain reading of them; sorts, cursors."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.faces.klozeo.filters import LOCATION
from crmkit.faces.klozeo.words import ALONE, FIELDS, OPERATORS, UNSAID
from tests.faces.klozeo import documents as their
from tests.faces.requests import ALL
from tests.house import House
from tests.teams.office import Team, team

P = "/api/v1"
ATTRIBUTES = {"cuisine": "text", "employees": "number"}
LEADS: list[dict[str, Any]] = [
    {
        **{"name": "Athens Bakery", "city": "Athens", "country": "GR", "state": "Attica", "category": "Food"},
        **{"email": "info@bakery.gr", "phone": "+302101234567", "website": "https://bakery.gr", "rating": 4.5},
        **{"review_count": 120, "tags": ["food", "vip"], "source_id": "a-1", "status": "qualified"},
        **{"latitude": 37.98, "longitude": 23.73, "cuisine": "Greek", "employees": 12},
    },
    {
        **{
            "name": "athens hotel",
            "city": "ATHENS",
            "country": "GR",
            "category": "Hotel",
            "rating": 3,
            "tags": ["VIP"],
        },
        **{"latitude": 38.02, "longitude": 23.8, "employees": 120.5, "review_count": 0, "source": "api"},
    },
    {
        **{"name": "Paris Café", "city": "Paris", "country": "FR", "email": "PARIS@cafe.fr", "status": "new"},
        **{"website": "https://cafe.fr/x.y", "cuisine": "French, modern", "source_id": "A-2", "rating": -1},
        **{"latitude": 48.85, "longitude": 2.35, "phone": "+33123456789", "source": "web site"},
    },
    {"name": "Nowhere", "tags": ["b2b"], "cuisine": "greek", "status": "contacted"},
    {"name": "100% off_", "city": "O'Hara", "state": "a.b", "review_count": 7, "category": "food", "employees": -5},
    {"name": "Zoë", "city": "Zürich", "country": "CH", "rating": 0, "source": "import", "phone": "+41441234567"},
]


def paths_of(text: str) -> set[tuple[str, str]]:
    return {(method, path) for method, path in re.findall(r"([A-Z]+) (/\S*)", text)}


def test_the_routes_are_those_that_the_documents_and_the_clients_name() -> None:
    (klozeo,) = (face for face in ALL if face.name == "klozeo")
    ours = [
        (method, re.sub(r"{\w+}", "{}", path.removeprefix(P)))
        for route in klozeo.routes
        for path in route.paths
        for method in route.listed_methods
    ]
    assert set(ours) == paths_of(their.ROUTES)
    assert len(ours) == len(set(ours)) == 28


def test_the_operators_fields_and_sorts_are_those_that_they_name() -> None:
    named = {*their.OF_TEXTS, *their.OF_NUMBERS, *their.OF_TAGS, *their.OF_LOCATION, *their.OF_ATTRIBUTES}
    assert len(named) == 20
    assert {*OPERATORS, *ALONE} == {*named, their.ALIAS}
    assert {*their.TEXTS, *their.NUMBERS, "tags", *their.SORTS} <= {*FIELDS}


@pytest.fixture(scope="module")
def full(home: House) -> Team:
    """A workspace with leads of which each lacks something else."""
    us = team(home)
    for lead in LEADS:
        body = {"source": "website", **{name: value for name, value in lead.items() if name not in ATTRIBUTES}}
        body["attributes"] = [
            {"name": name, "type": type_, "value": lead[name]} for name, type_ in ATTRIBUTES.items() if name in lead
        ]
        assert us.alice.post(f"{P}/leads", json=body).status_code == 201
    return us


def names_of(us: Team, *filters: str, **more: Any) -> list[str]:
    answer = us.bob.get(f"{P}/leads", params=[("filter", each) for each in filters] + [*more.items()])
    assert answer.status_code == 200, (filters, answer.text)
    return [lead["name"] for lead in answer.json()["leads"]]


CASED = ("source_id",)  # the id of a record elsewhere: two that differ in case are two
Holds = Callable[[Mapping[str, Any], str, str], bool]  # of a lead as it is shown, a field and a value


def _text(compare: Callable[[str, str], bool]) -> Holds:
    def holds(lead: Mapping[str, Any], field: str, value: str) -> bool:
        fold = str if field in CASED else str.lower
        return lead[field] is not None and compare(fold(str(lead[field])), fold(value))

    return holds


def _number(compare: Callable[[float, float], bool]) -> Holds:
    def holds(lead: Mapping[str, Any], field: str, value: str) -> bool:
        return isinstance(lead[field], int | float) and compare(lead[field], float(value))

    return holds


def _within(lead: Mapping[str, Any], _: str, value: str) -> bool:
    latitude, longitude, km = map(float, value.split(","))
    if lead["latitude"] is None or lead["longitude"] is None:
        return False
    a, b = math.radians(lead["latitude"]), math.radians(latitude)
    turn = math.radians(lead["longitude"] - longitude)
    arc = math.sin((a - b) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(arc)) <= km


def _not(holds: Holds) -> Holds:
    return lambda lead, field, value: not holds(lead, field, value)


def _empty(lead: Mapping[str, Any], field: str, _: str) -> bool:
    return lead[field] in (None, "", [])


TEXT: Mapping[str, Holds] = {
    "eq": _text(lambda has, value: has == value),
    "neq": _not(_text(lambda has, value: has == value)),
    "contains": _text(lambda has, value: value in has),
    "not_contains": _not(_text(lambda has, value: value in has)),
    "starts_with": _text(str.startswith),
    "ends_with": _text(str.endswith),
    "is_empty": _empty,
    "is_not_empty": _not(_empty),
    "not_empty": _not(_empty),
    "in": lambda lead, field, value: any(TEXT["eq"](lead, field, each) for each in value.split(",")),
}
NUMBER: Mapping[str, Holds] = {
    "eq": _number(lambda has, value: has == value),
    "neq": _not(_number(lambda has, value: has == value)),
    "gt": _number(lambda has, value: has > value),
    "gte": _number(lambda has, value: has >= value),
    "lt": _number(lambda has, value: has < value),
    "lte": _number(lambda has, value: has <= value),
}
TAGS: Mapping[str, Holds] = {
    "array_contains": lambda lead, field, value: value.lower() in [each.lower() for each in lead[field]],
    "array_not_contains": lambda lead, field, value: value.lower() not in [each.lower() for each in lead[field]],
    "array_empty": _empty,
    "array_not_empty": _not(_empty),
}
PLACE: Mapping[str, Holds] = {
    "within_radius": _within,
    "is_set": lambda lead, *_: lead["latitude"] is not None and lead["longitude"] is not None,
    "is_not_set": lambda lead, *_: lead["latitude"] is None or lead["longitude"] is None,
}
FRAGMENTS = (
    "Athens",
    "a",
    "%",
    "_",
    "Food",
    "Greek",
    ".gr",
    "é",
    "O'",
    "GR",
    "website",
    "web site",
    "A-2",
    "info@bakery.gr",
)
Asked = tuple[str, str, str, Holds]  # operator, field, value, what it means


def _every() -> Iterator[Asked]:
    """Yield each operator with each field that takes it, with some values."""
    for field in their.TEXTS:
        own = {str(lead[field]) for lead in LEADS if field in lead}
        for operator in (*their.OF_TEXTS, their.ALIAS):
            values = [""] if operator in ALONE else sorted({*own, *FRAGMENTS})
            values += ["Athens,paris,GR,new,info@bakery.gr"] if operator == "in" else []
            yield from ((operator, field, value, TEXT[operator]) for value in values)
    for field in (*their.NUMBERS, "attr:employees"):
        for operator in their.OF_NUMBERS:
            yield from ((operator, field, value, NUMBER[operator]) for value in ("0", "4.5", "-1.0", "120.5", "1e+16"))
    for operator in their.OF_TAGS:
        yield from (
            (operator, "tags", value, TAGS[operator]) for value in ([""] if operator in ALONE else ["vip", "x"])
        )
    for operator in their.OF_LOCATION:
        yield from (
            (operator, LOCATION, value, PLACE[operator])
            for value in ([""] if operator in ALONE else ["37.98,23.73,5", "37.98,23.73,8", "0,0,20000.5", "0,0,1"])
        )
    for operator in ("eq", "neq", "contains"):
        yield from ((operator, "attr:cuisine", value, TEXT[operator]) for value in ("greek", "French, modern", "e"))


REFUSED = ("not_contains", "status")  # of a part of "new", which what has no stage is shown as
EVERY = [each for each in _every() if each[:2] != REFUSED or each[2].lower() not in UNSAID]


def written(asked: Asked, logic: str = "and") -> str:
    operator, field, value, _ = asked
    return f"{logic}.{operator}.{field}{f'.{value}' if value else ''}"


def shown(us: Team) -> list[dict[str, Any]]:
    leads = us.bob.get(f"{P}/leads").json()["leads"]
    return [
        {**dict.fromkeys(f"attr:{name}" for name in ATTRIBUTES), **lead}
        | {f"attr:{each['name']}": each["value"] for each in lead["attributes"]}
        for lead in leads
    ]


def holds(lead: Mapping[str, Any], asked: Asked) -> bool:
    _, field, value, means = asked
    return means(lead, field, value)


def test_every_operator_finds_by_every_field_what_it_says(full: Team) -> None:
    leads = shown(full)
    assert {each[0] for each in EVERY} == {*OPERATORS, *ALONE}
    for asked in EVERY:
        wanted = {lead["name"] for lead in leads if holds(lead, asked)}
        assert set(names_of(full, written(asked))) == wanted, written(asked)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(["and", "or"]), st.integers(0, len(EVERY) - 1)), min_size=2, max_size=5))
def test_all_of_and_must_hold_and_one_of_or(full: Team, chosen: list[tuple[str, int]]) -> None:
    """As their sentence says: of one `or` alone, too."""
    leads, filters = shown(full), [(logic, EVERY[number]) for logic, number in chosen]
    required = [asked for logic, asked in filters if logic == "and"]
    either = [asked for logic, asked in filters if logic == "or"]
    wanted = {
        lead["name"]
        for lead in leads
        if all(holds(lead, each) for each in required) and (not either or any(holds(lead, each) for each in either))
    }
    assert set(names_of(full, *(written(asked, logic) for logic, asked in filters))) == wanted


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("field", [*their.SORTS, "attr:employees", "attr:cuisine"])
def test_every_sort_orders_and_its_cursor_leads_through_all(full: Team, field: str, order: str) -> None:
    leads = {lead["name"]: lead[field] for lead in shown(full)}
    whole = names_of(full, sort_by=field, sort_order=order)
    assert sorted(whole) == sorted(leads)
    values = [leads[name] for name in whole if leads[name] is not None]
    values = [
        value.lower().replace("é", "e").replace("ü", "u") if isinstance(value, str) else value for value in values
    ]
    if field != "status":
        assert values == sorted(values, reverse=order == "DESC")
    names, cursor = [], {}
    while True:
        page = full.bob.get(f"{P}/leads", params={"sort_by": field, "sort_order": order, "limit": 4, **cursor}).json()
        names += [lead["name"] for lead in page["leads"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert names == whole
    other = {"sort_by": field, "sort_order": "ASC" if order == "DESC" else "DESC", **cursor}
    refused = full.bob.get(f"{P}/leads", params=other)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
