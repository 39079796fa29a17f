"""Tokens that are made, and how they are answered."""

from typing import Any

from crmkit.clock import after
from tests.house import Person
from tests.teams.office import JSON, Team, person_of


def made(person: Person, workspace: str, **body: Any) -> Person:
    """Return the same person with a token of this access."""
    answer = person.post(f"/workspaces/{workspace}/tokens", json=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    return person_of(str(person.base_url), answer.json()["token"], person.email)


def ahead(us: Team, **span: float) -> str:
    """Return a moment that lies ahead of the server's clock."""
    return after(us.home.crm.now, **span)


def own(person: Person) -> dict[str, Any]:
    """Return the token that asks, as it is listed."""
    (found,) = (token for token in person.json_of("GET", "/tokens")["items"] if token["current"])
    assert isinstance(found, dict)
    return found


def refused(person: Person, path: str, body: Any, method: str = "POST") -> tuple[int, str, Any]:
    """Return (status, code, what is wrong with fields, or the scope that is missing)."""
    answer = person.send_it(method, path, body, headers=JSON)
    told = answer.json()
    return answer.status_code, told["error"], told.get("fields") or told.get("scope")
