"""Litestream replicates the database of a running server; what it restores after both were killed is whole.

It needs the program, on the PATH or where LITESTREAM says:
go install github.com/benbjohnson/litestream/cmd/litestream@latest
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import UNLIMITED, Person, process, run

LITESTREAM = os.environ.get("LITESTREAM") or shutil.which("litestream")
HANGS = 120  # seconds after which something does not happen any more
MANY = 200

pytestmark = pytest.mark.skipif(LITESTREAM is None, reason="litestream is not installed (see the docstring)")


@contextmanager
def replicated(settings: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Litestream until the block ends, then kill it."""
    with log.open("wb") as out:
        started = subprocess.Popen([str(LITESTREAM), "replicate", "-config", str(settings)], stdout=out, stderr=out)
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)


def restored(settings: Path, database: Path, file: Path) -> int:
    """Have Litestream restore a database to a new file, and return how many contacts are in it; -1 while none is."""
    words = [str(LITESTREAM), "restore", "-config", str(settings), "-o", str(file), str(database)]
    if subprocess.run(words, capture_output=True, timeout=60, check=False).returncode:
        return -1
    with closing(connect(file, False)) as connection:
        found: int = connection.execute("SELECT count(*) FROM contacts").fetchone()[0]
        return found


def test_what_it_restores_after_a_kill_is_whole_and_served(tmp_path: Path) -> None:
    folder, settings = tmp_path / "data", tmp_path / "litestream.yml"
    replica = {"type": "file", "path": str(tmp_path / "replica")}
    settings.write_text(json.dumps({"dbs": [{"path": str(folder / FILE), "replica": replica}]}))  # JSON is YAML
    with process(folder, **UNLIMITED) as served, replicated(settings, tmp_path / "log"), served.sign_in() as alice:
        for number in range(MANY):
            assert alice.post("/contacts", json={"name": f"Jane {number}"}).status_code == 201
        deadline = time.monotonic() + HANGS
        tries = 0
        while restored(settings, folder / FILE, tmp_path / f"try{tries}.db") < MANY:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            tries += 1
        for number in range(MANY):  # of which the last ones may be lost
            assert alice.post("/contacts", json={"name": f"José {number}"}).status_code == 201
        served.kill()
        token = alice.token
    found = restored(settings, folder / FILE, tmp_path / "restored.db")
    assert MANY <= found <= 2 * MANY
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    shutil.copy(folder / "secret.key", other)
    assert run("restore", "restored.db", "--data", "other", cwd=tmp_path).returncode == 0
    looked = run("doctor", "--data", "other", cwd=tmp_path)
    assert looked.returncode == 0, looked.stdout
    with process(other, **UNLIMITED) as served, Person(served.url, token) as alice:
        assert alice.json_of("GET", "/contacts?limit=1")["total"] == found
        assert alice.post("/contacts", json={"name": "Ann"}).status_code == 201
        assert served.stop() == 0
