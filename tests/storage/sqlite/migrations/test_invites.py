"""Invites by people who are no admins any more do not outlive the migration that says so."""

from contextlib import closing
from pathlib import Path

from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.storage.sqlite.migrations.released import fresh


def test_invites_of_people_who_are_no_admins_any_more_are_withdrawn(tmp_path: Path) -> None:
    file = fresh(tmp_path / "data")
    before = next(number for number, migration in enumerate(MIGRATIONS) if migration.name == "invites")
    migrate.run(file, connect, MIGRATIONS[:before])
    at = "'2026-06-10T09:00:00Z'"
    with closing(connect(file, True)) as connection:
        places = "INSERT INTO workspaces (id, name, plan, created_at, created_by)"
        connection.execute(f"{places} VALUES ('w', 'W', 'unlimited', {at}, 'a@x.com')")
        for name, role in (("a", "admin"), ("m", "member"), ("gone", "")):
            connection.execute(f"INSERT INTO users VALUES ('u_{name}', '{name}@x.com', {at})")
            if role:
                belong = "INSERT INTO memberships (workspace_id, user_id, role, joined_at)"
                connection.execute(f"{belong} VALUES ('w', 'u_{name}', '{role}', {at})")
            connection.execute(
                "INSERT INTO invites (workspace_id, id, email, role, created_at, invited_by) "
                f"VALUES ('w', 'inv_{name}', 'guest-{name}@x.com', 'member', {at}, '{name}@x.com')"
            )
    migrate.run(file, connect)
    with closing(connect(file, False)) as connection:
        assert connection.execute("SELECT id FROM invites").fetchall() == [("inv_a",)]
