"""What is kept of who may do what is dropped by the commit that changes it, whoever wrote the statement."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from crmkit.storage.interface.auth_cache import KEPT_SECONDS, MOST, AuthCache
from crmkit.storage.interface.database import InUse
from crmkit.storage.sqlite import auth_outside, auth_triggers
from crmkit.storage.sqlite.auth_outside import Outside
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import hold
from tests.house import ALICE, BOB, House, Person

pytestmark = pytest.mark.slow

STATEMENTS = [
    "DELETE FROM tokens WHERE id = 'tok_1'",
    "UPDATE tokens SET last_used_at = 'x' WHERE id = 'tok_1'",
    "UPDATE memberships SET role = 'member'",
    "DELETE FROM memberships",
    "UPDATE workspaces SET name = 'x'",
    "UPDATE workspaces SET plan = 'x'",
    "DELETE FROM workspaces",
    "UPDATE users SET email = 'x'",
    "DELETE FROM users",
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        for table in ("tokens", "memberships", "workspaces", "users"):
            opened.execute(
                f"CREATE TABLE {table} (id TEXT, name TEXT, role TEXT, plan TEXT, email TEXT, last_used_at TEXT)"
            )
            opened.execute(f"INSERT INTO {table} (id) VALUES ('tok_1')")
        opened.execute("CREATE TABLE contacts (id TEXT)")
        yield opened


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_is_remembered_is_forgotten_once_a_change_is_committed(
    connection: sqlite3.Connection, statement: str
) -> None:
    cache = AuthCache()
    auth_triggers.watch(connection, cache)
    cache.keep(("who",), "alice", cache.generation)
    cache.forget()
    assert cache.find(("who",)) == "alice"
    connection.execute(statement)
    assert cache.find(("who",)) == "alice"  # not committed yet: what is committed still says so
    cache.forget()
    assert cache.find(("who",)) is None


def test_nothing_is_forgotten_for_rows_that_are_added_or_of_other_tables(connection: sqlite3.Connection) -> None:
    cache = AuthCache()
    auth_triggers.watch(connection, cache)
    cache.keep(("who",), "alice", cache.generation)
    for statement in (
        "INSERT INTO tokens (id) VALUES ('tok_2')",
        "INSERT INTO contacts VALUES ('c')",
        "DELETE FROM contacts",
    ):
        connection.execute(statement)
        cache.forget()
    assert cache.find(("who",)) == "alice"


def test_what_was_read_before_a_change_is_not_remembered_after_it(connection: sqlite3.Connection) -> None:
    cache = AuthCache()
    auth_triggers.watch(connection, cache)
    generation = cache.generation
    connection.execute(STATEMENTS[0])
    cache.forget()
    cache.keep(("who",), "alice", generation)
    assert cache.find(("who",)) is None


def test_nothing_is_remembered_for_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("crmkit.storage.interface.auth_cache.time.monotonic", lambda: now[0])
    cache = AuthCache()
    cache.keep(("who",), "alice", cache.generation)
    now[0] = KEPT_SECONDS - 0.1
    assert cache.find(("who",)) == "alice"
    now[0] = KEPT_SECONDS
    assert cache.find(("who",)) is None


def test_the_oldest_is_forgotten_when_too_many_are_remembered() -> None:
    cache = AuthCache()
    for number in range(MOST + 1):
        cache.keep((number,), "x", cache.generation)
    assert cache.find((MOST,)) == "x"
    assert cache.find((0,)) is None


def test_a_token_works_from_the_moment_it_is_made(home: House) -> None:
    """What is not there is not kept: a token works from the moment it is made."""
    with home.sign_in(ALICE) as alice:
        assert alice.send_it("GET", "/whoami").status_code == 200


def test_no_request_gets_through_after_the_revocation_was_answered(home: House) -> None:
    """Sixteen clients use a token without pause while its owner ends it."""
    with home.sign_in(ALICE, "victim") as victim, home.sign_in(ALICE, "owner") as owner:
        (id,) = [row["id"] for row in owner.json_of("GET", "/tokens")["items"] if row["name"] == "victim"]
        revoked = threading.Event()
        late: list[int] = []

        async def use() -> None:
            async with httpx.AsyncClient(
                base_url=home.url, headers={"Authorization": f"Bearer {victim.token}"}
            ) as client:
                while True:
                    was_revoked = revoked.is_set()
                    status = (await client.get("/contacts")).status_code
                    if was_revoked:
                        late.append(status)
                        return

        async def storm() -> None:
            users = asyncio.gather(*(use() for _ in range(16)))
            await asyncio.sleep(0.3)
            answer = await asyncio.to_thread(owner.send_it, "DELETE", f"/tokens/{id}")
            assert answer.status_code == 200
            revoked.set()
            await users

        asyncio.run(storm())
        assert late == [401] * 16


def test_a_role_a_name_and_a_removal_show_at_once(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        office = alice.json_of("GET", "/whoami")["workspace"]
        alice.send_it("POST", f"/workspaces/{office}/invites", {"email": BOB})
        with home.sign_in(BOB) as bob:
            token = bob.json_of("POST", f"/workspaces/{office}/tokens", {"token_name": "x"})["token"]
            me = bob.json_of("GET", "/whoami")["user"]
        with Person(home.url, token) as bob:
            assert bob.json_of("GET", "/whoami")["role"] == "member"
            alice.send_it("PATCH", f"/workspaces/{office}", {"name": "Office"})
            assert bob.json_of("GET", "/whoami")["workspace_name"] == "Office"
            asked = alice.json_of("POST", f"/workspaces/{office}/members/{me}/role", {"role": "admin"})
            assert asked["error"] == "escalation_required"
            code = home.letterbox.code_for(ALICE)
            alice.send_it("POST", f"/workspaces/{office}/members/{me}/role?code={code}", {"role": "admin"})
            assert bob.json_of("GET", "/whoami")["role"] == "admin"
            alice.send_it("DELETE", f"/workspaces/{office}/members/{me}")
            assert bob.send_it("GET", "/whoami").status_code == 401


def test_what_another_process_changed_is_noticed_once(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    outside = Outside(lock)
    try:
        assert not outside.has_changed()
        auth_outside.tell(tmp_path)
        assert (outside.has_changed(), outside.has_changed()) == (True, False)
        with pytest.raises(InUse, match=rf"\(process {os.getpid()}\)"):
            hold(tmp_path)
    finally:
        outside.close()
        os.close(lock)
    os.close(hold(tmp_path))
