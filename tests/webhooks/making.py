"""Webhooks as tests make them."""

from typing import Any

from tests.house import Person
from tests.webhooks.receiver import Receiver


def made(person: Person, there: Receiver, **more: Any) -> dict[str, Any]:
    """Return a new webhook to a receiver, with its secret."""
    answer: dict[str, Any] = person.json_of("POST", "/webhooks", {"url": there.url, **more})
    assert "secret" in answer or "secret" in more, answer
    return answer


def sent(person: Person, webhook: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    """Return its deliveries, the newest first."""
    found: list[dict[str, Any]] = person.json_of("GET", f"/webhooks/{webhook['id']}/deliveries{query}")["items"]
    return found


def standing(person: Person, webhook: dict[str, Any]) -> dict[str, Any]:
    """Return the webhook as it is."""
    found: dict[str, Any] = person.json_of("GET", f"/webhooks/{webhook['id']}")
    return found
