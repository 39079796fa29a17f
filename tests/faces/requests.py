"""A request to each route of each face that is done: made of the route and its form, with ids as the face has them.

A route that is new is tried without a line here; a place of an id whose meaning is not known makes a test fail.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.attribute import id_of
from crmkit.faces.konektor.lead import LEAD
from crmkit.faces.registry import FACES
from crmkit.web.route import Route
from crmkit.web.routing.face import Face
from tests.house import Person
from tests.kinds import REGISTRY
from tests.teams.office import new
from tests.teams.rights.matrix import NOWHERE, PLACEHOLDER, bodies

ALL: tuple[Face, ...] = tuple(made(REGISTRY) for made in FACES.values())
ROUTES = [route for face in ALL for route in face.routes]
GUARDED = [route for route in ROUTES if not route.public]
WRITES = [route for route in GUARDED if route.writes]
ON = {"CRMKIT_SERVER_FACES": ",".join(FACES)}
KEY = "cuisine"  # of custom: an attribute of Klozeo

# what an id names by the word before it: one of ours, by its prefix, and how the face has it
NAMED: Mapping[str, Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "klozeo": {
        "leads": ("c", lambda own: ids.of(own, ids.LEAD)),
        "notes": ("a", lambda own: ids.of(own, ids.NOTE)),
        "attributes": ("c", lambda own: id_of(own, KEY)),
        "scoring-rules": ("sr", ids.of),
        "webhooks": ("wh", ids.of),
    },
    "konektor": {"leads": ("c", str)},
}
# of routes whose body is no form, or has more than a sample of its form says; {c} is the id of a lead
BODIES: Mapping[str, Any] = {
    "klozeo_create_leads": {"leads": [{"name": "Mine", "source": "tests"}]},
    "klozeo_change_leads": {"ids": ["{c}"], "data": {"city": "Berlin"}},
    "klozeo_delete_leads": {"ids": ["{c}"]},
    "klozeo_create_attribute": {"name": "size", "type": "number", "value": 5},
    "klozeo_change_attribute": {"value": "Greek"},
    "klozeo_create_rule": {"name": "Mine", "expression": "1"},
    "klozeo_change_rule": {"name": "Mine", "expression": "2"},
}


def face_of(route: Route) -> Face:
    return next(face for face in ALL if route.paths[0].startswith(f"{face.prefix}/"))


def meant(route: Route) -> Iterator[tuple[str, str, Callable[[str], str]]]:
    """Yield the name of each placeholder, the prefix of ours that stands there, and how the face has that."""
    path = route.paths[0]
    for found in PLACEHOLDER.finditer(path):
        word = path[: found.start()].rstrip("/").rpartition("/")[2]
        known = NAMED[face_of(route).name]
        assert word in known, f"nobody knows what an id after /{word}/ names, in {path}: add it to NAMED"
        yield (found[1], *known[word])


def furnished(person: Person, own: Mapping[str, str]) -> dict[str, str]:
    """Return these ids of what a person has, with that of a webhook as Klozeo's clients make it, and an attribute."""
    assert person.patch(f"/contacts/{own['c']}", json={"custom": {KEY: "Italian"}}).status_code == 200
    answer = person.post("/api/v1/webhooks", json={"url": NOWHERE})
    assert answer.status_code == 201, answer.text
    id = ids.ours(answer.json()["id"], "", "wh")
    assert person.patch(f"/webhooks/{id}", json={"active": False}).status_code == 200
    return {**own, "wh": id}


def belongings(person: Person) -> dict[str, str]:
    """Return the ids of a lead of one's own, a note, a rule and a webhook, by their prefixes."""
    contact = new(person, "/contacts", name="Jane Secret", email="secret@example.com")
    note = new(person, f"/contacts/{contact}/activities", body="Secret")
    rule = new(person, "/scoring-rules", name="Secret", expression="1")
    return furnished(person, {"c": contact, "a": note, "sr": rule})


def request_of(route: Route, own: Mapping[str, str]) -> tuple[str, str, Any]:
    """Return method, path and body of a request about what somebody has, whose ids are `own`, by their prefixes."""
    path = route.paths[0]
    for name, prefix, shown in meant(route):
        path = path.replace(f"{{{name}}}", shown(own[prefix]))
    lead = NAMED[face_of(route).name]["leads"][1](own["c"])
    body = BODIES.get(route.name) or (bodies(route.form)[0] if route.form else None) or None
    if route.form is LEAD:  # by a phone it is found again
        body = {"firstName": "Mine", "phone": "+4930123456"}
    if body and "ids" in body:
        body = {**body, "ids": [lead if each == "{c}" else each for each in body["ids"]]}
    return route.listed_methods[-1], path + ("?format=csv" if route.streams else ""), body
