"""The words of Klozeo, and ours for them: of fields, of operators, of errors."""

from collections.abc import Mapping

from crmkit.faces.answers import Errors
from crmkit.faces.klozeo import ids

PREFIX = "/api/v1"

# field of a lead -> field of a contact, or a key of its custom
FIELDS: Mapping[str, str] = {
    "id": "id",
    "name": "name",
    "source": "source",
    "description": "notes",
    "address": "address",
    "city": "city",
    "state": "region",
    "country": "country",
    "postal_code": "postal_code",
    "latitude": "latitude",
    "longitude": "longitude",
    "phone": "phone",
    "email": "email",
    "website": "website",
    "rating": "rating",
    "review_count": "custom.review_count",
    "category": "custom.category",
    "tags": "tags",
    "source_id": "source_id",
    "logo_url": "custom.logo_url",
    "status": "stage",
    "score": "score",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "last_interaction_at": "last_interaction_at",
}
THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in FIELDS.items()}
CUSTOM = tuple(theirs for theirs, ours in FIELDS.items() if ours.startswith("custom."))  # no attributes
TIMES = ("created_at", "updated_at", "last_interaction_at")
READ_ONLY = ("id", "score", *TIMES)  # which a body may have: it is left out

STATUSES = ("new", "contacted", "qualified", "disqualified", "converted")
UNSAID = "new"  # the status of a contact without a stage

# operator -> ours; those of the second table take no value
OPERATORS: Mapping[str, str] = {
    "eq": "eq",
    "neq": "ne",
    "contains": "like",
    "not_contains": "unlike",
    "starts_with": "starts",
    "ends_with": "ends",
    "in": "in",
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "array_contains": "eq",
    "array_not_contains": "ne",
    "within_radius": "within",
}
ALONE: Mapping[str, str] = {
    "is_empty": "is:null",
    "is_not_empty": "not:null",
    "not_empty": "not:null",
    "array_empty": "is:null",
    "array_not_empty": "not:null",
    "is_set": "not:null",
    "is_not_set": "is:null",
}

# event of ours -> their name of it
EVENTS: Mapping[str, str] = {
    **{f"contact.{what}": f"lead.{what}" for what in ("created", "updated", "deleted", "scored")},
    **{f"activity.{what}": f"note.{what}" for what in ("created", "updated", "deleted")},
    **{f"contacts.{what}": f"leads.{what}" for what in ("created", "updated", "deleted", "scored")},
    "contact.merged": "lead.deleted",  # of the one that is no more; the other one is updated
    "contacts.merged": "leads.deleted",
}

ERRORS = Errors(
    by_status={
        400: "bad_request",
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        405: "not_found",
        429: "rate_limit_exceeded",
    },
    own={
        **dict.fromkeys(("already_exists", "duplicate", "does_not_fit"), ("bad_request", 400)),
        "plan_limit_reached": ("leads_limit_reached", 403),
    },
    client="bad_request",
    server="internal_error",
    nouns={
        **{"contact": "lead", "contacts": "leads", "activity": "note", "activities": "notes"},
        **{"rule": "rule", "webhook": "webhook"},
    },
    names={**THEIRS, **{ours: theirs for theirs, ours in reversed([*OPERATORS.items()])}},
    id_of=ids.theirs,
    says={
        "auth_required": "Send your API key in the header X-API-Key.",
        "invalid_token": "The API key in X-API-Key is unknown, was revoked, or does not work from this address.",
        "token_expired": "The API key has ended. Ask who runs this workspace for a new one.",
        "scope_required": "The API key may not do this. Ask for one whose token has {scope}.",
        "escalation_required": "Send this with an API key that was not given to a connected app.",
        "not_found": "There is no {noun} with this id: it was deleted, or never was.",
        "invalid_operator": "This field takes other operators.",
        "unknown_path": f"There is nothing at this path. Paths of this API look like {PREFIX}/leads.",
        "already_exists": "Another {noun} has this value. Change that one, or send another value.",
        "duplicate": "There is such a {noun} already. Change that one.",
        "version_conflict": "It has changed since, and is at version {version} now. Read it, then send this again.",
        "invalid_value": "Send another value.",
        "missing_field": "Send what is missing.",
        "invalid_expression": "Correct the expression: numbers, names of fields, + - * /, comparisons, ? : and ().",
    },
)
