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
    nouns={"contact": "lead", "contacts": "leads", "ticket": "ticket"},
    names=THEIRS,
    id_of=str,
    says={
        "auth_required": "Send the header Authorization: Bearer with your API key.",
        "invalid_token": "The API key is unknown, was revoked, or does not work from this address. "
        "Send it as Authorization: Bearer KEY.",
        "token_expired": "The API key has ended. Ask who runs this workspace for a new one.",
        "scope_required": "{scope} is missing: ask for an API key with this scope.",
        "not_found": "There is no such {noun}: it was deleted, or never was. A lead is found by its id, or by code:X, "
        "where X is its uniqueCode.",
        "unknown_path": f"There is nothing at this path. GET {PREFIX}/SKILL.md lists all endpoints.",
        "already_exists": "Another {noun} has this value. Change that one, or send another value.",
        "duplicate": "There is such a {noun} already. Change that one.",
        "version_conflict": "It has changed since, and is at version {version} now. Read it, then send this again.",
        "invalid_value": "Send another value.",
        "missing_field": "Send what is required.",
    },
)

CODES: Mapping[str, tuple[int, str]] = {
    "UNAUTHORIZED": (401, "Missing, invalid, expired, or revoked API key"),
    "FORBIDDEN": (403, "The API key lacks a scope, or a cap of the plan is reached"),
    "VALIDATION_ERROR": (400, "Invalid request parameters (details contains field-level errors)"),
    "NOT_FOUND": (404, "Resource not found or deleted"),
    "RATE_LIMITED": (429, "Rate limit exceeded"),
    "INTERNAL_ERROR": (500, "Unexpected server error"),
}
