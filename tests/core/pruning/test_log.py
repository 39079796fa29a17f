"""Entries of the log that are older than the plan keeps them go, and whatever reads the log says where it begins."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.people import operator
from crmkit.core.pruning.log import prune_log
from crmkit.core.pruning.sweep import sweep
from crmkit.core.sealing import sealing
from crmkit.storage.webhooks import deliveries
from tests.house import ALICE, House, Person, house, run
from tests.teams.office import JSON, OPEN, Books, error_of

DAYS = 20  # fewer than a token lives unused
MANY = 250  # records, more than a seal has
WAITS = 20  # seconds until a test gives up


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    file = tmp_path / "crmkit.toml"
    file.write_text(f'[plans]\ndefault = "short"\n[plans.short]\naudit_days = {DAYS}\n')
    with house(tmp_path / "data", {**OPEN, "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8"}, file=file) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


def batch(person: Person) -> tuple[str, list[str]]:
    """Return the operation that made MANY contacts, and their ids."""
    answer = person.post("/contacts/batch", json=[{"name": f"Jane {each}"} for each in range(MANY)], headers=JSON)
    return answer.headers["X-Operation"], [each["id"] for each in answer.json()["items"]]


def later(home: House, person: Person, alone: bool = False) -> None:
    """Let the log come to its age, seal it, write something young, and prune, unless the server does it `alone`."""
    home.do(sealing.seal_all(Call(home.crm)))
    home.clock.move(days=DAYS + 1)
    assert person.post("/contacts", json={"name": "Young"}).status_code == 201
    home.do(sealing.seal_all(Call(home.crm)))
    if not alone:
        home.do(prune_log(Call(home.crm)))


def entries(home: House) -> int:
    with Books(home.folder) as books:
        return len([*books.rows("audit")])


def test_entries_go_by_their_age_and_all_that_reads_the_log_says_where_it_begins(home: House, alice: Person) -> None:
    cursor = alice.json_of("GET", "/changes")["next_cursor"]
    operation, ids = batch(alice)
    made_at = alice.json_of("GET", f"/contacts/{ids[0]}")["created_at"]
    home.clock.move(hours=1)
    assert alice.patch(f"/contacts/{ids[0]}", json={"notes": "old"}).status_code == 200
    later(home, alice)
    young = alice.json_of("GET", "/audit")["items"]
    assert len(young) == entries(home) == 1
    begin = young[0]["at"]
    note = f"# note: the log begins at {begin}: older entries are gone\n"
    jane = f"/contacts/{ids[0]}"
    for path in ("/audit", f"{jane}/history", f"{jane}/blame"):
        assert note in alice.text("GET", path), path
    assert note not in alice.text("GET", f"/contacts/{young[0]['target'].partition('/')[2]}/history")
    assert alice.json_of("GET", jane)["notes"] == "old"
    assert alice.json_of("GET", f"{jane}?as_of={begin}")["notes"] == "old"
    assert error_of(alice.get(f"{jane}?as_of={made_at}")) == (404, "not_found")

    refused = alice.post(f"/undo/{operation}")
    assert error_of(refused) == (404, "not_found")
    assert f"The log begins at {begin}: what was done before cannot be undone." in refused.text
    for since, code in ((cursor, "invalid_cursor"), (made_at, "invalid_value")):
        refused = alice.get("/changes", params={"since": since})
        assert error_of(refused) == (400, code)
        assert "read all records anew" in refused.text
    assert [each["id"] for each in alice.json_of("GET", f"/changes?since={begin}")["items"]] == [
        young[0]["target"].partition("/")[2]
    ]
    assert f"moved is of changes since {begin}" in alice.text("GET", "/analytics/summary?period=all_time")


@pytest.mark.sqlite
def test_a_log_that_cannot_be_read_keeps_no_other_one_from_going(
    home: House, alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    batch(alice)
    with home.sign_in("charlie@example.com") as charlie:
        batch(charlie)
        home.do(sealing.seal_all(Call(home.crm)))
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        with closing(sqlite3.connect(home.folder / "crmkit.db", isolation_level=None)) as connection:
            connection.execute("UPDATE audit SET at = CAST(x'31ff' AS TEXT) WHERE workspace_id = ?", (workspace,))
        later(home, charlie)
        assert len(charlie.json_of("GET", "/audit")["items"]) == 1
    (line,) = {record.getMessage() for record in caplog.records if "keeps what is too old" in record.getMessage()}
    assert line.startswith(f"the audit log of {workspace} keeps what is too old: ")


def test_the_seals_prove_what_went(home: House, alice: Person, tmp_path: Path) -> None:
    batch(alice)
    before = entries(home)
    later(home, alice)
    gone = before + 1 - entries(home)
    assert gone == before > 0
    verdict = run("audit", "verify", "--data", str(home.folder), cwd=tmp_path)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert f"{gone} removed for their age" in verdict.stdout


def test_a_log_that_begins_later_does_so_on_another_server_too(home: House, alice: Person, tmp_path: Path) -> None:
    operation, ids = batch(alice)
    later(home, alice)
    begin = alice.json_of("GET", "/audit")["items"][-1]["at"]
    space, archive, there = alice.json_of("GET", "/whoami")["workspace"], str(tmp_path / "moved"), tmp_path / "there"
    for words, folder in ((("export", space, archive), home.folder), (("import", archive), there)):
        done = run("workspace", *words, "--data", str(folder), cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    with house(there, OPEN, clock=home.clock) as other, other.sign_in(ALICE) as moved:
        if moved.json_of("GET", "/whoami")["workspace"] != space:
            token = moved.json_of("POST", f"/workspaces/{space}/tokens", {"token_name": "there"})["token"]
            moved.headers["Authorization"] = f"Bearer {token}"
        assert f"the log begins at {begin}" in moved.text("GET", f"/contacts/{ids[0]}/history")
        assert f"The log begins at {begin}" in moved.post(f"/undo/{operation}").text


def test_a_server_removes_what_is_too_old_by_itself(home: House, alice: Person) -> None:
    batch(alice)
    later(home, alice, alone=True)
    deadline = time.monotonic() + WAITS
    while entries(home) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_workspace_whose_plan_says_nothing_keeps_its_log(tmp_path: Path) -> None:
    with house(tmp_path / "data", OPEN) as home, home.sign_in(ALICE) as alice:
        batch(alice)
        before = entries(home)
        later(home, alice)
        assert entries(home) == before + 1


def test_a_workspace_whose_plan_is_not_declared_keeps_its_log(home: House, alice: Person) -> None:
    batch(alice)
    space = alice.json_of("GET", "/whoami")["workspace"]
    ghost = partial(
        operator.change_plan, id=space, plan="ghost", plans={"ghost": {}}, where=""
    )  # as by another settings file
    home.do(Call(home.crm).write(ghost, (space,), silent=True))
    before = entries(home)
    later(home, alice)
    assert entries(home) == before + 1


def proposal(home: House, alice: Person) -> Any:
    """Have a proposal wait that was made before all else, and return what closes it."""
    space = alice.json_of("GET", "/whoami")["workspace"]
    entry = {"token_name": "bot", "access": "propose"}
    with Person(home.url, alice.json_of("POST", f"/workspaces/{space}/tokens", entry)["token"]) as bot:
        path = f"/proposals/{bot.json_of('POST', '/contacts', {'name': 'Proposed'})['id']}"
    return lambda: alice.post(f"{path}/reject")


def delivery(home: House, alice: Person) -> Any:
    """Have an event wait for a receiver that is not there, and return what gives it up."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    hook = alice.json_of("POST", "/webhooks", {"url": f"http://127.0.0.1:{port}/", "events": ["contact.created"]})
    assert alice.post("/contacts", json={"name": "Told"}).status_code == 201
    deadline = time.monotonic() + WAITS
    while not alice.json_of("GET", f"/webhooks/{hook['id']}/deliveries")["items"]:
        assert time.monotonic() < deadline
    return lambda: alice.patch(f"/webhooks/{hook['id']}", json={"active": False})


@pytest.mark.parametrize("waits", [proposal, delivery])
def test_what_something_reads_that_is_not_over_is_held_back(home: House, alice: Person, waits: Any) -> None:
    home.do(sealing.seal_all(Call(home.crm)))
    ends = waits(home, alice)
    batch(alice)
    home.do(sealing.seal_all(Call(home.crm)))
    before = entries(home)
    home.crm.settings.plans.named["short"]["audit_days"] = 1
    home.clock.move(days=2)
    home.do(prune_log(Call(home.crm)))
    assert entries(home) == before
    assert ends().status_code == 200
    home.clock.move(days=deliveries.KEPT_DAYS + 1)
    home.do(sweep(Call(home.crm)))
    home.do(sealing.seal_all(Call(home.crm)))
    home.do(prune_log(Call(home.crm)))
    assert entries(home) < before
