"""Leads: what goes in comes out, is found, is merged, and is the contact that it is."""

import uuid
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import ids as own_ids
from crmkit.errors import Problem
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.lead import LEAD, drafted, lead_of
from crmkit.faces.klozeo.words import CUSTOM, FIELDS, READ_ONLY, STATUSES
from tests.core.crowd import Call, at_once, statuses
from tests.house import Person
from tests.kinds import CONTACT
from tests.teams.office import Team, new

P = "/api/v1"
# every field that all four clients know
KNOWN = {
    *("id", "name", "source", "description", "address", "city", "state", "country", "postal_code", "latitude"),
    *("longitude", "phone", "email", "website", "rating", "review_count", "category", "tags", "source_id", "logo_url"),
    *("status", "score", "attributes", "created_at", "updated_at", "last_interaction_at"),
}


def made(person: Person, answered: int = 201, **fields: Any) -> Any:
    answer = person.post(f"{P}/leads", json={"name": "Acme", "source": "tests", **fields})
    assert answer.status_code == answered, answer.text
    return answer.json()


def found(person: Person, *filters: str, **more: Any) -> list[str]:
    """Return the names of the leads that filters find, in order."""
    answer = person.get(f"{P}/leads", params=[("filter", each) for each in filters] + [*more.items()])
    assert answer.status_code == 200, answer.text
    return [lead["name"] for lead in answer.json()["leads"]]


def refused(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), answer.text
    return str(answer.json()["message"])


texts = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
VALUES = {
    "text": texts,
    "number": st.integers(-1000, 1000) | st.floats(-1e6, 1e6),
    "bool": st.booleans(),
    "list": st.lists(texts, max_size=3),
    "object": st.dictionaries(texts, st.integers(0, 9), max_size=3),
}
ATTRIBUTES = st.dictionaries(
    texts.filter(lambda name: name not in CUSTOM),
    st.sampled_from([*VALUES]).flatmap(lambda type_: st.tuples(st.just(type_), VALUES[type_])),
    max_size=4,
)
LEADS = st.fixed_dictionaries(
    {"name": texts, "source": texts},
    optional={
        **dict.fromkeys(("description", "address", "city", "state", "postal_code", "category", "source_id"), texts),
        "country": st.sampled_from(["DE", "US", "GR"]),
        "latitude": st.floats(-90, 90),
        "longitude": st.floats(-180, 180),
        "phone": st.integers(1000000, 99999999).map(lambda number: f"+4930{number}"),
        "email": st.integers(0, 99).map(lambda number: f"a{number}@example.com"),
        "website": st.just("https://acme.com"),
        "rating": st.floats(0, 5),
        "review_count": st.integers(0, 2**32 - 1),
        "tags": st.lists(texts.map(str.lower), min_size=1, max_size=3, unique_by=str.casefold),
        "logo_url": st.just("https://acme.com/logo.png"),
        "status": st.sampled_from(STATUSES),
    },
)


@given(LEADS, ATTRIBUTES)
def test_what_goes_in_comes_out(sent: dict[str, Any], attributes: dict[str, Any]) -> None:
    listed = [{"name": name, "type": type_, "value": value} for name, (type_, value) in attributes.items()]
    contact = CONTACT.draft(drafted({**sent, "attributes": listed}, is_new=True))
    shown = lead_of({**contact, "id": "c_2222222a", "created_at": "2026-01-01T00:00:00Z"})
    assert {name: shown[name] for name in sent} == sent
    assert [{name: each[name] for name in ("name", "type", "value")} for each in shown["attributes"]] == [
        each for each in listed if each["value"] is not None
    ]
    assert shown.keys() == KNOWN


@given(st.integers(0, own_ids.NUMBERS - 1))
def test_an_id_is_made_of_ours_and_ours_of_it(number: int) -> None:
    id = own_ids.numbered("c", number)
    theirs = ids.of(id, ids.LEAD)
    assert ids.ours(theirs, ids.LEAD, "c") == id
    parsed = uuid.UUID(theirs.removeprefix("cl_"))
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "cl_",
            "x",
            "cl_x",
            "1c0d2c28-8116-425d-993d-1d3a733a1b58",
            "cl_1c0d2c28-8116-425d-993d-1d3a733a1b58",
            "note_63726d6b-6974-8000-8000-00036d5ac9d0",
        ),
        *("cl_63726d6b-6974-8000-8000-0fff6d5ac9d0", "cl_63726d6b69748000800000036d5ac9d0"),
    ],
)
def test_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(Problem, match="not_found"):
        ids.ours(text, ids.LEAD, "c")


def test_every_field_of_a_lead_is_one_of_a_contact_or_a_key_of_custom() -> None:
    assert set(FIELDS) | {"attributes"} == KNOWN
    assert set(LEAD.by_name) == set(FIELDS) - set(READ_ONLY)
    assert {ours for ours in FIELDS.values() if not ours.startswith("custom.")} <= set(CONTACT.by_name)


def test_a_lead_is_the_contact_of_the_same_number(us: Team) -> None:
    attribute = {"name": "employees", "type": "number", "value": 500}
    lead = made(us.alice, email="jane@acme.com", state="CA", status="qualified", category="IT", attributes=[attribute])
    assert lead.keys() == KNOWN | {"message"}
    assert lead["message"] == "Lead created successfully"
    contact = us.alice.json_of("GET", f"/contacts/{ids.ours(lead['id'], ids.LEAD, 'c')}")
    assert (contact["region"], contact["stage"], contact["email"]) == ("CA", "qualified", "jane@acme.com")
    assert contact["custom"] == {"category": "IT", "employees": 500}
    plain = ids.of(new(us.alice, "/contacts", name="Plain"), ids.LEAD)
    shown = us.bob.get(f"{P}/leads/{plain}").json()
    assert (shown["source"], shown["tags"], shown["attributes"], shown["status"]) == ("", [], [], "new")
    assert all(isinstance(shown[name], int) for name in ("created_at", "updated_at", "last_interaction_at"))


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("name", "source")),
        ({"name": "A", "source": ""}, ("source",)),
        ({"name": "A", "source": "s", "status": "won", "email": "x"}, ("status", "email")),
        ({"name": "A", "source": "s", "industry": "IT"}, ("industry",)),
        ({"name": "A", "source": "s", "tags": "x"}, ("tags",)),
        ({"name": "A", "source": "s", "attributes": {"a": 1}}, ("attributes",)),
        ({"name": "A", "source": "s", "attributes": [{"name": "", "type": "txt"}]}, ("0.name", "0.type")),
        ({"name": "A", "source": "s", "attributes": [{"name": "a", "type": "number", "value": "5"}]}, ("0.value",)),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(us: Team, body: Any, wrong: tuple[str, ...]) -> None:
    told = refused(us.alice.post(f"{P}/leads", json=body))
    assert all(f"{name} " in told for name in wrong)
    assert found(us.alice) == []


def test_what_only_the_server_writes_is_left_out_of_a_body(us: Team) -> None:
    lead = made(us.alice, id="cl_x", score=99, created_at=5, updated_at=5, last_interaction_at=5)
    assert (lead["score"], lead["created_at"] > 5) == (0, True)


def test_a_lead_is_merged_by_email_then_source_id_then_phone_and_name(us: Team) -> None:
    one = made(us.alice, email="one@example.com", city="Paris")
    us.home.clock.move(seconds=60)
    again = made(us.alice, 200, name="Renamed", email="ONE@example.com", city="")
    assert again["duplicate"] is True
    assert again["message"] == "Duplicate detected, existing lead updated"
    assert (again["id"], again["name"], again["city"]) == (one["id"], "Renamed", "Paris")
    assert again["last_interaction_at"] == one["last_interaction_at"] + 60
    us.home.clock.move(seconds=60)
    same = made(us.alice, 200, name="Renamed", email="one@example.com")
    assert (same["updated_at"], same["last_interaction_at"]) == (again["updated_at"], again["updated_at"] + 60)
    two = made(us.alice, name="Two", source_id="ext-2", email="two@example.com")
    assert made(us.alice, 200, name="Both", source_id="ext-2", email="one@example.com")["id"] == one["id"]
    assert made(us.alice, 200, name="Two", source_id="ext-2")["id"] == two["id"]
    three = made(us.alice, name="Taverna Dionysos", phone="+30 210 1234567")
    assert made(us.alice, 200, name="Taverna Dionyssos", phone="+302101234567")["id"] == three["id"]
    other = made(us.alice, name="Another place", phone="+302101234567")
    assert "duplicate" not in other


@pytest.mark.parametrize("known", [{"email": "once@example.com"}, {"source_id": "x-1"}, {"phone": "+302101234567"}])
def test_a_create_that_is_sent_again_at_the_same_moment_makes_one_lead(us: Team, known: dict[str, str]) -> None:
    body = {"name": "Once", "source": "retries", **known}
    answers = at_once(us.home.url, [Call("POST", f"{P}/leads", body)] * 20, us.alice.token)
    assert statuses(answers) == {201: 1, 200: 19}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert found(us.bob) == ["Once"]


def test_custom_keys_of_other_types_do_not_break_a_page(us: Team) -> None:
    """Clients decode a whole page or nothing of it."""
    for value in (-1, 2**32, 4.5, "12", True, None, [1]):
        new(us.alice, "/contacts", name="Odd", custom={"review_count": value, "category": 5, "logo_url": ["x"]})
    leads = us.bob.get(f"{P}/leads").json()["leads"]
    assert [(lead["review_count"], lead["category"], lead["logo_url"]) for lead in leads] == [(None, None, None)] * 7


def test_a_query_is_read_however_it_is_escaped(us: Team) -> None:
    made(us.alice, name="There", city="New York", latitude=40.7, longitude=-74)
    for text in ("and.eq.city.New%20York", "and.eq.city.New+York", "and%2Eeq.city.new%20york"):
        assert us.bob.get(f"{P}/leads?filter={text}").json()["count"] == 1
    for text in ("40.7,-74,5", "40.7%2C-74%2C5", "40.7,%20-74,%205"):
        assert us.bob.get(f"{P}/leads?filter=and.within_radius.location.{text}").json()["count"] == 1


def test_a_name_in_the_same_city_is_a_new_lead_that_names_the_other(us: Team) -> None:
    one = made(us.alice, name="Jane Doe", city="Athens")
    two = made(us.alice, name="JANE DOE", city="athens")
    assert two["potential_duplicate_id"] == one["id"]
    assert "potential_duplicate_id" not in made(us.alice, name="Jane Doe", city="Sparta")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_keeps_what_is_not_sent_and_null_or_nothing_clears(us: Team, method: str) -> None:
    lead = made(us.alice, city="Paris", description="first", rating=4.5, tags=["a"])
    body = {"rating": 4.8, "description": None, "city": "", "tags": ["enterprise", "two words"], "id": "cl_x"}
    changed = us.alice.request(method, f"{P}/leads/{lead['id']}", json=body)
    assert changed.status_code == 200
    del lead["message"]
    wanted = {"rating": 4.8, "description": None, "city": None, "tags": ["enterprise", "two-words"]}
    assert changed.json() == {**lead, **wanted, "updated_at": changed.json()["updated_at"]}
    assert refused(us.alice.request(method, f"{P}/leads/{lead['id']}", json={"name": ""}))


def test_a_delete_is_done_at_once_and_has_no_body(us: Team) -> None:
    lead = made(us.alice)
    answer = us.alice.delete(f"{P}/leads/{lead['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert {"Content-Length", "Transfer-Encoding"}.isdisjoint(answer.headers)
    assert us.alice.get(f"{P}/leads/{lead['id']}").status_code == 404
    assert us.alice.post(f"/undo/{answer.headers['X-Operation']}").status_code == 200
    assert us.alice.get(f"{P}/leads/{lead['id']}").json()["name"] == "Acme"


@pytest.fixture
def full(us: Team) -> Team:
    """Paris with a rating, tags and attributes, Lyon with an email and a place, Nowhere with nothing."""
    attributes = [
        {"name": "cuisine", "type": "text", "value": "Italian"},
        {"name": "employees", "type": "number", "value": 500},
        {"name": "open", "type": "bool", "value": True},
        {"name": "a b", "type": "text", "value": "x.y"},
    ]
    made(us.alice, name="Paris", city="Paris", rating=4.5, tags=["vip", "food"], attributes=attributes, review_count=12)
    place = {"latitude": 45.76, "longitude": 4.83}
    made(us.alice, name="Lyon", city="Lyon", email="lyon@example.com", source="api", status="contacted", **place)
    made(us.alice, name="Nowhere", source="website", category="Food", website="https://x.example.com")
    return us


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["and.eq.city.paris"], {"Paris"}),
        (["and.neq.city.Paris"], {"Lyon", "Nowhere"}),
        (["and.contains.name.y"], {"Lyon"}),
        (["and.not_contains.name.o"], {"Paris"}),
        (["and.starts_with.city.Ly"], {"Lyon"}),
        (["and.ends_with.city.on"], {"Lyon"}),
        (["and.eq.email.lyon@example.com"], {"Lyon"}),
        *(
            ([f"and.{each}"], {"Paris", "Nowhere"})
            for each in ("is_empty.email", "is_empty.email.", "eq.email", "eq.email.")
        ),
        *(([f"and.{each}"], {"Lyon"}) for each in ("is_not_empty.email", "not_empty.email", "neq.email")),
        (["and.in.source.website,api"], {"Lyon", "Nowhere"}),
        (["and.gte.rating.4"], {"Paris"}),
        (["and.gte.rating.4.0"], {"Paris"}),
        (["and.lt.rating.1e+16"], {"Paris"}),
        (["and.eq.rating.4.5"], {"Paris"}),
        (["and.gt.review_count.5"], {"Paris"}),
        (["and.eq.category.food"], {"Nowhere"}),
        (["and.array_contains.tags.vip"], {"Paris"}),
        (["and.array_not_contains.tags.vip"], {"Lyon", "Nowhere"}),
        (["and.array_empty.tags"], {"Lyon", "Nowhere"}),
        (["and.array_not_empty.tags"], {"Paris"}),
        (["and.within_radius.location.45.7,4.8,20"], {"Lyon"}),
        (["and.within_radius.location.37.98,23.73,5"], set()),
        (["and.is_set.location"], {"Lyon"}),
        (["and.is_not_set.location"], {"Paris", "Nowhere"}),
        (["and.eq.attr:cuisine.Italian"], {"Paris"}),
        (["and.contains.attr:cuisine.tal"], {"Paris"}),
        (["and.eq.attr:employees.500"], {"Paris"}),
        (["and.gt.attr:employees.100"], {"Paris"}),
        (["and.gt.attr:employees.501"], set()),
        (["and.eq.attr:open.true"], {"Paris"}),
        (["and.eq.attr:a b.x.y"], {"Paris"}),
        (["and.eq.status.new"], {"Paris", "Nowhere"}),
        (["and.eq.status.contacted"], {"Lyon"}),
        (["or.eq.status.new", "or.eq.status.contacted"], {"Paris", "Lyon", "Nowhere"}),
        (["and.gt.created_at.1500000000", "and.lt.created_at.4000000000"], {"Paris", "Lyon", "Nowhere"}),
        (["and.eq.score.0"], {"Paris", "Lyon", "Nowhere"}),
        (["or.eq.city.Paris", "or.eq.city.Lyon"], {"Paris", "Lyon"}),
        (["or.eq.city.Paris", "or.eq.city.Lyon", "and.gte.rating.4"], {"Paris"}),
        (["and.eq.status.new", "or.is_not_empty.rating", "or.is_not_empty.category"], {"Paris", "Nowhere"}),
    ],
)
def test_a_filter_finds_what_it_says(full: Team, filters: list[str], names: set[str]) -> None:
    assert set(found(full.bob, *filters)) == names


def test_a_name_with_dots_is_the_longest_that_a_lead_has(us: Team) -> None:
    def sent(**values: Any) -> list[dict[str, Any]]:
        types = {str: "text", int: "number"}
        return [{"name": name, "type": types[type(value)], "value": value} for name, value in values.items()]

    made(us.alice, name="Dotted", attributes=sent(**{"a.b": "c.d", "a.b.c": "d", "n.m": 5}))
    made(us.alice, name="Plain", attributes=sent(a="b.c.d", n=4))
    assert found(us.bob, "and.eq.attr:a.b.c.d") == ["Dotted"]  # a.b.c is d
    assert found(us.bob, "and.contains.attr:a.b.c") == ["Dotted"]
    assert found(us.bob, "and.gt.attr:n.m.4") == ["Dotted"]
    assert found(us.bob, "and.gt.attr:n.3.5") == ["Plain"]
    assert found(us.bob, "and.is_not_empty.attr:n.m") == ["Dotted"]
    assert found(us.bob, sort_by="attr:n.m", sort_order="DESC")[0] == "Dotted"
    assert us.charlie.post(f"{P}/leads", json={"name": "Own", "source": "s", "attributes": sent(a="b.c.d")}).is_success
    assert found(us.charlie, "and.eq.attr:a.b.c.d") == ["Own"]
    exported = us.bob.get(f"{P}/leads/export?format=json&filter=and.eq.attr:a.b.c.d").json()
    assert [lead["name"] for lead in exported] == ["Dotted"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "and",
            "and.eq",
            "xor.eq.city.x",
            "and.like.city.x",
            "and.eq.town.x",
            "and.gt.rating.x",
            "and.eq.attr:.x",
        ),
        *("and.contains.city", "and.contains.tags.", "and.within_radius.location.x", "and.gt.tags.x", "and.eq.id.cl_x"),
    ],
)
def test_a_filter_that_is_none_is_refused(us: Team, text: str) -> None:
    refused(us.alice.get(f"{P}/leads", params={"filter": text}))


def test_a_list_is_sorted_by_what_is_named(full: Team) -> None:
    assert found(full.bob, sort_by="name") == ["Lyon", "Nowhere", "Paris"]
    assert found(full.bob, sort_by="name", sort_order="DESC") == ["Paris", "Nowhere", "Lyon"]
    assert found(full.bob, sort_by="attr:employees", sort_order="desc")[0] == "Paris"
    assert found(full.bob, sort_by="review_count", sort_order="DESC")[0] == "Paris"
    for name in set(FIELDS) - {"id", "tags", "description", "address", "logo_url"}:
        assert len(found(full.bob, sort_by=name)) == 3
    for query in ("sort_by=town", "sort_by=tags", "sort_order=UP", "sort_by=name&sort_by=city"):
        refused(full.bob.get(f"{P}/leads?{query}"))


def test_pages_of_up_to_a_thousand_lead_through_all_leads(us: Team) -> None:
    items = [{"name": f"Lead {number}"} for number in range(1205)]
    for start in range(0, len(items), 500):
        assert us.alice.post("/contacts/batch", json=items[start:][:500]).status_code == 201
    names, cursor, counts = [], None, []
    while cursor is not None or not counts:
        more = {"cursor": cursor} if cursor else {}
        page = us.alice.get(f"{P}/leads", params={"limit": 1000, "sort_by": "created_at", **more}).json()
        names += [lead["name"] for lead in page["leads"]]
        counts.append(page["count"])
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
    assert counts == [1000, 205]
    assert sorted(names) == sorted(item["name"] for item in items)
    first = us.alice.get(f"{P}/leads").json()
    assert (first["count"], first["has_more"]) == (50, True)
    other = {"cursor": first["next_cursor"], "sort_by": "name"}
    refused(us.alice.get(f"{P}/leads", params=other))
    for limit in ("0", "-1", "x"):
        refused(us.alice.get(f"{P}/leads?limit={limit}"))
