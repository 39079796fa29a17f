"""All processes of a database have one key: what one seals, another opens."""

import subprocess
from pathlib import Path

import pytest

from crmkit.storage import secret
from tests import postgres
from tests.house import command
from tests.storage.postgres.beside.processes import Processes

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]


def test_a_process_with_another_key_is_refused_and_a_copy_of_the_key_is_taken(
    processes: Processes, tmp_path: Path
) -> None:
    processes.start()
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    line, env = command("serve", "--port", "0", "--local", **postgres.environ(processes.folder))
    env["CRMKIT_SERVER_FILES"] = str(other)
    refused = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert "have another key" in refused.stderr
    key = processes.folder / secret.FILE
    (other / secret.FILE).write_bytes(key.read_bytes())
    two = processes.start(CRMKIT_SERVER_FILES=str(other))
    assert two.stop() == 0
