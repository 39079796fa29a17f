"""The routes of notes, which are activities of the kind note on a contact."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import structs

from crmkit.core.call import Call
from crmkit.core.reading import lists
from crmkit.core.records import activities, logged, write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem
from crmkit.faces.answers import Given
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.lead import seconds
from crmkit.faces.klozeo.routes.leads import contact_id, nothing, page
from crmkit.model.fields import LongText
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import Route

WORD = "note"  # what such an activity is
LINK = CONTACT.activity_link
MOST = 1_000  # notes in one answer


class NoteBody:
    content: Annotated[str, LongText(20_000), REQUIRED, "the text"]


NOTE = form_of(NoteBody, "note")


def note_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the note that an activity is."""
    return {
        "id": ids.of(values["id"], ids.NOTE),
        "lead_id": ids.of(values[LINK], ids.LEAD),
        "content": values["body"],
        "created_at": seconds(values["created_at"]),
        "updated_at": seconds(values["updated_at"]),
    }


def is_note(values: Mapping[str, Any]) -> bool:
    """Tell whether an activity is a note on a lead."""
    return values.get("kind") == WORD and values.get(LINK) is not None


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of notes."""
    contact, activity = kinds.by_word[CONTACT.plural], kinds.activity

    def saved_note(call: HttpCall, saved: Saved) -> dict[str, Any]:
        return note_of(structs.asdict(saved.record)) | ({"id": None} if call.is_dry and saved.created else {})

    async def own_id(call: Call, id: str) -> str:
        """Return our id of a note; raises `not_found` also for an activity that is none, or on no lead."""
        bare = ids.ours(id, ids.NOTE, activity.prefix)
        found: Any = await lists.fetch(call, activity, bare)
        if not is_note(structs.asdict(found)):
            raise Problem("not_found", "No lead has a note with this id.")
        return bare

    @route("GET", "/leads/{id}/notes", "list_notes", activity, "read")
    async def list_notes(call: HttpCall, id: str) -> Answer:
        """Answer with the newest MOST, and whether there are more."""
        contact_of = await lists.fetch(call, contact, contact_id(contact, id))
        filters = [(LINK, f"eq:{contact_of.id}"), ("kind", f"eq:{WORD}"), ("sort", "-occurred_at")]
        found, cursor = await page(call, activity, filters, MOST)
        more = {"has_more": True} if cursor else {}
        return Given({"notes": [note_of(each) for each in found], **more})

    def shows_created(call: HttpCall, saved: Saved) -> Answer:
        return Given(saved_note(call, saved), 201)

    def shows_changed(call: HttpCall, saved: Saved) -> Answer:
        return Given(saved_note(call, saved))

    @route("POST", "/leads/{id}/notes", "create_note", activity, "write", form=NOTE, shows=shows_created, status=201)
    async def create_note(call: HttpCall, id: str) -> Saved:
        body = NOTE.filled(await call.body())
        return await logged.log(call, contact, contact_id(contact, id), {"kind": WORD, "body": body["content"]})

    @route("PUT", "/notes/{id}", "change_note", activity, "write", form=NOTE, shows=shows_changed)
    async def change_note(call: HttpCall, id: str) -> Saved:
        body = NOTE.filled(await call.body())
        return await write.change(call, activity, await own_id(call, id), {"body": body["content"]}, call.if_match())

    @route("DELETE", "/notes/{id}", "delete_note", activity, "delete", status=204, shows=nothing)
    async def delete_note(call: HttpCall, id: str) -> Saved:
        return await activities.remove(call, await own_id(call, id), call.if_match())

    return [list_notes, create_note, change_note, delete_note]
