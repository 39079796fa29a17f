"""The server makes backups by itself, in a folder of its own, and tells of those that fail."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crmkit.operate import backups
from crmkit.settings import SettingsError
from crmkit.storage.sqlite.backup import beside, make
from crmkit.storage.sqlite.engine.connection import connect
from tests.cli.test_cli import gives_up
from tests.house import process, run, settings_of

HANGS = 90  # seconds after which something does not happen any more
NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def becomes(wanted: Callable[[], bool], what: str) -> None:
    """Return once `wanted()` is true."""
    deadline = time.monotonic() + HANGS
    while not wanted():
        assert time.monotonic() < deadline, f"{what} does not happen"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_that_is_told_to_makes_a_backup_and_none_before_the_next_is_due(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "kept")}
    settings = settings_of(**told)
    assert backups.newest(settings) is None
    with process(tmp_path / "data", **told) as served:
        becomes(lambda: backups.newest(settings) is not None, "a backup")
        assert served.stop() == 0
    (made,) = (tmp_path / "kept").iterdir()
    with closing(connect(made, False)) as connection:
        label = beside.label(connection)
    assert label is not None
    newest = backups.newest(settings)
    assert newest is not None
    assert label.made_at == newest.isoformat().replace("+00:00", "Z")
    assert not backups.is_past(newest, newest + HOUR - timedelta(seconds=1), HOUR)
    assert "the backup failed" not in served.printed()


@pytest.mark.slow
def test_a_backup_that_fails_is_a_line_of_the_log_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "file")}
    with process(tmp_path / "data", **told) as served:
        becomes(lambda: "the backup failed" in served.printed(), "a line of the log")
        assert served.stop() == 0
    (line,) = (line for line in served.printed().splitlines() if "the backup" in line)
    assert line.endswith(f"it is tried again in 10 minutes: {tmp_path / 'file'} cannot be written: File exists")


@pytest.mark.slow
def test_a_server_makes_none_while_another_backup_is_written_there(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "kept")}
    (tmp_path / "kept").mkdir()
    part = backups.part_of(tmp_path / "kept" / backups.FILE)
    with make._held(part), process(tmp_path / "data", **told) as served:
        becomes(lambda: "the backup failed" in served.printed(), "a line of the log")
        assert served.stop() == 0
    assert f"another backup writes {part}: wait until it is done" in served.printed()
    assert list((tmp_path / "kept").iterdir()) == [part]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_data_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0)
    gives_up(run("backup", "b.db", "--data", "data", cwd=tmp_path), "data folder")


def test_one_is_due_once_the_newest_is_old_or_lies_ahead_or_never_was() -> None:
    assert backups.is_past(None, NOW, HOUR)
    assert backups.is_past(NOW - HOUR, NOW, HOUR)
    assert not backups.is_past(NOW - HOUR + timedelta(seconds=1), NOW, HOUR)
    assert not backups.is_past(NOW, NOW, HOUR)
    assert backups.is_past(NOW + timedelta(seconds=1), NOW, HOUR)


def test_a_folder_that_the_backups_would_be_lost_with_stops_the_start(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_FOLDER": str(tmp_path / "data" / "kept"), "CRMKIT_SERVER_DATA": str(tmp_path / "data")}
    backups.check(settings_of(**told))  # none are made
    with pytest.raises(SettingsError, match="inside the data folder .*name one outside of it"):
        backups.check(settings_of(CRMKIT_BACKUP_EVERY_HOURS="1", **told))
    done = run("serve", "--port", "0", cwd=tmp_path, CRMKIT_BACKUP_EVERY_HOURS="1", **told)
    gives_up(done, "[backup] folder is", "name one outside of it")
    assert list(tmp_path.iterdir()) == []
