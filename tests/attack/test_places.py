"""What the campaigns know of the API: a meaning for every place for an id in the document that the routes make."""

from typing import Any

import httpx
import pytest

from attack.places import METHODS, NOUNS, PLACEHOLDER, Unknown, places, routes
from tests.house import House
from tests.kinds import PREFIXES, REGISTRY


@pytest.fixture
def known(home: House) -> dict[tuple[str, str], dict[str, Any]]:
    return routes(httpx.get(f"{home.url}/openapi.json").json())


def test_every_placeholder_of_the_described_api_is_a_place_with_a_meaning(
    known: dict[tuple[str, str], dict[str, Any]],
) -> None:
    found = [place for place in places(known) if place.where == "path"]
    unions = len(REGISTRY.members) - 1  # of the kinds that a member of a campaign may be
    assert len(found) == sum(len(PLACEHOLDER.findall(path)) for _, path in known) + unions
    assert {place.prefix for place in found} == set(NOUNS.values()) - {"au", "cm", "di"}
    assert all(f"{{{place.prefix}}}" in place.path or place.path.count("{}") == 1 for place in found)


def test_every_link_of_a_body_and_of_a_filter_is_a_place(known: dict[tuple[str, str], dict[str, Any]]) -> None:
    found = {(place.method, place.path, place.prefix) for place in places(known)}
    assert {("POST", "/deals", "c"), ("POST", "/campaigns/{ca}/members", "co"), ("PATCH", "/tasks/{t}", "ti")} <= found
    assert {("GET", "/deals?contact_id={}", "c"), ("GET", "/activities?id={}", "a")} <= found
    assert ("POST", "/contacts/{c}/merge", "c") in found
    assert all(place.prefix in PREFIXES for place in places(known))
    assert not [path for _, path, _ in found if "source_id={}" in path]


@pytest.mark.parametrize("method", METHODS)
def test_an_id_after_a_new_word_is_told_by_that_word(method: str) -> None:
    document = {"paths": {"/widgets/{id}": {method: {}}}}
    with pytest.raises(Unknown, match="/widgets/"):
        list(places(routes(document)))


def test_a_body_has_what_is_required_and_ones_own_ids_around_the_one_that_is_tried() -> None:
    fields = {
        "a": {"type": "string", "description": "one of the two; the id of a contact, like c_k7m2q9xa"},
        "b": {"type": "string", "description": "the other; the id of a contact, like c_k7m2q9xa"},
    }
    body = {"content": {"application/json": {"schema": {"properties": fields, "required": ["a", "b"]}}}}
    first, second = places({("POST", "/duplicates/dismiss"): {"requestBody": body}})
    assert first.filled("c_1", {"c": "c_2"}) == ("POST", "/duplicates/dismiss", {"a": "c_1", "b": "c_2"})
    assert second.filled("c_1", {"c": "c_2"}) == ("POST", "/duplicates/dismiss", {"a": "c_2", "b": "c_1"})
