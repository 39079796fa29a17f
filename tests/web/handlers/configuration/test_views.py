"""Views over HTTP: lists that a workspace keeps under names, and what becomes of them."""

from pathlib import Path

import pytest

from crmkit.web.app import routes
from tests.house import House, Person, house
from tests.kinds import ACTIVITY, KINDS, REGISTRY
from tests.mcp.test_calls import call
from tests.teams.office import JSON, address, enter, error_of, new, team
from tests.web.refused import refused


@pytest.fixture
def alice(town: House) -> Person:
    """Alice, admin of a workspace that is hers alone in each test."""
    return enter(town, address("alice"))


def view(person: Person, path: str, name: str = "hot") -> str:
    return new(person, "/views", name=name, path=path)


def body_of(text: str) -> str:
    """Return an answer in text without its cursor."""
    return text.partition("# next: ")[0]


@pytest.fixture
def people(alice: Person) -> Person:
    """Alice with five contacts."""
    for number, stage in enumerate(("lead", "lead", "lead", "customer", "lost")):
        new(alice, "/contacts", name=f"Jane {number}", stage=stage, rating=number)
    return alice


def test_a_view_is_made_listed_renamed_and_deleted_in_one_step(alice: Person) -> None:
    made = alice.json_of("POST", "/views", {"name": "hot-leads", "path": "/contacts?stage=lead&sort=-updated_at"})
    assert made["handle"] == f"view/{made['id']}"
    assert made["id"].startswith("v_")
    line = alice.text("GET", "/views").splitlines()[0]
    assert line.startswith(f"view/{made['id']}  name=hot-leads  path=/contacts?stage=lead&sort=-updated_at  ")
    changed = alice.json_of("PATCH", "/views/hot-leads", {"name": "warm", "version": 1})
    assert (changed["name"], changed["path"], changed["version"]) == ("warm", made["path"], 2)
    assert error_of(alice.get("/views/hot-leads")) == (404, "not_found")
    assert alice.text("DELETE", "/views/warm").startswith(f"OK deleted view/{made['id']}\n# undo: POST /undo/op_")
    assert alice.json_of("GET", "/views")["items"] == []
    actions = [entry["action"] for entry in alice.json_of("GET", "/audit?target=view")["items"]]
    assert actions == ["view.delete", "view.update", "view.create"]
    assert [row["action"] for row in alice.json_of("GET", f"/views/{made['id']}/history")["items"]] == actions


@pytest.mark.parametrize(
    "path",
    [
        "/contacts",
        "/contacts?stage=lead&sort=-rating&limit=2",
        "/contacts?stage=in:lead,customer&fields=name,stage",
        "/contacts?search=jane",
        "/contacts/count?by=stage&sum=estimated_cents&rating=gte:1",
        "/contacts?or.stage=lost&or.rating=1&explain=1",
        "/search?q=Jane%202",
        "/search?q=Jane 2&types=contacts",
        "/activities?kind=note&limit=1",
        "/reminders?days=7",
        "/views",
        "//contacts/?stage=lead",
    ],
)
def test_a_view_answers_what_its_path_answers_in_text_and_json(people: Person, path: str) -> None:
    id = view(people, path)
    for headers in ({}, JSON):
        for named in ("hot", id, f"view/{id}", "view%2Fhot", "hot/"):
            kept = people.get(f"/views/{named}", headers=headers)
            assert kept.status_code == 200, kept.text
            assert kept.text == people.get(path.replace("//", "/"), headers=headers).text
    assert people.request("HEAD", "/views/hot").status_code == 200


def test_filters_are_added_and_what_shapes_the_answer_is_replaced(people: Person) -> None:
    view(people, "/contacts?stage=in:lead,customer&sort=-rating&limit=2&fields=name&format=json&count=exact")

    def names(query: str = "") -> list[str]:
        return [item["name"] for item in people.json_of("GET", f"/views/hot{query}")["items"]]

    assert names() == ["Jane 3", "Jane 2"]
    assert names("?rating=lte:1") == ["Jane 1", "Jane 0"]
    assert names("?stage=lead&limit=200") == ["Jane 2", "Jane 1", "Jane 0"]
    assert names("?sort=rating&limit=3") == ["Jane 0", "Jane 1", "Jane 2"]
    assert names("?stage=lost") == []
    assert people.get("/views/hot").headers["Content-Type"] == "application/json"
    assert "stage=lead" in people.get("/views/hot?format=text&fields=stage,name").text
    page = people.json_of("GET", "/views/hot?rating=gte:1")
    assert [item["name"] for item in page["items"]] == ["Jane 3", "Jane 2"]
    assert names(f"?rating=gte:1&cursor={page['next_cursor']}") == ["Jane 1"]
    wrong = people.json_of("GET", f"/views/hot?cursor={page['next_cursor']}x")
    assert (wrong["error"], "cannot be read" in wrong["hint"]) == ("invalid_cursor", False)


def test_days_in_a_view_are_those_of_who_asks(people: Person) -> None:
    view(people, "/contacts?created_at=2026-06-10")
    assert people.json_of("GET", "/views/hot")["total"] == 5
    assert people.json_of("GET", "/views/hot?timezone=Pacific/Kiritimati")["total"] == 5  # 09:00 UTC is 23:00 there
    assert people.json_of("GET", "/views/hot?timezone=Pacific/Auckland")["total"] == 5
    assert people.json_of("GET", "/views/hot?timezone=Etc/GMT%2B12")["total"] == 0


LISTS = sorted(route.paths[0] for route in routes(REGISTRY) if route.is_list and "{" not in route.paths[0])


def test_lists_and_counts_of_every_kind_search_and_reminders_may_be_kept() -> None:
    of_kinds = [kind.path for kind in (*KINDS, ACTIVITY, *REGISTRY.settings)]
    assert set(LISTS) == {"/search", "/reminders", *of_kinds, *(f"{path}/count" for path in of_kinds)}


@pytest.mark.parametrize("path", LISTS)
def test_every_list_can_be_kept(alice: Person, path: str) -> None:
    path = f"{path}?q=jane" if path == "/search" else path
    view(alice, path)
    assert body_of(alice.text("GET", "/views/hot")) == body_of(alice.text("GET", path))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/contacts?bogus=1", r"^bogus is no field of a contact"),
        ("/contacts?stge=lead", r"^stge is no field of a contact \(did you mean stage\?\)"),
        ("/contacts?sort=bogus", r"^sort .*no sort key"),
        ("/contacts?rating=like:1", r"^rating "),
        ("/contacts?created_at=tuesday", r"^created_at "),
        ("/contacts?fields=bogus", r"^fields .*no field"),
        ("/contacts?limit=x", r"^limit must be 1 to 200"),
        ("/contacts?format=yaml", r"^format must be"),
        ("/contacts?search=a&search=b", r"^search stands twice"),
        ("/contacts?cursor=abc", r"^has cursor"),
        ("/contacts?confirm=abc", r"^has confirm"),
        ("/contacts?code=X-1", r"^has code"),
        ("/contacts?name=%FF", r"^has a query that is not percent-encoded UTF-8"),
        ("/contacts/count?by=bogus", r"^by "),
        ("/contacts?or.bogus=1", r"^or.bogus "),
        ("/search", r"^q is needed"),
        ("/search?q=jane&types=bogus", r"^types "),
        ("/reminders?days=x", r"^days must be 0 to"),
        ("/activities?kind=bogus", r"^kind "),
        ("/audit", r"is no list"),
        ("/contact", r"^/contact is no list \(did you mean /contacts\?\)"),
        ("/contacts/c_k7m2q9xa", r"is no list"),
        ("/contacts/c_k7m2q9xa/activities", r"is no list"),
        ("/views/hot", r"is no list"),
        ("/", r"is no list"),
        ("/mcp", r"is no list"),
        ("contacts?stage=lead", r"^must be the path of a list"),
        ("/contacts?name=a\u0007", r"^must be the path of a list"),
        ("/contacts?name=" + "a" * 4_000, r"^has 4,015 characters; at most 4,000 fit"),
    ],
)
def test_a_path_that_cannot_be_read_as_a_list_is_refused_with_the_reason(alice: Person, path: str, told: str) -> None:
    refused(alice, "invalid_value", "POST", "/views", {"name": "hot", "path": path}, {"path": told})
    id = view(alice, "/contacts")
    refused(alice, "invalid_value", "PATCH", f"/views/{id}", {"path": path}, {"path": told})
    assert [(item["path"], item["version"]) for item in alice.json_of("GET", "/views")["items"]] == [("/contacts", 1)]


@pytest.mark.parametrize("name", ["Hot", "hot leads", "hot_leads", "v_k7m2q9xa", "a" * 61, "hö", "hot/leads", "a.b"])
def test_a_name_is_of_small_letters_digits_and_hyphens(alice: Person, name: str) -> None:
    refused(alice, "invalid_value", "POST", "/views", {"name": name, "path": "/contacts"}, ["name"])
    assert alice.json_of("POST", "/views", {"name": "a" * 60, "path": " /contacts "})["path"] == "/contacts"


def test_name_and_path_are_needed_and_nothing_else_is_taken(alice: Person) -> None:
    refused(alice, "missing_field", "POST", "/views", {}, ["name", "path"])
    refused(alice, "missing_field", "POST", "/views", {"name": "hot", "path": " "}, ["path"])
    refused(alice, "unknown_field", "POST", "/views", {"name": "hot", "path": "/contacts", "filters": 1}, ["filters"])
    refused(alice, "invalid_value", "POST", "/views", {"name": "hot", "path": 7}, ["path"])
    assert alice.json_of("GET", "/views")["total"] == 0


def test_a_name_that_is_taken_is_refused_with_the_view_that_has_it(alice: Person) -> None:
    first, second = view(alice, "/contacts"), view(alice, "/deals", "cold")
    told = {"name": f"belongs to view/{first}"}
    known = refused(alice, "already_exists", "POST", "/views", {"name": "hot", "path": "/deals"}, told)
    assert known["handle"] == f"view/{first}"
    refused(alice, "already_exists", "PATCH", f"/views/{second}", {"name": "hot"}, told)
    assert alice.json_of("PATCH", "/views/hot", {"name": "hot", "path": "/deals"})["path"] == "/deals"
    alice.delete("/views/hot")
    assert alice.patch("/views/cold", json={"name": "hot"}).status_code == 200


def test_a_name_is_no_key_where_another_kind_may_be_meant(alice: Person) -> None:
    view(alice, "/contacts", "contct")
    assert alice.json_of("GET", "/audit?target=contct")["error"] == "invalid_value"
    assert alice.json_of("GET", "/audit?target=view/contct")["total"] == 1
    assert alice.json_of("GET", "/contacts/contct")["error"] == "not_found"
    assert "A view is found by its id or name." in alice.text("GET", "/views/No%20Name")


def test_a_view_that_cannot_be_read_any_more_says_why_and_whose_fault_it_is(town: House, people: Person) -> None:
    id = view(people, "/contacts?stage=lead")

    def become(path: str) -> None:
        unit = "UPDATE views SET path = ? WHERE id = ?"
        place = people.json_of("GET", "/whoami")["workspace"]
        town.do(
            town.crm.database.write(lambda tx: tx.connection.execute(unit, (path, id)) and None, None, lanes=[place])
        )

    become("/contacts?level=3")
    says = rf'The view hot keeps "/contacts\?level=3", which cannot be read any more: PATCH or DELETE /views/{id}\.'
    refused(people, "invalid_filter", "GET", "/views/hot", None, ["level"], says)
    refused(people, "invalid_filter", "GET", "/views/hot?stage=lead", None, ["level"], says)
    become("/gadgets")
    refused(people, "invalid_value", "GET", "/views/hot", None, {"path": "/gadgets is no list"}, "cannot be read")
    become("/contacts?stage=lead")
    wrong = refused(people, "invalid_filter", "GET", "/views/hot?bogus=1", None, ["bogus"])
    assert "cannot be read any more" not in wrong["hint"]
    assert people.json_of("GET", "/views/hot")["total"] == 3


def test_members_share_views_and_strangers_see_none(town: House) -> None:
    us = team(town)
    id = new(us.bob, "/views", name="ours", path="/contacts?owner=me")
    new(us.alice, "/contacts", name="Hers", owner=us.alice.email)
    new(us.alice, "/contacts", name="His", owner=us.bob.email)
    assert [item["name"] for item in us.alice.json_of("GET", "/views/ours")["items"]] == ["Hers"]
    assert [item["name"] for item in us.bob.json_of("GET", f"/views/{id}")["items"]] == ["His"]
    assert us.alice.json_of("PATCH", "/views/ours", {"path": "/deals"})["path"] == "/deals"
    for path in ("/views/ours", f"/views/{id}"):
        assert error_of(us.charlie.get(path)) == (404, "not_found")
        assert error_of(us.charlie.patch(path, json={"name": "mine"})) == (404, "not_found")
        assert error_of(us.charlie.delete(path)) == (404, "not_found")
    assert us.charlie.json_of("GET", "/views")["items"] == []
    assert new(us.charlie, "/views", name="ours", path="/contacts")
    assert us.bob.delete("/views/ours").status_code == 200


def test_ids_of_another_workspace_in_a_view_find_nothing(town: House) -> None:
    us = team(town)
    acme = new(us.alice, "/companies", name="Acme")
    new(us.alice, "/contacts", name="Jane", company_id=acme)
    view(us.charlie, f"/contacts?company_id={acme}")
    assert us.charlie.json_of("GET", "/views/hot")["items"] == []


def test_a_view_is_tried_out_written_once_and_taken_back(alice: Person) -> None:
    body = {"name": "hot", "path": "/contacts"}
    assert alice.json_of("POST", "/views?dry_run=1", body)["dry_run"] is True
    assert alice.json_of("POST", "/views?dry_run=1", {**body, "path": "/contacts?x=1"})["error"] == "invalid_value"
    assert alice.json_of("GET", "/views")["total"] == 0
    key = {"Idempotency-Key": "k1"}
    first = alice.json_of("POST", "/views", body, headers=key)
    assert alice.json_of("POST", "/views", body, headers=key) == first
    changed = alice.json_of("PATCH", "/views/hot", {"path": "/deals"})
    deleted = alice.json_of("DELETE", "/views/hot")
    other = view(alice, "/tasks")
    conflict = alice.json_of("POST", f"/undo/{deleted['operation']}")
    assert (conflict["error"], conflict["fields"]) == (
        "undo_conflict",
        {f"view/{first['id']}.name": f"belongs to view/{other} now"},
    )
    alice.delete("/views/hot")
    for operation, path in ((deleted["operation"], "/deals"), (changed["operation"], "/contacts")):
        assert alice.post(f"/undo/{operation}").status_code == 200
        assert alice.json_of("GET", "/views?name=hot")["items"][0]["path"] == path
    assert alice.post(f"/undo/{first['operation']}").status_code == 200
    assert alice.json_of("GET", "/views")["total"] == 0


def test_members_may_take_back_what_they_did_to_views(town: House) -> None:
    us = team(town)
    made = us.bob.json_of("POST", "/views", {"name": "ours", "path": "/contacts"})
    assert us.bob.post(f"/undo/{made['operation']}").status_code == 200


def test_views_are_filtered_sorted_and_told_as_changes(alice: Person) -> None:
    since = alice.json_of("GET", "/changes")["next_cursor"]
    for name, path in (("b", "/contacts?stage=lead"), ("a", "/deals"), ("c", "/contacts")):
        view(alice, path, name)

    def found(query: str) -> list[str]:
        return [item["name"] for item in alice.json_of("GET", f"/views?{query}")["items"]]

    assert found("sort=name") == ["a", "b", "c"]
    assert found("path=like:CONTACTS&sort=-name") == ["c", "b"]
    assert found("name=in:a,c&sort=name") == ["a", "c"]
    assert found("path=/deals") == ["a"]
    changes = alice.json_of("GET", f"/changes?since={since}")["items"]
    assert [(item["handle"].split("/")[0], item["change"]) for item in changes] == [("view", "created")] * 3


def test_no_plan_caps_views(alice: Person) -> None:
    assert "views" not in REGISTRY.capped
    assert "views" not in alice.json_of("GET", "/whoami")["usage"]


def test_the_log_has_one_line_with_the_pattern_and_no_name(town: House, people: Person) -> None:
    id = view(people, "/contacts?search=secretword", "secret-name")
    before = len(town.logged().splitlines())
    people.get("/views/secret-name?name=secretword")
    people.get(f"/views/{id}")
    first, second = town.logged().splitlines()[before:]
    assert "path=/views/{id}  status=200" in first.replace('"', "")
    assert f"path=/views/{id}  status=200" in second
    assert "secret" not in first + second


def test_a_view_is_read_by_the_tools_and_a_wrong_one_is_told_to_the_model(people: Person) -> None:
    made = call(people, "request", method="POST", path="/views", body={"name": "hot", "path": "/contacts?stage=lead"})
    assert made[0] is False
    assert call(people, "read", path="/views/hot?rating=gte:1") == (
        False,
        people.text("GET", "/contacts?stage=lead&rating=gte:1"),
    )
    failed, text = call(people, "request", method="POST", path="/views", body={"name": "x", "path": "/contacts?x=1"})
    assert failed
    assert text.startswith("ERROR invalid_value\nFIELD path  x is no field of a contact")


def test_a_name_that_another_path_has_is_refused(alice: Person) -> None:
    body = {"name": "count", "path": "/contacts"}
    refused(alice, "invalid_value", "POST", "/views", body, {"name": "GET /views/count answers something else"})
    view(alice, "/contacts")
    refused(alice, "invalid_value", "PATCH", "/views/hot", {"name": "count"}, ["name"])


def test_a_view_counts_as_one_request(tmp_path: Path) -> None:
    limits = {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "60", "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "0"}
    with house(tmp_path / "data", limits) as running, running.sign_in("alice@example.com") as alice:
        view(alice, "/contacts")
        left = [int(alice.get("/views/hot").headers["X-RateLimit-Remaining"]) for _ in range(3)]
        assert left == [left[0], left[0] - 1, left[0] - 2]


def test_declared_keys_in_a_view_are_read_by_their_types(alice: Person) -> None:
    new(alice, "/fields", kind="contact", key="size", type="number")
    for size in (3, 20):
        new(alice, "/contacts", name=f"Size {size}", custom={"size": size})
    view(alice, "/contacts?custom.size=gt:5")
    assert [item["name"] for item in alice.json_of("GET", "/views/hot")["items"]] == ["Size 20"]


def test_what_says_how_long_an_answer_may_be_stands_in_place_of_the_views_own(alice: Person) -> None:
    for number in range(30):
        new(alice, "/contacts", name=f"Person {number:02}")
    new(alice, "/views", name="short", path="/contacts?sort=name&max_tokens=200")
    assert len(alice.text("GET", "/views/short")) <= 800
    assert len(alice.text("GET", "/views/short?max_tokens=150")) <= 600
    assert len(alice.text("GET", "/views/short?max_tokens=900")) > 800
    refused = alice.json_of("GET", "/views/short?max_tokens=5")
    assert list(refused["fields"]) == ["max_tokens"]
    assert "cannot be read" not in refused["hint"]


def test_a_group_that_is_sent_is_another_than_the_views(alice: Person) -> None:
    for stage in ("lead", "won", "lost"):
        new(alice, "/contacts", name=f"Of {stage}", stage=stage, city="Bern" if stage == "won" else "Rome")
    new(alice, "/views", name="ends", path="/contacts?or.stage=won&or.stage=lost&fields=name&sort=name")
    text = alice.text("GET", "/views/ends?or.city=Bern&or.city=Oslo&explain=1")
    assert next(line for line in text.splitlines() if line.startswith("contact/")).endswith('name="Of won"')
    assert "# 1 contacts" in text
    assert "whose stage is won or whose stage is lost, and whose city is Bern or whose city is Oslo" in text
    alone = alice.text("GET", "/views/ends?or.city=Bern")
    assert "# 1 contacts" in alone
    assert "or2" not in alone
    refused = alice.json_of("GET", "/views/ends?or.town=Bern")
    assert list(refused["fields"]) == ["or.town"]
    assert "cannot be read" not in refused["hint"]


def test_the_words_of_a_search_that_is_sent_are_looked_for_beside_the_views(alice: Person) -> None:
    new(alice, "/contacts", name="Jane Doe")
    new(alice, "/contacts", name="Jane Roe")
    new(alice, "/views", name="janes", path="/contacts?search=jane")
    assert [item["name"] for item in alice.json_of("GET", "/views/janes?search=roe")["items"]] == ["Jane Roe"]


def test_a_parameter_that_may_stand_once_names_what_the_view_keeps(alice: Person) -> None:
    new(alice, "/views", name="due", path="/reminders?owner=me")
    hint = alice.json_of("GET", "/views/due?owner=bob@example.com")["hint"]
    assert hint.startswith('The view due keeps "/reminders?owner=me", to which yours is added:')
