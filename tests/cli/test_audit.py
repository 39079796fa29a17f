"""`crmkit audit verify` and `renew`: what the operator is told of the audit log, beside a server and without one."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.storage import secret
from tests import postgres
from tests.house import Person, Process, process, run

pytestmark = pytest.mark.slow


def verified(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = run("audit", "verify", "--data", str(folder), *arguments, cwd=folder.parent)
    assert done.stderr == ""
    return done


def head_of(done: "subprocess.CompletedProcess[str]") -> str:
    (found,) = re.findall(r"^head: ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    return str(found)


@pytest.fixture
def alice(served: Process) -> Iterator[Person]:
    with served.sign_in() as person:
        for number in range(3):
            assert person.post("/contacts", json={"name": f"Jane {number}"}).status_code == 201
        yield person


def change(folder: Path, *statements: str) -> None:
    with postgres.by_hand(folder) as connection:
        for statement in statements:
            connection.execute(statement)


def test_beside_a_server_all_is_sealed_and_the_head_goes_on_with_the_log(served: Process, alice: Person) -> None:
    first = verified(served.folder)
    assert first.returncode == 0, first.stdout
    sealed = re.fullmatch(r"entries: (\d+) sealed, 0 of them erased", first.stdout.splitlines()[0])
    assert sealed
    assert head_of(verified(served.folder)) == head_of(first)
    alice.post("/contacts", json={"name": "Later"})
    later = verified(served.folder, "--head", head_of(first))
    assert later.returncode == 0
    assert later.stdout.startswith(f"entries: {int(sealed[1]) + 1} sealed")
    assert head_of(later) != head_of(first)
    assert alice.post("/contacts", json={"name": "Latest"}).status_code == 201
    assert served.stop() == 0


def test_a_change_is_told_with_workspace_and_entry_and_a_cut_by_the_head(served: Process, alice: Person) -> None:
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    entry = alice.json_of("GET", "/audit?limit=1")["items"][0]["id"]
    head = head_of(verified(served.folder))
    served.stop()
    change(served.folder, "UPDATE audit SET \"by\" = 'bob@example.com' WHERE seq = (SELECT max(seq) FROM audit)")
    done = verified(served.folder)
    assert done.returncode == 1
    assert re.match(rf"BAD  {workspace}: entry \d+ \({entry}\) was changed\n", done.stdout)
    assert head_of(done) == head
    change(
        served.folder,
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
        *(f"DELETE FROM {table}" for table in ("audit_digests", "audit_seals")),
    )
    assert verified(served.folder).returncode == 0
    cut = verified(served.folder, "--head", head)
    assert cut.returncode == 1
    assert f"BAD  no seal has the head {head}: the end of the log was cut off" in cut.stdout


def test_another_log_in_the_place_of_the_one_of_a_workspace_is_found_by_its_head(
    served: Process, alice: Person
) -> None:
    head = head_of(verified(served.folder))
    served.stop()
    change(
        served.folder,
        "DELETE FROM audit_digests",
        "UPDATE audit SET \"by\" = 'bob@example.com', seq = (seq & 4294967295) | 30064771072",
        "UPDATE workspaces SET number = 7",  # as in the upper half of seq
    )
    done = verified(served.folder, "--head", head)
    assert done.returncode == 1
    assert "not sealed yet" not in done.stdout
    assert re.match(
        r"BAD  entries 1 to \d+ of workspace number 1 went with it, and no deletion did that\n", done.stdout
    )


@pytest.mark.sqlite  # a text that is none
def test_what_cannot_be_sealed_is_told_and_is_a_fault(served: Process, alice: Person) -> None:
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    served.kill()
    text = "UPDATE audit SET token_name = CAST(x'ff' AS TEXT) WHERE seq = (SELECT max(seq) FROM audit)"
    change(served.folder, "DELETE FROM audit_digests", "DELETE FROM audit_seals", text)
    done = verified(served.folder)
    assert done.returncode == 1
    assert done.stdout.startswith(f"BAD  {workspace}: its newest entries cannot be sealed: Could not decode to UTF-8")


@pytest.mark.sqlite  # elsewhere no server starts without the key
def test_after_the_key_was_lost_the_log_is_sealed_anew_on_demand_and_changes_are_found_again(
    served: Process, alice: Person
) -> None:
    head, folder = head_of(verified(served.folder)), served.folder
    beside = run("audit", "renew", "--yes", "--data", str(folder), cwd=folder.parent)
    assert beside.returncode == 1
    assert "stop" in beside.stderr
    served.kill()
    (folder / secret.FILE).unlink()
    with process(folder) as again:  # which makes another key
        assert again.stop() == 0
    assert verified(folder).returncode == 1
    asked = run("audit", "renew", "--data", str(folder), cwd=folder.parent)
    assert asked.returncode == 1
    assert "say --yes" in asked.stderr
    assert verified(folder).returncode == 1
    renewed = run("audit", "renew", "--yes", "--data", str(folder), cwd=folder.parent)
    assert renewed.returncode == 0, renewed.stdout + renewed.stderr
    assert head_of(renewed) == head_of(verified(folder)) != head
    assert verified(folder, "--head", head).returncode == 1
    change(folder, "UPDATE audit SET \"by\" = 'bob@example.com' WHERE seq = (SELECT max(seq) FROM audit)")
    assert "was changed" in verified(folder).stdout


def test_a_restart_seals_what_a_kill_left(served: Process, alice: Person) -> None:
    served.kill()
    with process(served.folder) as again, postgres.by_hand(again.folder) as connection:
        left = "SELECT (SELECT count(*) FROM audit) - (SELECT count(*) FROM audit_digests)"
        while connection.execute(left).fetchone() != (0,):
            assert again.popen.poll() is None
        again.stop()
    assert verified(served.folder).returncode == 0


@pytest.mark.sqlite
def test_a_backup_that_was_restored_is_verified_and_does_not_have_a_later_head(served: Process, alice: Person) -> None:
    head, place, file = head_of(verified(served.folder)), served.folder.parent, served.folder.with_name("kept.db")
    for command, folder in (("backup", served.folder), ("restore", place / "restored")):
        if command == "restore":
            alice.post("/contacts", json={"name": "Later"})
        assert run(command, str(file), "--data", str(folder), cwd=place).returncode == 0
    assert verified(place / "restored", "--head", head).returncode == 0
    later = head_of(verified(served.folder))
    assert "the end of the log was cut off" in verified(place / "restored", "--head", later).stdout


def test_what_is_no_head_and_where_there_is_no_database_is_said_in_one_line(served: Process, tmp_path: Path) -> None:
    nothing = "secret.key is missing" if postgres.SERVER else "there is no database in"
    for folder, arguments, words in (
        (served.folder, ("--head", "abc"), "--head abc: a head is the 64 letters and digits"),
        (tmp_path / "none", (), nothing),
    ):
        done = run("audit", "verify", "--data", str(folder), *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert words in line
    assert not (tmp_path / "none").exists()
