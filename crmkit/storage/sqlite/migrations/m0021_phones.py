"""2026-11-27. Phone numbers are compared by their digits, and search finds them by those.

The digits of numbers that are there already are read without the country of their workspace. Their texts wait for the
index, as those of any write do. A million numbers take some ten seconds of work.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "phones",
    (
        "UPDATE contacts SET phone_key = crm_phone_key(phone) WHERE phone IS NOT NULL",
        """
        INSERT INTO contacts_unindexed (seq, title, rest)
        SELECT seq, char(10) || crm_searched(json_array(name)), crm_searched(json_array(
            email, crm_phone_found(phone), company_name, json(tags), notes
        ))
        FROM contacts WHERE phone IS NOT NULL
        ON CONFLICT (seq) DO UPDATE SET title = excluded.title, rest = excluded.rest
        """,
    ),
)
