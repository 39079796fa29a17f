"""The key of servers that start at once on one new folder."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crmkit.storage import secret

AT_ONCE, ROUNDS = 8, 40


def test_servers_that_start_at_once_have_one_key_and_leave_no_part_of_another(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        folder, barrier = tmp_path / f"{number}", threading.Barrier(AT_ONCE)
        folder.mkdir()

        def start(_: int, folder: Path = folder, barrier: threading.Barrier = barrier) -> bytes:
            barrier.wait(10)
            return secret.read_or_make(folder)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            keys = {*threads.map(start, range(AT_ONCE))}
        assert keys == {secret.read(folder)}
        assert [file.name for file in folder.iterdir()] == [secret.FILE]
        assert (folder / secret.FILE).stat().st_mode & 0o777 == 0o600
