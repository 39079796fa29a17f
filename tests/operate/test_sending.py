"""`crmkit import FILE` plans, asks on a terminal, runs, and shows how far it is."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.operate import sending
from tests.house import ROOT, Person, Process, command
from tests.operate.terminal import rest_shown, shown_until

ROWS = 60


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / 'con"tacts.csv'
    lines = [f"Jane {number},jane{number}@acme.example,Berlin" for number in range(ROWS)]
    found.write_text("\n".join(["name,email,town", *lines, "Eve,no address,Rome"]))
    return found


@pytest.fixture
def alice(served: Process) -> Iterator[Person]:
    with served.sign_in() as person:
        yield person


def run(person: Person, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    words, variables = command("import", *arguments, **environ)
    variables |= {"CRMKIT_URL": str(person.base_url), "CRMKIT_TOKEN": person.token} | environ
    more = {"capture_output": True, "text": True, "timeout": 60, "cwd": ROOT, "input": ""}
    return subprocess.run(words, env=variables, check=False, **more)


@pytest.mark.slow
def test_a_file_is_imported_and_lines_tell_how_far_where_there_is_no_terminal(alice: Person, file: Path) -> None:
    done = run(alice, str(file), "--kind", "contact", "--map", "town=city", "--yes")
    assert done.returncode == 0, done.stderr
    plan, result = done.stdout.split("import/")[1:]
    assert "state=planned  rows=61  creates=60  updates=0  refused=1" in plan
    assert "state=done  rows=61  creates=60  updates=0  refused=1  done=61" in result
    assert 'row/62  error=invalid_value  field.email="' in result
    assert done.stderr.splitlines()[-1] == "61 of 61 rows"
    assert alice.json_of("GET", "/contacts?city=Berlin&limit=1")["total"] == ROWS


@pytest.mark.slow
def test_without_a_terminal_nobody_agrees_and_a_dry_run_leaves_nothing(alice: Person, file: Path) -> None:
    done = run(alice, str(file))
    assert done.returncode == 1
    assert "state=planned" in done.stdout
    assert "add --yes to run it" in done.stderr
    dry = run(alice, str(file), "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.splitlines()[-1] == "# dry run: nothing was written"
    assert len(alice.json_of("GET", "/imports")["items"]) == 1
    assert alice.json_of("GET", "/contacts")["items"] == []


@pytest.mark.slow
def test_a_terminal_is_asked_and_shows_a_bar(alice: Person, file: Path) -> None:
    words, variables = command("import", str(file))
    variables |= {"CRMKIT_URL": str(alice.base_url), "CRMKIT_TOKEN": alice.token}
    outside, inside = pty.openpty()
    child = subprocess.Popen(words, env=variables, stdin=inside, stdout=inside, stderr=inside, cwd=ROOT)
    os.close(inside)
    shown = shown_until(outside, b"[y/N]")
    os.write(outside, b"y\n")
    shown += rest_shown(outside)
    assert child.wait(20) == 0
    os.close(outside)
    assert b"[##############################] 61 of 61 rows, 1 refused" in shown
    assert b"state=done" in shown


@pytest.mark.slow
def test_what_stands_in_the_way_is_told_in_one_line(alice: Person, file: Path) -> None:
    for arguments, environ, words in (
        ((str(file),), {"CRMKIT_TOKEN": ""}, "set CRMKIT_TOKEN"),
        ((str(file),), {"CRMKIT_URL": "http://127.0.0.1:9"}, "no server answers at http://127.0.0.1:9"),
        ((str(file),), {"CRMKIT_URL": "nonsense"}, "CRMKIT_URL must be the address"),
        ((str(file), "--map", "town"), {}, "--map town: write COLUMN=FIELD"),
        ((str(file.parent / "none.csv"),), {}, "No such file"),
        ((str(file), "--mode", "crate"), {}, "ERROR invalid_value"),
        ((str(file),), {"CRMKIT_TOKEN": "wrong"}, "ERROR invalid_token"),
    ):
        done = run(alice, *arguments, **environ)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_refusal_is_told_although_the_server_reads_no_more_of_a_large_file(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with open(file, "wb") as large:
        large.write(b"name,email\n")
        large.truncate(120 * 2**20)
    for _ in range(5):
        done = run(alice, str(file), CRMKIT_TOKEN="wrong")
        assert done.stderr.startswith("ERROR invalid_token")
        assert (done.returncode, done.stdout) == (1, "")


def test_a_bar_tells_how_much_is_done_of_how_much() -> None:
    assert sending.bar({"done": 0, "rows": 0, "refused": 0}, 0) == f"[{'#' * 30}] 0 of 0 rows, 0 refused"
    half = {"done": 500, "rows": 1000, "refused": 2}
    assert sending.bar(half, 2) == f"[{'#' * 15}{'.' * 15}] 500 of 1,000 rows, 2 refused  250 rows/s"


def test_a_column_may_have_the_sign_of_equality_in_its_name() -> None:
    assert sending.mapped(["a=b=email", "c="]) == {"map.a=b": "email", "map.c": ""}
    with pytest.raises(ValueError, match="write COLUMN=FIELD"):
        sending.mapped(["=email"])
