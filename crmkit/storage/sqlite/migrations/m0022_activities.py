"""2026-11-27. Activities are changed and searched, and records show when and how often somebody was in contact.

The indexes on links hold the kind of activity too, so the newest call is found without a look at other activities. Each
kind of record is written in one pass, from what its activities come to. The texts wait for the index, as those of any
write do. Nobody knows which POSTs reached a contact, so it begins with its creation and its activities. A million
activities take half a minute of work.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration, index, searchable

_CONTACT = "kind IN ('call', 'email', 'meeting')"
_NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
_MOST = 200  # addresses that a record shows


def _activities() -> Iterator[str]:
    yield "ALTER TABLE activities ADD COLUMN outcome TEXT"
    yield "ALTER TABLE activities ADD COLUMN outcome_key TEXT"
    yield "ALTER TABLE activities ADD COLUMN duration_minutes INTEGER"
    yield "ALTER TABLE activities ADD COLUMN source_id TEXT"
    yield "ALTER TABLE activities ADD COLUMN version INTEGER NOT NULL DEFAULT 1"
    yield "ALTER TABLE activities ADD COLUMN updated_at TEXT NOT NULL DEFAULT ''"
    yield "UPDATE activities SET updated_at = created_at"
    yield index("activities", "source_id", is_unique=True)
    yield from searchable("activities")
    yield (
        "INSERT INTO activities_unindexed (seq, title, rest) "
        "SELECT seq, char(10), crm_searched(json_array(body)) FROM activities"
    )
    yield """
        CREATE TABLE ahead (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        """
    yield "CREATE INDEX ahead_by_at ON ahead (at)"
    yield (
        "INSERT INTO ahead (at, workspace_id, id) SELECT occurred_at, workspace_id, id FROM activities "
        f"WHERE {_CONTACT} AND occurred_at > {_NOW}"
    )
    yield """
        CREATE TABLE activity_addresses (
            workspace_id TEXT NOT NULL,
            record_id TEXT NOT NULL,
            address TEXT NOT NULL,
            times INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, record_id, address)
        ) STRICT, WITHOUT ROWID
        """


def _records(table: str, name: str) -> Iterator[str]:
    link = f"{name}_id"
    yield f"DROP INDEX activities_by_{name}"
    yield (
        f"CREATE INDEX activities_by_{name} ON activities (workspace_id, {link}, occurred_at, id, kind) "
        f"WHERE {link} IS NOT NULL"
    )
    yield f"ALTER TABLE {table} ADD COLUMN last_contacted_at TEXT"
    yield f"ALTER TABLE {table} ADD COLUMN contacts_made INTEGER NOT NULL DEFAULT 0"
    yield f"ALTER TABLE {table} ADD COLUMN on_behalf_of TEXT"
    yield f"ALTER TABLE {table} ADD COLUMN on_behalf_of_key TEXT"
    yield (
        f"CREATE TEMP TABLE made AS SELECT workspace_id, {link} AS id, count(*) AS times, max(occurred_at) AS newest "
        f"FROM activities INDEXED BY activities_by_{name} "
        f"WHERE {link} IS NOT NULL AND {_CONTACT} AND occurred_at <= {_NOW} GROUP BY workspace_id, {link}"
    )
    yield (
        f"UPDATE {table} SET last_contacted_at = m.newest, contacts_made = m.times FROM temp.made AS m "
        f"WHERE {table}.workspace_id = m.workspace_id AND {table}.id = m.id"
    )
    yield "DROP TABLE temp.made"
    yield (
        "INSERT INTO activity_addresses (workspace_id, record_id, address, times) "
        f"SELECT workspace_id, {link}, on_behalf_of, count(*) FROM activities "
        f"WHERE {link} IS NOT NULL AND on_behalf_of IS NOT NULL GROUP BY workspace_id, {link}, on_behalf_of"
    )
    yield (
        "CREATE TEMP TABLE held AS SELECT workspace_id, record_id, json_group_array(address) AS addresses, "
        "',' || group_concat(address, ',') || ',' AS keys FROM (SELECT workspace_id, record_id, address, row_number() "
        "OVER (PARTITION BY workspace_id, record_id ORDER BY address) AS place FROM activity_addresses "
        "ORDER BY workspace_id, record_id, address) "
        f"WHERE place <= {_MOST} GROUP BY workspace_id, record_id"
    )
    yield (
        f"UPDATE {table} SET on_behalf_of = h.addresses, on_behalf_of_key = crm_fold(h.keys) FROM temp.held AS h "
        f"WHERE {table}.workspace_id = h.workspace_id AND {table}.id = h.record_id"
    )
    yield "DROP TABLE temp.held"
    yield index(table, "last_contacted_at", is_partial=True)


def _reached() -> Iterator[str]:
    yield "ALTER TABLE contacts ADD COLUMN last_interaction_at TEXT"
    yield (
        "CREATE TEMP TABLE reached AS SELECT workspace_id, contact_id AS id, max(created_at) AS newest FROM activities "
        "WHERE contact_id IS NOT NULL GROUP BY workspace_id, contact_id"
    )
    yield "UPDATE contacts SET last_interaction_at = created_at"
    yield (
        "UPDATE contacts SET last_interaction_at = r.newest FROM temp.reached AS r "
        "WHERE contacts.workspace_id = r.workspace_id AND contacts.id = r.id AND r.newest > contacts.created_at"
    )
    yield "DROP TABLE temp.reached"


MIGRATION = Migration(
    "activities as records",
    (
        *_activities(),
        *_records("contacts", "contact"),
        *_records("companies", "company"),
        *_records("deals", "deal"),
        *_reached(),
    ),
)
