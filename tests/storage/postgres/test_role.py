"""Whoever owns the database and nothing else on its server can run crmkit on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.storage.postgres.brand import postgres as brand
from tests import postgres
from tests.house import ALICE, UNLIMITED, house
from tests.storage.postgres.both.twins import needs_server

pytestmark = needs_server

NAME = "plain_owner"


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database of a role that is no superuser."""
    postgres._admin(f"CREATE ROLE {NAME} LOGIN")
    postgres._admin(
        f"CREATE DATABASE {NAME} OWNER {NAME} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    )
    yield postgres.url_of(NAME).replace("//postgres@", f"//{NAME}@")
    postgres._admin(f"DROP DATABASE {NAME}")
    postgres._admin(f"DROP ROLE {NAME}")


def test_a_role_that_is_no_superuser_makes_the_schema_serves_and_examines(tmp_path: Path, url: str) -> None:
    data = {"CRMKIT_SERVER_DATA": url, "CRMKIT_SERVER_FILES": str(tmp_path)}
    with house(tmp_path, {**UNLIMITED, **data}) as home, home.sign_in(ALICE) as alice:
        assert alice.post("/contacts", json={"name": "Jane Kelason"}).status_code == 201
        assert "Jane" in alice.text("GET", "/contacts?search=kelson")
    bad = {finding.name for finding in brand(url).examine(tmp_path) if not finding.good}
    assert bad == {"durability"}  # the tests' own haste
