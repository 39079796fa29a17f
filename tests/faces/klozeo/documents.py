"""What Klozeo's documents and clients name: routes, fields, operators, sorts, events. Tests compare it with ours."""

# their API reference, and the four clients
ROUTES = """
GET /leads · POST /leads · GET /leads/{} · PUT /leads/{} · PATCH /leads/{} · DELETE /leads/{}
POST /leads/batch · PUT /leads/batch · DELETE /leads/batch · GET /leads/export
GET /leads/{}/notes · POST /leads/{}/notes · PUT /notes/{} · DELETE /notes/{}
GET /leads/{}/attributes · POST /leads/{}/attributes · PUT /leads/{}/attributes/{} · DELETE /leads/{}/attributes/{}
GET /scoring-rules · POST /scoring-rules · GET /scoring-rules/{} · PUT /scoring-rules/{} · DELETE /scoring-rules/{}
POST /leads/{}/score · POST /leads/score/batch
GET /webhooks · POST /webhooks · DELETE /webhooks/{}
"""

# "Filter Operators", with the fields that pages and clients filter by
TEXTS = ("name", "email", "phone", "city", "source", "source_id", "website", "country", "state", "category", "status")
NUMBERS = ("rating", "score", "review_count")
OF_TEXTS = ("eq", "neq", "contains", "not_contains", "starts_with", "ends_with", "is_empty", "is_not_empty", "in")
OF_NUMBERS = ("eq", "neq", "gt", "gte", "lt", "lte")
OF_TAGS = ("array_contains", "array_not_contains", "array_empty", "array_not_empty")
OF_LOCATION = ("within_radius", "is_set", "is_not_set")
OF_ATTRIBUTES = ("eq", "neq", "contains", "gt", "gte", "lt", "lte")
ALIAS = "not_empty"  # of a page about n8n

# "List", and the types of the clients
SORTS = (
    *("name", "city", "country", "state", "category", "source", "email", "phone", "website", "rating", "review_count"),
    *("score", "created_at", "updated_at", "last_interaction_at"),
)

# "Supported events"
EVENTS = (
    *("lead.created", "lead.updated", "lead.deleted", "lead.scored", "note.created", "note.updated", "note.deleted"),
    *("leads.created", "leads.updated", "leads.deleted", "leads.scored"),
)
