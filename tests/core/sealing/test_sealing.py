"""Any change of the audit log after it was sealed is found; what an erasure, a pruning and an end leave is not one."""

import random
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.sealing import sealing, verify
from crmkit.model.actor import Actor
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import checking, seals
from crmkit.storage.log.chain import COLUMNS
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from tests.core.sealing.logs import end, erase, lived, looked, opened, prune, rows, sealed, whole
from tests.house import BOB, CHARLIE
from tests.storage.desk import Desk, workspace_of

pytestmark = pytest.mark.sqlite  # it changes the file by hand

TRIES = 300


def test_a_log_that_nobody_touched_is_content_and_tells_how_much_is_sealed(back: Desk) -> None:
    assert whole(back).line == "entries: 0 sealed, 0 of them erased"
    lived(back)
    lived(back, CHARLIE)
    verdict = whole(back)
    assert (verdict.faults, verdict.all_faults) == ([], 0)
    with opened(back) as connection:
        ((entries,),) = rows(connection, "SELECT count(*) FROM audit")
    assert (verdict.sealed, verdict.unsealed) == (entries - 1, 1)
    assert verdict.line == f"entries: {entries - 1} sealed, 0 of them erased, 1 not sealed yet"
    sealed(back)
    assert (whole(back).sealed, whole(back).unsealed) == (entries, 0)


def test_the_digest_of_an_entry_covers_every_column_there_is(back: Desk) -> None:
    with opened(back) as connection:
        stored = {name for (name,) in rows(connection, "SELECT name FROM pragma_table_info('audit')")}
    assert {name.strip('"') for name in COLUMNS} == stored


def other(value: Any, chance: random.Random) -> Any:
    """Return a value of the same type that is another."""
    if isinstance(value, int):
        return value + chance.choice([-1, 1, 2**20])
    if isinstance(value, bytes):
        place = chance.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :]
    if value is None:
        return 7
    place = chance.randrange(len(value)) if value else 0
    return chance.choice([value[:place] + "~" + value[place + 1 :], value[:place] + value[place + 1 :], value + " "])


def change(connection: SqliteConnection, table: str, key: str, chance: random.Random) -> str:
    """Change a random column of a random row that is sealed, or remove the row; return what was done."""
    where = "WHERE seq IN (SELECT seq FROM audit_digests)" if table == "audit" else ""
    found = connection.execute(f"SELECT * FROM {table} {where}")
    names = [name for name, *_ in found.description]
    row = dict(zip(names, chance.choice(found.fetchall()), strict=True))
    column = chance.choice([*(name for name in names if name != "moved_at"), "all of it"])
    if column == "all of it":
        connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (row[key],))
    else:
        value = other(row[column], chance) if table == "audit" or row[column] is not None else b"x"
        connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE {key} = ?', (value, row[key]))
    return f"{column} of {table} {row[key]}"


@pytest.mark.parametrize("seed", range(3))
def test_any_single_change_of_a_sealed_entry_or_of_what_holds_it_is_found(back: Desk, seed: int) -> None:
    alice, charlie = lived(back), lived(back, CHARLIE)
    end(back, lived(back, BOB))
    erase(back, alice)
    assert prune(back, charlie, "2026-06-10T09:00:06Z")
    assert whole(back).faults == []
    chance = random.Random(seed)
    tables = {"audit": "seq", "audit_digests": "seq", "audit_seals": "number"}
    tables |= {"audit_begins": "workspace_id", "audit_ends": "number"}
    for _ in range(TRIES):
        with opened(back) as connection:
            ((head,),) = rows(connection, "SELECT lower(hex(digest)) FROM audit_seals ORDER BY number DESC LIMIT 1")
            table = chance.choice([*tables])
            try:
                done = change(connection, table, tables[table], chance)
            except Exception as error:  # the table takes no such value
                assert "constraint" in str(error), error
                continue
            # without the last seal its entries look as if none had been made yet: the head tells
            assert looked(back, connection, head).faults, done


def test_entries_that_were_swapped_inserted_or_removed_are_named_with_their_workspace(back: Desk) -> None:
    alice = lived(back)
    first = workspace_of(alice).first
    columns = ", ".join(name for name in COLUMNS if name != "seq")

    def found(*statements: str) -> list[str]:
        with opened(back) as connection:
            for statement in statements:
                connection.execute(statement)
            return looked(back, connection).faults

    away = f"UPDATE audit SET seq = -1 WHERE seq = {first + 3}"
    for faults in (
        found(
            away,
            f"UPDATE audit SET seq = {first + 3} WHERE seq = {first + 4}",
            f"UPDATE audit SET seq = {first + 4} WHERE seq = -1",
        ),
        found(f"UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE seq IN ({first + 3}, {first + 4})"),
    ):
        assert [fault.split(" (")[0] for fault in faults] == [f"{alice.workspace_id}: entry {n}" for n in (3, 4)]
        assert {fault.rpartition(") ")[2] for fault in faults} == {"was changed"}
    (gone,) = found(f"DELETE FROM audit WHERE seq = {first + 3}")
    assert gone.startswith(f"{alice.workspace_id}: entry 3 (au_")
    assert gone.endswith(") was removed")
    (moved,) = found(f"UPDATE audit SET seq = {first + 500} WHERE seq = {first + 3}")
    assert moved.endswith(") was removed")
    copied = f"SELECT {first + 3}, {columns} FROM audit WHERE seq = {first + 4}"
    insert = f"INSERT INTO audit (seq, {columns}) {copied}"
    (replaced,) = found(f"DELETE FROM audit WHERE seq = {first + 3}", insert)
    assert replaced.endswith(") was changed")
    removed = f"DELETE FROM audit_digests WHERE seq = {first + 3}"
    digests, inserted = found(removed)
    assert "the digests of entries" in digests
    assert inserted.endswith(") was put in")


@pytest.mark.parametrize("seq", [(999 << 32) + 5, 1 << 32, -(1 << 63), 5, 2 << 32 | 500, (1 << 63) - 1])
def test_an_entry_that_lists_show_and_no_seal_holds_is_found(
    back: Desk, seq: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = lived(back)
    lived(back, CHARLIE)
    monkeypatch.setattr(checking, "SLICE", 3)
    assert workspace_of(alice).number == 1
    assert whole(back).faults == []
    columns = ", ".join(name for name in COLUMNS if name != "seq")
    insert = f"INSERT INTO audit (seq, {columns}) SELECT {seq}, {columns} FROM audit WHERE seq = {(1 << 32) + 3}"
    with opened(back) as connection:
        connection.execute(insert)
        faults = looked(back, connection).faults
        assert faults == [
            f"{alice.workspace_id}: the row {seq} of the log names it, and was put in outside its numbers"
        ]
        connection.execute("UPDATE audit SET workspace_id = 'ws_none' WHERE seq = ?", (seq,))
        assert looked(back, connection).faults == [f"the row {seq} of the log names no workspace that is here"]
        connection.execute("UPDATE audit SET workspace_id = CAST(x'ff' AS TEXT) WHERE seq = ?", (seq,))
        assert looked(back, connection).faults == [f"the row {seq} of the log names no workspace that is here"]


def test_an_erased_entry_is_content_counted_and_has_nothing_left_that_tells_what_it_held(back: Desk) -> None:
    alice = lived(back)
    before = whole(back)
    erase(back, alice)
    verdict = whole(back)
    assert (verdict.faults, verdict.head) == ([], before.head)
    assert (verdict.sealed, verdict.erased) == (before.sealed, 2)
    with opened(back) as connection:
        left = rows(
            connection, "SELECT d.salt FROM audit AS a JOIN audit_digests AS d USING (seq) WHERE changes = 'null'"
        )
    assert left == [(None,)] * 2


def test_an_entry_that_was_erased_before_it_was_sealed_is_content(back: Desk) -> None:
    alice = back.person()
    back.save(alice, name="Jane")
    erase(back, alice)
    sealed(back)
    verdict = whole(back)
    assert (verdict.faults, verdict.erased) == ([], 1)


def test_an_entry_that_somebody_emptied_without_an_erasure_is_found(back: Desk) -> None:
    alice = lived(back)
    place = workspace_of(alice).first + 3
    with opened(back) as connection:
        connection.execute("UPDATE audit SET changes = 'null' WHERE seq = ?", (place,))
        assert looked(back, connection).faults
        connection.execute(
            "UPDATE audit_digests SET salt = NULL, content = digest, proof = digest WHERE seq = ?", (place,)
        )
        (fault,) = looked(back, connection).faults
    assert fault.endswith("was changed, and no erasure did that")


def test_old_entries_that_were_removed_leave_a_beginning_that_is_proved(back: Desk) -> None:
    alice = lived(back)
    before = whole(back)
    first = workspace_of(alice).first
    removed = prune(back, alice, "2026-06-10T09:00:02Z")
    verdict = whole(back)
    assert 0 < removed < before.sealed
    assert (verdict.faults, verdict.head, verdict.pruned) == ([], before.head, removed)
    assert verdict.sealed == before.sealed - removed
    with opened(back) as connection:
        assert rows(connection, "SELECT min(seq), min(at) < '2026-06-10T09:00:02Z' FROM audit") == [
            (first + removed + 1, 0)
        ]
        connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (first + 1, first + removed + 1))
        assert any("was put in, where old entries were removed" in fault for fault in looked(back, connection).faults)
    with opened(back) as connection:
        connection.execute("DELETE FROM audit_begins")
        assert looked(back, connection).faults


def test_whatever_is_old_the_newest_seal_stays_so_that_no_number_is_given_twice(back: Desk) -> None:
    alice = lived(back)
    sealed(back)
    with opened(back) as connection:
        ((newest,),) = rows(connection, "SELECT max(seq) FROM audit")
    back.clock.move(days=400)
    prune(back, alice, "2027-06-10T09:00:00Z")
    back.save(alice, name="Next")
    sealed(back)
    with opened(back) as connection:
        assert rows(connection, "SELECT min(seq), max(seq) FROM audit") == [(newest, newest + 1)]
    assert whole(back).faults == []


def test_a_workspace_that_is_deleted_leaves_the_rest_verifiable_and_no_digest_of_its_own(back: Desk) -> None:
    alice = lived(back)
    lived(back, CHARLIE)
    before = whole(back)
    span = (workspace_of(alice).first, workspace_of(alice).last)
    with opened(back) as connection:
        alices = connection.execute("SELECT count(*) FROM audit_digests WHERE seq BETWEEN ? AND ?", span).fetchone()[0]
    end(back, alice)
    verdict = whole(back)
    assert (verdict.faults, verdict.head) == ([], before.head)
    assert (verdict.sealed, verdict.gone) == (before.sealed - alices, alices)
    with opened(back) as connection:
        left = connection.execute("SELECT count(*) FROM audit_digests WHERE seq BETWEEN ? AND ?", span).fetchone()
    assert left == (0,)


def test_a_log_that_took_the_place_of_one_of_the_same_workspace_is_found(back: Desk) -> None:
    alice = lived(back)
    sealed(back)
    head, first = whole(back).head, workspace_of(alice).first
    with opened(back) as connection:
        connection.execute("UPDATE workspaces SET number = 7 WHERE number = 1")
        connection.execute("DELETE FROM audit_digests WHERE seq >> 32 = 1")
        connection.execute(
            "UPDATE audit SET seq = seq - ? + (7 << 32), \"by\" = 'bob@example.com' WHERE seq >> 32 = 1", (first,)
        )
        verdict = looked(back, connection, head)
    assert verdict.all_faults == len(verdict.faults) > 0
    assert verdict.faults[0] == "entries 1 to 3 of workspace number 1 went with it, and no deletion did that"


def test_an_end_that_was_cut_off_is_found_by_the_head_that_was_kept(back: Desk) -> None:
    alice = lived(back)
    sealed(back)
    head = whole(back).head
    back.save(alice, name="Later")
    sealed(back)
    with opened(back) as connection:
        assert looked(back, connection, head).faults == []  # an earlier head stays good
        for table, column in (("audit", "seq"), ("audit_digests", "seq"), ("audit_seals", "last_seq")):
            connection.execute(f"DELETE FROM {table} WHERE {column} > ?", (workspace_of(alice).first + 6,))
        cut = looked(back, connection)
        assert cut.faults == []
        (fault,) = looked(back, connection, head).faults
        assert looked(back, connection, cut.head).faults == []
    assert fault.startswith(f"no seal has the head {head}: the end of the log was cut off")
    with opened(back) as connection, pytest.raises(ValueError, match="a head is the 64 letters and digits"):
        looked(back, connection, "abc")


@pytest.mark.parametrize("number", [0, -1, 1])
def test_a_head_is_not_found_in_a_seal_that_somebody_made_of_it(back: Desk, number: int) -> None:
    lived(back)
    head = whole(back).head
    with opened(back) as connection:
        for table in ("audit", "audit_digests", "audit_seals"):
            connection.execute(f"DELETE FROM {table}")
        made = (number, 0, 1, 0, b"", bytes.fromhex(head))
        connection.execute("INSERT INTO audit_seals VALUES (?, ?, ?, ?, ?, ?)", made)
        faults = looked(back, connection, head).faults
    assert faults[0].startswith(f"no seal has the head {head}: the end of the log was cut off")
    assert faults[1] == (
        "a seal stands before the first one"
        if number < 1
        else "seal 1 was changed, or the one before it, or secret.key is another than when it was made"
    )


def test_many_faults_are_counted_and_the_first_are_told(back: Desk) -> None:
    lived(back, records=30)
    with opened(back) as connection:
        connection.execute("UPDATE audit SET token_name = 'nobody'")
        verdict = looked(back, connection)
    assert len(verdict.faults) == verify.MOST_TOLD < verdict.all_faults


def test_a_seal_has_so_many_entries_and_a_workspace_waits_until_it_has_them_or_ten_looks_passed(back: Desk) -> None:
    alice = back.person()
    back.save_all(alice, [{"name": f"Jane {number}"} for number in range(2 * seals.MOST)])
    back.do(sealing.seal_all(Call(back.crm), is_whole=False))
    verdict = whole(back)
    assert (verdict.sealed, verdict.faults) == (2 * seals.MOST, [])
    assert 0 < verdict.unsealed < seals.MOST
    sealed(back)
    assert whole(back).unsealed == 0
    with opened(back) as connection:
        assert rows(connection, "SELECT max(entries), count(*) FROM audit_seals") == [(seals.MOST, 3)]


def test_entries_that_hold_very_much_make_smaller_seals(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST_LETTERS", 1_000)
    alice = back.person()
    back.save_all(alice, [{"name": "Jane", "notes": "x" * 600} for _ in range(10)])
    sealed(back)
    assert whole(back).faults == []
    with opened(back) as connection:
        assert rows(connection, "SELECT max(entries) FROM audit_seals WHERE number > 1") == [(2,)]


def test_a_write_makes_no_digest_and_no_seal(back: Desk) -> None:
    alice = back.person()
    back.save(alice, name="Jane")
    with opened(back) as connection:
        assert rows(connection, "SELECT (SELECT count(*) FROM audit_digests), (SELECT count(*) FROM audit_seals)") == [
            (0, 0)
        ]


def test_a_text_that_is_none_is_found_and_what_follows_is_still_compared(back: Desk) -> None:
    alice = lived(back)
    with opened(back) as connection:
        connection.execute(
            "UPDATE audit SET token_name = CAST(x'ff' AS TEXT) WHERE seq = ?", (workspace_of(alice).first + 3,)
        )
        connection.execute("UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(seq) - 1 FROM audit)")
        faults = looked(back, connection).faults
    assert len(faults) == 2
    assert "cannot be read" in faults[0]
    assert faults[1].endswith("was changed")


def unreadable(back: Desk, actor: Actor) -> None:
    """Have a text that is none in the newest entry of somebody, which is not sealed yet."""

    def unit(tx: Tx) -> None:
        workspace = workspace_of(actor)
        tx.connection.execute(
            "UPDATE audit SET token_name = CAST(x'ff' AS TEXT) "
            "WHERE seq = (SELECT max(seq) FROM audit WHERE seq BETWEEN ? AND ?)",
            (workspace.first, workspace.last),
        )

    back.do(back.database.write(unit, lanes=ANYWHERE))


def test_a_log_that_cannot_be_sealed_keeps_no_other_one_from_that(back: Desk, caplog: pytest.LogCaptureFixture) -> None:
    alice, charlie = lived(back), lived(back, CHARLIE)
    back.save(alice, name="Latest")
    unreadable(back, alice)
    sealed(back)
    verdict = whole(back)
    assert (verdict.faults, verdict.unsealed) == ([], 1)
    (line,) = {record.getMessage() for record in caplog.records if "waits to be sealed" in record.getMessage()}
    assert line.startswith(f"the audit log of {alice.workspace_id} waits to be sealed: Could not decode to UTF-8")
    back.save(charlie, name="Later")
    folder = back.database.folder
    with SQLITE.reads(folder) as read:
        unsealed = verify.seal(read, lambda: SQLITE.runs(folder), back.crm.key, back.crm.now)
        verdict = verify.verify(read, back.crm.key, unsealed=unsealed)
    assert (verdict.all_faults, verdict.unsealed) == (1, 1)
    start = f"{alice.workspace_id}: its newest entries cannot be sealed: Could not decode to UTF-8"
    assert verdict.faults[0].startswith(start)


def test_another_secret_is_told_as_such(back: Desk) -> None:
    lived(back, records=2)
    with opened(back) as connection:
        faults = verify.verify(lambda work: work(connection), b"x" * 32).faults
    assert any("secret.key is another than when it was made" in fault for fault in faults)
