"""Proposing a write, approving it, and the contact that most of them are about."""

from typing import Any

from crmkit.core.call import Call
from crmkit.core.pruning.sweep import sweep
from tests.house import House, Person
from tests.teams.office import JSON, new
from tests.web.proposals.conftest import Firm


def proposed(bot: Person, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = bot.send_it(method, path, body, headers={**JSON, **headers})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def approved(person: Person, proposal: dict[str, Any]) -> dict[str, Any]:
    answer = person.post(f"/proposals/{proposal['id']}/approve", headers=JSON)
    assert answer.status_code < 300, answer.text
    found: dict[str, Any] = answer.json()
    return found


def jane(firm: Firm, **more: Any) -> str:
    return new(firm.alice, "/contacts", **{"name": "Jane", "stage": "lead", **more})


def pages(person: Person, path: str) -> list[str]:
    found, cursor = list[str](), ""
    while cursor is not None:
        answer = person.json_of("GET", f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        found += [each["id"] for each in answer["items"]]
        cursor = answer["next_cursor"]
    return found


def swept(home: House) -> None:
    home.do(sweep(Call(home.crm)))
