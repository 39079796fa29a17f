"""The score of a record follows whatever writes it, or what it shows, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import Books, address, enter, erased, new, office
from tests.web.handlers.transfer.imports.test_imports import file, imported
from tests.web.scoring.ruling import ruled, score


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("scores") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


def test_points_add_up_from_0_to_100_with_two_decimals(alice: Person) -> None:
    ruled(alice, 'stage == "lead"', weight=1 / 3)
    ruled(alice, "rating", weight=10)
    ruled(alice, "1000", active=False)
    made = alice.json_of("POST", "/contacts", {"name": "Jane", "stage": "LEAD", "rating": 4.5})
    assert made["score"] == 45.33
    assert score(alice, f"/contacts/{made['id']}") == 45.33
    for rating, expected in ((20, 100), (-20, 0), (None, 0.33), (0.0005, 0.34), (1e308, 100), (-1e308, 0)):
        assert alice.json_of("PATCH", f"/contacts/{made['id']}", {"rating": rating})["score"] == expected


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("contact", "/contacts", {"name": "Jane"}),
        ("company", "/companies", {"name": "Acme"}),
        ("deal", "/deals", {"title": "Lamps"}),
    ],
)
def test_each_kind_has_rules_of_its_own(alice: Person, kind: str, path: str, body: dict[str, Any]) -> None:
    ruled(alice, "1", kind=kind, weight=7)
    assert score(alice, f"{path}/{new(alice, path, **body)}") == 7
    others = {"/contacts": {"name": "J"}, "/companies": {"name": "A"}, "/deals": {"title": "L"}}
    for other, sent in others.items():
        assert path == other or score(alice, f"{other}/{new(alice, other, **sent)}") == 0


def test_a_score_without_a_rule_is_0(alice: Person) -> None:
    assert score(alice, f"/contacts/{new(alice, '/contacts', name='Jane')}") == 0


def test_a_rule_acts_at_the_next_write_also_one_that_is_gone(alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane")
    rule = ruled(alice, "1", weight=5)
    assert score(alice, f"/contacts/{jane}") == 0
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Berlin"})["score"] == 5
    alice.json_of("PATCH", f"/scoring-rules/{rule}", {"weight": 6})
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Bonn"})["score"] == 6
    alice.json_of("PATCH", f"/scoring-rules/{rule}", {"active": False})
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Köln"})["score"] == 0
    alice.json_of("PATCH", f"/scoring-rules/{rule}", {"active": True})
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Ulm"})["score"] == 6
    alice.json_of("DELETE", f"/scoring-rules/{rule}")
    assert score(alice, f"/contacts/{jane}") == 6
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Jena"})["score"] == 0


def test_an_activity_scores_what_it_is_logged_on(home: House, alice: Person) -> None:
    for kind in ("contact", "company", "deal"):
        ruled(alice, "activities * 10 + contacts_made + days_since(last_contacted_at) / 100", kind=kind)
    company = new(alice, "/companies", name="Acme")
    contact = new(alice, "/contacts", name="Jane", company_id=company)
    deal = new(alice, "/deals", title="Lamps", contact_id=contact, company_id=company)
    paths = [f"/companies/{company}", f"/contacts/{contact}", f"/deals/{deal}"]
    called = new(alice, f"/deals/{deal}/activities", kind="call", body="hi", occurred_at="-3d")
    assert [score(alice, path) for path in paths] == [11.03] * 3
    note = new(alice, f"/contacts/{contact}/activities", kind="note", body="hi")
    assert [score(alice, path) for path in paths] == [11.03, 21.03, 11.03]
    assert alice.json_of("PATCH", f"/activities/{called}", {"kind": "note"})["kind"] == "note"
    assert [score(alice, path) for path in paths] == [10, 20, 10]
    gone = alice.json_of("DELETE", f"/activities/{note}")
    assert [score(alice, path) for path in paths] == [10] * 3
    assert alice.send_it("POST", f"/undo/{gone['operation']}").status_code == 200
    assert [score(alice, path) for path in paths] == [10, 20, 10]


def test_a_contact_made_ahead_scores_once_it_took_place(home: House, alice: Person) -> None:
    ruled(alice, "contacts_made", weight=3)
    jane = new(alice, "/contacts", name="Jane")
    new(alice, f"/contacts/{jane}/activities", kind="call", body="hi", occurred_at="+1h")
    assert score(alice, f"/contacts/{jane}") == 0
    home.clock.move(hours=2)
    new(alice, "/tasks", title="wakes upkeep")
    assert any(score(alice, f"/contacts/{jane}") == 3 for _ in range(5_000))


def test_a_post_that_merges_scores_by_when_it_reached_the_record(home: House, alice: Person) -> None:
    ruled(alice, "days_since(last_interaction_at) + days_since(created_at)")
    new(alice, "/contacts", name="Jane", email="jane@example.com")
    home.clock.move(days=5)
    again = alice.json_of("POST", "/contacts", {"email": "jane@example.com"})
    assert again["score"] == 5
    assert score(alice, f"/contacts/{again['id']}") == 5


def test_copies_of_titles_and_lost_links_score(alice: Person) -> None:
    ruled(alice, 'company_name == "Zebra"', weight=10)
    ruled(alice, "company_id == nil", weight=3)
    company = new(alice, "/companies", name="Acme")
    jane = new(alice, "/contacts", name="Jane", company_id=company)
    assert score(alice, f"/contacts/{jane}") == 0
    alice.json_of("PATCH", f"/companies/{company}", {"name": "zebra"})
    assert score(alice, f"/contacts/{jane}") == 10
    erased(alice, f"/companies/{company}")
    assert score(alice, f"/contacts/{jane}") == 3


def test_batches_imports_and_changes_by_filter_score(alice: Person) -> None:
    ruled(alice, "rating", weight=10)
    batch = alice.json_of("POST", "/contacts/batch", {"items": [{"name": f"n{n}", "rating": n} for n in range(3)]})
    assert batch["created"] == 3, batch
    done = imported(alice, file(("i4", "4"), ("i5", "5"), head=("name", "rating")), "kind=contacts")
    assert done["state"] == "done", done
    found = {item["name"]: item["score"] for item in alice.json_of("GET", "/contacts?fields=name,score")["items"]}
    assert found == {"n0": 0, "n1": 10, "n2": 20, "i4": 40, "i5": 50}
    assert [row["name"] for row in alice.json_of("GET", "/contacts?sort=-score&score=gte:20")["items"]] == [
        "i5",
        "i4",
        "n2",
    ]
    refused = alice.json_of("PATCH", "/contacts?score=gte:20", {"rating": 1})
    alice.json_of("PATCH", f"/contacts?score=gte:20&confirm={refused['confirm']}", {"rating": 1})
    assert [row["score"] for row in alice.json_of("GET", "/contacts?sort=-score&fields=score")["items"]] == [
        10,
        10,
        10,
        10,
        0,
    ]


def test_a_merge_and_its_undo_score(alice: Person) -> None:
    ruled(alice, "rating * 10 + activities")
    stays = new(alice, "/contacts", name="Jane")
    goes = new(alice, "/contacts", name="Jane D", rating=3)
    new(alice, f"/contacts/{goes}/activities", kind="note", body="hi")
    asked = alice.json_of("POST", f"/contacts/{stays}/merge", {"from": goes})
    merged = alice.json_of("POST", f"/contacts/{stays}/merge?confirm={asked['confirm']}", {"from": goes})
    assert score(alice, f"/contacts/{stays}") == 31
    assert alice.send_it("POST", f"/undo/{merged['operation']}").status_code == 200
    assert score(alice, f"/contacts/{stays}") == 0
    assert score(alice, f"/contacts/{goes}") == 31


def test_a_deleted_record_is_restored_with_its_score(alice: Person) -> None:
    ruled(alice, "rating", weight=10)
    jane = new(alice, "/contacts", name="Jane", rating=3)
    confirm = alice.json_of("DELETE", f"/contacts/{jane}")["confirm"]
    gone = alice.json_of("DELETE", f"/contacts/{jane}?confirm={confirm}")
    assert alice.send_it("POST", f"/undo/{gone['operation']}").status_code == 200
    assert score(alice, f"/contacts/{jane}") == 30


def test_a_rule_that_an_undo_or_a_dry_run_takes_back_counts_no_more(alice: Person) -> None:
    made = alice.json_of("POST", "/scoring-rules", {"name": "a", "expression": "5"})
    jane = new(alice, "/contacts", name="Jane")
    assert score(alice, f"/contacts/{jane}") == 5
    assert alice.send_it("POST", f"/undo/{made['operation']}").status_code == 200
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Ulm"})["score"] == 0
    tried = alice.json_of("POST", "/scoring-rules?dry_run=true", {"name": "a", "expression": "5"})
    assert tried["dry_run"] is True, tried
    assert alice.json_of("PATCH", f"/contacts/{jane}", {"city": "Bonn"})["score"] == 0


def test_a_changed_score_moves_neither_version_nor_time_and_writes_no_audit(home: House, alice: Person) -> None:
    ruled(alice, "activities", weight=10)
    made = alice.json_of("POST", "/contacts", {"name": "Jane"})
    home.clock.move(hours=1)
    new(alice, f"/contacts/{made['id']}/activities", kind="note", body="hi")
    now = alice.json_of("GET", f"/contacts/{made['id']}")
    assert (now["score"], now["version"], now["updated_at"]) == (10, 1, made["updated_at"])
    entries = alice.json_of("GET", f"/contacts/{made['id']}/history")["items"]
    assert "score" not in str(entries)


def test_the_days_of_a_rule_are_those_of_the_workspace(home: House, alice: Person) -> None:
    ruled(alice, "days_since(close_date)", kind="deal")
    place = alice.json_of("GET", "/whoami")["workspace"]
    today = home.clock.now.date().isoformat()
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        assert alice.send_it("PATCH", f"/workspaces/{place}", {"timezone": zone}).status_code == 200
        deal = new(alice, "/deals", title=zone, close_date=today)
        assert score(alice, f"/deals/{deal}") in (0, 1)
        ahead = home.clock.now.hour >= 10
        assert score(alice, f"/deals/{deal}") == (1 if zone == "Pacific/Kiritimati" and ahead else 0)


def test_nothing_of_scores_is_written_where_no_rule_is_active(home: House, alice: Person) -> None:
    ruled(alice, "100", active=False)
    new(alice, "/contacts", name="Jane", rating=3)
    with Books(home.folder) as books:
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        assert books.ask("SELECT scored_kinds FROM workspaces WHERE id = ?", workspace) == [("",)]
        assert books.ask("SELECT score FROM contacts WHERE workspace_id = ?", workspace) == [(0.0,)]
