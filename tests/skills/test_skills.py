"""Each skill does what it says: its commands are run, in their order, against the real server."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.house import ALICE, ROOT, UNLIMITED, Person, Process, command, process

SKILLS = ROOT / "skills"
NAMES = ("backup", "connect", "digest", "import", "inbox-sync")
MOST_WORDS = 250
KNOWN = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}  # agentskills.io/specification


class Shell:
    """An agent's shell, in a folder of its own; what one block sets, the next ones have."""

    def __init__(self, folder: Path, name: str, **environ: str) -> None:
        self.folder = folder
        self.blocks = re.findall(r"```sh\n(.*?)```", (SKILLS / name / "SKILL.md").read_text(), re.DOTALL)
        tools = folder / "tools"
        tools.mkdir()
        crmkit = tools / "crmkit"
        crmkit.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m crmkit "$@"\n')
        crmkit.chmod(0o755)
        _, env = command()
        self.env = {**env, "PATH": f"{tools}:{env['PATH']}", **environ}

    def run(self, number: int, **more: str) -> str:
        """Run a block and return what it printed; it must not fail anywhere."""
        script = f"set -aeu -o pipefail\n[ ! -e ./kept ] || . ./kept\n{self.blocks[number]}\nexport -p > ./kept"
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=self.folder,
            env={**self.env, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{self.blocks[number]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def fails(self, number: int, **more: str) -> str:
        """Run a block alone, as an agent does, and return what it printed; it must fail."""
        line = ["bash", "-c", self.blocks[number]]
        env = {**self.env, **more}
        done = subprocess.run(line, check=False, cwd=self.folder, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode, done
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("skills") / "data", **UNLIMITED) as running:
        yield running


@pytest.fixture
def agent(server: Process, request: pytest.FixtureRequest) -> Iterator[Person]:
    """An agent with a workspace of its own."""
    with server.sign_in(f"{request.node.name.replace('_', '-')[:50]}@example.com") as person:
        yield person


def shell(folder: Path, name: str, server: Process, agent: Person, **environ: str) -> Shell:
    return Shell(folder, name, CRMKIT_URL=server.url, CRMKIT_TOKEN=agent.token, **environ)


def items(person: Person, path: str) -> Sequence[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = person.json_of("GET", path)["items"]
    return found


def test_the_skills_are_those_that_are_run_here() -> None:
    assert tuple(sorted(folder.name for folder in SKILLS.iterdir())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_skill_is_short_and_has_the_head_that_agents_look_for(name: str) -> None:
    text = (SKILLS / name / "SKILL.md").read_text()
    _, head, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert {"name", "description"} <= fields.keys() <= KNOWN
    assert fields["name"] == name
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)
    assert 0 < len(fields["description"]) <= 1024
    assert len(fields.get("compatibility", "")) <= 500
    assert len(text.split()) <= MOST_WORDS
    assert all(fence in ("```", "```sh", "```json") for fence in re.findall("^```.*$", body, re.MULTILINE))


def test_connect_ends_with_a_token_that_works_over_mcp_too(server: Process, tmp_path: Path) -> None:
    agent = Shell(tmp_path, "connect", CRMKIT_URL=server.url, EMAIL=ALICE)
    code = re.search(r"code=(\d{6})", agent.run(0))
    assert code
    agent.run(1, CODE=code[1])
    assert f"email: {ALICE}" in agent.run(2)
    assert re.search("CRMKIT_TOKEN=.ck_", (tmp_path / "kept").read_text())
    (config,) = re.findall(r"```json\n(.*?)```", (SKILLS / "connect" / "SKILL.md").read_text(), re.DOTALL)
    url = json.loads(config)["mcpServers"]["crmkit"]["url"]
    with Person(server.url) as chat:
        answer = chat.post("/" + url.rpartition("/")[2], json={"jsonrpc": "2.0", "id": 1, "method": "initialize"})
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers  # where the client finds the page to sign in


def test_import_plans_runs_reports_and_takes_back(server: Process, agent: Person, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Name,Email,Town,Shoe size\nJane Doe,jane@acme.com,Bern,38\nBad,no address,Basel,40\n")
    run = shell(tmp_path, "import", server, agent, FILE=str(file)).run
    assert "creates=1  updates=0  refused=1" in run(0)
    assert 'title="Shoe size"  field=custom.shoe' in run(1)
    assert items(agent, "/contacts") == []
    run(2)
    report = (tmp_path / "report.txt").read_text()
    assert "state=done" in report
    (jane,) = items(agent, "/contacts?fields=name,city,custom")
    assert (jane["name"], jane["city"], jane["custom"]) == ("Jane Doe", "Bern", {"shoe": "38"})
    run(3)
    refused = (tmp_path / "refused.csv").read_text()
    assert "no address" in refused
    assert "Jane" not in refused
    run(4)
    assert items(agent, "/contacts") == []


def test_a_digest_tells_what_is_due_and_each_change_once(server: Process, agent: Person, tmp_path: Path) -> None:
    run = shell(tmp_path, "digest", server, agent).run
    assert agent.post("/tasks", json={"title": "Report", "due_at": "-1d", "owner": "me"}).status_code == 201
    told = run(0)
    assert "# 1 overdue" in told
    assert "overdue=true" in told
    assert "change=created" in told
    run(1)
    assert agent.post("/contacts", json={"name": "New"}).status_code == 201
    run(0)
    changes = (tmp_path / "changes.txt").read_text()
    assert changes.startswith("contact/")
    assert changes.count("change=") == 1
    run(1)
    run(0)
    assert "change=" not in (tmp_path / "changes.txt").read_text()


def test_a_digest_reads_all_pages_of_changes_and_stops_at_an_error(
    server: Process, agent: Person, tmp_path: Path
) -> None:
    agent.post("/contacts/batch", json=[{"name": f"Jane {number}"} for number in range(120)])
    sh = shell(tmp_path, "digest", server, agent)
    sh.run(0)
    lines = (tmp_path / "changes.txt").read_text().splitlines()
    assert len([line for line in lines if line.startswith("contact/")]) == 120
    assert "ERROR" in sh.fails(0, CRMKIT_TOKEN="ck_wrong")
    (tmp_path / "crmkit.cursor").write_text("nonsense\n")
    assert "ERROR invalid_" in sh.fails(0)


@pytest.mark.sqlite
def test_a_backup_that_was_not_made_proves_nothing(server: Process, tmp_path: Path) -> None:
    for folder in ("backups", "none"):
        (tmp_path / folder).mkdir()
    sh = Shell(tmp_path, "backup", DATA=str(tmp_path / "none"), BACKUPS=str(tmp_path / "backups"))
    assert "there is no database in" in sh.fails(0)
    sh.fails(1)
    made = Shell.run(sh, 0, DATA=str(server.folder))
    assert "hash: " in made
    (tmp_path / "backup.txt").write_text("")
    sh.fails(1)


@pytest.mark.sqlite
def test_a_backup_is_proved_by_a_restore(server: Process, agent: Person, tmp_path: Path) -> None:
    assert agent.post("/contacts", json={"name": "Kept"}).status_code == 201
    backups = tmp_path / "backups"
    backups.mkdir()
    run = Shell(tmp_path, "backup", DATA=str(server.folder), BACKUPS=str(backups)).run
    assert re.search("^hash: [0-9a-f]+$", run(0), re.MULTILINE)
    assert len([*backups.iterdir()]) == 1
    run(1)
    assert agent.get("/contacts").status_code == 200


def test_mail_is_logged_once_of_people_who_are_there_once(server: Process, agent: Person, tmp_path: Path) -> None:
    run = shell(tmp_path, "inbox-sync", server, agent).run
    assert run(0).startswith("ERROR not_found")
    for _ in range(2):
        run(1)
        run(2)
    assert run(0).startswith("contact/")
    (jane,) = items(agent, "/contacts?fields=email,activities,last_contacted_at")
    assert (jane["email"], jane["activities"]) == ("jane@acme.com", 1)
    (logged,) = items(agent, "/activities?fields=kind,source_id")
    assert (logged["kind"], logged["source_id"]) == ("email", "<CA+1@mail.acme.com>")
