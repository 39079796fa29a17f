"""The manual in its forms, OpenAPI and health: all without a token, all about this very server."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from crmkit.errors import CATALOGUE
from crmkit.model.record import Kind
from crmkit.web.app import routes
from tests.house import ALICE, BOB, CHARLIE, House, Person, house, process, record_in
from tests.kinds import ACTIVITY, AUDIT, CONTACT, KINDS, NAMED, REGISTRY
from tests.render.endpoints import endpoints_in
from tests.teams.office import new
from tests.teams.rights.matrix import unknown

OPERATIONS = [
    *("GET /", "GET /help", "GET /SKILL.md", "GET /openapi.json", "GET /healthz", "GET /readyz"),
    *("GET /llms.txt", "GET /llms-full.txt", "GET /llms-small.txt", "GET /.well-known/agent.json"),
    *("POST /auth/request", "POST /auth/verify", "GET /whoami", "GET /tokens", "DELETE /tokens/{id}", "GET /audit"),
    *("GET /jobs/{id}", "PATCH /activities", "DELETE /activities"),
    *(f"{method} /{kind.plural}" for kind in KINDS for method in ("PATCH", "DELETE")),
    *("GET /search", "GET /reminders", "GET /activities", "GET /activities/{id}"),
    *("GET /brief", "GET /changes"),
    *("GET /analytics/summary", "GET /analytics/funnel", "GET /analytics/campaigns"),
    *(f"GET /{kind.plural}/{{id}}/history" for kind in (*REGISTRY.records, ACTIVITY)),
    *(f"GET /{kind.plural}/{{id}}/blame" for kind in (*REGISTRY.records, ACTIVITY)),
    *("GET /fields/{id}/history", "GET /fields/{id}/blame"),
    *("GET /views", "POST /views", "GET /views/{id}", "PATCH /views/{id}", "DELETE /views/{id}"),
    *("GET /views/{id}/history", "GET /views/{id}/blame"),
    *(f"{method} /scoring-rules" for method in ("GET", "POST")),
    *(f"{method} /scoring-rules/{{id}}" for method in ("GET", "PATCH", "DELETE")),
    "POST /scoring-rules/run",
    *(f"{method} {kind.path}/{{id}}/score" for kind in REGISTRY.scored for method in ("GET", "POST")),
    *("GET /scoring-rules/{id}/history", "GET /scoring-rules/{id}/blame"),
    *(f"{method} /webhooks" for method in ("GET", "POST")),
    *(f"{method} /webhooks/{{id}}" for method in ("GET", "PATCH", "DELETE")),
    *("GET /webhooks/{id}/history", "GET /webhooks/{id}/blame", "POST /webhooks/{id}/test"),
    *("GET /webhooks/{id}/deliveries", "POST /webhooks/{id}/deliveries/{delivery_id}/redeliver"),
    *("GET /duplicates", "POST /duplicates/dismiss"),
    *(f"GET {kind.path}/count" for kind in (*REGISTRY.records, *REGISTRY.settings, ACTIVITY)),
    *("PATCH /activities/{id}", "DELETE /activities/{id}"),
    *("GET /contacts", "POST /contacts", "GET /contacts/{id}", "PATCH /contacts/{id}", "DELETE /contacts/{id}"),
    *("GET /contacts/{id}/activities", "POST /contacts/{id}/activities"),
    *("GET /companies", "POST /companies", "GET /companies/{id}", "PATCH /companies/{id}", "DELETE /companies/{id}"),
    *("GET /companies/{id}/activities", "POST /companies/{id}/activities"),
    *("POST /contacts/{id}/merge", "POST /companies/{id}/merge"),
    *("GET /deals", "POST /deals", "GET /deals/{id}", "PATCH /deals/{id}", "DELETE /deals/{id}"),
    *("GET /deals/{id}/activities", "POST /deals/{id}/activities"),
    *("GET /tasks", "POST /tasks", "GET /tasks/{id}", "PATCH /tasks/{id}", "DELETE /tasks/{id}"),
    *("GET /tickets", "POST /tickets", "GET /tickets/{id}", "PATCH /tickets/{id}", "DELETE /tickets/{id}"),
    *("GET /tickets/{id}/activities", "POST /tickets/{id}/activities"),
    *("GET /campaigns", "POST /campaigns", "GET /campaigns/{id}", "PATCH /campaigns/{id}", "DELETE /campaigns/{id}"),
    *("GET /campaigns/{id}/members", "POST /campaigns/{id}/members", "DELETE /campaigns/{id}/members/{member_id}"),
    *("GET /conversions", "POST /conversions", "GET /conversions/{id}", "PATCH /conversions/{id}"),
    "DELETE /conversions/{id}",
    *("POST /activities", "POST /activities/batch"),
    *(f"POST /{kind.plural}/batch" for kind in REGISTRY.records),
    *("POST /undo/{operation_id}", "GET /jobs/{id}"),
    *(f"{method} /pipelines/{kind}" for method in ("GET", "PUT") for kind in ("contacts", "deals")),
    *("GET /workspaces", "POST /workspaces", "PATCH /workspaces/{id}", "DELETE /workspaces/{id}"),
    "PATCH /tokens/{id}",
    *("POST /workspaces/{id}/tokens", "GET /workspaces/{id}/members", "POST /workspaces/{id}/invites"),
    *("DELETE /workspaces/{id}/invites/{invite_id}", "POST /workspaces/{id}/members/{user_id}/role"),
    *("DELETE /workspaces/{id}/members/{user_id}", "POST /workspaces/{id}/join", "DELETE /me", "PATCH /me"),
    *("GET /fields", "POST /fields", "GET /fields/{id}", "PATCH /fields/{id}", "DELETE /fields/{id}"),
    *(f"GET {kind.path}/export" for kind in (*REGISTRY.records, *REGISTRY.settings, ACTIVITY)),
    *("GET /audit/export", "GET /reminders/export", "GET /workspaces/{id}/export"),
    *("POST /import", "GET /imports", "GET /imports/{id}", "PATCH /imports/{id}", "DELETE /imports/{id}"),
    *("POST /imports/{id}/start", "GET /links", "POST /links", "DELETE /links/{id}"),
    *("GET /proposals", "GET /proposals/{id}", "POST /proposals/{id}/approve", "POST /proposals/{id}/reject"),
]


@pytest.fixture(scope="module")
def someone(town: House) -> Iterator[Person]:
    with town.stranger() as person:
        yield person


@pytest.fixture(scope="module")
def bob(town: House) -> Iterator[Person]:
    """Bob, who has a record of each kind."""
    with town.sign_in(BOB) as person:
        contact = new(person, "/contacts", name="Jane")
        for kind in NAMED:
            new(person, f"/{kind.plural}", **{kind.title.name: "Something"})
        new(person, "/conversions", contact_id=contact, platform="meta")
        new(person, f"/contacts/{contact}/activities", body="Hello")
        yield person


@pytest.fixture(scope="module")
def described(someone: Person) -> dict[str, Any]:
    found: dict[str, Any] = someone.get("/openapi.json").json()
    return found


def declared() -> set[str]:
    """Return method and path of every route for clients, from the route table itself."""
    found = [route for route in routes(REGISTRY) if not route.for_operator]
    return {f"{method} {path}" for route in found for path in route.paths for method in route.listed_methods}


def test_the_front_page_leads_to_the_manual_in_five_lines(town: House, someone: Person) -> None:
    text = someone.text("GET", "/")
    assert len(text.splitlines()) == 5
    assert f"GET {town.url}/help" in text
    assert someone.json_of("GET", "/") == {"service": "crmkit", "base_url": town.url, "manual": f"{town.url}/help"}


def test_the_manual_tells_the_base_url_that_clients_use(tmp_path: Path, town: House, someone: Person) -> None:
    manual = someone.text("GET", "/help")
    assert f"BASE URL  {town.url}\n" in manual
    assert someone.json_of("GET", "/help") == {"manual": manual}
    assert not re.search(r"\{(?!(?:|invite_|user_|member_|operation_|delivery_)id\})[a-z_]+\}", manual), (
        "a gap of the template was not filled"
    )
    environ = {"CRMKIT_SERVER_BASE_URL": "https://crm.example.com/"}
    with house(tmp_path / "data", environ) as home, home.stranger() as other:
        assert "BASE URL  https://crm.example.com\n" in other.text("GET", "/help")
        assert "https://crm.example.com/help" in other.text("GET", "/")
        assert other.get("/openapi.json").json()["servers"] == [{"url": "https://crm.example.com"}]


def test_the_manual_tells_the_real_limits(tmp_path: Path) -> None:
    environ = {
        "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "77",
        "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "3",
        "CRMKIT_LIMITS_BODY_KIB": "12",
    }
    with house(tmp_path / "data", environ) as home, home.stranger() as other:
        manual = other.text("GET", "/help?topic=limits")
    for told in ("77 requests a minute", "3 codes an hour", "up to 12 KiB"):
        assert told in manual


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_route_is_in_the_manual_and_in_openapi(
    someone: Person, described: dict[str, Any], operation: str
) -> None:
    method, path = operation.split()
    summary = described["paths"][path][method.lower()]["summary"]
    assert (method, path, summary) in endpoints_in(someone.text("GET", "/help?topic=all"))


def test_manual_and_openapi_list_every_route_and_no_other(someone: Person, described: dict[str, Any]) -> None:
    shown = {f"{method.upper()} {path}" for path, has in described["paths"].items() for method in has}
    listed = {f"{method} {path}" for method, path, _ in endpoints_in(someone.text("GET", "/help?topic=all"))}
    assert shown == declared() == listed == set(OPERATIONS)


def test_the_manual_tells_every_error_every_field_and_every_setting(someone: Person) -> None:
    manual = someone.text("GET", "/help?topic=all")
    for code in CATALOGUE:
        assert re.search(rf"^  [0-9/]+ +{code} ", manual, re.MULTILINE), code
    for field in CONTACT.by_name:
        assert re.search(rf"\b{field}\b", manual), field
    for setting in ("smtp_url", "trusted_proxies", "token_idle_days", "requests_per_minute", "body_kib"):
        assert setting in manual


def test_the_skill_has_front_matter_and_the_manual_of_daily_work(town: House, someone: Person) -> None:
    text = someone.text("GET", "/SKILL.md")
    _, front, body = text.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["name"] == "crmkit"
    assert "CRM" in matter["description"]
    assert len(matter["description"]) <= 1024
    assert matter["metadata"] == {"base_url": town.url, "required_secrets": "CRMKIT_TOKEN"}
    assert body.lstrip("\n") == someone.text("GET", "/help")


def test_llms_txt_is_a_title_a_summary_and_links_to_the_manual_and_to_each_topic(town: House, someone: Person) -> None:
    text = someone.text("GET", "/llms.txt")
    title, blank, summary, *_ = text.split("\n")
    assert (title, blank) == ("# crmkit", "")
    assert summary.startswith("> ")
    links = re.findall(r"^- \[([^]]+)\]\((\S+)\): (.+)$", text, re.MULTILINE)
    pages = [f"{town.url}/{name}" for name in ("help", "llms-full.txt", "SKILL.md", "openapi.json")]
    assert [link for _, link, _ in links[:4]] == pages
    assert [name for name, _, _ in links[4:]] == topics_of(someone)
    for _, link, _ in links[:4]:
        assert someone.get(link).status_code == 200
    for name, link, about in links[4:]:
        assert link == f"{town.url}/help?topic={name}"
        assert someone.get(link).text.startswith(f"{name.upper()}: {about}\n")


def test_the_long_and_the_short_page_for_language_models_are_the_manual(someone: Person) -> None:
    assert someone.text("GET", "/llms-small.txt") == someone.text("GET", "/help")
    assert someone.text("GET", "/llms-full.txt") == someone.text("GET", "/help?topic=all")


def test_agents_find_base_url_manual_and_sign_in_at_a_well_known_path(town: House, someone: Person) -> None:
    answer = someone.get("/.well-known/agent.json")
    assert answer.headers["content-type"] == "application/json"
    card = answer.json()
    assert (card["name"], card["base_url"], card["manual_url"]) == ("crmkit", town.url, f"{town.url}/help")
    sign_in = card["authentication"]
    assert sign_in["type"] == "bearer"
    assert [sign_in[f"{step}_endpoint"] for step in ("request", "verify")] == [
        f"{town.url}/auth/{step}" for step in ("request", "verify")
    ]
    for link in (card["manual_url"], card["openapi_url"]):
        assert someone.get(link).status_code == 200
    assert {"text/plain", "application/json"} <= set(card["content_types"])


def topics_of(person: Person) -> list[str]:
    """Return the topics that the error for an unknown one lists, without `all`."""
    hint = person.json_of("GET", "/help?topic=nosuchthing")["hint"]
    (names,) = re.findall(r"The topics are (.+?)\.", hint)
    every = names.split(", ")
    assert every[0] == "all"
    return list(every[1:])


def test_every_topic_is_a_page_of_its_own_that_the_manual_lists(someone: Person) -> None:
    manual = someone.text("GET", "/help")
    for name in topics_of(someone):
        text = someone.text("GET", f"/help?topic={name}")
        assert text.startswith(f"{name.upper()}: ")
        assert re.search(rf"^  (\w+, )*{name}\b", manual, re.MULTILINE)
        assert someone.json_of("GET", f"/help?topic={name}") == {"manual": text}
        assert someone.text("GET", f"/help?topic=%20{name.title()}") == text
    assert someone.text("GET", "/help?topic=") == manual


def test_an_unknown_topic_is_refused_with_the_nearest_and_all_there_are(someone: Person) -> None:
    answer = someone.get("/help?topic=contcts&format=json")
    assert answer.status_code == 400
    found = answer.json()
    assert found["error"] == "invalid_value"
    assert found["fields"] == {"topic": '"contcts" is no topic (did you mean contacts?)'}
    assert {"all", "querying", "contacts"} <= set(re.split(r"[ ,.]+", found["hint"]))
    assert someone.get("/help?topic=undo&topic=many").status_code == 400


@pytest.mark.parametrize(
    ("name", "topic"), [("contact", "contacts"), ("Company", "companies"), ("activity", "activities")]
)
def test_the_topic_of_a_kind_has_its_name_in_the_singular_too(someone: Person, name: str, topic: str) -> None:
    assert someone.text("GET", f"/help?topic={name}") == someone.text("GET", f"/help?topic={topic}")


@pytest.mark.parametrize(("word", "told"), [("erase", "topic=contacts"), ("escalation", "topic=teams"), ("qzxqzx", "")])
def test_a_word_that_is_no_topic_leads_to_those_that_tell_of_it(someone: Person, word: str, told: str) -> None:
    said = someone.json_of("GET", f"/help?topic={word}")["fields"]["topic"]
    assert told in said
    assert ("tells of it" in said) == bool(told)


def test_the_openapi_document_is_valid(described: dict[str, Any]) -> None:
    validate(described)
    assert described["openapi"].startswith("3.1")
    operations = [operation["operationId"] for has in described["paths"].values() for operation in has.values()]
    assert len(set(operations)) == len(operations)


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY, AUDIT], ids=lambda kind: kind.name)
def test_openapi_describes_every_record_as_it_is(bob: Person, described: dict[str, Any], kind: Kind) -> None:
    shown = bob.json_of("GET", f"/{kind.plural}?limit=1")["items"][0]
    schema = described["components"]["schemas"][kind.name]
    assert set(schema["properties"]) == set(shown)
    assert schema["required"] == ["handle", "id"]  # fields= chooses the others
    for name, value in shown.items():
        allowed = schema["properties"][name]
        types = allowed["type"] if isinstance(allowed.get("type"), list) else [allowed.get("type")]
        assert value is not None or "null" in types, name
        assert "enum" not in allowed or value in allowed["enum"], name


def test_openapi_lists_the_parameters_that_each_route_takes_and_no_others(
    town: House, described: dict[str, Any]
) -> None:
    """The gate refuses what a route does not take, and names what it does."""
    with town.sign_in(CHARLIE) as charlie:
        for path, has in described["paths"].items():
            for method, operation in has.items():
                spelled = [(parameter["name"], parameter["in"]) for parameter in operation["parameters"]]
                assert len(set(spelled)) == len(spelled), (method, path)
                inside = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
                assert inside == re.findall(r"{(\w+)}", path)
                if operation["operationId"] == "get_view":  # which takes what its list takes
                    continue
                refused = charlie.json_of(method.upper(), f"{unknown(path)}?no_such=1")
                assert refused["error"] == "invalid_filter", (method, path)
                taken = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
                assert [*inside, *taken, *(["Idempotency-Key"] if "dry_run" in taken else [])] == [
                    name for name, _ in spelled
                ]
                for name in set(taken) - {"bom", "raw"}:  # of whatever answers as CSV
                    assert re.search(rf"\b{name}\b", refused["hint"]), (method, path, name)


def test_openapi_describes_contacts_as_they_are(town: House, described: dict[str, Any]) -> None:
    with town.sign_in(ALICE) as alice:
        contact = record_in(alice.json_of("POST", "/contacts", {"name": "Jane"}))
    schema = described["components"]["schemas"]["contact"]
    assert set(schema["properties"]) == set(contact)
    body = described["paths"]["/contacts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {*CONTACT.taken, "company", "activities"}
    parameters = {parameter["name"] for parameter in described["paths"]["/contacts"]["get"]["parameters"]}
    assert {
        "search",
        "sort",
        "limit",
        "cursor",
        "count",
        "fields",
        "format",
        "name",
        "tags",
        "created_at",
    } <= parameters
    assert set(described["components"]["schemas"]["error"]["properties"]["error"]["enum"]) == set(CATALOGUE)


def test_openapi_says_what_must_be_sent(described: dict[str, Any]) -> None:
    def body(method: str, path: str) -> tuple[bool, dict[str, Any]]:
        found = described["paths"][path][method]["requestBody"]
        return found["required"], found["content"]["application/json"]["schema"]

    needed, workspace = body("post", "/workspaces")
    assert (needed, workspace["required"]) == (True, ["name"])
    needed, settings = body("patch", "/workspaces/{id}")
    assert (needed, "required" in settings) == (False, False)
    assert settings["properties"]["name"]["type"] == "string"
    assert settings["properties"]["timezone"]["type"] == ["string", "null"]
    for method, path in (
        ("post", "/contacts"),
        ("post", "/deals"),
        ("patch", "/deals/{id}"),
    ):  # may be about one that is there
        needed, record = body(method, path)
        assert not needed
        assert "required" not in record
        assert ("version" in record["properties"]) == (method == "patch")
    assert body("post", "/auth/verify")[1]["required"] == ["email", "code"]
    assert not body("post", "/workspaces/{id}/tokens")[0]
    search = {
        parameter["name"]: parameter["required"] for parameter in described["paths"]["/search"]["get"]["parameters"]
    }
    assert search == {"q": True} | dict.fromkeys(
        ("format", "types", "explain", "timezone", "fields", "max_tokens", "bom", "raw"), False
    )


def test_openapi_says_which_operations_need_no_token(someone: Person, described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            status = someone.request(method, unknown(path)).status_code
            assert (status == 401) == ("security" not in operation), (method, path)


def test_health_is_told_without_a_token_in_text_and_in_json(someone: Person) -> None:
    assert someone.text("GET", "/healthz") == "ok\n"
    assert someone.text("GET", "/readyz") == "ready\n"
    assert someone.json_of("GET", "/healthz") == {"status": "ok"}
    assert someone.json_of("GET", "/readyz") == {"status": "ready"}


@pytest.mark.slow
def test_the_program_serves_its_documents_under_the_port_it_took(tmp_path: Path) -> None:
    with process(tmp_path / "data") as served, Person(served.url) as someone:
        assert f"BASE URL  {served.url}\n" in someone.text("GET", "/help")
        assert served.stop() == 0
