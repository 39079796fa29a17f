"""All records are scored by one request, each night where a rule tells the time, and one by one; each says why."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from crmkit.core.requests import parts
from crmkit.core.scoring import nightly, run
from crmkit.storage import jobs
from tests.house import House, Person
from tests.teams.office import JSON, address, enter, error_of, new, office, team
from tests.web.scoring.ruling import ruled, score

WAITS = 20  # seconds until a test gives up


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("runs") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(home, address("alice"))


def scores(person: Person, path: str = "/contacts") -> list[float]:
    return [item["score"] for item in person.json_of("GET", f"{path}?fields=score&limit=200")["items"]]


@pytest.fixture(params=["at once", "by a job"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a run is done."""
    if request.param == "by a job":
        monkeypatch.setattr(run, "AT_ONCE", 0)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_run_scores_all_records_and_leaves_one_entry(alice: Person) -> None:
    for number in range(120):
        new(alice, "/contacts", name=f"n{number}", rating=number % 3)
    company, deal = new(alice, "/companies", name="Acme"), new(alice, "/deals", title="Lamps")
    for kind in ("contact", "company", "deal"):
        ruled(alice, "rating * 10" if kind == "contact" else "7", kind=kind)
    assert set(scores(alice)) == {0}
    done = alice.send_it("POST", "/scoring-rules/run", headers=JSON)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["count"], told["changed"]) == (122, 82)
    assert sorted(scores(alice)) == [0] * 40 + [10] * 40 + [20] * 40
    assert (score(alice, f"/companies/{company}"), score(alice, f"/deals/{deal}")) == (7, 7)
    newest = alice.json_of("GET", "/audit?limit=1")["items"][0]
    assert (newest["action"], newest["changes"]) == ("scoring.run", {})
    again = alice.json_of("POST", "/rules/run?kind=contacts")
    assert (again["count"], again["changed"]) == (120, 0)
    newest = alice.json_of("GET", "/audit?action=scoring.run")["items"][0]
    assert newest["changes"] == {"kind": [None, "contact"]}
    assert alice.json_of("GET", f"/contacts/{alice.json_of('GET', '/contacts')['items'][0]['id']}")["version"] == 1
    text = alice.text("POST", "/scoring-rules/run?kind=deal")
    assert text.startswith("OK scored 1 deal, 0 changed\n")
    assert "# undo" not in text
    refused = alice.send_it("POST", f"/undo/{told['operation']}", headers=JSON)
    assert error_of(refused) == (409, "undo_conflict")


@pytest.mark.usefixtures("way")
def test_a_run_without_rules_takes_all_scores_away(alice: Person) -> None:
    rule = ruled(alice, "7")
    new(alice, "/contacts", name="Jane")
    assert scores(alice) == [7]
    alice.json_of("DELETE", f"/scoring-rules/{rule}")
    assert alice.json_of("POST", "/scoring-rules/run")["changed"] == 1
    assert scores(alice) == [0]


def test_a_dry_run_of_a_run_tells_what_it_would_change(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        new(alice, "/contacts", name=f"n{number}")
    ruled(alice, "7")
    monkeypatch.setattr(run, "AT_ONCE", 10)
    monkeypatch.setattr("crmkit.core.scoring.steps.IN_PEACE_SECONDS", 0)
    monkeypatch.setattr("crmkit.core.scoring.steps.STEP_SECONDS", 0)
    tried = alice.json_of("POST", "/scoring-rules/run?dry_run=1")
    assert (tried["count"], tried["changed"], tried["dry_run"]) == (60, 60, True)
    assert "notes" not in tried
    assert set(scores(alice)) == {0}
    monkeypatch.setattr(parts, "MOST_SECONDS", 0)
    tried = alice.json_of("POST", "/scoring-rules/run?dry_run=1")
    assert (tried["count"], tried["changed"], tried["dry_run"]) == (60, 50, True)
    assert tried["notes"] == ["of 60, the first 50 were looked at"]
    assert set(scores(alice)) == {0}


def test_only_admins_run_rules_and_only_kinds_with_a_score_are_run(home: House) -> None:
    us = team(home)
    assert us.bob.json_of("POST", "/scoring-rules/run")["error"] == "admin_required"
    refused = us.alice.json_of("POST", "/scoring-rules/run?kind=tasks")
    assert refused["fields"] == {"kind": "must be one of contacts, companies, deals"}


def test_an_explanation_has_what_each_rule_gives_and_the_score(alice: Person) -> None:
    first = ruled(alice, 'has(tags, "vip")', name="VIP", weight=20)
    second = ruled(alice, "rating / 3", name="rated", weight=2)
    ruled(alice, "100", active=False)
    ruled(alice, "100", kind="deal")
    jane = new(alice, "/contacts", name="Jane", tags=["vip"], rating=5)
    assert alice.text("GET", f"/contacts/{jane}/score").splitlines() == [
        f"rule/{first}  name=VIP  value=1  weight=20  points=20",
        f"rule/{second}  name=rated  value=1.6666666666666667  weight=2  points=3.333333",
        "# score: 23.33",
    ]
    told = alice.json_of("GET", f"/contacts/{jane}/score")
    assert (told["handle"], told["score"]) == (f"contact/{jane}", 23.33)
    assert [(row["id"], row["points"]) for row in told["rules"]] == [(first, 20), (second, 3.333333)]
    assert sum(row["points"] for row in told["rules"]) == pytest.approx(told["score"], abs=0.005)
    other = new(alice, "/companies", name="Acme")
    assert alice.text("GET", f"/companies/{other}/score") == "# score: 0\n"


@pytest.mark.parametrize(("weight", "score", "bound"), [(120, 100, "at most 100"), (-3, 0, "at least 0")])
def test_an_explanation_tells_of_the_clamp(alice: Person, weight: float, score: float, bound: str) -> None:
    ruled(alice, "1", weight=weight)
    jane = new(alice, "/contacts", name="Jane")
    assert alice.text("GET", f"/contacts/{jane}/score").splitlines()[1:] == [
        f"# score: {score}",
        f"# note: the points add up to {weight}; a score is {bound}",
    ]


def test_one_record_is_scored_now_and_an_explanation_tells_of_an_older_score(alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane", email="jane@example.com")
    ruled(alice, "5")
    told = alice.json_of("GET", f"/contacts/{jane}/score")
    assert told["score"] == 5
    assert told["notes"] == ["the record has score=0 since its last write; POST the same path scores it now"]
    assert score(alice, f"/contacts/{jane}") == 0
    tried = alice.json_of("POST", f"/contacts/{jane}/score?dry_run=1")
    assert (tried["score"], tried["dry_run"]) == (5, True)
    assert score(alice, f"/contacts/{jane}") == 0
    now = alice.json_of("POST", "/contacts/jane@example.com/score")
    assert (now["score"], "notes" in now) == (5, False)
    kept = alice.json_of("GET", f"/contacts/{jane}")
    assert (kept["score"], kept["version"]) == (5, 1)
    actions = [row["action"] for row in alice.json_of("GET", f"/contacts/{jane}/history")["items"]]
    assert actions == ["contact.create"]
    assert alice.json_of("GET", "/contacts/c_000000000000/score")["error"] == "not_found"
    assert alice.json_of("GET", "/tasks/t_000000000000/score")["error"] in ("unknown_path", "not_found")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAITS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pending(home: House, person: Person) -> list[tuple[Any, ...]]:
    """Return when the nightly runs of a workspace are due."""
    workspace = person.json_of("GET", "/whoami")["workspace"]
    sql = "SELECT due_at FROM jobs WHERE workspace_id = ? AND kind = ? AND due_at IS NOT NULL"
    found: list[tuple[Any, ...]] = home.do(
        home.crm.database.read(None, lambda c: c.execute(sql, (workspace, nightly.NIGHTLY)).fetchall())
    )
    return found


def test_rules_that_tell_the_time_score_each_night_of_the_zone(home: House, alice: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    alice.send_it("PATCH", f"/workspaces/{place}", {"timezone": "Asia/Tokyo"})
    jane = new(alice, "/contacts", name="Jane")
    ruled(alice, "7", name="no time")
    assert pending(home, alice) == []
    rule = ruled(alice, "days_since(created_at)")
    ruled(alice, "days_since(updated_at)", active=False)
    ruled(alice, "days_since(updated_at)", kind="deal")
    tokyo = home.clock.now + timedelta(hours=9)
    midnight = (tokyo.replace(hour=0, minute=0, second=0) + timedelta(days=1) - timedelta(hours=9)).isoformat()
    assert pending(home, alice) == [(midnight.replace("+00:00", "Z"),)]
    assert score(alice, f"/contacts/{jane}") == 0
    for night in (1, 2):
        home.clock.move(days=1)
        wake(home)
        until(lambda night=night: score(alice, f"/contacts/{jane}") == 7 + night)
        until(lambda: pending(home, alice)[0][0] > home.crm.now)  # the night is over
    assert len(pending(home, alice)) == 1
    alice.json_of("DELETE", f"/scoring-rules/{rule}")
    assert len(pending(home, alice)) == 1  # for the deals
    assert alice.json_of("GET", "/audit?action=scoring.run")["items"] == []


def wake(home: House) -> None:
    """Have the runner of jobs look what is due."""

    async def told() -> None:
        home.crm.database.commits.tell([jobs.TOPIC])

    home.do(told())
