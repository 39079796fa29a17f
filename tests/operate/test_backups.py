"""The server makes backups by itself, in a folder of its own, and tells of those that fail."""

import asyncio
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from crmkit import boot
from crmkit.clock import stamp, system_clock
from crmkit.core.operating.backups import examine
from crmkit.operate import backups
from crmkit.settings import SettingsError
from crmkit.storage.sqlite.backup import carried, make
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import connect
from tests.cli.test_cli import gives_up
from tests.house import process, run, settings_of
from tests.storage.sqlite.backup.installation import installation

pytestmark = pytest.mark.sqlite  # it is about the folder

HANGS = 90  # seconds after which something does not happen any more
NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def is_own(file: Path) -> bool:
    """Tell whether a file is a backup, of whatever installation."""
    return make.label_of(file) is not None


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
    assert backups.newest(settings, system_clock(), is_own) is None
    (tmp_path / "kept").mkdir()
    odd = tmp_path / "kept" / "crmkit-99999999T999999Z.db"  # digits that are no time
    odd.touch()
    with process(tmp_path / "data", **told) as served:
        becomes(lambda: backups.newest(settings, system_clock(), is_own) is not None, "a backup")
        assert served.stop() == 0
    (made,) = set((tmp_path / "kept").iterdir()) - {odd}
    with closing(connect(made, False)) as connection:
        label = carried.label(connection)
    assert label is not None
    newest = backups.newest(settings, system_clock(), is_own)
    assert newest is not None
    assert label.made_at == newest.isoformat().replace("+00:00", "Z")
    assert not backups.is_past(newest, newest + HOUR - timedelta(seconds=1), HOUR)
    assert "the backup failed" not in served.printed()


@pytest.mark.slow
def test_the_server_keeps_as_many_as_it_is_told_to(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "kept"), "CRMKIT_BACKUP_KEEP": "2"}
    (tmp_path / "kept").mkdir()
    data, base, now = installation(tmp_path / "data", "Jane"), backups.base_of(settings_of(**told)), system_clock()
    old = [backups.back_up(SQLITE, data, base, 9, stamp(now - hours * HOUR))[0].file for hours in (3, 2)]
    with process(data, **told) as served:
        becomes(lambda: not old[0].exists(), "that the oldest is removed")
        assert served.stop() == 0
    kept = {file.name for file in (tmp_path / "kept").iterdir()}
    assert old[1].name in kept
    assert len(kept) == 2


def test_a_server_that_stops_ends_its_backup_and_leaves_nothing_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, pid = tmp_path / "slow", tmp_path / "pid"  # a program that takes long over a backup
    program.write_text(f'#!/bin/sh\necho half > "$2.part"\necho $$ > {pid}.new\nmv {pid}.new {pid}\nexec sleep 600\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    settings = settings_of(CRMKIT_BACKUP_EVERY_HOURS="1", CRMKIT_BACKUP_FOLDER=str(tmp_path / "kept"))

    async def stopped() -> None:
        task = boot.begin(backups.make_regularly(settings, system_clock, is_own))
        while not pid.exists():
            await asyncio.sleep(0.01)
        assert backups.part_of(backups.base_of(settings)).exists()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(stopped(), HANGS))
    assert list((tmp_path / "kept").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.slow
def test_a_backup_that_fails_is_a_line_of_the_log_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "file")}
    with process(tmp_path / "data", **told) as served:
        becomes(lambda: "the backup failed" in served.printed(), "a line of the log")
        assert served.stop() == 0
    (line,) = (line for line in served.printed().splitlines() if "the backup" in line)
    told = f"{tmp_path / 'file'} cannot be made or written: File exists; {backups.OTHER}"
    assert line.endswith(f"it is tried again in 10 minutes: {told}")


@pytest.mark.slow
def test_a_folder_that_cannot_be_looked_at_is_told_by_the_log_and_by_doctor(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / ("x" * 300))}
    with process(tmp_path / "data", **told) as served:
        becomes(lambda: "the backup failed" in served.printed(), "a line of the log")
        (line,) = (line for line in httpx.get(f"{served.url}/doctor").text.splitlines() if " backup: " in line)
        assert re.match(r"BAD +backup: \S+ cannot be read \(File name too long\); the log of the server says why", line)
        assert served.stop() == 0
    (line,) = (line for line in served.printed().splitlines() if "the backup" in line)
    assert line.endswith(f"x cannot be read: File name too long; {backups.OTHER}")


def test_a_program_that_was_moved_is_named_and_not_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "gone")])
    settings = settings_of(CRMKIT_BACKUP_EVERY_HOURS="1", CRMKIT_BACKUP_FOLDER=str(tmp_path / "kept"))

    async def told() -> None:
        task = boot.begin(backups.make_regularly(settings, system_clock, is_own))
        while not caplog.messages:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(asyncio.wait_for(told(), HANGS))
    (line,) = caplog.messages
    assert line.endswith(
        f": {tmp_path / 'gone'} cannot be started: No such file or directory; restart the server if it was moved"
    )


def test_work_beside_requests_that_ends_by_a_fault_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise OSError("the disk is gone")

    async def ends() -> None:
        await asyncio.wait([boot.begin(fails())])

    asyncio.run(ends())
    (record,) = caplog.records
    assert "fails ended by a fault and is not done any more: restart the server" in record.message
    assert record.exc_info
    assert str(record.exc_info[1]) == "the disk is gone"


def test_backups_of_a_time_to_come_are_told_and_make_none_of_now_go(tmp_path: Path) -> None:
    """The clock was wrong once."""
    settings = settings_of(CRMKIT_BACKUP_EVERY_HOURS="1", CRMKIT_BACKUP_FOLDER=str(tmp_path / "kept"))
    (tmp_path / "kept").mkdir()
    data, base = installation(tmp_path / "data", "Jane"), backups.base_of(settings)
    made = [backups.back_up(SQLITE, data, base, 1, stamp(at)) for at in (NOW + 99 * HOUR, NOW, NOW + HOUR)]
    assert [[old.name for old in removed] for _, removed in made] == [[], [], ["crmkit-20260610T090000Z.db"]]
    assert [backup.file.exists() for backup, _ in made] == [True, False, True]
    assert backups.newest(settings, NOW + HOUR, is_own) == NOW + HOUR
    (found,) = examine(settings, NOW + HOUR, is_own)
    assert not found.good
    assert f"{made[0][0].file.name} there is of a time to come: set the clock right, or move" in found.what
    (found,) = examine(settings, NOW + 99 * HOUR, is_own)
    assert found.good


@pytest.mark.slow
def test_a_server_makes_none_while_another_backup_is_written_there(tmp_path: Path) -> None:
    told = {"CRMKIT_BACKUP_EVERY_HOURS": "1", "CRMKIT_BACKUP_FOLDER": str(tmp_path / "kept")}
    (tmp_path / "kept").mkdir()
    part = backups.part_of(backups.base_of(settings_of(**told)))
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


def test_what_is_no_backup_of_this_installation_is_neither_removed_nor_counted(tmp_path: Path) -> None:
    settings = settings_of(CRMKIT_BACKUP_EVERY_HOURS="1", CRMKIT_BACKUP_FOLDER=str(tmp_path / "kept"))
    (tmp_path / "kept").mkdir()
    base = backups.base_of(settings)
    data, other = installation(tmp_path / "data", "Jane"), installation(tmp_path / "other", "Eve")
    notes, empty, foreign, theirs = (base.with_name(f"crmkit-2020010{day}T000000Z.db") for day in range(1, 5))
    notes.write_text("my notes")
    empty.touch()
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE mine (id)")
    SQLITE.backup(other, theirs, theirs.with_suffix(".part"), stamp(NOW))
    own = partial(SQLITE.is_backup_of, data)
    assert backups.newest(settings, NOW, own) is None
    (found,) = examine(settings, NOW, own)
    assert not found.good
    removed = [backups.back_up(SQLITE, data, base, 1, stamp(at))[1] for at in (NOW, NOW + HOUR)]
    assert [[old.name for old in some] for some in removed] == [[], ["crmkit-20260610T090000Z.db"]]
    assert all(file.exists() for file in (notes, empty, foreign, theirs))
    assert backups.newest(settings, NOW + HOUR, own) == NOW + HOUR


def test_a_backup_without_the_key_is_told_and_earlier_ones_stay(tmp_path: Path) -> None:
    data, base = installation(tmp_path / "data", "Jane"), tmp_path / "crmkit.db"
    made, _ = backups.back_up(SQLITE, data, base, 1, stamp(NOW))
    (data / "secret.key").unlink()
    later, removed = backups.back_up(SQLITE, data, base, 1, stamp(NOW + HOUR))
    assert "secret.key is missing: put back a copy of it" in later.lacks
    assert not made.lacks
    assert removed == []
    assert made.file.exists()
    wrong = {found.name: found.what for found in SQLITE.examine(data) if not found.good}
    assert "A start without it makes a new key: then open sign-in codes" in wrong["key"]
