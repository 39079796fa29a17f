"""The routes of webhooks: those that clients of Klozeo made, which tell events as `events` has them."""

from typing import Annotated, Any

from crmkit.core.configuration import rights
from crmkit.core.reading import lists
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.core.webhooks import verbs
from crmkit.core.webhooks.form import Spoken
from crmkit.core.webhooks.verbs import Made
from crmkit.errors import Problem
from crmkit.faces.answers import Given
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.events import FORM, NAME
from crmkit.faces.klozeo.routes.leads import nothing, page
from crmkit.faces.klozeo.words import EVENTS
from crmkit.model.events import names
from crmkit.model.events.types import EventNames, Receiver
from crmkit.model.fields import Invalid, LongText
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import CODE, Route


class Verbatim(LongText, frozen=True):
    """A text of which every character counts."""

    def cleaned(self, value: str) -> str:
        if len(value) > self.most:
            raise Invalid(f"must be {self.says}")
        return value


class WebhookBody:
    url: Annotated[str, Receiver(), REQUIRED, "where events are sent"]
    events: Annotated[list[str] | None, EventNames(FORM.events), "which; all unless sent"]
    secret: Annotated[str | None, Verbatim(500), "signs them"]


WEBHOOK = form_of(WebhookBody, "webhook")


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of webhooks."""
    webhook = kinds.by_word["webhook"]
    path = "/webhooks"

    def shows_made(call: HttpCall, made: Made) -> Answer:
        names = ("id", "url", "speaks", "state", "created_at")
        shown = _shown({name: getattr(made.record, name) for name in names})
        return Given(shown | ({"id": None} if call.is_dry else {}), 201)

    @route("GET", path, "list_webhooks", webhook, "read")
    async def list_webhooks(call: HttpCall) -> Answer:
        await rights.check_admin(call)
        found, _ = await page(call, webhook, [("speaks", "not:null"), ("sort", "created_at")])
        return Given({"webhooks": [_shown(each) for each in found if NAME in each["speaks"]]})

    @route(
        *("POST", path, "create_webhook", webhook, "write"),
        form=WEBHOOK,
        shows=shows_made,
        status=201,
        consent=CODE,
        query=("code",),
    )
    async def create_webhook(call: HttpCall) -> Made:
        await rights.check_admin(call)
        values = WEBHOOK.filled(await call.body())
        chosen = values["events"] or _readable(call, kinds)
        told = tuple(name for name in FORM.events if names.wants(chosen, name))
        ours = [name for name, theirs in EVENTS.items() if theirs in told]
        spoken = Spoken(NAME, told, values["secret"] or "")
        return await verbs.save(call, webhook, {"url": values["url"], "events": ours}, spoken=spoken)

    @route("DELETE", f"{path}/{{id}}", "delete_webhook", webhook, "delete", status=204, shows=nothing)
    async def delete_webhook(call: HttpCall, id: str) -> Saved:
        bare = ids.ours(id, "", webhook.prefix)
        await rights.check_admin(call)
        found: Any = await lists.fetch(call, webhook, bare)
        if NAME not in (found.speaks or {}):
            raise Problem("not_found", "No webhook has this id.")
        return await write.remove(call, webhook, bare, call.if_match())

    return [list_webhooks, create_webhook, delete_webhook]


def _readable(call: HttpCall, kinds: Kinds) -> list[str]:
    """Return the events of what the token reads; all where it reads none, which is refused as such."""
    access = call.actor.access
    found = [
        theirs for ours, theirs in EVENTS.items() if access.allows(f"{kinds.by_word[ours.partition('.')[0]].area}.read")
    ]
    return found or [names.ALL]


def _shown(values: Any) -> dict[str, Any]:
    """Return a webhook as they have it: alone of all times, that of a webhook is a text."""
    return {
        "id": ids.of(values["id"]),
        "url": values["url"],
        "events": values["speaks"][NAME],
        "active": values["state"] == names.SENDS,
        "created_at": values["created_at"],
    }
