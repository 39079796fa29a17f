"""Scoring rules over HTTP: who sets them up, what they may be, and what becomes of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import Books, address, enter, new, office, team
from tests.web.handlers.transfer.imports.test_imports import file, imported
from tests.web.scoring.ruling import ruled


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("rules") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


def test_a_rule_is_made_read_changed_and_deleted_in_one_step(alice: Person) -> None:
    made = alice.json_of("POST", "/scoring-rules", {"name": "VIP", "expression": ' has(tags, "vip") ', "weight": 2.5})
    assert (made["handle"], made["kind"], made["weight"], made["active"], made["expression"]) == (
        f"rule/{made['id']}",
        "contact",
        2.5,
        True,
        'has(tags, "vip")',
    )
    assert made["id"].startswith("sr_")
    line = alice.text("GET", "/scoring-rules").splitlines()[0]
    assert line.startswith(
        f'rule/{made["id"]}  name=VIP  kind=contact  expression="has(tags, \\"vip\\")"  weight=2.5  active=true'
    )
    changed = alice.json_of("PATCH", f"/scoring-rules/{made['id']}", {"weight": 3, "active": False, "version": 1})
    assert (changed["weight"], changed["active"], changed["version"]) == (3, False, 2)
    deleted = alice.text("DELETE", f"/scoring-rules/{made['id']}")
    assert deleted.startswith(f"OK deleted rule/{made['id']}\n# undo: POST /undo/op_")
    actions = [entry["action"] for entry in alice.json_of("GET", "/audit?target=rule")["items"]]
    assert actions == ["rule.delete", "rule.update", "rule.create"]


@pytest.mark.parametrize("path", ["/rules", "/scoring-rules"])
def test_rules_have_two_paths_and_one_in_the_singular(alice: Person, path: str) -> None:
    made = alice.json_of("POST", path, {"name": "a", "expression": "1"})["id"]
    assert [item["id"] for item in alice.json_of("GET", path)["items"]] == [made]
    for one in (f"{path}/{made}", f"/rule/{made}", f"/scoring-rule/{made}"):
        assert alice.json_of("GET", one)["name"] == "a"
        assert alice.json_of("PATCH", one, {"weight": 2})["weight"] == 2
    assert alice.text("DELETE", f"/rule/{made}").startswith("OK deleted")


@pytest.mark.parametrize("kind", ["contact", "companies", "deal"])
def test_a_rule_is_about_contacts_companies_or_deals(alice: Person, kind: str) -> None:
    made = alice.json_of("POST", "/scoring-rules", {"name": "a", "kind": kind, "expression": "activities"})
    assert made["kind"] == kind.replace("companies", "company")


def test_a_wrong_expression_is_refused_with_its_place_and_changes_nothing(alice: Person) -> None:
    body = {"name": "a", "expression": "amount_cents / 100", "kind": "deal"}
    rule = alice.json_of("POST", "/scoring-rules", body)["id"]
    for method, path, sent, fault in (
        ("POST", "/scoring-rules", body | {"kind": "contact"}, "column 1: amount_cents is no field of a contact"),
        ("POST", "/scoring-rules", body | {"expression": "amount_cent"}, "(did you mean amount_cents?)"),
        ("POST", "/scoring-rules", body | {"expression": "1 +"}, "column 4: expected a value, found the end"),
        ("POST", "/scoring-rules", body | {"expression": "1" * 1_001}, "column 1001: is too long"),
        ("POST", "/scoring-rules", body | {"expression": "(" * 500}, "column 51: is too deep"),
        ("PATCH", f"/scoring-rules/{rule}", {"kind": "contact"}, "column 1: amount_cents is no field of a contact"),
        ("PATCH", f"/scoring-rules/{rule}", {"expression": "score"}, "score is what rules make"),
    ):
        answer = alice.send_it(method, path, sent, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_expression"), answer.text
        assert fault in answer.json()["fields"]["expression"]
    assert alice.json_of("GET", "/scoring-rules")["total"] == 1
    assert alice.json_of("GET", f"/scoring-rules/{rule}")["version"] == 1


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({"expression": None}, "missing_field", "expression"),
        ({"expression": " "}, "missing_field", "expression"),
        ({"expression": 5}, "invalid_value", "expression"),
        ({"name": ""}, "missing_field", "name"),
        ({"kind": "task"}, "invalid_value", "kind"),
        ({"weight": "heavy"}, "invalid_value", "weight"),
        ({"active": "yes"}, "invalid_value", "active"),
        ({"points": 1}, "unknown_field", "points"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(alice: Person, body: dict[str, Any], error: str, field: str) -> None:
    refused = alice.json_of("POST", "/scoring-rules", {"name": "a", "expression": "1", **body})
    assert (refused["error"], list(refused["fields"])) == (error, [field])


def test_a_rule_that_cannot_be_read_gives_no_points_and_holds_nothing_up(
    home: House, alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    rule = ruled(alice, "activities + 7")
    ruled(alice, "5")
    place = alice.json_of("GET", "/whoami")["workspace"]
    spoil = "UPDATE rules SET expression = 'shoe_size * 2' WHERE id = ?"
    home.do(home.crm.database.write(lambda tx: tx.connection.execute(spoil, (rule,)) and None, None, lanes=[place]))
    contacts = [alice.json_of("POST", "/contacts", {"name": f"Jane {at}"}) for at in range(3)]
    assert [contact["score"] for contact in contacts] == [5, 5, 5]
    assert alice.json_of("PATCH", f"/contacts/{contacts[0]['id']}", {"job_title": "CTO"})["score"] == 5
    assert alice.json_of("GET", f"/contacts/{contacts[0]['id']}/score")["score"] == 5
    (line,) = [record.getMessage() for record in caplog.records if rule in record.getMessage()]
    assert line.startswith(f"the scoring rule {rule} cannot be read, so it gives no points: column 1: shoe_size")
    path = f"/scoring-rules/{rule}"
    assert alice.json_of("PATCH", path, {"name": "old"})["name"] == "old"
    assert alice.json_of("PATCH", path, {"active": False})["active"] is False
    assert alice.json_of("PATCH", path, {"active": True})["error"] == "invalid_expression"
    assert alice.json_of("PATCH", path, {"kind": "deal"})["error"] == "invalid_expression"
    assert alice.json_of("PATCH", path, {"expression": "activities", "active": True})["active"] is True


def test_rules_are_told_by_their_priority_then_as_they_were_made(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane")
    names = {"last": 2, "second": 0, "third": 0, "first": -1}
    for name, priority in names.items():
        new(alice, "/scoring-rules", name=name, expression="1", priority=priority)
    text = alice.text("GET", f"/contacts/{contact}/score")
    places = [text.index(f"name={name}") for name in ("first", "second", "third", "last")]
    assert places == sorted(places)
    assert "# score: 4" in text


def test_members_read_rules_and_only_admins_write_them(home: House) -> None:
    us = team(home)
    rule = ruled(us.alice, "1")
    assert us.bob.json_of("GET", f"/scoring-rules/{rule}")["expression"] == "1"
    for method, path, body in (
        ("POST", "/scoring-rules", {"name": "a", "expression": "1"}),
        ("PATCH", f"/scoring-rules/{rule}", {"weight": 2}),
        ("DELETE", f"/scoring-rules/{rule}", None),
    ):
        assert us.bob.json_of(method, path, body)["error"] == "admin_required"
    assert us.charlie.json_of("GET", f"/scoring-rules/{rule}")["error"] == "not_found"


def test_at_most_fifty_rules_are_of_one_kind_also_after_an_undo(alice: Person) -> None:
    first = ruled(alice, "1")
    operation = alice.json_of("DELETE", f"/scoring-rules/{first}")["operation"]
    for _ in range(50):
        ruled(alice, "1", active=False)
    refused = alice.json_of("POST", "/scoring-rules", {"name": "a", "expression": "1"})
    assert refused["fields"] == {"kind": "has 50 scoring rules; at most 50 fit"}
    assert alice.json_of("POST", f"/undo/{operation}")["error"] == "undo_conflict"
    other = ruled(alice, "1", kind="deal")
    assert alice.json_of("PATCH", f"/scoring-rules/{other}", {"kind": "contact"})["error"] == "invalid_value"


def test_an_import_makes_rules_and_refuses_a_row_with_a_wrong_expression(alice: Person) -> None:
    rows = (("vip", "contacts", "activities + 1", "2"), ("bad", "deal", "stagge", "1"))
    done = imported(alice, file(*rows, head=("name", "kind", "expression", "weight")), "kind=rules")
    assert [(row["row"], row["error"]) for row in done["refused_rows"]] == [(3, "invalid_expression")]
    (item,) = alice.json_of("GET", "/scoring-rules")["items"]
    assert (item["name"], item["kind"], item["weight"]) == ("vip", "contact", 2)


def test_which_kinds_are_scored_is_nobodys_setting(home: House, alice: Person) -> None:
    def kept() -> str:
        with Books(home.folder) as books:
            card = alice.json_of("GET", "/whoami")
            ((found,),) = books.ask("SELECT scored_kinds FROM workspaces WHERE id = ?", card["workspace"])
            return str(found)

    assert kept() == ""
    rule = ruled(alice, "1", kind="deal")
    ruled(alice, "1")
    off = ruled(alice, "1", kind="company", active=False)
    assert kept() == "contact deal"
    alice.json_of("PATCH", f"/scoring-rules/{off}", {"active": True})
    operation = alice.json_of("DELETE", f"/scoring-rules/{rule}")["operation"]
    assert kept() == "company contact"
    assert alice.send_it("POST", f"/undo/{operation}").status_code == 200
    assert kept() == "company contact deal"
    assert "scored_kinds" not in alice.text("GET", "/whoami") + alice.text("GET", "/workspaces")
