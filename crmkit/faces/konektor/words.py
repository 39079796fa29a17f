"""The words of Konektor, and ours for them: of fields, of statuses, of what keys may do, of errors."""

from collections.abc import Mapping

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

# their codes, each with its status; a refusal of ours without a code of theirs keeps its own status
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = ("UNAUTHORIZED", 401), ("FORBIDDEN", 403), ("NOT_FOUND", 404)
VALIDATION_ERROR, RATE_LIMITED, INTERNAL_ERROR = (
    ("VALIDATION_ERROR", 400),
    ("RATE_LIMITED", 429),
    ("INTERNAL_ERROR", 500),
)
_REFUSED, _FAILED = ("VALIDATION_ERROR", 0), ("INTERNAL_ERROR", 0)

# our code -> their code, with the status it is answered with, 0 for ours
ERRORS: Mapping[str, tuple[str, int]] = {
    **dict.fromkeys(
        (
            *("invalid_json", "invalid_file", "unknown_field", "missing_field", "invalid_value", "invalid_reference"),
            *("invalid_filter", "invalid_operator", "invalid_sort", "invalid_cursor", "unknown_format"),
            *("already_exists", "duplicate", "does_not_fit"),
        ),
        VALIDATION_ERROR,
    ),
    **dict.fromkeys(("auth_required", "invalid_token", "token_expired", "invalid_code"), UNAUTHORIZED),
    **dict.fromkeys(
        ("admin_required", "scope_required", "not_a_member", "escalation_required", "plan_limit_reached"), FORBIDDEN
    ),
    **dict.fromkeys(("not_found", "unknown_path"), NOT_FOUND),
    "method_not_allowed": ("NOT_FOUND", 0),
    **dict.fromkeys(
        (
            *("request_timeout", "confirmation_required", "undo_conflict", "proposal_closed", "proposal_outdated"),
            *("in_progress", "last_admin", "link_over", "version_conflict", "too_large", "unsupported_encoding"),
            *("idempotency_mismatch", "head_too_large"),
        ),
        _REFUSED,
    ),
    "rate_limited": RATE_LIMITED,
    "server_error": INTERNAL_ERROR,
    **dict.fromkeys(("not_ready", "busy", "mail_failed"), _FAILED),
}

CODES: Mapping[str, tuple[int, str]] = {
    "UNAUTHORIZED": (401, "Missing, invalid, expired, or revoked API key"),
    "FORBIDDEN": (403, "The API key lacks a scope, or a cap of the plan is reached"),
    "VALIDATION_ERROR": (400, "Invalid request parameters (details contains field-level errors)"),
    "NOT_FOUND": (404, "Resource not found or deleted"),
    "RATE_LIMITED": (429, "Rate limit exceeded"),
    "INTERNAL_ERROR": (500, "Unexpected server error"),
}
