"""A log that is sealed anew: what went before stays told, and what is changed from then on is found."""

import pytest

from crmkit.core.sealing import verify
from crmkit.core.sealing.verify import Verdict
from crmkit.storage.sqlite.brand import SQLITE
from tests.core.sealing.logs import end, erase, lived, looked, opened, prune, rows, sealed
from tests.house import BOB, CHARLIE
from tests.storage.desk import Desk

pytestmark = pytest.mark.sqlite  # it changes the file by hand

OTHER = b"x" * 32  # another key


def renewed(back: Desk, key: bytes) -> Verdict:
    folder = back.database.folder
    with SQLITE.runs(folder) as run, SQLITE.reads(folder) as read:
        return verify.renew(read, run, key, back.crm.now)


def test_entries_that_were_erased_removed_for_their_age_or_gone_with_a_workspace_stay_told(back: Desk) -> None:
    alice, bob = lived(back), lived(back, BOB)
    removed = prune(back, alice, "2026-06-10T09:00:02Z")
    erase(back, bob)
    end(back, lived(back, CHARLIE))
    sealed(back)
    with opened(back) as connection:
        before = looked(back, connection)
        assert verify.verify(lambda work: work(connection), OTHER).all_faults
    verdict = renewed(back, OTHER)
    assert (verdict.faults, verdict.unsealed) == ([], 0)
    assert (verdict.sealed, verdict.erased, verdict.pruned) == (before.sealed, before.erased, removed)
    assert verdict.gone == 0 < before.gone  # no seal is left that asks for them
    assert verdict.head != before.head
    with opened(back) as connection:
        connection.execute("UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(seq) FROM audit)")
        (fault,) = verify.verify(lambda work: work(connection), OTHER).faults
    assert fault.endswith("was changed")


def test_a_removal_that_nobody_proved_is_proved_from_then_on(back: Desk) -> None:
    alice = lived(back)
    prune(back, alice, "2026-06-10T09:00:02Z")
    with opened(back) as connection:
        connection.execute("UPDATE audit_begins SET proof = x'00'")
        assert looked(back, connection).faults
    assert renewed(back, back.crm.key).faults == []
    with opened(back) as connection:
        assert rows(connection, "SELECT count(*) FROM audit_begins") == [(1,)]
