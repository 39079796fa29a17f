"""2026-11-27. Invites end with the admin who made them; those of people who are no longer admins are withdrawn."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "invites",
    (
        "DELETE FROM invites WHERE NOT EXISTS (SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id "
        "WHERE m.workspace_id = invites.workspace_id AND m.role = 'admin' AND u.email = invites.invited_by)",
    ),
)
