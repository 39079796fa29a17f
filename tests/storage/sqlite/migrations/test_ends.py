"""The migration to proofs of deletions: a log with seals of a workspace that went before is sealed anew."""

from pathlib import Path

import pytest

from crmkit.core.call import Call
from crmkit.core.sealing import sealing, verify
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log.chain import Chain
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.migrations import m0050_ends
from crmkit.storage.workspaces import erasure
from tests.house import CHARLIE
from tests.kinds import REGISTRY
from tests.storage.desk import desk, workspace_of


@pytest.mark.parametrize("one_went", [True, False])
def test_a_log_is_sealed_anew_where_a_workspace_went_without_a_proof(tmp_path: Path, one_went: bool) -> None:
    with desk(tmp_path / "data") as back, SQLITE.reads(back.database.folder) as read:
        people = [back.person(), back.person(CHARLIE)]
        back.save(people[0], name="Jane")
        back.do(sealing.seal_all(Call(back.crm)))
        head = verify.verify(read, back.crm.key).head

        def unit(tx: Tx) -> None:
            if one_went:
                erasure.erase(tx, REGISTRY, Chain(back.crm.key), workspace_of(people[1]))
            tx.connection.execute("DROP TABLE audit_ends")
            for statement in m0050_ends.MIGRATION.statements:
                tx.connection.execute(statement)

        back.do(back.database.write(unit, lanes=ANYWHERE))
        back.do(sealing.seal_all(Call(back.crm)))
        verdict = verify.verify(read, back.crm.key)
    assert (verdict.faults, verdict.gone, verdict.unsealed) == ([], 0, 0)
    assert (verdict.head == head) is not one_went
    assert verdict.sealed > 0
