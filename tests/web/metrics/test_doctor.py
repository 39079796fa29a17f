"""GET /doctor tells the operator of the running server what is wrong, and cannot be used to load it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.examining import findings_cache, running
from crmkit.core.examining.findings_cache import KEPT_SECONDS, FindingsCache, Found
from crmkit.core.sealing import sealing, verify
from crmkit.storage.sqlite import files
from tests import postgres
from tests.house import ALICE, House, house

OF_THE_BRAND = ["database"] if postgres.SERVER else ["sqlite", "log", "disk"]
NAMES = ["crmkit", *OF_THE_BRAND, "clock", "jobs", "imports", "webhooks", "plans", "audit", "url"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as running, running.sign_in(ALICE) as alice:
        for number in range(3):
            alice.post("/contacts", json={"name": f"Jane {number}"})
        running.do(sealing.seal_all(Call(running.crm)))
        yield running


def told(home: House) -> Any:
    answer = home.visitor().get("/doctor", headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(home: House, *statements: str) -> None:
    with postgres.by_hand(home.folder) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_server_has_a_line_for_each_finding_and_says_what_it_left_out(home: House) -> None:
    lines = home.visitor().get("/doctor").text.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines[:-2]] == NAMES
    assert all(line.startswith("ok  ") for line in lines[:-2])
    assert lines[-2].startswith("# note: not looked at here: files, integrity, links, counts, ")
    assert lines[-1] == "# note: as it was at 2026-06-10T09:00:00Z; it is looked at again after 10 seconds"


def test_the_json_tells_the_same(home: House) -> None:
    found = told(home)
    assert [finding["name"] for finding in found["findings"]] == NAMES
    assert (found["good"], found["left_out"]) == (True, list(running.LEFT_OUT))
    (audit,) = [finding for finding in found["findings"] if finding["name"] == "audit"]
    assert audit["what"].endswith("sealed entries are whole")


@pytest.mark.parametrize(
    ("statement", "name", "words"),
    [
        (
            "UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(seq) FROM audit)",
            "audit",
            "was changed; `crmkit audit",
        ),
        (
            "UPDATE audit SET at = '2099-01-01T00:00:00Z' WHERE seq = (SELECT min(seq) FROM audit)",
            "clock",
            "was set back",
        ),
        (
            "INSERT INTO imports SELECT 4294967297, id, 'im_aaaaaaaa', 'running', '{}', '', 'x', 'x', '', '', '', '', "
            "0, 0, 0, 0, 0, 0, '', 'jb_gone', NULL, '', '', NULL FROM workspaces",
            "imports",
            "runs without a job",
        ),
        (
            "INSERT INTO webhooks (seq, workspace_id, id, url, events, active, state, reason, version, created_at, "
            "updated_at, created_by) SELECT 4294967297, id, 'wh_aaaaaaaa', 'https://example.com', '[\"*\"]', 1, "
            "'paused', 'why', 1, '', '', '' FROM workspaces",
            "webhooks",
            "wh_aaaaaaaa of ",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(home: House, statement: str, name: str, words: str) -> None:
    change(home, statement)
    found = told(home)
    wrong = {finding["name"]: finding["what"] for finding in found["findings"] if not finding["good"]}
    assert not found["good"]
    assert words in wrong[name]
    assert f"BAD  {name}: " in home.visitor().get("/doctor").text


@pytest.mark.sqlite  # it is about the disk of the folder
def test_a_disk_that_is_nearly_full_and_a_key_that_is_gone_are_told(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_FREE_BYTES", 1 << 60)
    (home.folder / "secret.key").unlink()
    wrong = {finding["name"]: finding["what"] for finding in told(home)["findings"] if not finding["good"]}
    assert [*wrong] == ["key", "disk"]
    assert wrong["disk"].endswith(": make room, or writes will be refused")


@pytest.mark.sqlite  # it spoils the file
def test_a_database_that_cannot_be_read_is_told_beside_what_can_be(home: House) -> None:
    change(home, "ALTER TABLE workspaces RENAME TO lost")
    found = {finding["name"]: finding for finding in told(home)["findings"]}
    assert not found["database"]["good"]
    assert found["database"]["what"].startswith("it cannot be read: no such table")
    assert {"sqlite", "disk", "url"} < found.keys()


def test_a_public_server_that_sends_no_mail_is_told(tmp_path: Path) -> None:
    environ = {"CRMKIT_SERVER_BASE_URL": "https://crm.example.com", "CRMKIT_SERVER_TRUSTED_PROXIES": "192.0.2.1"}
    with house(tmp_path / "data", environ) as home:
        (wrong,) = [finding for finding in told(home)["findings"] if not finding["good"]]
    assert wrong["name"] == "mail"
    assert wrong["what"].startswith("nobody gets mail from https://crm.example.com: ")


@pytest.mark.sqlite  # a text that is none
def test_entries_that_wait_to_be_sealed_for_long_are_told_and_younger_ones_are_not(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings_cache, "KEPT_SECONDS", 0)
    with home.sign_in(ALICE) as alice:
        alice.post("/contacts", json={"name": "Late"})
        workspace = alice.json_of("GET", "/whoami")["workspace"]
    change(home, "UPDATE audit SET token_name = CAST(x'ff' AS TEXT) WHERE seq = (SELECT max(seq) FROM audit)")
    home.clock.move(minutes=verify.LATE_MINUTES)
    assert told(home)["good"]
    home.clock.move(seconds=1)
    home.do(sealing.seal_all(Call(home.crm)))
    (audit,) = [finding for finding in told(home)["findings"] if not finding["good"]]
    assert audit["name"] == "audit"
    assert audit["what"].startswith(f"{workspace}: entries wait to be sealed since more than 30 minutes; `crmkit audit")


def test_of_a_long_log_the_newest_seals_alone_are_looked_at(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SEALS", 2)
    with home.sign_in(ALICE) as alice:
        for number in range(3):
            alice.post("/contacts", json={"name": f"Bob {number}"})
            home.do(sealing.seal_all(Call(home.crm)))
    change(home, "UPDATE audit SET token_name = 'x' WHERE seq = (SELECT min(seq) FROM audit)")
    (audit,) = [finding for finding in told(home)["findings"] if finding["name"] == "audit"]
    assert audit == {"name": "audit", "good": True, "what": "the newest 2 sealed entries are whole"}


def test_those_who_ask_within_some_seconds_are_told_of_one_look(home: House) -> None:
    before = told(home)
    change(home, "UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(seq) FROM audit)")
    assert told(home) == before


def test_a_look_that_failed_is_not_kept_and_one_is_made_again_once_its_time_is_over() -> None:
    clock, looks = [0.0], 0

    async def look() -> Found:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        if looks == 1:
            raise OSError
        return Found(str(looks), ())

    async def asked() -> None:
        examined = FindingsCache(lambda: clock[0])
        with pytest.raises(OSError):
            await examined.found(look)
        both = await asyncio.gather(examined.found(look), examined.found(look))
        assert [found.at for found in both] == ["2", "2"]
        clock[0] += KEPT_SECONDS
        assert (await examined.found(look)).at == "3"

    asyncio.run(asked())
