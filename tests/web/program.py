"""The real program as an operator runs it for others: on a port that is chosen beforehand, without local mode."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.house import Process, command


@contextmanager
def program(folder: Path, *arguments: str, **environ: str) -> Iterator[Process]:
    """Run `crmkit serve` until the block ends; what it prints is kept beside the folder."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    line, env = command("serve", "--port", str(port), "--data", str(folder), *arguments, **environ)
    output = folder.with_name(f"{folder.name}.output")
    with output.open("wb") as out:
        popen = subprocess.Popen(line, env=env, cwd=folder.parent, stdout=out, stderr=out)
    running = Process(popen, f"http://127.0.0.1:{port}", folder, output)
    try:
        _until_ready(running)
        yield running
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(10)


def _until_ready(running: Process) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert running.popen.poll() is None, f"the server ended: {running.printed()}"
        try:
            if httpx.get(f"{running.url}/readyz").text == "ready\n":
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the server did not start within 30 s")
