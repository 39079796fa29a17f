"""docs/serving.md, and the upgrade of its service, typed into a shell: a folder is /, what only root does is left out.

The server is the real one, with the settings that the page writes; its mail goes to a server of the test's.
"""

import io
import re
import shlex
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from crmkit import __version__
from crmkit.mail import mailer
from tests.house import ROOT, command, process
from tests.mail.conftest import Server

PAGE = (ROOT / "docs" / "serving.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(UPGRADE,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / "upgrading.md").read_text(), re.MULTILINE | re.DOTALL)
TOP = f"crmkit-{__version__}-linux-x86_64"
# what needs root or another machine, and what is said in its place
TOOLS = {
    "apt-get": 'echo "apt-get $*"',
    "useradd": 'echo "useradd $*"',
    "systemctl": 'echo "systemctl $*"',
    "runuser": 'shift 3; exec "$@"',
    "crmkit": f'exec {shlex.quote(sys.executable)} -m crmkit "$@"',
}


class Host:
    """A folder in place of the host; the shell's variables and functions are gone after each `type`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (
            "etc/caddy",
            "etc/systemd/system",
            "usr/local/bin",
            "var/backups",
            "var/tmp",
            "var/cache",
            "tools",
        ):
            (root / name).mkdir(parents=True)
        for name, does in TOOLS.items():
            (root / "tools" / name).write_text(f"#!/bin/sh\n{does}\n")
            (root / "tools" / name).chmod(0o755)
        self.shell = {**command()[1], "PATH": f"{root}/tools:{command()[1]['PATH']}"}

    def release(self) -> None:
        """Lay down the archive of a release, in which a script stands for the program, and its checksum."""
        file = self.root / f"{TOP}.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            for name in ("deploy", "README.md", "HELP.txt"):
                archive.add(ROOT / name, f"{TOP}/{name}")
            entry, content = tarfile.TarInfo(f"{TOP}/crmkit"), b"#!/bin/sh\n"
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        (self.root / "SHA256SUMS").write_text(f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n")

    def type(self, *blocks: str, url: str = "", **environ: str) -> str:
        """Return what the blocks print; none of their commands may fail."""
        script = re.sub(r"(?<![\w/.}])/(etc|var|usr/local)/", rf"{self.root}/\1/", "\n".join(blocks))
        script = re.sub(r" -[og] crmkit\b", "", script)
        script = script.replace("https://$HOST/", f"{url}/").replace("http://127.0.0.1:8000", url)
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=self.root,
            env={**self.shell, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout


class Postbox:
    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = message_from_bytes(envelope.original_content or b"")
        self.texts[envelope.rcpt_tos[0]] = str(message.get_payload())
        return "250 2.0.0 taken"


@pytest.mark.slow
def test_from_a_fresh_host_to_somebody_who_was_invited_and_a_backup(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    host, postbox = Host(tmp_path / "host"), Postbox()
    host.release()
    names, *steps = BLOCKS
    install, serve_it, people, backups, watching = steps
    typed = host.type(names, install)
    assert f"{TOP}.tar.gz: OK" in typed
    told = host.root / "etc/crmkit/crmkit.toml"
    assert stat.S_IMODE(told.stat().st_mode) == 0o640
    told.write_text(told.read_text().replace('base_url = "https://crm.example.com"\n', ""))
    unit = (ROOT / "deploy/systemd/crmkit.service").read_text()
    (line,) = re.findall(r"^ExecStart=/usr/local/bin/crmkit serve (.*)$", unit, re.MULTILINE)
    arguments = [f"{host.root}{word}" if word.startswith("/") else word for word in shlex.split(line)]
    smtp = {"CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(postbox).port}"}
    data = host.root / "var/lib/crmkit"
    data.parent.mkdir()
    with process(data, *arguments, local=False, **smtp) as served:
        deadline = time.monotonic() + 30
        while not [*(host.root / "var/backups/crmkit").glob("crmkit-*.db")] and time.monotonic() < deadline:
            time.sleep(0.02)
        typed = host.type(names, f"cd {TOP}", serve_it, url=served.url, **smtp)
        assert typed.count("ready\n") == 2
        assert "BAD" not in typed
        assert list(postbox.texts) == ["you@example.com"]
        typed = host.type(names, people, url=served.url, **smtp)
        assert "name=Acme" in typed
        assert "OK invited bob@example.com" in typed
        httpx.post(f"{served.url}/auth/request", json={"email": "bob@example.com"})
        (code,) = re.findall(r"\b\d{6}\b", postbox.texts["bob@example.com"])
        entry = {"email": "bob@example.com", "code": code, "token_name": "laptop"}
        assert "you joined ws_" in httpx.post(f"{served.url}/auth/verify", json=entry).text
        typed = host.type(names, backups, url=served.url)
        first, second = re.findall(r"^hash: (.*)$", typed, re.MULTILINE)
        assert first == second
        assert "BAD" not in typed
        typed = host.type(names, watching, url=served.url)
        assert "crmkit_info{" in typed
        assert "BAD" not in typed
        assert "\nhead: " in typed
        assert served.stop() == 0
    assert "crmkit: " not in served.printed()
    typed = host.type(names, UPGRADE)
    assert "the database is up to date" in typed
    assert "BAD" not in typed


def test_the_page_has_at_most_a_hundred_lines() -> None:
    assert len(PAGE.splitlines()) <= 100


def test_the_page_shows_addresses_of_mail_services_that_can_be_read() -> None:
    urls = re.findall(r"`(smtps?(?:\+starttls)?://[^`]*@[^`]*)`", PAGE)
    assert len(urls) == 4
    for url in urls:
        assert mailer(url, "crmkit <crm@example.com>")
