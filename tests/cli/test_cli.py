"""The program as an operator meets it: what it prints, what it exits with, and one clear line where it gives up."""

import os
import platform
import re
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from crmkit import __version__
from crmkit.cli import main
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests import postgres
from tests.house import ROOT, Process, command, process, run

COMMANDS = ["serve", "migrate", "token", "doctor", "backup", "restore", "version"]


def gives_up(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that a command ended with status 1 and one line on standard error that holds the words."""
    assert (done.returncode, done.stdout) == (1, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("crmkit: ")
    for word in words:
        assert word in line, line


def test_version_prints_the_version_and_makes_no_files(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"crmkit {__version__}\n", "")
    told = run("version", cwd=tmp_path)
    python, sqlite = f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"
    expected = "\n".join((f"crmkit {__version__}", python, sqlite, "frozen: no\n"))
    assert (told.returncode, told.stdout, told.stderr) == (0, expected, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, name: str) -> None:
    done = run(name, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: crmkit {name} ")
    assert re.search(r"^[A-Z][^\n]+\S", done.stdout.partition("\n\n")[2]), "it does not begin with what it does"
    if name != "version":
        assert "--data" in done.stdout
        assert "--config" in done.stdout


@pytest.mark.slow
def test_help_lists_every_command(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: crmkit ")
    listed = re.findall(r"^    (\w+)  +\S", done.stdout, re.MULTILINE)
    assert set(COMMANDS) <= set(listed)
    for asked in ([], ["-h"]):
        again = run(*asked, cwd=tmp_path)
        assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")


@pytest.mark.parametrize("wrong", ["nonsense", "--nonsense"])
def test_a_command_or_flag_that_does_not_exist_is_refused_by_name(tmp_path: Path, wrong: str) -> None:
    refused = run(wrong, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"'{wrong}'" in refused.stderr or f"unrecognized arguments: {wrong}" in refused.stderr


def test_postgresql_without_its_driver_says_how_it_comes(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError\n")  # before the one of the tests
    driverless = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = run("migrate", cwd=tmp_path, CRMKIT_SERVER_DATA="postgresql://crmkit@localhost/crmkit", **driverless)
    gives_up(done, "pip install 'crmkit[postgres]'", "neither the one file of a release nor the container has it")


@pytest.mark.slow
@pytest.mark.sqlite
def test_migrate_makes_a_database(tmp_path: Path) -> None:
    first = run("migrate", "--data", "data", cwd=tmp_path)
    applied = "".join(f"applied {at:04d} {each.name}\n" for at, each in enumerate(MIGRATIONS, 1))
    assert (first.returncode, first.stdout, first.stderr) == (0, f"{applied}the database is up to date\n", "")
    again = run("migrate", "--data", "data", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "the database is up to date\n")
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def who(url: str, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    answer: dict[str, str] = httpx.get(f"{url}/whoami", headers=headers).json()
    return answer


@pytest.mark.slow
def test_a_token_works_for_a_new_and_for_a_known_address(served: Process) -> None:
    """All of it beside the running server."""
    with served.sign_in("alice@example.com") as alice:
        known = alice.json_of("GET", "/whoami")
    place = ["--data", str(served.folder)]
    cwd = served.folder.parent
    for email, name in (("alice@example.com", None), (" Alice@EXAMPLE.com", "CI"), ("bob@example.com", "Bob's own")):
        done = run("token", "--email", email, *place, *(["--name", name] if name else []), cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"ck_[a-z2-9]{39}\n", done.stdout)
        me = who(served.url, done.stdout.strip())
        assert me["email"] == email.strip().lower()
        assert me["token_name"] == (name or "operator")
        assert me["role"] == "admin"
        assert (me["workspace"] == known["workspace"]) == (me["email"] == "alice@example.com")
    assert served.stop() == 0


@pytest.mark.slow
def test_the_token_of_an_invited_newcomer_works_where_they_were_invited_and_the_terminal_says_so(
    served: Process,
) -> None:
    with served.sign_in("alice@example.com") as alice:
        place = alice.json_of("GET", "/whoami")["workspace"]
        assert alice.post(f"/workspaces/{place}/invites", json={"email": "bob@example.com"}).status_code == 201
    done = run("token", "--email", "bob@example.com", "--data", str(served.folder), cwd=served.folder.parent)
    assert who(served.url, done.stdout.strip())["workspace"] == place
    joined, others = done.stderr.splitlines()
    assert joined == f"crmkit: you joined {place} as member, invited by alice@example.com"
    assert others.startswith("crmkit: you also belong to ws_")
    assert served.stop() == 0


@pytest.mark.slow
def test_a_token_made_without_a_server_works_with_one(folder: Path) -> None:
    done = run("token", "--email", "alice@example.com", "--data", str(folder), cwd=folder.parent)
    with process(folder) as served:
        assert who(served.url, done.stdout.strip())["email"] == "alice@example.com"
        assert served.stop() == 0
    assert postgres.rows(folder, "SELECT count(*) FROM users") == [(1,)]
    assert postgres.rows(folder, "SELECT count(*) FROM workspaces") == [(1,)]
    actions = [action for (action,) in postgres.rows(folder, "SELECT action FROM audit ORDER BY seq")]
    assert actions == ["workspace.create", "token.create", "token.create"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--email", "alice"], "--email must be an address like"),
        (["--email", "Alice <alice@example.com>"], "--email must be an address like"),
        (["--email", ""], "--email cannot be empty"),
        (["--email", "alice@example.com", "--name", " "], "--name cannot be empty"),
        (["--email", "alice@example.com", "--name", "n" * 101], "--name has 101 characters"),
    ],
)
def test_the_token_command_refuses_a_name_or_address_that_http_would_refuse(
    tmp_path: Path, flags: list[str], word: str
) -> None:
    gives_up(run("token", *flags, "--data", "data", cwd=tmp_path), word)
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["doctor"], marks=pytest.mark.sqlite),  # to which the haste of the tests' PostgreSQL is a fault
        ["migrate"],
        ["token", "--email", "alice@example.com"],
    ],
)
def test_commands_that_do_not_serve_need_no_web_server(folder: Path, arguments: list[str]) -> None:
    names = ["litestar", "uvicorn", "httptools", "crmkit.web", "crmkit.mcp"]
    # Python runs this before the program: an import of one of them fails as where it is not installed
    (folder.parent / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({names!r}))\n")
    done = run(*arguments, "--data", "data", cwd=folder.parent, PYTHONPATH=f"{folder.parent}:{ROOT}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("arguments", [["doctor"], ["users", "list"]])  # written line by line, and at the end
def test_a_reader_that_has_enough_ends_a_command_quietly(folder: Path, arguments: list[str]) -> None:
    line, env = command(*arguments, "--data", str(folder))
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(line, env=env, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("arguments", [["serve", "--port", "0"], ["migrate"], ["token", "--email", "a@example.com"]])
def test_a_damaged_file_ends_a_command_with_one_line(folder: Path, arguments: list[str]) -> None:
    with (folder / FILE).open("r+b") as raw:
        raw.write(b"not a database at all")
    done = run(*arguments, "--data", str(folder), cwd=folder.parent)
    gives_up(done, str(folder), "file is not a database", "crmkit doctor")


def test_a_malformed_key_file_stops_the_start_and_is_kept(folder: Path) -> None:
    (folder / "secret.key").write_text("0123\n")
    gives_up(run("serve", "--port", "0", "--data", str(folder), cwd=folder.parent), "secret.key", "is no key")
    assert (folder / "secret.key").read_text() == "0123\n"


# What stops the start. (Every setting that cannot be read is tried in test_settings.py.)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[server]\nprot = 8000\n", ["[server] has no setting 'prot' (did you mean port?)", "it has host, port"]),
        ("[sever]\nport = 8000\n", ["has a section [sever], which does not exist (did you mean server?)"]),
        ("[auth]\nsignup = 'closed'\n", ["[auth] signup is open or invited, not 'closed'"]),
        ("[server\n", ["is not TOML"]),
        ("[mail]\nfrom = 'nobody'\n", ["from must be like"]),
        ("[mail]\nsmtp_url = 'ftp://example.com'\n", ["smtp"]),
    ],
)
def test_a_settings_file_that_cannot_be_read_stops_the_start(tmp_path: Path, toml: str, words: list[str]) -> None:
    (tmp_path / "crmkit.toml").write_text(toml)
    gives_up(run("serve", "--port", "0", cwd=tmp_path), *words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CRMKIT_LIMITS_BODY_KIB": "0"}, ["CRMKIT_LIMITS_BODY_KIB is a whole number from 1 on"]),
        ({"CRMKIT_CONFIG": "nowhere.toml"}, ["cannot read the settings file nowhere.toml", "No such file"]),
    ],
)
def test_an_environment_that_cannot_be_read_stops_the_start(
    tmp_path: Path, environ: dict[str, str], words: list[str]
) -> None:
    gives_up(run("serve", "--port", "0", cwd=tmp_path, **environ), *words)


@pytest.mark.slow
def test_a_host_that_is_not_loopback_gets_no_local_mode(tmp_path: Path) -> None:
    gives_up(run("serve", "--port", "0", "--host", "0.0.0.0", "--local", cwd=tmp_path), "needs a loopback host")


@pytest.mark.slow
def test_a_port_in_use_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--port", port, "--data", "data", cwd=tmp_path)
    gives_up(done, f"cannot listen on 127.0.0.1 port {port}", "Address already in use", "--port")


@pytest.mark.slow
@pytest.mark.parametrize("host", ["192.0.2.1", "not a host"])
def test_a_host_that_this_machine_does_not_have_ends_the_start_with_one_line(tmp_path: Path, host: str) -> None:
    gives_up(run("serve", "--port", "0", "--host", host, "--data", "data", cwd=tmp_path), f"cannot listen on {host}")


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_folder_that_cannot_be_made_ends_a_command_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for arguments in (["serve", "--port", "0"], ["migrate"], ["token", "--email", "alice@example.com"]):
        gives_up(run(*arguments, "--data", "file/data", cwd=tmp_path), "file/data")


def test_flags_win_over_the_environment_then_the_file_then_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CRMKIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "other.toml").write_text("[server]\ndata = 'from another file'\n")
    (tmp_path / "third.toml").write_text("[server]\ndata = 'from a third file'\n")

    def made(*arguments: str) -> set[str]:
        assert main(["migrate", *arguments]) == 0
        return {path.name for path in tmp_path.iterdir() if path.is_dir()}

    assert made() == {"data"}
    (tmp_path / "crmkit.toml").write_text("[server]\ndata = 'from the file'\nlog = 'json'\n")
    assert made() == {"data", "from the file"}
    assert "from another file" in made("--config", "other.toml")
    monkeypatch.setenv("CRMKIT_CONFIG", "third.toml")
    assert "from a third file" in made()
    monkeypatch.setenv("CRMKIT_SERVER_DATA", "from the environment")
    assert "from the environment" in made()
    assert made("--data", "from a flag") == {"data"} | {
        f"from {layer}" for layer in ("the file", "another file", "a third file", "the environment", "a flag")
    }
