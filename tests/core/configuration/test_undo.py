"""What is taken back by the log alone leaves the indexes of declared keys as if it had not been."""

from pathlib import Path

import pytest

from crmkit.core.call import Call
from crmkit.core.records.write import remove
from tests.core.configuration.builds import FIELD, build, declare, entries, left, now, redeclare
from tests.core.records import log
from tests.core.records.log import newest_operation, undo
from tests.kinds import COMPANY
from tests.storage.desk import desk


def test_indexes_follow_when_writes_are_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(log.BY_NAME, "field", FIELD)
    with desk(tmp_path / "data") as back:
        alice = back.person()
        company = back.make(alice, COMPANY, name="Acme")
        field = declare(back, alice, "size", "number")
        jane = back.save(alice, name="Jane", company_id=company.id, custom={"size": 5})
        back.save(alice, name="Joe", custom={"size": 7})
        build(back)
        before = [row[:6] for row in entries(back, alice)]
        assert [row[3] for row in before] == [5, 7]

        def write() -> None:
            back.change(alice, jane, custom={"size": 6})

        def clear() -> None:
            back.change(alice, jane, custom={"size": None})

        def turn() -> None:
            redeclare(back, alice, field, required=True)

        def undeclare() -> None:
            back.do(remove(Call(back.crm, now(back, alice)), FIELD, field.id))

        for act in (write, clear, turn, undeclare):
            act()
            build(back)
            undo(back, now(back, alice), newest_operation(back, alice))
            build(back)
            assert [row[:6] for row in entries(back, alice)] == before
            assert left(back, alice) == 0


def test_a_link_that_a_delete_empties_moves_the_change_of_a_declared_key(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        alice = back.person()
        company = back.make(alice, COMPANY, name="Acme")
        declare(back, alice, "size", "number")
        build(back)
        back.save(alice, name="Jane", company_id=company.id, custom={"size": 5})
        back.clock.move(hours=1)
        back.remove(now(back, alice), company)
        ((*_, changed),) = entries(back, alice)
        assert changed == "2026-06-10T10:00:00Z"
