"""Load on a server: wrk where there is one, else the own loader; always in a process and on a core of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.load.loader import SERIAL, Orders
from bench.servers.processes import LOADER_CORE, ROOT, Server, pinned

HERE = Path(__file__).parent
SERIAL_TEXT = SERIAL.decode()
SHORTEST_WRK = 0.8  # seconds that wrk needs before it reports anything


class Broken(Exception):
    """A measurement that says nothing, and why."""


@dataclass(frozen=True)
class Shot:
    """The requests of a file, sent to a server by so many connections at once."""

    server: Server
    requests: Path
    connections: int = 16
    token: str = ""
    writes: bool = False
    key: str = ""  # an Idempotency-Key, which may have a serial


class Result(msgspec.Struct):
    """What a round of load came to; times in ms, `cpu` the seconds that the server computed."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def us(self) -> float:
        """Microseconds that the server computed for a request."""
        return self.cpu / self.requests * 1e6


def chosen(asked: str) -> str:
    """Return which loader is used: the one asked for, or wrk if it is there."""
    return asked if asked != "auto" else "wrk" if shutil.which("wrk") else "own"


def fire(shot: Shot, seconds: float, loader: str, count: int = 0) -> Result:
    """Return what a server answers in this time, or what it takes to answer `count` requests. Raises Broken."""
    serial = time.time_ns() // 1_000 % 1_000_000_000
    before = shot.server.cpu_seconds()
    if loader == "wrk" and not count:
        result = _by_wrk(shot, max(seconds, SHORTEST_WRK), serial)
    else:
        result = _by_own(shot, seconds, serial, count)
    result.cpu = shot.server.cpu_seconds() - before
    if result.errors or not result.requests:
        raise Broken(f"{shot.server.name}: {result.errors} errors in {result.requests} answers")
    return result


def _by_wrk(shot: Shot, seconds: float, serial: int) -> Result:
    named = {"BENCH_REQUESTS": str(shot.requests), "BENCH_TOKEN": shot.token, "BENCH_KEY": shot.key}
    named["BENCH_SERIAL"] = str(serial)
    options = ["-t1", f"-c{shot.connections}", "-d60s", "--timeout", "30s"]
    command = ["wrk", *options, "-s", str(HERE / "wrk.lua"), shot.server.url]
    started = subprocess.Popen(command, env={**os.environ, **named}, stdout=subprocess.PIPE)
    with pinned(started, LOADER_CORE) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)  # it ends and reports; its own -d knows whole seconds alone
        printed, _ = process.communicate(timeout=30)
    last = printed.strip().splitlines()[-1:]
    if not last or not last[0].startswith(b"{"):
        raise Broken(f"wrk said {printed.decode(errors='replace')[-200:]}")
    return msgspec.json.decode(last[0], type=Result)


def _by_own(shot: Shot, seconds: float, serial: int, count: int) -> Result:
    orders = Orders(
        shot.server.port, str(shot.requests), shot.connections, shot.token, serial, seconds, count, shot.key
    )
    command = [sys.executable, "-m", "bench.load.loader"]
    started = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with pinned(started, LOADER_CORE) as process:
        printed, _ = process.communicate(msgspec.json.encode(orders))
    if process.returncode:
        raise Broken("the loader failed")
    return msgspec.json.decode(printed, type=Result)
