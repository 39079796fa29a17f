"""What the server answers is what its OpenAPI document says: schemathesis asks every operation, of a running server."""

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import schemathesis.specs.openapi.schemas  # else the first test loads it, beside a running server
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.core.jobs.kinds import actor_of, add
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.teams.rights.matrix import NOWHERE, newest_operation, planned_import, proposed

pytestmark = pytest.mark.slow

# whose ids are good for one case: a plan is dropped after a day, and started once; a proposal is closed once
PASSING = ("/imports/{id}", "/proposals/{id}")
NEVER = "2100-01-01T00:00:00Z"
FITTING, UNFIT = 12, 4  # cases of each operation: as the document wants them, and not so
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
STEPS = {"confirmation_required": "confirm", "escalation_required": "code"}  # error -> parameter of the second step


@dataclass
class Visitor:
    """Alice, who asks each operation of a document about records that exist, and notes what the document hides."""

    home: House
    alice: Person
    faults: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    answered: dict[str, Counter[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workspace: str = self.alice.json_of("GET", "/whoami")["workspace"]
        self._numbers = itertools.count(1)
        self._random = random.Random()
        self._kept = {"/workspaces/{id}": self.workspace}
        self._made_by: dict[str, Callable[[], str]] = {
            "/contacts/{id}": lambda: self._made("/contacts", name="Jane"),
            "/companies/{id}": lambda: self._made("/companies", name="Acme"),
            "/deals/{id}": lambda: self._made("/deals", title="Renewal"),
            "/tasks/{id}": lambda: self._made("/tasks", title="Call"),
            "/tickets/{id}": lambda: self._made("/tickets", subject="Help"),
            "/campaigns/{id}": lambda: self._made("/campaigns", name="Spring"),
            "/campaigns/{id}/members/{member_id}": self._joined,
            "/conversions/{id}": self._conversion,
            "/fields/{id}": self._declared,
            "/views/{id}": lambda: self._made("/views", name=f"view-{next(self._numbers)}", path="/contacts"),
            "/scoring-rules/{id}": lambda: self._made("/scoring-rules", name="Warm", expression="activities"),
            "/webhooks/{id}": self._webhook,
            "/webhooks/{id}/deliveries/{delivery_id}": self._delivery,
            "/links/{id}": lambda: self._made("/links", path="/contacts"),
            "/imports/{id}": self._import,
            "/proposals/{id}": lambda: proposed(self.home, self.alice, self.workspace, "Proposed"),
            "/jobs/{id}": lambda: add(self.home, actor_of(self.home, self.alice), "none", None, NEVER).id,
            "/undo/{operation_id}": self._operation,
            "/activities/{id}": lambda: self._made(f"/contacts/{self.id('/contacts/{id}')}/activities", body="Hello"),
            "/tokens/{id}": self._token,
            "/workspaces/{id}": lambda: self._made("/workspaces", name="Side"),
            "/workspaces/{id}/invites/{invite_id}": self._invite,
            "/workspaces/{id}/members/{user_id}": self._member,
        }

    def id(self, place: str, fresh: bool = False) -> str:
        """Return the id of something that exists for the last gap of `place`; a fresh one is given to nobody else."""
        if place not in self._made_by:
            pytest.fail(f"there is no id for {place}: say in this file how one is made")
        if fresh or place in PASSING:
            return self._made_by[place]()
        if place not in self._kept:
            self._kept[place] = self._made_by[place]()
        return self._kept[place]

    def visit(self, document: dict[str, Any]) -> None:
        """Ask every operation of the document."""
        with requests.Session() as session:
            found = (found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations())
            for operation in sorted(found, key=lambda operation: operation.label):  # their order is no fixed one
                self._random.seed(operation.label)
                self.answered[operation.label] = Counter()
                self._ask(session, operation, GenerationMode.POSITIVE, FITTING)
                self._ask(session, operation, GenerationMode.NEGATIVE, UNFIT)

    def _ask(self, session: requests.Session, operation: Any, mode: GenerationMode, cases: int) -> None:
        fits = mode is GenerationMode.POSITIVE

        @settings(
            max_examples=cases,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            operation.as_strategy(generation_mode=mode),
            st.sampled_from(["application/json", "application/json", "text/plain", "*/*"]),
            st.integers(0, 3),
            st.just(True) if fits else st.sampled_from([True, True, True, False]),
        )
        def ask(case: Any, accept: str, parameters: int, real: bool) -> None:
            self.home.clock.move(hours=2)  # the limits of codes count by the hour and the day
            if real:
                self._set_ids(case)
            if fits:
                self._set_query(case, parameters)
                self._set_body(case)
            caller = self._somebody() if case.operation.path == "/me" else self.alice
            headers = {"Accept": accept, "Authorization": f"Bearer {caller.token}"} if real else {"Accept": accept}
            response = self._answer(session, case, headers)
            step = STEPS.get(_error(response)) if fits else None
            if step is not None:
                told = response.json()[step] if step == "confirm" else self.home.letterbox.code_for(caller.email)
                case.query = {**case.query, step: told}
                self._answer(session, case, headers)

        ask()

    def _answer(self, session: requests.Session, case: Any, headers: dict[str, str]) -> Response:
        response: Response = case.call(base_url=self.home.url, session=session, headers=headers)
        label = case.operation.label
        self.asked[label] += 1
        self.answered[label][response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            self.faults += [f"{label}: {failure.title}: {failure.message}" for failure in group.exceptions]
        return response

    def _set_ids(self, case: Any) -> None:
        path = case.operation.path
        case.path_parameters = {
            gap[1]: self.id(path[: gap.end()], fresh=case.method == "DELETE" and gap.end() == len(path))
            for gap in re.finditer(r"{(\w+)}", path)
        }

    def _set_query(self, case: Any, most: int) -> None:
        """Leave so many of the parameters that need not be there: nearly every list takes a few, and none takes all."""
        needed = {parameter.name for parameter in case.operation.query if parameter.is_required}
        optional = [name for name in case.query if name not in needed][:most]
        case.query = self._sensible({name: case.query[name] for name in case.query if name in {*needed, *optional}})
        path = case.operation.path
        if case.method in ("PATCH", "DELETE") and "{" not in path and path != "/me":  # all that filters find
            some = {"since": "2027-06-10"} if path == "/activities" else {"id": f"in:{self.id(path + '/{id}', True)}"}
            case.query = some if self._random.random() < 0.8 else case.query | some

    def _set_body(self, case: Any) -> None:
        if not isinstance(case.body, dict):
            return
        left = {name for name in case.body if name in ("contact", "company", "deal") and self._random.random() < 0.8}
        if case.method == "PATCH":  # a few members: one that does not fit refuses the whole
            left |= {*list(case.body)[self._random.randint(1, 4) :]}
        case.body = self._sensible({name: content for name, content in case.body.items() if name not in left})
        if case.method == "POST" and case.operation.path in ("/contacts", "/companies"):  # they may merge by another
            case.body.setdefault("name", "Jane")
        title = {"/tasks": "title", "/deals": "title", "/tickets": "subject"}.get(case.operation.path)
        if case.method == "POST" and title:
            case.body.setdefault(title, "Call")
        if case.method == "POST" and case.operation.path == "/activities":
            own = {name: content for name, content in case.body.items() if not name.endswith("_id")}
            case.body = {**own, "contact_id": self.id("/contacts/{id}")}
        if case.operation.path.endswith("/activities"):
            case.body = {name: content for name, content in case.body.items() if name not in ("ticket_id", "status")}
            case.body.setdefault("body", "Hello")
        if case.operation.path == "/duplicates/dismiss":
            case.body = {name: self.id("/contacts/{id}", fresh=True) for name in ("a", "b")}
        if "expression" in case.body:
            case.body = {**case.body, "expression": "activities"}
        if case.operation.path == "/campaigns/{id}/members":
            case.body = {**case.body, "id": self.id("/contacts/{id}")}
        if case.operation.path.endswith("/merge"):  # of which the other goes
            case.body = {**case.body, "from": self.id(case.operation.path.removesuffix("/merge"), fresh=True)}
        if case.operation.path == "/auth/verify":
            email = self._address()
            self.alice.post("/auth/request", json={"email": email})
            case.body = {**case.body, "email": email, "code": self.home.letterbox.code_for(email)}

    def _sensible(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return what was sent, in which most of what has a form of its own (ids, dates, addresses) has it."""
        values: dict[str, Callable[[], Any]] = {
            "action": lambda: "contact.create",
            "by": lambda: ALICE,
            "close_date": lambda: "2026-06-30",
            "company": lambda: self.id("/companies/{id}"),
            "company_id": lambda: self.id("/companies/{id}"),
            "contact": lambda: self.id("/contacts/{id}"),
            "contact_id": lambda: self.id("/contacts/{id}"),
            "count": lambda: "exact",
            "currency": lambda: "EUR",
            "days": lambda: "7",
            "deal": lambda: self.id("/deals/{id}"),
            "deal_id": lambda: self.id("/deals/{id}"),
            "done": lambda: False,
            "due_at": lambda: "2026-06-10T09:00:00Z",
            "domain": lambda: f"acme{next(self._numbers)}.com",
            "email": lambda: f"guest{self._random.randint(1, 20)}@example.com",
            "fields": lambda: "created_at",
            "follow_up_at": lambda: "2026-06-10T09:00:00Z",
            "happened_at": lambda: "2026-06-10T09:00:00Z",
            "on_behalf_of": lambda: ALICE,
            "owner": lambda: ALICE,
            "path": lambda: "/contacts?stage=lead",
            "q": lambda: "jane",
            "repeat": lambda: "weekly",
            "since": lambda: "2026-06-10",
            "sort": lambda: "-updated_at",
            "tags": lambda: ["vip"],
            "target": lambda: f"contact/{self.id('/contacts/{id}')}",
            "types": lambda: "deals,contacts",
            "until": lambda: "2027-06-10",
        }
        return {
            name: values[name]() if name in values and self._random.random() < 0.9 else content
            for name, content in sent.items()
        }

    def _made(self, path: str, /, **body: str) -> str:
        made: str = self.alice.json_of("POST", path, body)["id"]
        return made

    def _somebody(self) -> Person:
        """Return someone whose account may end."""
        person = self.home.sign_in(self._address())
        person.close()
        return person

    def _address(self) -> str:
        return f"colleague{next(self._numbers)}@example.com"

    def _joined(self) -> str:
        """Return the id of a new member of the campaign that paths have."""
        id = self._made("/contacts", name="Jane")
        self.alice.json_of("POST", f"/campaigns/{self.id('/campaigns/{id}')}/members", {"id": id})
        return id

    def _conversion(self) -> str:
        return self._made("/conversions", contact_id=self.id("/contacts/{id}"), platform="meta")

    def _declared(self) -> str:
        """Return the id of the one declared field: a kind has only so many."""
        for known in self.alice.json_of("GET", "/fields?limit=200")["items"]:
            self.alice.json_of("DELETE", f"/fields/{known['id']}")
        return self._made("/fields", kind="contact", key=f"key{next(self._numbers)}", type="text")

    def _webhook(self) -> str:
        return self._made("/webhooks", url=NOWHERE, active=False)

    def _delivery(self) -> str:
        """Return the id of what was sent to the one webhook that exists for the gap before."""
        return str(self.alice.json_of("POST", f"/webhooks/{self.id('/webhooks/{id}')}/test")["id"])

    def _import(self) -> str:
        """Return the id of the one import that is planned: a workspace has only so many."""
        for known in self.alice.json_of("GET", "/imports")["items"]:
            if known["state"] == "planned":
                self.alice.json_of("DELETE", f"/imports/{known['id']}")
        return planned_import(self.alice, "Jane")

    def _operation(self) -> str:
        return self.home.do(newest_operation(self.home, self.workspace))

    def _token(self) -> str:
        name = f"token {next(self._numbers)}"
        self.alice.post(f"/workspaces/{self.workspace}/tokens", json={"token_name": name})
        return next(token["id"] for token in self.alice.json_of("GET", "/tokens")["items"] if token["name"] == name)

    def _invite(self) -> str:
        return self._made(f"/workspaces/{self.workspace}/invites", email=self._address())

    def _member(self) -> str:
        email = self._address()
        self._made(f"/workspaces/{self.workspace}/invites", email=email)
        self.home.sign_in(email).close()
        members = self.alice.json_of("GET", f"/workspaces/{self.workspace}/members")["members"]
        return next(member["user_id"] for member in members if member["email"] == email)


def _error(response: Response) -> str:
    is_json = response.headers["content-type"][0] == "application/json"
    return str(response.json().get("error", "")) if is_json else ""


@pytest.fixture(scope="module", autouse=True)
def _no_traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hypothesis keeps its files elsewhere than in the tree."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))
    yield
    set_hypothesis_home_dir(None)


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    environ = {**UNLIMITED, "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1000000"}
    with house(tmp_path / "data", environ) as home, home.sign_in(ALICE) as alice:
        yield Visitor(home, alice)


@pytest.fixture
def document(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = visitor.alice.get("/openapi.json").json()
    return found


def test_every_operation_answers_as_the_document_says(visitor: Visitor, document: dict[str, Any]) -> None:
    visitor.visit(document)
    assert visitor.faults == []
    operations = {f"{method.upper()} {path}" for path, has in document["paths"].items() for method in has}
    assert set(visitor.asked) == operations
    assert min(visitor.asked.values()) >= 10
    unreached = {label: dict(seen) for label, seen in visitor.answered.items() if min(seen) >= 300}
    assert unreached == {}, "no case of these was more than refused"


def _alone(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """Return the document with this one operation; changing its responses leaves the original as it is."""
    operation = json.loads(json.dumps(document["paths"][path][method]))
    return {**document, "paths": {path: {method: operation}}}


@pytest.mark.parametrize(
    ("path", "method", "spoil", "told"),
    [
        ("/contacts/{id}", "get", lambda responses: responses.pop("200"), "Undocumented status code"),
        ("/contacts/{id}", "get", lambda responses: responses.pop("4XX"), "Undocumented status code"),
        ("/deals", "post", lambda responses: responses.pop("201"), "Undocumented status code"),
        (
            "/whoami",
            "get",
            lambda responses: responses["200"]["content"].pop("text/plain"),
            "Undocumented Content-Type",
        ),
        (
            "/search",
            "get",
            lambda responses: responses["200"]["content"]["application/json"].update(schema={"type": "array"}),
            "Response violates schema",
        ),
    ],
)
def test_an_answer_that_the_document_does_not_describe_is_noticed(
    visitor: Visitor,
    document: dict[str, Any],
    path: str,
    method: str,
    spoil: Callable[[dict[str, Any]], Any],
    told: str,
) -> None:
    less = _alone(document, path, method)
    spoil(less["paths"][path][method]["responses"])
    visitor.visit(less)
    assert {fault.split(": ")[1] for fault in visitor.faults} == {told}


def test_a_server_error_is_noticed(visitor: Visitor, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(visitor.home.crm.database), "read", None)
    visitor.visit(_alone(document, "/readyz", "get"))
    assert {fault.split(": ")[1] for fault in visitor.faults} == {"Server error"}


def test_a_route_for_which_no_id_can_be_made_is_noticed(visitor: Visitor, document: dict[str, Any]) -> None:
    operation = document["paths"]["/contacts/{id}"]["get"]
    with pytest.raises(pytest.fail.Exception, match=r"no id for /things/\{id\}"):
        visitor.visit({**document, "paths": {"/things/{id}": {"get": operation}}})
