"""Pipelines: put by an admin, read by members, and what they make of a stage or a status that is sent."""

from typing import Any

import pytest

from tests.house import record_in
from tests.teams.office import Team, error_of, new

SALES = {"stages": [{"name": "Lead"}, {"name": "Talk"}, {"name": "Signed", "means": "won"}], "strict": False}


@pytest.mark.parametrize("kind", ["contacts", "deals", "contact", "deal"])
def test_until_one_is_put_won_and_lost_mean_themselves(us: Team, kind: str) -> None:
    assert us.bob.text("GET", f"/pipelines/{kind}").splitlines() == [
        "stage/1  name=won  means=won",
        "stage/2  name=lost  means=lost",
        "# 2 stages",
        "# strict: false",
        "# note: no pipeline was put yet: won and lost mean themselves",
    ]
    found = us.bob.json_of("GET", f"/pipelines/{kind}")
    assert found.pop("notes") == ["no pipeline was put yet: won and lost mean themselves"]
    assert found == {
        "stages": [{"name": "won", "means": "won"}, {"name": "lost", "means": "lost"}],
        "strict": False,
    }


def test_a_pipeline_is_shown_as_it_was_put_in_its_order(us: Team) -> None:
    answer = us.alice.put("/pipelines/deals", json=SALES)
    assert answer.status_code == 200
    assert answer.text.splitlines() == [
        "stage/1  name=Lead",
        "stage/2  name=Talk",
        "stage/3  name=Signed  means=won",
        "# 3 stages",
        "# strict: false",
    ]
    assert us.alice.json_of("GET", "/pipelines/deal") == SALES
    assert us.bob.json_of("GET", "/pipelines/contacts")["stages"][0]["name"] == "won"
    assert us.charlie.json_of("GET", "/pipelines/deals")["stages"][0]["name"] == "won"


def test_only_an_admin_puts_one_and_it_is_logged_as_pairs(us: Team) -> None:
    assert error_of(us.bob.put("/pipelines/deals", json=SALES)) == (403, "admin_required")
    us.alice.put("/pipelines/deals", json=SALES)
    us.alice.put("/pipelines/deals", json=SALES)
    us.alice.put("/pipelines/contacts", json={**SALES, "strict": True})
    us.alice.put("/pipelines/deals", json={**SALES, "strict": True})
    for query in ("action=pipeline.update", "target=pipeline", "target=pipelines"):
        entries = us.alice.json_of("GET", f"/audit?{query}")["items"]
        assert [(entry["action"], entry["target"], entry["changes"]) for entry in entries] == [
            ("pipeline.update", "pipeline/deals", {"strict": [False, True]}),
            ("pipeline.update", "pipeline/contacts", {"stages": [None, SALES["stages"]], "strict": [None, True]}),
            ("pipeline.update", "pipeline/deals", {"stages": [None, SALES["stages"]], "strict": [None, False]}),
        ]
    assert len(us.alice.json_of("GET", "/audit?target=pipeline/Deals")["items"]) == 2
    assert error_of(us.alice.get("/audit?target=pipeline/tickets")) == (400, "invalid_value")


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({}, "missing_field", "stages"),
        ({"stages": None}, "missing_field", "stages"),
        ({"stages": []}, "invalid_value", "stages"),
        ({"stages": [{"name": f"s{number}"} for number in range(101)]}, "invalid_value", "stages"),
        ({"stages": "won"}, "invalid_value", "stages"),
        ({"stages": ["won"]}, "invalid_value", "stages"),
        ({"stages": [{"name": "a"}], "strict": "yes"}, "invalid_value", "strict"),
        ({"stages": [{"name": "a"}], "color": "red"}, "unknown_field", "color"),
        ({"stages": [{"name": "a"}, {}]}, "missing_field", "stages.1.name"),
        ({"stages": [{"name": "a"}, {"name": " "}]}, "missing_field", "stages.1.name"),
        ({"stages": [{"name": "a"}, {"name": "A"}]}, "invalid_value", "stages.1.name"),
        ({"stages": [{"name": "x" * 201}]}, "invalid_value", "stages.0.name"),
        ({"stages": [{"name": "a", "means": "open"}]}, "invalid_value", "stages.0.means"),
        ({"stages": [{"name": "a", "color": "red"}]}, "unknown_field", "stages.0.color"),
    ],
)
def test_what_is_no_pipeline_is_refused_and_changes_nothing(us: Team, body: Any, error: str, field: str) -> None:
    answer = us.alice.send_it("PUT", "/pipelines/deals?format=json", body)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert list(answer.json()["fields"]) == [field]
    assert us.alice.json_of("GET", "/pipelines/deals")["stages"][0]["name"] == "won"


def test_the_faults_of_all_stages_are_named_at_once(us: Team) -> None:
    stages = [{"name": "a"}, {"name": "A"}, {"name": "b", "means": "open"}, {"means": "won"}, {"name": "c", "x": 1}]
    answer = us.alice.send_it("PUT", "/pipelines/deals?format=json", {"stages": stages})
    assert answer.json()["error"] == "unknown_field"
    assert list(answer.json()["fields"]) == ["stages.1.name", "stages.2.means", "stages.3.name", "stages.4.x"]


def test_a_hundred_stages_are_taken(us: Team) -> None:
    stages = [{"name": f"s{number}"} for number in range(100)]
    assert us.alice.json_of("PUT", "/pipelines/deals", {"stages": stages})["stages"] == stages


def test_a_kind_without_stages_has_no_pipeline(us: Team) -> None:
    for word, meant in (("companies", "deals"), ("dealz", "deals"), ("Contacts", "contacts")):
        answer = us.alice.get(f"/pipelines/{word}")
        assert error_of(answer) == (404, "unknown_path")
        assert f"Did you mean GET /pipelines/{meant}?" in answer.text, word
    assert error_of(us.alice.delete("/pipelines/deals")) == (405, "method_not_allowed")


def test_a_deal_follows_its_pipeline(us: Team) -> None:
    us.alice.put("/pipelines/deals", json=SALES)
    deal = us.bob.json_of("POST", "/deals", {"title": "Boat", "stage": "LEAD"})
    assert (deal["stage"], deal["status"], deal["closed_at"]) == ("Lead", "open", None)

    def sent(**body: Any) -> tuple[Any, ...]:
        found = us.bob.json_of("PATCH", f"/deals/{deal['id']}", body)
        return found["stage"], found["status"], found["closed_at"] is not None

    assert sent(stage="signed") == ("Signed", "won", True)
    assert sent(stage="talk") == ("Talk", "open", False)
    assert sent(status="won") == ("Signed", "won", True)
    assert sent(status="open") == (None, "open", False)
    assert sent(stage="elsewhere", status="lost") == ("elsewhere", "lost", True)  # no stage means lost
    assert sent(status="won") == ("Signed", "won", True)


def test_won_after_lost_is_closed_anew_and_the_log_tells(us: Team) -> None:
    deal = us.bob.json_of("POST", "/deals", {"title": "Boat", "status": "lost"})
    us.home.clock.move(hours=1)
    won = us.bob.json_of("PATCH", f"/deals/{deal['id']}", {"stage": "won"})
    assert won["closed_at"] > deal["closed_at"]
    assert us.bob.json_of("PATCH", f"/deals/{deal['id']}", {"status": "won"})["version"] == won["version"]
    us.home.clock.move(hours=1)
    us.bob.patch(f"/deals/{deal['id']}", json={"status": "open"})
    changes = [entry["changes"] for entry in us.bob.json_of("GET", f"/audit?target={deal['id']}")["items"]]
    assert changes == [
        {"stage": ["won", None], "status": ["won", "open"], "closed_at": [won["closed_at"], None]},
        {
            **{"stage": ["lost", "won"], "status": ["lost", "won"]},
            **{"closed_at": [deal["closed_at"], won["closed_at"]]},
        },
        {
            **{"title": [None, "Boat"], "currency": [None, "USD"], "stage": [None, "lost"], "status": [None, "lost"]},
            **{"closed_at": [None, deal["closed_at"]]},
        },
    ]
    assert error_of(us.bob.patch(f"/deals/{deal['id']}", json={"closed_at": None})) == (400, "unknown_field")
    assert us.bob.json_of("GET", "/deals?closed_at=is:null&sort=-closed_at")["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"stage": "signed", "status": "open"},
        {"stage": "signed", "status": "lost"},
        {"stage": "lead", "status": "won"},
        {"stage": None, "status": "won"},
    ],
    ids=str,
)
def test_a_stage_and_a_status_in_contradiction_are_refused_by_name(us: Team, body: dict[str, Any]) -> None:
    us.alice.put("/pipelines/deals", json=SALES)
    deal = us.bob.json_of("POST", "/deals", {"title": "Boat", "stage": "talk"})
    answer = us.bob.send_it("PATCH", f"/deals/{deal['id']}?format=json", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_value")
    assert list(answer.json()["fields"]) == ["stage", "status"]
    assert us.bob.json_of("GET", f"/deals/{deal['id']}") == record_in(deal)


def test_a_strict_pipeline_refuses_other_stages_with_the_list_and_the_nearest(us: Team) -> None:
    old = {kind: new(us.bob, f"/{kind}", **{title: "Old", "stage": "Elsewhere"}) for kind, title in TITLES.items()}
    for kind, title in TITLES.items():
        us.alice.put(f"/pipelines/{kind}", json={**SALES, "strict": True})
        before = us.bob.json_of("GET", f"/{kind}/{old[kind]}")
        for method, path in (("POST", f"/{kind}"), ("PATCH", f"/{kind}/{old[kind]}")):
            answer = us.bob.send_it(method, path, {title: "New", "stage": "leed"})
            assert error_of(answer) == (400, "invalid_value")
            assert 'FIELD stage  must be one of "Lead", "Talk", "Signed" (did you mean Lead?)' in answer.text
        assert us.bob.json_of("GET", f"/{kind}/{old[kind]}") == before
        for body in ({title: "New"}, {"stage": "elsewhere"}, {"stage": "lead"}, {"stage": None}):
            assert us.bob.patch(f"/{kind}/{old[kind]}", json=body).status_code == 200


def test_stages_are_listed_whole_and_told_apart_where_one_is_refused(us: Team) -> None:
    stages = [{"name": "a,b"}, {"name": "x" * 200}]
    us.alice.put("/pipelines/contacts", json={"stages": stages, "strict": True})
    refused = us.alice.json_of("POST", "/contacts", {"name": "Jane", "stage": "q"})
    assert refused["fields"] == {"stage": f'must be one of "a,b", "{"x" * 200}"'}


TITLES = {"contacts": "name", "deals": "title"}


def test_a_merge_obeys_the_pipeline_as_well(us: Team) -> None:
    us.alice.put("/pipelines/contacts", json={**SALES, "strict": True})
    us.bob.post("/contacts", json={"name": "Jane", "email": "jane@acme.com"})
    assert error_of(us.bob.post("/contacts", json={"email": "jane@acme.com", "stage": "x"})) == (400, "invalid_value")
    assert us.bob.json_of("POST", "/contacts", {"email": "jane@acme.com", "stage": "TALK"})["stage"] == "Talk"


def test_a_deal_merges_by_its_source_id_and_is_closed_by_that(us: Team) -> None:
    body = {"title": "Boat", "source": "Shop", "source_id": "Order-7"}
    deal = us.bob.json_of("POST", "/deals", body)
    us.home.clock.move(hours=1)
    answer = us.bob.post("/deals", json={"source_id": "Order-7", "stage": "won"})
    assert (answer.status_code, answer.text.splitlines()[-1]) == (200, "# updated")
    won = us.bob.json_of("GET", f"/deals/{deal['id']}")
    assert (won["status"], won["closed_at"], won["source"]) == ("won", won["updated_at"], "Shop")
    assert us.bob.post("/deals", json={**body, "source_id": "order-7"}).status_code == 201  # case counts
    other = new(us.bob, "/deals", title="Other")
    assert error_of(us.bob.patch(f"/deals/{other}", json={"source_id": "Order-7"})) == (409, "already_exists")


def test_a_stage_is_kept_as_sent_where_no_pipeline_was_put(us: Team) -> None:
    assert us.bob.json_of("POST", "/contacts", {"name": "Jane", "stage": "WON"})["stage"] == "WON"
    deal = us.bob.json_of("POST", "/deals", {"title": "Boat", "stage": "WON"})
    assert (deal["stage"], deal["status"]) == ("WON", "won")


def test_a_stage_that_means_nothing_stands_beside_any_status_until_a_pipeline_is_put(us: Team) -> None:
    deal = us.bob.json_of("POST", "/deals", {"title": "Boat", "stage": "talk", "status": "won"})
    assert (deal["stage"], deal["status"]) == ("talk", "won")
    changed = us.bob.json_of("PATCH", f"/deals/{deal['id']}", {"stage": "lead", "status": "lost"})
    assert (changed["stage"], changed["status"]) == ("lead", "lost")
    answer = us.bob.patch(f"/deals/{deal['id']}", json={"stage": "won", "status": "lost"})
    assert error_of(answer) == (400, "invalid_value")


def test_a_probability_is_a_percentage(us: Team) -> None:
    body = {"title": "Boat", "probability": 100, "lost_reason": "Too dear", "source": "Fair"}
    deal = us.bob.json_of("POST", "/deals", body)
    assert {name: deal[name] for name in body} == body
    for wrong in (-1, 101, 0.5, "50"):
        assert error_of(us.bob.patch(f"/deals/{deal['id']}", json={"probability": wrong})) == (400, "invalid_value")
