"""SQLite as a brand: what the operator does beside a server and without one."""

from pathlib import Path

import pytest

from crmkit.storage.interface.database import InUse
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite import brand
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.folder import held
from crmkit.storage.sqlite.migrations import MIGRATIONS

NOW = "2026-06-10T09:00:00Z"


def add_user(tx: Tx) -> str:
    tx.connection.execute("INSERT INTO users VALUES ('u_aaaaaaaa', 'alice@example.com', ?, '', '')", (tx.now,))
    return "added"


def users(tx: Tx) -> list[str]:
    return [email for (email,) in tx.connection.execute("SELECT email FROM users")]


def test_one_unit_runs_in_a_folder_where_there_is_nothing_yet(tmp_path: Path) -> None:
    assert SQLITE.run(tmp_path / "data", add_user, [], NOW) == "added"
    assert SQLITE.run(tmp_path / "data", users, [], NOW) == ["alice@example.com"]
    assert SQLITE.migrate(tmp_path / "data") == []


def test_what_a_unit_raises_is_raised_and_nothing_of_it_stays(tmp_path: Path) -> None:
    def failing(tx: Tx) -> None:
        add_user(tx)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        SQLITE.run(tmp_path, failing, [], NOW)
    assert SQLITE.run(tmp_path, users, [], NOW) == []


def test_one_unit_runs_beside_a_server_if_this_sqlite_has_no_wal_reset_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SQLITE.migrate(tmp_path) == [f"{at:04d} {each.name}" for at, each in enumerate(MIGRATIONS, 1)]
    with held(tmp_path):
        monkeypatch.setattr(brand, "is_fixed", lambda version: True)
        assert SQLITE.run(tmp_path, add_user, [], NOW) == "added"
        monkeypatch.setattr(brand, "is_fixed", lambda version: False)
        with pytest.raises(InUse, match="must not be written beside it: stop it first"):
            SQLITE.run(tmp_path, users, [], NOW)
        with pytest.raises(InUse):
            SQLITE.migrate(tmp_path)
