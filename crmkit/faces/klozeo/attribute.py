"""An attribute: a key of custom, with a type and an id of its own."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from crmkit import ids
from crmkit.errors import Problem, listed, nearest
from crmkit.faces.klozeo.words import CUSTOM

# type -> whether a value is of it
TYPES: Mapping[str, Any] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "object": lambda value: isinstance(value, dict),
}
_NAMES = {str: "text", int: "number", float: "number", bool: "bool", list: "list", dict: "object"}
_NAMESPACE = uuid.NAMESPACE_URL.bytes


def shown(contact_id: str, custom: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the attributes that keys of custom are; those that a lead has as fields of its own are left out."""
    return [one(contact_id, name, value) for name, value in (custom or {}).items() if name not in CUSTOM]


def one(contact_id: str, name: str, value: Any) -> dict[str, Any]:
    return {"id": id_of(contact_id, name), "name": name, "type": type_of(value), "value": value}


def id_of(contact_id: str, name: str) -> str:
    """Return the id of an attribute of a contact: always the same for a name."""
    digest = hashlib.sha1(_NAMESPACE + f"crmkit:{contact_id}/{name}".encode(), usedforsecurity=False).digest()
    return ids.uuid_of(int.from_bytes(digest[:16]), version=5)  # as uuid.uuid5, in a third of the time


def type_of(value: Any) -> str:
    """Return the type of a value; one that a client of ours wrote, and none fits, is a list or a text."""
    return _NAMES.get(type(value), "text")


def custom_of(sent: Any) -> dict[str, Any]:
    """Return the keys of custom that a list of attributes is; raises `invalid_value`."""
    if not isinstance(sent, list):
        raise Problem("invalid_value", "Send attributes as a list.", fields={"attributes": "must be a list"})
    found: dict[str, Any] = {}
    for number, each in enumerate(sent):
        found |= checked(each, f"attributes.{number}.")
    return found


def checked(sent: Any, place: str = "") -> dict[str, Any]:
    """Return the key of custom that one attribute is; raises `invalid_value`, `place` before each name."""
    if not isinstance(sent, dict):
        raise Problem("invalid_value", "Send an attribute as an object.", fields={place or "body": "must be an object"})
    name, type_, value = sent.get("name"), str(sent.get("type")), sent.get("value")
    wrong: dict[str, str] = {}
    if not isinstance(name, str) or not name.strip():
        wrong[f"{place}name"] = "is required"
    elif name in CUSTOM:
        wrong[f"{place}name"] = f"is a field of the lead: send {name} there"
    if type_ not in TYPES:
        wrong[f"{place}type"] = f"must be {listed(TYPES, 'or')}{nearest(type_, TYPES)}"
    elif not TYPES[type_](value):
        wrong[f"{place}value"] = f"is no {type_}"
    if wrong:
        raise Problem("invalid_value", "Send name, type and value.", fields=wrong)
    return {str(name): value}


def named(contact_id: str, custom: Mapping[str, Any] | None, id: str) -> str:
    """Return the key of custom that has this id; raises `not_found`."""
    names: Iterable[str] = (name for name in custom or {} if name not in CUSTOM)
    found = next((name for name in names if id_of(contact_id, name) == id.strip().lower()), None)
    if found is None:
        raise Problem("not_found", "This lead has no attribute with this id.")
    return found
