"""The URL of a database: what is read of it, and what a session has whatever it says. No error shows a password."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage.interface.database import Unusable
from tests import postgres
from tests.house import run
from tests.storage.postgres.both.twins import needs_server

pytest.importorskip("psycopg")

OF_ROLE = {"extra_float_digits": "0", "lock_timeout": "20ms", "idle_session_timeout": "1s", "timezone": "CET"}
NAME = "other_settings"
ODD = (
    "SEC%ZZRET@h/d",
    "p@SECRET@127.0.0.1:1/d",
    "SECRET@[::1/d",
    "p@127.0.0.1:1/SECRET? #%ü@h/d",
    "p@127.0.0.1:1/SECRET?x@h/d",
    "1/SECRET@h/d",
    "SECRET/x@h/d",
    "SECRET?x@SECRET@h/d",
    "SECRET/d",
)


@pytest.mark.parametrize("odd", ODD)
def test_a_url_that_cannot_be_read_is_told_with_how_to_write_a_password_and_without_it(
    tmp_path: Path, odd: str
) -> None:
    from crmkit.storage.postgres.address import UNREADABLE
    from crmkit.storage.postgres.brand import postgres as brand

    other = brand(f"postgresql://crmkit:{odd}")
    with pytest.raises(Unusable) as raised:
        other.migrate(tmp_path)
    assert str(raised.value) == UNREADABLE
    assert [finding.what for finding in other.examine(tmp_path)] == [UNREADABLE]


@pytest.mark.slow
def test_no_command_shows_a_password_that_is_not_written_as_a_url_has_it(tmp_path: Path) -> None:
    for odd in ODD:
        url = f"postgresql://crmkit:{odd}"
        place = {"CRMKIT_SERVER_DATA": url, "CRMKIT_SERVER_FILES": str(tmp_path / "files")}
        for line in (("serve", "--port", "0"), ("doctor",), ("copy", "--from", url, "--to", "new")):
            ended = run(*line, cwd=tmp_path, **place)
            assert ended.returncode == 1
            assert "write odd characters" in ended.stdout + ended.stderr
            assert "SEC" not in ended.stdout + ended.stderr
            assert "Traceback" not in ended.stderr


def test_odd_characters_of_a_password_are_read_as_they_are_written_for_a_url() -> None:
    from crmkit.storage.postgres.address import parameters

    read = parameters(
        "postgresql://crmkit:p%40s%2Fs%3Aw%3F%25:#?@one,two:5433/d?user=a@b&target_session_attrs=read-write"
    )
    assert (read["password"], read["host"], read["user"]) == ("p@s/s:w?%:#?", "one,two", "a@b")
    assert read["target_session_attrs"] == "read-write"


def test_a_server_that_is_too_old_to_take_the_settings_of_a_session_is_told_as_that() -> None:
    import psycopg

    from crmkit.storage.postgres.engine.faults import unreachable

    said = 'connection failed: FATAL:  unrecognized configuration parameter "idle_session_timeout"'
    assert unreachable(psycopg.OperationalError(said)) == "PostgreSQL 14 or later is needed"


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database of a role that has settings of its own."""
    postgres._admin(f"CREATE ROLE {NAME} LOGIN")
    for name, value in OF_ROLE.items():
        postgres._admin(f"ALTER ROLE {NAME} SET {name} = '{value}'")
    made = f"CREATE DATABASE {NAME} OWNER {NAME} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    postgres._admin(made)
    yield postgres.url_of(NAME, "").replace("//postgres@", f"//{NAME}@")
    postgres._admin(f"DROP DATABASE {NAME} WITH (FORCE)")
    postgres._admin(f"DROP ROLE {NAME}")


def shown(url: str, *names: str) -> list[str]:
    """Return the settings of a session."""
    from crmkit.storage.postgres.engine.connection import connect

    with closing(connect(url)) as connection:
        return [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]


@needs_server
def test_settings_of_the_role_that_spoil_what_is_read_or_cut_it_off_are_not_those_of_a_session(url: str) -> None:
    assert shown(url, *OF_ROLE) == ["1", "0", "0", "UTC"]


@needs_server
def test_options_of_the_url_are_those_of_the_session_but_where_it_has_its_own(url: str) -> None:
    more = f"{url}&options=-c%20search_path%3Dcrm%20-c%20timezone%3DCET&application_name=sales"
    assert shown(more, "search_path", "timezone", "application_name") == ["crm", "UTC", "sales"]
    assert shown(url, "search_path", "application_name") == ['"$user", public', "crmkit"]
