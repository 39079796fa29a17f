"""2026-11-27. Tickets; campaigns with members; conversions, of which a contact opens one by itself."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, logged, searchable, table

TICKETS = (
    *("subject TEXT NOT NULL", "subject_key TEXT NOT NULL", "status TEXT NOT NULL"),
    *("status_key INTEGER NOT NULL", "priority TEXT NOT NULL", "priority_key INTEGER NOT NULL"),
    *("contact_id TEXT", "contact_name TEXT", "contact_name_key TEXT"),
    *("company_id TEXT", "company_name TEXT", "company_name_key TEXT"),
    *("owner TEXT", "body TEXT", "tags TEXT", "tags_key TEXT", "notes TEXT", "custom TEXT"),
    *("follow_up_at TEXT", "follow_up_note TEXT", "follow_up_note_key TEXT"),
    *("source_id TEXT", "closed_at TEXT"),
)

CAMPAIGNS = (
    *("name TEXT NOT NULL", "name_key TEXT NOT NULL", "status TEXT NOT NULL", "status_key INTEGER NOT NULL"),
    *(
        "description TEXT",
        "ad_platform TEXT",
        "ad_platform_key INTEGER",
        "starts_on TEXT",
        "ends_on TEXT",
        "owner TEXT",
        "custom TEXT",
    ),
    *("members INTEGER NOT NULL", "contacts INTEGER NOT NULL", "companies INTEGER NOT NULL"),
)

MEMBERSHIPS = (
    *("campaign_id TEXT NOT NULL", "contact_id TEXT", "company_id TEXT", "reason TEXT"),
    "reason_key TEXT CHECK ((contact_id IS NULL) <> (company_id IS NULL))",
)

CONVERSIONS = (
    *("contact_id TEXT NOT NULL", "contact_name TEXT", "contact_name_key TEXT"),
    *("platform TEXT NOT NULL", "platform_key INTEGER NOT NULL"),
    *("event TEXT NOT NULL", "event_key TEXT NOT NULL", "value_cents INTEGER", "currency TEXT NOT NULL"),
    *("occurred_at TEXT NOT NULL", "status TEXT NOT NULL", "status_key INTEGER NOT NULL"),
    *("synced_at TEXT", "failure TEXT", "failure_key TEXT"),
)

MIGRATION = Migration(
    "support",
    (
        table("tickets", TICKETS, {"contact_id": "contacts", "company_id": "companies"}),
        index("tickets", "source_id", is_unique=True),
        index("tickets", "updated_at"),
        index("tickets", "created_at"),
        index("tickets", "subject_key"),
        index("tickets", "status_key", "updated_at"),
        index("tickets", "priority_key", "updated_at"),
        index("tickets", "contact_id", "updated_at", is_partial=True),
        index("tickets", "company_id", "updated_at", is_partial=True),
        index("tickets", "follow_up_at", is_partial=True),
        index("tickets", "last_contacted_at", is_partial=True),
        index("tickets", "owner", "updated_at"),
        'CREATE INDEX "tickets_by_owner_and_follow_up_at" ON "tickets" (workspace_id, owner, follow_up_at, id) '
        "WHERE follow_up_at IS NOT NULL",
        *searchable("tickets"),
        *logged("ticket"),
        table("campaigns", CAMPAIGNS, {}, is_logged=False),
        index("campaigns", "updated_at"),
        index("campaigns", "created_at"),
        index("campaigns", "name_key"),
        index("campaigns", "status_key", "updated_at"),
        index("campaigns", "owner", "updated_at"),
        *searchable("campaigns"),
        table(
            "campaign_memberships",
            MEMBERSHIPS,
            {"campaign_id": "campaigns", "contact_id": "contacts", "company_id": "companies"},
            is_logged=False,
        ),
        index("campaign_memberships", "campaign_id", "created_at"),
        *(
            f'CREATE INDEX "campaign_memberships_by_campaign_of_{member}" ON "campaign_memberships" '
            f'(workspace_id, "campaign_id", "created_at", id, "{member}_id") WHERE "{member}_id" IS NOT NULL'
            for member in ("contact", "company")
        ),
        index("campaign_memberships", "contact_id", "campaign_id", is_unique=True),
        index("campaign_memberships", "company_id", "campaign_id", is_unique=True),
        table("conversions", CONVERSIONS, {"contact_id": "contacts"}, is_logged=False),
        index("conversions", "updated_at"),
        index("conversions", "created_at"),
        index("conversions", "occurred_at"),
        index("conversions", "status_key", "updated_at"),
        index("conversions", "contact_id", "updated_at"),
        "ALTER TABLE contacts ADD COLUMN converted_at TEXT",
    ),
)
