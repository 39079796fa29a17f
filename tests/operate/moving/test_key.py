"""The key of the other service: where it comes from, and that it stands nowhere else; where it is sent."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.house import ROOT, command
from tests.operate.moving.service import KEY, Asked, Reply, moved, service
from tests.operate.terminal import rest_shown, shown_until
from tests.teams.office import Team

pytestmark = pytest.mark.slow

NONE = Reply({"leads": [], "next_cursor": None, "has_more": False, "count": 0})


def test_without_a_key_and_a_terminal_the_variable_is_named(us: Team) -> None:
    done = moved(us.charlie, "klozeo", "https://api.klozeo.example", CRMKIT_FROM_KEY="")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "crmkit: set CRMKIT_FROM_KEY to the key of klozeo; without a terminal nobody can be asked for it\n"
    )


def test_a_terminal_is_asked_for_the_key_and_does_not_show_it(us: Team) -> None:
    with service(lambda asked: NONE) as there:
        words, variables = command("import", "--from", "klozeo", there.url, "--allow-private")
        variables |= {"CRMKIT_URL": str(us.charlie.base_url), "CRMKIT_TOKEN": us.charlie.token}
        outside, inside = pty.openpty()
        more = {"stdin": inside, "stdout": inside, "stderr": inside, "cwd": ROOT, "start_new_session": True}
        child = subprocess.Popen(words, env=variables, **more)  # type: ignore[call-overload]
        os.close(inside)
        shown = shown_until(outside, b"Key of klozeo (not shown): ")
        os.write(outside, f"{KEY}\n".encode())
        shown += rest_shown(outside)
        assert child.wait(20) == 0
        os.close(outside)
        assert {asked.headers["X-API-Key"] for asked in there.asked} == {KEY}
    assert b"imported 0 contacts" in shown
    assert KEY.encode() not in shown


def test_the_key_is_in_no_argument_and_in_nothing_that_is_printed_or_logged(us: Team) -> None:
    arguments: list[bytes] = []

    def answers(asked: Asked) -> Reply:
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments.append(each.read_bytes())
            except OSError:  # it ended meanwhile
                continue
        return Reply({"error": KEY, "message": f"the key {KEY} is wrong"}, 418, {"X-Key": KEY})

    with service(answers) as there:
        done = moved(us.charlie, "klozeo", there.url, "--yes")
    assert done.returncode == 1
    assert any(b"--from" in each for each in arguments)
    assert not any(KEY.encode() in each for each in arguments)
    assert KEY not in done.stdout + done.stderr + us.home.logged()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"https://api.klozeo.example/?key={KEY}", "give the address without a query"),
        (f"https://api.klozeo.example/#{KEY}", "give the address without a query"),
        (f"https://me:{KEY}@api.klozeo.example/", "it names a user or a password"),
    ],
)
def test_a_key_in_the_address_is_refused_and_not_repeated(us: Team, url: str, words: str) -> None:
    done = moved(us.charlie, "klozeo", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert KEY not in done.stderr


def test_a_key_that_no_header_can_hold_is_not_shown(us: Team) -> None:
    done = moved(us.charlie, "klozeo", "https://api.klozeo.example", CRMKIT_FROM_KEY=f"{KEY}\nX-Evil: 1")
    assert (done.returncode, done.stderr) == (
        1,
        "crmkit: the key of klozeo must be visible ASCII characters without blanks\n",
    )


@pytest.mark.parametrize("name", ["klozeo", "konektor"])
def test_private_addresses_and_http_are_refused_unless_they_are_allowed(us: Team, name: str) -> None:
    with service(lambda asked: NONE) as there:
        words, variables = command("import", "--from", name, there.url, "--yes")
        variables |= {"CRMKIT_URL": us.home.url, "CRMKIT_TOKEN": us.charlie.token, "CRMKIT_FROM_KEY": KEY}
        done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
        assert there.asked == []
    assert (done.returncode, done.stdout) == (1, "")
    assert "its address is not public (loopback); --allow-private allows" in done.stderr


@pytest.mark.parametrize("url", ["http://8.8.8.8", "http://169.254.169.254", "https://[fe80::1]"])
def test_the_flag_allows_neither_http_to_public_addresses_nor_those_of_metadata(us: Team, url: str) -> None:
    done = moved(us.charlie, "klozeo", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "use https" in done.stderr or "not public" in done.stderr


def test_what_belongs_to_files_or_to_services_alone_is_refused_for_the_other(us: Team) -> None:
    for arguments in (("--kind", "deals"), ("--map", "a=b"), ("--mode", "create")):
        done = moved(us.charlie, "klozeo", "https://api.klozeo.example", *arguments)
        assert "--from takes no --kind, --map or --mode" in done.stderr
    words, variables = command("import", "file.csv", "--allow-private")
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert "--allow-private is for a URL" in done.stderr
