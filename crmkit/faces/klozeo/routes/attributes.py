"""The routes of the attributes of a lead, which are keys of custom of a contact."""

from typing import Any

from crmkit.core.reading import lists
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.faces.answers import Given
from crmkit.faces.klozeo import attribute
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.routes.leads import contact_id, nothing
from crmkit.model.body import decode_value
from crmkit.model.record import Kinds, Record
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import Route

VALUE = "value"  # the one member of a body that is not the value itself


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of attributes."""
    contact = kinds.by_word[CONTACT.plural]
    path = "/leads/{id}/attributes"

    async def contact_of(call: HttpCall, id: str) -> Record:
        return await lists.fetch(call, contact, contact_id(contact, id))

    @route("GET", path, "list_attributes", contact, "read")
    async def list_attributes(call: HttpCall, id: str) -> Answer:
        found: Any = await contact_of(call, id)
        return Given({"attributes": attribute.shown(found.id, found.custom)})

    async def put(call: HttpCall, id: str, name: str, value: Any) -> tuple[str, Saved]:
        """Write one key of custom, and return it; of several requests at once each changes its own."""
        unit = write.changing(call.crm, contact, id, {"custom": {name: value}}, call.asker, call.if_match())
        return await call.write(lambda tx: (name, unit(tx)))

    def shows_created(_: HttpCall, made: tuple[str, Saved]) -> Answer:
        return Given(_shown(*made), 201)

    def shows_changed(_: HttpCall, made: tuple[str, Saved]) -> Answer:
        return Given(_shown(*made))

    @route("POST", path, "create_attribute", contact, "write", shows=shows_created, status=201)
    async def create_attribute(call: HttpCall, id: str) -> tuple[str, Saved]:
        ((name, value),) = attribute.checked(await call.body()).items()
        return await put(call, contact_id(contact, id), name, value)

    @route("PUT", f"{path}/{{attribute}}", "change_attribute", contact, "write", shows=shows_changed)
    async def change_attribute(call: HttpCall, id: str, attribute: str) -> tuple[str, Saved]:
        found: Any = await contact_of(call, id)
        return await put(call, found.id, *_changed(found, attribute, await call.raw_body()))

    @route("DELETE", f"{path}/{{attribute}}", "delete_attribute", contact, "write", status=204, shows=nothing)
    async def delete_attribute(call: HttpCall, id: str, attribute: str) -> tuple[str, Saved]:
        found: Any = await contact_of(call, id)
        return await put(call, found.id, _named(found, attribute), None)

    return [list_attributes, create_attribute, change_attribute, delete_attribute]


def _named(contact: Any, id: str) -> str:
    return attribute.named(contact.id, contact.custom, id)


def _changed(contact: Any, id: str, body: bytes) -> tuple[str, Any]:
    """Return the key of custom that an attribute is, and the value that a body gives it; raises `invalid_value`.

    A body is the value itself, or an object with VALUE alone. Where the attribute is an object, and what VALUE has is
    none, the body is the value.
    """
    name = _named(contact, id)
    sent = decode_value(body, f'Send {{"{VALUE}": ...}}, or the value as JSON')
    type_ = attribute.type_of(contact.custom[name])
    is_wrapped = isinstance(sent, dict) and [*sent] == [VALUE]
    if is_wrapped and (type_ != "object" or isinstance(sent[VALUE], dict)):
        sent = sent[VALUE]
    return name, attribute.checked({"name": name, "type": type_, "value": sent})[name]


def _shown(name: str, saved: Saved) -> dict[str, Any]:
    contact: Any = saved.record
    return attribute.one(contact.id, name, contact.custom[name])
