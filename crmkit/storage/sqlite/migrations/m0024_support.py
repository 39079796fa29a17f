"""2026-11-27. Tickets."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, logged, searchable, table

TICKETS = (
    *("subject TEXT NOT NULL", "subject_key TEXT NOT NULL", "status TEXT NOT NULL", "priority TEXT NOT NULL"),
    *("contact_id TEXT", "contact_name TEXT", "contact_name_key TEXT"),
    *("company_id TEXT", "company_name TEXT", "company_name_key TEXT"),
    *("owner TEXT", "body TEXT", "tags TEXT", "tags_key TEXT", "notes TEXT", "custom TEXT"),
    *("follow_up_at TEXT", "follow_up_note TEXT", "follow_up_note_key TEXT"),
    *("source_id TEXT", "source_id_key TEXT", "closed_at TEXT"),
)

MIGRATION = Migration(
    "support",
    (
        table("tickets", TICKETS, {"contact_id": "contacts", "company_id": "companies"}),
        index("tickets", "source_id_key", is_unique=True),
        index("tickets", "updated_at"),
        index("tickets", "created_at"),
        index("tickets", "subject_key"),
        index("tickets", "status", "updated_at"),
        index("tickets", "priority", "updated_at"),
        index("tickets", "contact_id", "updated_at", is_partial=True),
        index("tickets", "company_id", "updated_at", is_partial=True),
        index("tickets", "follow_up_at", is_partial=True),
        index("tickets", "owner", "updated_at"),
        *searchable("tickets"),
        *logged("ticket"),
    ),
)
