"""The routes of the workspace, and of tickets for its support."""

from typing import Annotated, Any

from crmkit.core.people import teams
from crmkit.core.reading import lists
from crmkit.core.records import write
from crmkit.core.records.settled import Saved
from crmkit.errors import Problem
from crmkit.faces.konektor.answering import data, route
from crmkit.faces.konektor.lead import time
from crmkit.faces.konektor.words import TICKET_PRIORITIES, TICKET_STATUSES
from crmkit.model.fields import Choice, LongText, Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.records.ticket import TICKET
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import FREE, Route

SHORTEST = 3  # characters of a subject


class TicketBody:
    subject: Annotated[str, Text(180), REQUIRED, f"Ticket subject ({SHORTEST}–180 chars)"]
    message: Annotated[str, LongText(10_000), REQUIRED, "Ticket body (1–10000 chars)"]
    priority: Annotated[str | None, Choice(TICKET_PRIORITIES), "Priority (default: normal)"]


SUPPORT = form_of(TicketBody, "ticket")


def _shows(call: HttpCall, saved: Saved) -> Answer:
    ticket: Any = saved.record
    reference = "" if call.is_dry else ticket.id.rpartition("_")[2].upper()
    return data(
        {
            "ticketId": ticket.id,
            "ticketRef": f"{reference[:5]}-{reference[5:]}" if reference else None,
            "subject": ticket.subject,
            "status": TICKET_STATUSES[ticket.status],
            "priority": ticket.priority,
            "createdAt": time(ticket.created_at),
        },
        status=201,
    )


def routes(kinds: Kinds) -> list[Route]:
    """Return the routes of the workspace and of its support."""
    contact, ticket = kinds.by_word[CONTACT.plural], kinds.by_word[TICKET.plural]

    @route(kinds, "GET", "/workspace", "workspace", "agent.workspace.read")
    async def workspace(call: HttpCall) -> Answer:
        actor = call.actor
        members, _ = await teams.people(call, actor.workspace_id)
        created: int | None = None  # for a token that reads no contacts
        if actor.access.allows(f"{contact.plural}.read"):
            today = [("created_at", "during:today"), ("limit", "1"), ("count", "exact")]
            created = (await lists.find_all(call, contact, today)).paging.total
        return data(
            {
                "displayName": actor.workspace_name,
                "timezone": actor.preferences.timezone,
                "currency": actor.preferences.currency,
                "language": actor.preferences.language or None,
                "dateFormat": actor.preferences.date_format or None,
                "trackingCode": None,
                "subscription": {"plan": actor.plan, "status": "active", "interval": None, "currentPeriodEnd": None},
                "usage": {
                    "leadsPerDay": {"limit": None, "current": created},
                    "teamMembers": len(members),
                    "activeRotators": 0,
                },
            }
        )

    @route(
        kinds,
        *("POST", "/support/tickets", "create_ticket", "agent.support.write"),
        kind=ticket,
        form=SUPPORT,
        shows=_shows,
        consent=FREE,
        status=201,
    )
    async def create_ticket(call: HttpCall) -> Saved:
        values = SUPPORT.filled(await call.body())
        if len(values["subject"]) < SHORTEST:
            wrong = {"subject": f"must have at least {SHORTEST} characters"}
            raise Problem("invalid_value", "Send a longer subject.", fields=wrong)
        body = {"subject": values["subject"], "body": values["message"], "priority": values["priority"]}
        return await write.save(call, ticket, body)

    return [workspace, create_ticket]
