"""`python -m release.trial PROGRAM`: the one file is used from outside, in an empty folder with an empty environment.

It prints a line for each thing that works, and ends with status 1 at the first that does not.
"""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmkit.storage.sqlite.engine.driver import is_fixed

SECONDS = 60  # for whatever the program does
EMAIL = "you@example.com"
NAME = "Jane Doe"


class Failed(Exception):
    """What the program did in place of what it should."""


class Served:
    """A running server, asked over HTTP as the person who signed in."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.token = ""

    def ask(self, path: str, body: object = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            raise Failed(f"{path} answered {error.code}: {error.read().decode('utf-8', 'replace')}") from None

    def finds(self, path: str, *parts: str, body: object = None) -> str:
        """Return the answer, which has all these parts."""
        text = self.ask(path, body)
        for part in parts:
            if part not in text:
                raise Failed(f"{path} answered without {part!r}:\n{text[:2000]}")
        return text

    @property
    def environ(self) -> dict[str, str]:
        return {"CRMKIT_URL": self.url, "CRMKIT_TOKEN": self.token}


@contextmanager
def serving(program: list[str], folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run `serve --local` on a free port; at the end it is told to stop, and does."""
    line = [*program, "serve", "--local", "--port", "0"]
    said = folder / "output"
    with said.open("wb") as output:
        running = subprocess.Popen(line, cwd=folder, env=dict(environ or {}), stdout=output, stderr=output)
    try:
        yield Served(_announced(running, said), running.pid)
        running.send_signal(signal.SIGTERM)
        if running.wait(SECONDS) or "Traceback" in said.read_text():
            raise Failed(f"it ended with {running.returncode}:\n{said.read_text()}")
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


def _announced(running: "subprocess.Popen[bytes]", said: Path) -> str:
    """Return the address of the server once it answers."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and running.poll() is None:
        if found := re.search(r"serves (http://[^\s,]+)", said.read_text()):
            try:
                with urllib.request.urlopen(f"{found[1]}/readyz", timeout=SECONDS):
                    return found[1]
            except urllib.error.URLError:
                pass
        time.sleep(0.002)
    raise Failed(f"it does not serve:\n{said.read_text()}")


def run(program: list[str], folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """Return what a command of the program prints."""
    line = [*program, *arguments]
    around: dict[str, Any] = {"cwd": folder, "env": dict(environ or {}), "timeout": SECONDS}
    done: subprocess.CompletedProcess[str] = subprocess.run(line, **around, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def sign_in(served: Served) -> None:
    code = re.search(r"code=(\w+)", served.ask("/auth/request", {"email": EMAIL}))
    told = {"email": EMAIL, "code": code[1] if code else "", "token_name": "trial"}
    served.token = served.finds("/auth/verify", "token: ", body=told).partition("token: ")[2].split()[0]
    served.finds("/whoami", f"email: {EMAIL}")


def read_and_write(served: Served) -> None:
    contact = {"name": NAME, "email": "jane@acme.example", "phone": "+49 30 901820", "timezone": "Europe/Berlin"}
    served.finds("/contacts", "# created", body=contact)
    served.finds("/contacts", NAME, "# total: 1")
    served.finds("/contacts?search=jnae", NAME)
    served.finds("/tasks", "# created", body={"title": "call", "due_at": "+1w"})


def documents(served: Served) -> None:
    for path, part in (("/", "crmkit"), ("/help", "/contacts"), ("/llms-full.txt", "/contacts")):
        served.finds(path, part)
    if not json.loads(served.ask("/openapi.json"))["paths"]:
        raise Failed("/openapi.json tells of no path")


def files(program: list[str], folder: Path, served: Served) -> None:
    """Files go in by the command, and come out in every format that the export knows."""
    (folder / "people.csv").write_text("name,email\nJohn Roe,john@acme.example\n")
    run(program, folder, "import", "people.csv", "--yes", environ=served.environ)
    for format in ("csv", "json", "vcf"):
        served.finds(f"/contacts/export?format={format}", "John Roe")
    served.finds("/contacts/export?format=xlsx", "PK")


def mcp(served: Served) -> None:
    call: dict[str, Any] = {"name": "read", "arguments": {"path": "/contacts"}}
    served.finds("/mcp", "John Roe", body={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})


def commands(program: list[str], folder: Path, served: Served) -> None:
    """What the operator runs beside the server."""
    run(program, folder, "token", "--email", EMAIL)
    if "BAD" in (told := run(program, folder, "doctor")):
        raise Failed(told)
    workspace = re.search(r"ws_\w+", served.ask("/whoami"))
    run(program, folder, "workspace", "export", workspace[0] if workspace else "", "workspace.zip")
    says(run(program, folder, "users", "list"), EMAIL)
    says(run(program, folder, "audit", "verify"), "head: ")
    made = says(run(program, folder, "backup", "backup.db"), "hash: ").partition("hash: ")[2]
    says(run(program, folder, "restore", "backup.db", "--data", "elsewhere"), f"hash: {made}")


def says(told: str, part: str) -> str:
    """Return what a command printed, which has this part."""
    if part not in told:
        raise Failed(f"{part!r} is not in:\n{told}")
    return told


def version(program: list[str], folder: Path, is_frozen: bool) -> str:
    """Return what the program says of itself: it is one file or not, and its SQLite loses no rows."""
    told = run(program, folder, "version")
    says(told, f"frozen: {'yes' if is_frozen else 'no'}\n")
    sqlite = re.search(r"^SQLite ([\d.]+)$", told, re.MULTILINE)
    if not told.startswith("crmkit ") or not sqlite:
        raise Failed(f"version printed {told!r}")
    if is_frozen and not is_fixed(sqlite[1]):
        raise Failed(f"it carries SQLite {sqlite[1]}, which has the WAL-reset bug")
    return told


def tried(program: list[str], say: Callable[[str], None] = print, is_frozen: bool = False) -> None:
    """Use the program; raises Failed."""
    with tempfile.TemporaryDirectory(prefix="crmkit-trial-") as name:
        folder = Path(name)
        say(f"ok  {', '.join(version(program, folder, is_frozen).splitlines())}")
        with serving(program, folder) as served:
            steps: dict[str, Callable[[], None]] = {
                "sign in": lambda: sign_in(served),
                "create, list, search": lambda: read_and_write(served),
                "manual, OpenAPI": lambda: documents(served),
                "import, export": lambda: files(program, folder, served),
                "MCP": lambda: mcp(served),
                "commands beside the server": lambda: commands(program, folder, served),
            }
            for what, step in steps.items():
                step()
                say(f"ok  {what}")
        say("ok  stop")


if __name__ == "__main__":
    try:
        tried([str(Path(sys.argv[1]).absolute())], is_frozen=True)
    except Failed as failed:
        sys.exit(f"{sys.argv[1]}: {failed}")
