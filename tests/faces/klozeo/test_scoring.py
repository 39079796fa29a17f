"""Scoring: rules with the names of leads, the score of one lead, of all."""

from typing import Any

import pytest

from crmkit.faces.klozeo.routes.scoring import named
from crmkit.faces.klozeo.words import FIELDS, THEIRS
from tests.house import Person
from tests.teams.office import Team, new

P = "/api/v1"


def done(person: Person, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = person.send_it(method, f"{P}{path}", body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_a_rule_has_the_names_of_leads_and_is_one_of_contacts(us: Team) -> None:
    expression = '(status == "new" ? 5 : 0) + review_count * 2 + (attr_employees > 100 ? 10 : 0)'
    body = {"name": "Sum", "expression": expression, "weight": 2, "priority": 3}
    rule = done(us.alice, "POST", "/scoring-rules", body, 201)
    assert rule.keys() == {"id", "name", "expression", "weight", "priority", "created_at", "updated_at"}
    assert (rule["expression"], rule["weight"], rule["priority"]) == (expression, 2, 3)
    (ours,) = us.alice.json_of("GET", "/scoring-rules")["items"]
    assert "custom.review_count" in ours["expression"]
    assert ours["kind"] == "contact"
    new(us.alice, "/scoring-rules", name="Of deals", kind="deal", expression="1")
    first = done(us.alice, "POST", "/scoring-rules", {"name": "Off", "expression": "0"}, 201)
    assert (first["weight"], first["priority"]) == (1, 0)
    assert done(us.alice, "GET", "/scoring-rules") == {"rules": [first, rule]}
    first = done(us.alice, "PUT", f"/scoring-rules/{first['id']}", {"priority": 4})
    assert done(us.alice, "GET", "/scoring-rules") == {"rules": [rule, first]}
    assert done(us.alice, "GET", f"/scoring-rules/{rule['id']}") == rule
    lead = {"name": "Acme", "source": "s", "review_count": 4, "status": "new"}
    lead["attributes"] = [{"name": "employees", "type": "number", "value": 500}]
    made = done(us.alice, "POST", "/leads", lead, 201)
    assert made["score"] == 46
    changed = done(us.alice, "PUT", f"/scoring-rules/{rule['id']}", {"expression": "rating * 15", "weight": 1.5})
    assert (changed["name"], changed["expression"], changed["weight"]) == ("Sum", "rating * 15", 1.5)
    assert done(us.alice, "POST", f"/leads/{made['id']}/score") == {"id": made["id"], "score": 0}
    assert done(us.alice, "DELETE", f"/scoring-rules/{rule['id']}", status=204) is None
    done(us.alice, "GET", f"/scoring-rules/{rule['id']}", status=404)


def test_all_leads_are_scored_at_once(us: Team) -> None:
    made = done(us.alice, "POST", "/leads", {"name": "Acme", "source": "s", "rating": 4}, 201)
    done(us.alice, "POST", "/scoring-rules", {"name": "Rating", "expression": "rating * 10"}, 201)
    assert done(us.alice, "GET", f"/leads/{made['id']}")["score"] == 0
    assert done(us.alice, "POST", "/leads/score/batch") == {"message": "Scores recalculated"}
    assert done(us.alice, "GET", f"/leads/{made['id']}")["score"] == 40
    assert done(us.bob, "POST", "/leads/score/batch", status=403)["code"] == "forbidden"


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "expression": "rating *"}, {"name": "x", "expression": "nope + 1"}]
)
def test_a_rule_that_is_none_is_refused(us: Team, body: Any) -> None:
    assert done(us.alice, "POST", "/scoring-rules", body, 400)["code"] == "bad_request"


def test_names_within_texts_stay(us: Team) -> None:
    theirs = 'status == "status" and category != nil ? state : description'
    ours = named(theirs, FIELDS)
    assert ours == 'stage == "status" and custom.category != nil ? region : notes'
    assert named(ours, THEIRS) == theirs
