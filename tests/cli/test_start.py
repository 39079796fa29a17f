"""What `crmkit serve` prints at the start, and that it is true."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from subprocess import PIPE, STDOUT

import httpx
import pytest

from crmkit import __version__
from tests.house import ALICE, ROOT, command, process, run

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # a start on PostgreSQL says more: that it is experimental

YOU = "you@example.com"


def told(text: str, start: str) -> str:
    """Return the rest of the line that begins so."""
    (rest,) = re.findall(rf"^{re.escape(start)}(.*)$", text, re.MULTILINE)
    return str(rest)


def shown_in_readme() -> list[str]:
    """Return the lines that the README says are printed at the first start."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n(crmkit .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return str(shown).splitlines()


def test_the_first_start_prints_what_the_readme_shows_and_its_commands_work(tmp_path: Path) -> None:
    with process(tmp_path / "data") as served:
        shown = [line.replace("http://127.0.0.1:8000", served.url) for line in shown_in_readme()]
        printed = served.printed().splitlines()[: len(shown)]
        for line, promise in zip(printed, shown, strict=True):
            assert re.fullmatch(".*".join(re.escape(part) for part in promise.split("…")), line), (line, promise)
        text = "\n".join(printed)
        assert text.startswith(f"crmkit {__version__} serves {served.url} (local mode)\n")
        assert told(text, "data: ") == str(tmp_path / "data")
        assert httpx.get(told(text, "manual: ")).text.startswith("crmkit")
        assert httpx.post(told(text, "MCP: "), json={}).status_code == 401
        sign_in = told(text, "to sign in (the code is in the answer): ")
        answer = subprocess.run(["sh", "-c", sign_in], capture_output=True, text=True, timeout=30, check=True).stdout
        assert re.search(r"code=[0-9]{6}", answer), answer
        token = told(text, "to get a token without a code: ")
        # in another folder, with none of the server's own surroundings
        made = subprocess.run(
            shlex.split(token), cwd="/", capture_output=True, text=True, timeout=30, check=True
        ).stdout
        me = httpx.get(f"{served.url}/whoami", headers={"Authorization": f"Bearer {made.strip()}"}).text
        assert f"email: {YOU}\n" in me
        assert "role: admin\n" in me
        assert served.stop() == 0


def test_a_start_after_the_first_account_says_nothing_of_how_one_is_made(tmp_path: Path) -> None:
    run("token", "--email", ALICE, "--data", "data", cwd=tmp_path)
    with process(tmp_path / "data") as served:
        assert served.stop() == 0
        printed = served.printed()
    assert [line.split(" ")[0] for line in printed.splitlines()[:4]] == ["crmkit", "manual:", "MCP:", "data:"]
    assert "account" not in printed
    assert "token" not in printed


@pytest.mark.parametrize(
    ("local", "environ", "where"),
    [
        (True, {}, "in the answer"),
        (False, {}, "printed here"),
        (False, {"CRMKIT_MAIL_SMTP_URL": "smtp://127.0.0.1:1"}, "mailed"),
    ],
)
def test_the_first_start_says_where_the_code_is_found(
    tmp_path: Path, local: bool, environ: dict[str, str], where: str
) -> None:
    with process(tmp_path / "data", local=local, **environ) as served:
        assert told(served.printed(), f"to sign in (the code is {where}): ").startswith("curl ")


def test_where_signing_up_is_by_invitation_the_first_admin_is_made_by_a_token_alone(tmp_path: Path) -> None:
    with process(tmp_path / "data", local=False, CRMKIT_AUTH_SIGNUP="invited") as served:
        printed = served.printed()
        assert "signing up is by invitation: a token makes the first admin\n" in printed
        assert "to sign in" not in printed
        assert f"token --email {YOU} " in told(printed, "to get a token without a code: ")


@pytest.mark.parametrize("name", ["my settings.toml", "crmkit.toml"])
def test_the_command_for_a_token_names_the_settings_file_of_the_server(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[plans]\ndefault = 'small'\n[plans.small]\ncontacts = 1\n")
    with process(tmp_path / "data", *([] if name == "crmkit.toml" else ["--config", name])) as served:
        command = shlex.split(told(served.printed(), "to get a token without a code: "))
        made = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=30, check=True).stdout
        me = httpx.get(f"{served.url}/whoami", headers={"Authorization": f"Bearer {made.strip()}"}).text
        assert "plan: small\n" in me


def test_with_a_log_of_json_the_start_is_one_line_and_every_other_line_is_json(tmp_path: Path) -> None:
    with process(tmp_path / "data", CRMKIT_SERVER_LOG="json") as served:
        httpx.get(f"{served.url}/healthz")
        assert served.stop() == 0
        first, *others = served.printed().splitlines()
    for part in (f"serves {served.url} (local mode), ", f"manual: {served.url}/help, ", "to sign in", "to get a token"):
        assert part in first
    assert others
    assert all(isinstance(json.loads(line), dict) for line in others)


# what is told, while the start goes on


def warned(printed: str) -> list[str]:
    return [line.removeprefix("crmkit: ") for line in printed.splitlines() if line.startswith("crmkit: ")]


def test_names_in_the_environment_that_are_no_setting_are_told_and_the_start_goes_on(tmp_path: Path) -> None:
    environ = {"CRMKIT_PORT": "80", "CRMKIT_FOO_BAR": "x", "CRMKIT_TOKEN": "ck_x", "CRMKIT_URL": "https://crm.acme.com"}
    with process(tmp_path / "data", **environ) as served:
        foo, port = warned(served.printed())
        assert foo == "the environment sets CRMKIT_FOO_BAR, which is no setting and has no effect"
        assert port.endswith(
            "sets CRMKIT_PORT, which is no setting and has no effect (did you mean CRMKIT_SERVER_PORT?)"
        )
    done = run("migrate", "--data", "data", cwd=tmp_path, CRMKIT_TOKEN="ck_x", CRMKIT_PROT="80")
    assert (done.returncode, done.stdout) == (0, "the database is up to date\n")
    assert len(warned(done.stderr)) == 1


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({"CRMKIT_SERVER_BASE_URL": "https://crm.example.com"}, 1),
        ({"CRMKIT_SERVER_BASE_URL": "https://crm.example.com", "CRMKIT_MAIL_SMTP_URL": "smtp://127.0.0.1:1"}, 0),
        ({"CRMKIT_SERVER_BASE_URL": "http://crm.internal"}, 0),
        ({}, 0),
    ],
)
def test_a_public_server_without_a_mail_server_is_told(tmp_path: Path, environ: dict[str, str], count: int) -> None:
    printed = start_of(tmp_path, **environ)
    assert len(warned(printed)) == count
    if count:
        (line,) = warned(printed)
        assert "nobody gets mail from https://crm.example.com" in line
        assert "[mail] smtp_url" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_server_on_every_address_is_told_and_calls_itself_localhost_everywhere(tmp_path: Path, host: str) -> None:
    with process(tmp_path / "data", "--host", host, local=False) as served:
        port = served.url.rpartition(":")[2]
        assert served.url == f"http://localhost:{port}"
        (line,) = warned(served.printed())
        assert f"listens on every address of the machine and tells clients to use {served.url}" in line
        assert "[server] base_url" in line
        paths = ("/", "/help", "/SKILL.md", "/llms.txt", "/openapi.json", "/.well-known/oauth-authorization-server")
        pages = [httpx.get(f"http://127.0.0.1:{port}{path}") for path in paths]
        assert all(page.status_code == 200 and served.url in page.text for page in pages)
        for text in [served.printed(), *(page.text for page in pages)]:
            assert not re.search(r"//(0\.0\.0\.0|\[::\]|:)", text)


def test_a_server_on_every_address_with_a_base_url_is_told_nothing(tmp_path: Path) -> None:
    printed = start_of(tmp_path, "--host", "0.0.0.0", CRMKIT_SERVER_BASE_URL="http://crm.internal")
    assert warned(printed) == []
    assert "serves http://crm.internal\n" in printed


def start_of(tmp_path: Path, *arguments: str, **environ: str) -> str:
    """Return all that the first start on a folder prints, whatever address it names."""
    line, env = command("serve", "--port", "0", "--data", "data", *arguments, **environ)
    with subprocess.Popen(line, env=env, cwd=tmp_path, stdout=PIPE, stderr=STDOUT, text=True) as popen:
        assert popen.stdout is not None
        printed = ""
        for text in popen.stdout:
            printed += text
            if text.startswith("to get a token"):
                break
        popen.kill()
    return printed
