"""The words of Konektor, and ours for them: of fields, of statuses, of what keys may do, of errors."""

from collections.abc import Mapping

from crmkit.faces.answers import Errors
from crmkit.records.conversion import PLATFORM

PREFIX = "/api/v2/agent"

# field of a lead -> field of a contact
FIELDS: Mapping[str, str] = {
    "id": "id",
    "uniqueCode": "code",
    "externalRef": "source_id",
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phone": "phone",
    "status": "stage",
    "priority": "priority",
    "source": "source",
    "adPlatform": "ad_platform",
    "assignedTo": "owner",
    "estimatedValue": "estimated_cents",
    "actualValue": "actual_cents",
    "notes": "notes",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in FIELDS.items()} | {"name": "firstName"}

STATUSES = (
    *("pageview", "new", "contacted", "responded", "qualified", "hot"),
    *("proposal", "negotiation", "invoice", "won", "lost"),
)
PRIORITIES = ("low", "medium", "high", "urgent")
SOURCES = ("website", "whatsapp", "phone", "email", "referral", "social", "ads", "event", "other")
PLATFORMS = PLATFORM.choices
TIMEFRAMES = ("today", "last_7_days", "last_30_days", "current_week", "current_month", "all_time")
TICKET_PRIORITIES = ("low", "normal", "high", "urgent")
TICKET_STATUSES: Mapping[str, str] = {"open": "new", "pending": "pending", "solved": "solved"}  # ours -> theirs

# what a lead has that says nothing
UNSAID: Mapping[str, str] = {"status": "new", "priority": "medium"}

# scope of a key -> scopes of a token
SCOPES: Mapping[str, tuple[str, ...]] = {
    "agent.leads.read": ("contacts.read",),
    "agent.leads.write": ("contacts.write",),
    "agent.analytics.read": ("analytics.read",),
    "agent.conversions.read": ("conversions.read", "contacts.read"),
    "agent.workspace.read": ("workspace.read",),
    "agent.support.write": ("tickets.write",),
}

ERRORS = Errors(
    by_status={
        400: "VALIDATION_ERROR",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        405: "NOT_FOUND",
        429: "RATE_LIMITED",
    },
    own=dict.fromkeys(("already_exists", "duplicate", "does_not_fit"), ("VALIDATION_ERROR", 400)),
    client="VALIDATION_ERROR",
    server="INTERNAL_ERROR",
)

CODES: Mapping[str, tuple[int, str]] = {
    "UNAUTHORIZED": (401, "Missing, invalid, expired, or revoked API key"),
    "FORBIDDEN": (403, "The API key lacks a scope, or a cap of the plan is reached"),
    "VALIDATION_ERROR": (400, "Invalid request parameters (details contains field-level errors)"),
    "NOT_FOUND": (404, "Resource not found or deleted"),
    "RATE_LIMITED": (429, "Rate limit exceeded"),
    "INTERNAL_ERROR": (500, "Unexpected server error"),
}
