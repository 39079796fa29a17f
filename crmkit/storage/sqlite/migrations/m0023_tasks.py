"""2026-11-27. Tasks; what is to be done is found by owner, for all kinds that have follow-ups."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, searchable, table

TASKS = (
    *("title TEXT NOT NULL", "title_key TEXT NOT NULL", "due_at TEXT", "owner TEXT", "done INTEGER NOT NULL"),
    *("repeat TEXT", "repeat_key TEXT", "contact_id TEXT", "contact_name TEXT", "contact_name_key TEXT"),
    *("company_id TEXT", "company_name TEXT", "company_name_key TEXT"),
    *("deal_id TEXT", "deal_name TEXT", "deal_name_key TEXT"),
    *("ticket_id TEXT", "ticket_name TEXT", "ticket_name_key TEXT"),
    *("tags TEXT", "tags_key TEXT", "notes TEXT", "custom TEXT", "source_id TEXT"),
    *("done_at TEXT", "repeats_from TEXT", "follows TEXT"),
)

LINKS = {"contact_id": "contacts", "company_id": "companies", "deal_id": "deals"}

MIGRATION = Migration(
    "tasks",
    (
        table("tasks", TASKS, LINKS, is_logged=False),
        index("tasks", "source_id", is_unique=True),
        index("tasks", "follows", is_unique=True),
        index("tasks", "updated_at"),
        index("tasks", "created_at"),
        index("tasks", "title_key"),
        index("tasks", "due_at", is_partial=True),
        index("tasks", "done", "due_at"),
        index("tasks", "owner", "updated_at"),
        'CREATE INDEX "tasks_by_owner_and_due_at" ON "tasks" (workspace_id, owner, done, due_at, id)',
        index("tasks", "contact_id", "updated_at", is_partial=True),
        index("tasks", "company_id", "updated_at", is_partial=True),
        index("tasks", "deal_id", "updated_at", is_partial=True),
        index("tasks", "ticket_id", "updated_at", is_partial=True),
        *searchable("tasks"),
        *(
            f'CREATE INDEX "{plural}_by_owner_and_follow_up_at" ON "{plural}" (workspace_id, owner, follow_up_at, id) '
            "WHERE follow_up_at IS NOT NULL"
            for plural in ("contacts", "deals")
        ),
    ),
)
