"""A pgbouncer for the tests, which gives transactions, not sessions: started before the PostgreSQL of the tests."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("pgbouncer")
PORT = 6432
_SETTINGS = """\
[databases]
* = {server}

[pgbouncer]
unix_socket_dir = {home}
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
logfile = {home}/log
{more}
"""


@contextmanager
def pooling(server: str, more: str = "") -> Iterator[str]:
    """Run one before the PostgreSQL with this connection string, with `more` settings; yields its own."""
    home = Path(tempfile.mkdtemp(prefix="crmkit-pooler-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses root
        shutil.chown(home, "postgres", "postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    settings = home / "settings"
    settings.write_text(_SETTINGS.format(server=server, home=home, port=PORT, more=more), encoding="utf-8")
    settings.chmod(0o644)
    assert PROGRAM is not None
    popen = subprocess.Popen([PROGRAM, str(settings)], stderr=subprocess.DEVNULL, cwd=home, **as_user)
    try:
        deadline = time.monotonic() + 20
        while not (home / f".s.PGSQL.{PORT}").exists():
            assert popen.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.02)
        yield f"host={home} port={PORT} user=postgres"
    finally:
        popen.kill()
        popen.wait(10)
        shutil.rmtree(home, ignore_errors=True)
