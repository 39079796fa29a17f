"""The examination after each storm finds what a storm could do wrong."""

from pathlib import Path

from crmkit import boot
from crmkit.storage.interface.lanes import ANYWHERE
from tests.core.crowd import Call
from tests.storms.place import place


def test_a_lost_entry_a_skipped_version_a_wrong_count_and_a_write_that_is_not_there_are_found(tmp_path: Path) -> None:
    with place(tmp_path / "data", 1) as town:
        alice = town.newcomer("alice")
        (answer,) = town.storm([Call("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})], alice)
        town.storm([Call("PATCH", f"/contacts/{answer.json()['id']}", {"stage": f"s{n}"}) for n in range(3)], alice)
        assert len(town.acknowledged) == 4
        assert town.faults() == []
        for sql, told in {
            "UPDATE contacts SET version = version + 1": {"contacts have another version than the log"},
            "UPDATE counts SET live = live + 1 WHERE kind = 'contacts'": {"counts"},
            "DELETE FROM audit WHERE version = 3": {
                "entries of the log have gaps",
                "versions have gaps in the log",
                "acknowledged, but not in the log",
            },
        }.items():
            before = {*town.faults()}
            boot.run(town.settings, lambda tx, sql=sql: tx.connection.execute(sql).rowcount, ANYWHERE)
            assert {fault.partition(":")[0] for fault in {*town.faults()} - before} >= told
