"""The real program, started as an operator starts it, on a free port of loopback and a data folder of its own."""

import asyncio
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from attack.client import Client, Gone
from crmkit import settings

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-m", "crmkit")
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("CRMKIT_")}
START_SECONDS = 30
# what bounds one client or token: lifted where a campaign must get past it to what it attacks
LIMITS = (
    "requests_per_minute",
    "requests_per_minute_user",
    "connections_per_client",
    "signins_per_minute",
    "mails_per_client",
    "mails_per_hour",
)
FAR_AWAY = "1000000"  # a limit that no campaign meets
# settings with which a client says by X-Forwarded-For where it comes from
PROXIED = '[server]\ntrusted_proxies = ["127.0.0.1"]\n'


class NotStarted(Exception):
    """The program ended, or did not answer, when it was started; the message is what it printed."""


class Program:
    """A started program. What it prints goes to `log`, in the order of all starts on the same folder."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, log: Path, since: int) -> None:
        self._process = process
        self._clients: list[Client] = []
        self.folder, self.log, self._since = folder, log, since
        self.port = 0
        self.seconds = 0.0  # from its start to its first answer

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def client(self, token: str = "", forwarded: str = "", source: str = "") -> Client:
        self._clients.append(Client(self.port, token, forwarded, source))
        return self._clients[-1]

    async def sign_in(self, email: str, name: str = "attack", forwarded: str = "") -> Client:
        """Return a client with a fresh token of this address; the code stands in the answer (local mode)."""
        async with self.client(forwarded=forwarded) as someone:
            asked = await someone.ask("POST", "/auth/request", {"email": email})
            entry = {"email": email, "code": asked.json()["local_code"], "token_name": name}
            entered = await someone.ask("POST", "/auth/verify", entry)
        return self.client(entered.json()["token"])

    async def kill(self) -> None:
        """kill -9."""
        if self.is_running:
            self._process.kill()
        await self._process.wait()

    async def end(self) -> None:
        """Close every client that was handed out, and kill the program."""
        for client in self._clients:
            client.close()
        await self.kill()

    async def stop(self, seconds: float = 15) -> tuple[int, float]:
        """Send SIGTERM; return the exit status and the seconds it took. One that stays is killed."""
        started = time.perf_counter()
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            await self.kill()
        return self._process.returncode or 0, time.perf_counter() - started

    def printed(self, since: int = 0) -> str:
        """Return what was printed from this byte of the log on."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode("utf-8", "replace")

    def size_of_log(self) -> int:
        return self.log.stat().st_size

    def tracebacks(self) -> int:
        """Return how many tracebacks were printed in all starts on this folder."""
        return self.printed().count("Traceback (most recent call last)")

    def memory(self, peak: bool = False) -> float:
        """Return the resident memory in MB, or its peak since `forget_peak`; 0 where /proc does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0.0
        found = re.search(rf"{'VmHWM' if peak else 'VmRSS'}:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else 0.0

    def forget_peak(self) -> None:
        """Have the kernel count the peak of the resident memory anew."""
        if sys.platform == "linux":
            Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    async def answers(self) -> None:
        """Wait until the program answers; raises NotStarted."""
        started = time.perf_counter()
        while time.perf_counter() < started + START_SECONDS:
            if found := re.search(r"serves http://127\.0\.0\.1:(\d+)", self.printed(self._since)):
                self.port = int(found.group(1))
                try:
                    async with self.client() as someone:
                        await someone.get("/healthz")
                    self.seconds = time.perf_counter() - started
                    return
                except Gone:
                    pass
            if not self.is_running:
                break
            await asyncio.sleep(0.01)
        await self.kill()
        raise NotStarted(self.printed(self._since))


async def start(
    folder: Path,
    *,
    lifted: tuple[str, ...] = LIMITS,
    config: str = "",
    environ: Mapping[str, str] | None = None,
    files: int = 0,
    errors: int | None = None,
) -> Program:
    """Return the program, started on this data in local mode and answering; raises NotStarted.

    `lifted` names the limits that are set out of reach, `config` is the text of a settings file, `files` the most
    descriptors it may have, and `errors` a descriptor that takes the access log in place of `log`.
    """
    # beside the folder, which may be a disk that is full
    log, file = folder.with_name(f"{folder.name}.log"), folder.with_name(f"{folder.name}.toml")
    file.write_text(config, encoding="utf-8")
    arguments = ("serve", "--local", "--port", "0", "--data", str(folder), "--config", str(file))
    with log.open("ab") as written:
        since = written.tell()
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            cwd=folder.parent,
            env={**ENVIRON, "PYTHONPATH": str(ROOT), **without(lifted), **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written if errors is None else errors,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None,
        )
    program = Program(process, folder, log, since)
    await program.answers()
    return program


async def run(*arguments: str, folder: Path) -> tuple[int, str]:
    """Return the exit status and the output of another command of the program on this data."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=folder.parent,
        env={**ENVIRON, "PYTHONPATH": str(ROOT), "CRMKIT_SERVER_DATA": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode("utf-8", "replace")


def without(limits: tuple[str, ...]) -> dict[str, str]:
    """Return the environment that sets these limits out of reach, those of them that are settings."""
    known = {row.env for row in settings.rows()}
    named = [f"CRMKIT_LIMITS_{limit}".upper() for limit in limits]
    return {name: FAR_AWAY for name in named if name in known}
