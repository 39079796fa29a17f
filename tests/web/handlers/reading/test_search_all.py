"""GET /search: a few of every kind at once, grouped."""

import re
from collections.abc import Iterator

import pytest

from tests.house import ALICE, House, Person
from tests.kinds import REGISTRY
from tests.web.refused import refused

WORD = "quokka"
NOTHING = "".join(f"# 0 {kind.plural}\n" for kind in REGISTRY.searched)


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        for n in range(6):
            person.post("/contacts", json={"name": f"{WORD} & co {n}"})
        acme = person.json_of("POST", "/companies", {"name": "Acme", "domain": f"{WORD}.com"})
        person.post("/companies", json={"name": f"{WORD} Holding"})
        person.post("/deals", json={"title": "Renewal", "notes": f"asked by the {WORD}"})
        person.post("/deals", json={"title": "Other", "company_id": acme["id"]})
        yield person


def test_every_kind_is_a_group_of_at_most_five_with_a_note_where_there_is_more(alice: Person) -> None:
    found = alice.json_of("GET", f"/search?q={WORD}")
    assert set(found) == {"query", *(kind.plural for kind in REGISTRY.searched), "notes"}
    assert found["query"] == WORD
    assert [len(found[name]) for name in ("contacts", "companies", "deals", "tasks")] == [5, 2, 1, 0]
    assert found["notes"] == [f"more contacts: GET /contacts?search={WORD}"]
    assert alice.json_of("GET", f"/contacts?search={WORD}")["total"] == 6  # where the note leads
    assert [company["name"] for company in found["companies"]] == [f"{WORD} Holding", "Acme"]  # the name counts most
    lines = alice.text("GET", f"/search?q={WORD}").splitlines()
    handles = [[record["handle"] for record in found[name]] for name in ("contacts", "companies", "deals")]
    heads = [line.split("  ")[0] for line in lines]
    note = f"# note: {found['notes'][0]}"
    assert heads == [
        *handles[0],
        "# 5 contacts",
        note,
        *handles[1],
        "# 2 companies",
        *handles[2],
        "# 1 deals",
        "# 0 tasks",
        "# 0 tickets",
        "# 0 campaigns",
        "# 0 activities",
    ]


def test_the_note_leads_to_the_rest_whatever_was_searched_for(alice: Person) -> None:
    (note,) = alice.json_of("GET", "/search", params={"q": f"{WORD} & CO"})["notes"]
    path = note.removeprefix("more contacts: GET ")
    assert alice.json_of("GET", path)["total"] == 6


def test_types_choose_the_groups_and_their_order(alice: Person) -> None:
    assert set(alice.json_of("GET", f"/search?q={WORD}&types=deals")) == {"query", "deals"}
    lines = alice.text("GET", f"/search?q={WORD}&types=deals,%20companies,deals").splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# 1 deals", "# 2 companies"]
    assert set(alice.json_of("GET", f"/search?q={WORD}&types=Deal,deals")) == {"query", "deals"}
    for types, told in {
        "deals,dealz": '"dealz" is no kind (did you mean deals?)',
        "deals,audit": '"audit" cannot be searched',
        "audit": '"audit" cannot be searched',
    }.items():
        refused(
            alice, "invalid_value", "GET", f"/search?q={WORD}&types={types}", None, {"types": re.escape(told)},
            "Choose types among contacts, companies, deals",
        )  # fmt: skip


def test_nothing_found_is_told_for_every_kind(alice: Person) -> None:
    assert alice.text("GET", "/search?q=zzzzzzzz") == NOTHING
    assert alice.json_of("GET", "/search?q=zzzzzzzz") == {
        "query": "zzzzzzzz",
        **{kind.plural: [] for kind in REGISTRY.searched},
    }


def test_a_typo_is_forgiven_and_said_so_in_the_group_it_concerns(alice: Person) -> None:
    lines = alice.text("GET", "/search?q=qoukka&types=companies").splitlines()
    assert lines[-2:] == ["# 2 companies", "# note: no exact match, closest shown"]


def test_a_search_without_words_is_refused(alice: Person) -> None:
    for query in ("", "?q=", "?q=%20%20", "?types=deals"):
        refused(alice, "missing_field", "GET", f"/search{query}", None, {"q": "is needed"}, r"GET /search\?q=")
    refused(alice, "invalid_value", "GET", "/search?q=one&q=two", None, {"q": "stands twice"})
    refused(alice, "invalid_filter", "GET", f"/search?query={WORD}", None, ["query"], "takes q, types")


def test_nothing_of_another_workspace_is_found(town: House, alice: Person) -> None:
    with town.sign_in("nobody@example.com") as other:
        assert other.text("GET", f"/search?q={WORD}") == NOTHING
