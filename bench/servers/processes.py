"""Servers under measurement, each a process of its own on the first core: ours, the references, the peers."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
UNTOLD = "needs /proc, which tells the memory of a process"
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = _CORES[0] if _CORES else None
LOADER_CORE = _CORES[-1] if _CORES else None
START_SECONDS = 60
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("CRMKIT_")}
TICKS = os.sysconf("SC_CLK_TCK")


def pinned(process: subprocess.Popen[bytes], core: int | None) -> subprocess.Popen[bytes]:
    """Return the process that was just started, kept on this core with all that it starts itself."""
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    return process


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Server:
    """A running server; `seconds` is what it took from its start to its first answer."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        log: Path,
        environ: Mapping[str, str] | None = None,
        ready: str = "/",
        core: int | None = SERVER_CORE,
    ) -> None:
        self.name, self.port = name, port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        started = time.perf_counter()
        with log.open("wb") as written:
            process = subprocess.Popen(
                command,
                cwd=log.parent,
                env={**ENVIRON, "PYTHONPATH": str(ROOT), **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )
        self._process = pinned(process, core)
        try:
            self._wait(ready)
        except BaseException:
            self.stop()
            raise
        self.seconds = time.perf_counter() - started

    @property
    def pid(self) -> int:
        return self._process.pid

    def get(self, path: str, token: str = "", accept: str = "") -> bytes:
        """Return the body of an answer; raises OSError or RuntimeError when it is no good one."""
        return self._asked("GET", path, token, accept)

    def post(self, path: str, token: str, body: str) -> bytes:
        """Return the body of the answer to a POST; raises as `get` does."""
        return self._asked("POST", path, token, body=body)

    def patch(self, path: str, token: str, body: str) -> bytes:
        """Return the body of the answer to a PATCH; raises as `get` does."""
        return self._asked("PATCH", path, token, body=body)

    def _asked(self, method: str, path: str, token: str, accept: str = "", body: str | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Accept": accept} if accept else {}
        try:
            connection.request(method, path, None if body is None else body.encode(), headers)
            answer = connection.getresponse()
            found = answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{self.name}: {method} {path} is answered {answer.status}: {found[:200]!r}")
        return found

    def cpu_seconds(self) -> float:
        """Return the seconds that the process has computed so far; 0 where /proc does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> dict[str, float]:
        """Return its memory in MB as the kernel accounts it (Pss, Anonymous, ...); empty where it does not."""
        try:
            lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()[1:]
        except FileNotFoundError:
            return {}
        return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}

    def descriptors(self) -> int:
        """Return how many files it has open; 0 where /proc does not tell."""
        try:
            return len([*Path(f"/proc/{self._process.pid}/fd").iterdir()])
        except FileNotFoundError:
            return 0

    def settle(self, most: float = 10.0) -> None:
        """Wait until what follows writes is done: the process computes nothing any more."""
        end = time.perf_counter() + most
        while time.perf_counter() < end:
            before = self.cpu_seconds()
            time.sleep(0.3)  # longer than crmkit pauses between two batches of indexing
            if self.cpu_seconds() - before <= 0.02:
                return

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait(self, ready: str) -> None:
        end = time.perf_counter() + START_SECONDS
        while time.perf_counter() < end:
            if self._process.poll() is not None:
                break
            try:
                self.get(ready)
                return
            except OSError:
                time.sleep(0.005)
        said = self._log.read_text(errors="replace")[-500:]
        raise RuntimeError(f"{self.name} does not answer: {said}")


def product(
    name: str, folder: Path, log: Path, environ: Mapping[str, str] | None = None, core: int | None = SERVER_CORE
) -> Server:
    """Start crmkit as it is served, with every limit on and too high to be met."""
    port = free_port()
    settings = {
        "CRMKIT_SERVER_DATA": str(folder),
        "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "100000000",
        "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "100000000",
        "CRMKIT_SERVER_HOST": "127.0.0.1",
    }
    command = [sys.executable, "-m", "crmkit", "serve", "--port", str(port)]
    return Server(name, command, port, log, {**settings, **(environ or {})}, "/healthz", core)


def reference(kind: str, log: Path, environ: Mapping[str, str] | None = None) -> Server:
    """Start one of the applications of bench.references.applications."""
    port = free_port()
    return Server(kind, [sys.executable, "-m", "bench.references.applications", kind, str(port)], port, log, environ)
