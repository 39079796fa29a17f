"""Plans: what a workspace may hold; no crowd passes a cap, and everyone is told where they stand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.teams import office as desk
from tests.teams.office import JSON, address, enter, erased, error_of, new
from tests.teams.rights.matrix import NOWHERE

RESOURCES = REGISTRY.capped


@contextmanager
def planned(folder: Path, environ: Mapping[str, str] | None = None, **caps: int) -> Iterator[House]:
    """Run a server whose default plan `small` has these caps, read from a settings file."""
    config = folder / "crmkit.toml"
    rows = "".join(f"{name} = {cap}\n" for name, cap in caps.items())
    config.write_text(f'[plans]\ndefault = "small"\n[plans.small]\n{rows}')
    with desk.office(folder / "data", environ, file=config) as running:
        yield running


def about(person: Person) -> str:
    """Return the id of a contact."""
    there = person.json_of("GET", "/contacts")["items"]
    return there[0]["id"] if there else new(person, "/contacts", name="Jane")


def creates(resource: str, person: Person, count: int) -> list[Call]:
    """Return as many different ways to make one of these, each of which would succeed alone."""
    card = person.json_of("GET", "/whoami")
    if resource == "activities":
        path = f"/contacts/{about(person)}/activities"
        return [Call("POST", path, {"body": f"Call {n}"}) for n in range(count)]
    if resource == "members":
        path = f"/workspaces/{card['workspace']}/invites"
        return [Call("POST", path, {"email": address("guest")}) for _ in range(count)]
    bodies: dict[str, Callable[[int], dict[str, Any]]] = {
        "contacts": lambda n: {"name": f"Jane {n}", "email": f"jane{n}@acme.com"},
        "companies": lambda n: {"name": f"Acme {n}", "domain": f"acme{n}.com"},
        "deals": lambda n: {"title": f"Deal {n}"},
        "tasks": lambda n: {"title": f"Task {n}"},
        "tickets": lambda n: {"subject": f"Ticket {n}"},
        "campaigns": lambda n: {"name": f"Campaign {n}"},
        "conversions": lambda n: {"contact_id": about(person), "platform": "meta", "event": f"sale {n}"},
        "workspaces": lambda n: {"name": f"Shop {n}"},
        "webhooks": lambda n: {"url": f"{NOWHERE}/{n}"},
        "fields": lambda n: {"kind": "contact", "key": f"k{n}", "type": "text"},
    }
    return [Call("POST", f"/{resource}", bodies[resource](n)) for n in range(count)]


def used(person: Person, resource: str) -> tuple[int, int | None]:
    shown = person.json_of("GET", "/whoami")["usage"][resource]
    line = next(line for line in person.text("GET", "/whoami").splitlines() if line.startswith(f"{resource}: "))
    cap = "unlimited" if shown["cap"] is None else shown["cap"]
    assert line == f"{resource}: {shown['used']} / {cap}"
    return shown["used"], shown["cap"]


def refusals(answers: list[httpx.Response]) -> set[tuple[Any, ...]]:
    known = [answer.json() for answer in answers if answer.status_code == 403]
    for one in known:
        for part in (one["plan"], str(one["cap"]), str(one["used"]), one["resource"]):
            assert part in one["hint"]
    return {(one["error"], one["plan"], one["resource"], one["cap"], one["used"]) for one in known}


def test_a_plan_caps_records_declared_fields_activities_workspaces_and_members() -> None:
    assert set(RESOURCES) == {
        *(kind.plural for kind in REGISTRY.records),
        "fields",
        "webhooks",
        "activities",
        "workspaces",
        "members",
    }


@pytest.mark.slow
@pytest.mark.parametrize("resource", RESOURCES)
def test_fifty_creates_at_once_do_not_pass_a_cap_of_three(tmp_path: Path, resource: str) -> None:
    with planned(tmp_path, **{resource: 3}) as home:
        alice = enter(home, "alice@example.com")
        there = {"workspaces": 1, "members": 1}.get(resource, 0)  # her own, and herself
        assert used(alice, resource) == (there, 3)
        letters = len(home.letterbox.letters)
        calls = creates(resource, alice, 50)
        answers = at_once(home.url, calls, alice.token)
        assert statuses(answers) == {201: 3 - there, 403: 47 + there}
        assert refusals(answers) == {("plan_limit_reached", "small", resource, 3, 3)}
        assert used(alice, resource) == (3, 3)
        sent = home.letterbox.letters[letters:]
        assert len(sent) == (2 if resource == "members" else 0)  # nobody is invited in vain
        one = alice.send_it(calls[0].method, calls[0].path, {**calls[0].body, **unlike(resource)})
        assert error_of(one) == (403, "plan_limit_reached")
        assert "small" in one.text
        assert f"allows 3 {resource} and 3 are used" in one.text
        for other in (name for name in RESOURCES if name != resource):
            assert used(alice, other)[1] is None


def unlike(resource: str) -> dict[str, str]:
    """Return what makes a body another one than those in the crowd."""
    fresh = {"contacts": {"email": "late@acme.com"}, "companies": {"domain": "late.com"}, "fields": {"key": "late"}}
    return fresh.get(resource, {"email": "late@example.com"} if resource == "members" else {})


@pytest.mark.slow
@pytest.mark.parametrize("resource", RESOURCES)
def test_a_cap_of_zero_allows_no_create(tmp_path: Path, resource: str) -> None:
    with planned(tmp_path, **{resource: 0}) as home:
        alice = enter(home, "alice@example.com")
        there = used(alice, resource)[0]
        answers = at_once(home.url, creates(resource, alice, 3), alice.token)
        assert statuses(answers) == {403: 3}
        assert refusals(answers) == {("plan_limit_reached", "small", resource, 0, there)}
        assert used(alice, resource) == (there, 0)


def test_an_upsert_that_merges_needs_no_room_in_the_plan(tmp_path: Path) -> None:
    with planned(tmp_path, contacts=1, companies=1) as home:
        alice = enter(home, "alice@example.com")
        for path, key, value in (("/contacts", "email", "jane@acme.com"), ("/companies", "domain", "acme.com")):
            id = new(alice, path, **{"name": "First", key: value})
            merged = alice.post(path, json={key: value.upper(), "notes": "merged"})
            assert (merged.status_code, merged.text.splitlines()[-1]) == (200, "# updated")
            assert error_of(alice.post(path, json={"name": "Second"})) == (403, "plan_limit_reached")
            crowd = [Call("POST", path, {"name": "First", key: value, "notes": f"{n}"}) for n in range(20)]
            assert statuses(at_once(home.url, crowd, alice.token)) == {200: 20}
            erased(alice, f"{path}/{id}")
            assert alice.post(path, json={"name": "Second"}).status_code == 201
        assert used(alice, "contacts") == used(alice, "companies") == (1, 1)


def test_what_is_removed_makes_room_under_the_cap(tmp_path: Path) -> None:
    with planned(tmp_path, members=2, workspaces=2, activities=1, deals=1) as home:
        alice = enter(home, "alice@example.com")
        card = alice.json_of("GET", "/whoami")
        path = f"/workspaces/{card['workspace']}"
        invite = {"email": "dave@example.com"}
        id = new(alice, f"{path}/invites", **invite)
        assert alice.post(f"{path}/invites", json=invite).status_code == 201  # the same invite, once more
        assert error_of(alice.post(f"{path}/invites", json={"email": "e@example.com"})) == (403, "plan_limit_reached")
        assert alice.delete(f"{path}/invites/{id}").status_code == 200
        assert used(alice, "members") == (1, 2)
        new(alice, f"{path}/invites", **invite)
        dave = enter(home, invite["email"])
        assert used(alice, "members") == (2, 2)  # who joins takes the place of the invite
        assert error_of(alice.post(f"{path}/invites", json={"email": "e@example.com"})) == (403, "plan_limit_reached")
        member = dave.json_of("GET", "/whoami")["user"]
        assert alice.delete(f"{path}/members/{member}").status_code == 200
        assert used(alice, "members") == (1, 2)

        shop = new(alice, "/workspaces", name="Shop")
        assert error_of(alice.post("/workspaces", json={"name": "Third"})) == (403, "plan_limit_reached")
        assert desk.stepped(home, alice, "DELETE", f"/workspaces/{shop}").status_code == 200
        assert used(alice, "workspaces") == (1, 2)

        deal = new(alice, "/deals", title="Big")
        call = new(alice, f"/deals/{deal}/activities", body="Call")
        again = alice.post(f"/deals/{deal}/activities", json={"body": "Call"}, headers=JSON)
        assert again.json()["resource"] == "activities"
        assert alice.delete(f"/activities/{call}").status_code == 200
        new(alice, f"/deals/{deal}/activities", body="Call")
        erased(alice, f"/deals/{deal}")  # takes its activity along
        assert used(alice, "activities") == used(alice, "deals") == (0, 1)


def test_a_cap_counts_only_what_its_own_workspace_holds(tmp_path: Path) -> None:
    with planned(tmp_path, contacts=1, members=2) as home:
        alice, charlie = enter(home, "alice@example.com"), enter(home, "charlie@example.com")
        for person in (alice, charlie):
            new(person, "/contacts", name="Jane")
            assert used(person, "contacts") == (1, 1)
        other = desk.working_in(alice, new(alice, "/workspaces", name="Other"))
        new(other, "/contacts", name="Jane")
        assert used(other, "members") == (1, 2)


def test_whoami_tells_for_how_many_days_the_audit_log_is_kept(tmp_path: Path) -> None:
    with planned(tmp_path, audit_days=90) as home:
        alice = enter(home, "alice@example.com")
        assert alice.json_of("GET", "/whoami")["audit_days"] == 90
        assert "audit_days: 90" in alice.text("GET", "/whoami").splitlines()
    with desk.office(tmp_path / "other") as home:
        alice = enter(home, "alice@example.com")
        assert alice.json_of("GET", "/whoami")["audit_days"] is None
        assert "audit_days: unlimited" in alice.text("GET", "/whoami").splitlines()
