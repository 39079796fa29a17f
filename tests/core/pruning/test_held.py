"""Old entries of the log stay while something reads them that is not over, though nobody does anything for it now."""

import pytest

from crmkit.core.call import Call
from crmkit.core.pruning.log import prune_log
from crmkit.core.sealing import sealing
from crmkit.storage.interface.tx import Tx
from tests.storage.desk import Desk, workspace_of

HOOK = (
    "INSERT INTO webhooks (seq, workspace_id, id, url, events, active, state, reason, version, created_at, updated_at, "
    "created_by) VALUES (4294967297, ?, 'wh_aaaaaaaa', 'https://example.com', '[\"*\"]', 1, '{}', 'why', 1, '', '', '')"
)
REACHED = "INSERT INTO webhook_keys VALUES (?, 'wh_aaaaaaaa', '', '', 0, '', '', '', '', '', {reached})"
UNDO = (
    "INSERT INTO jobs (seq, workspace_id, id, kind, state, due_at, ended_at, input, position, result, token_id, op, "
    "tries, error) VALUES (4294967297, ?, 'jb_aaaaaaaa', 'undo', '{}', {}, {}, '{{\"first\":{first}}}', 'null', "
    "'null', '', NULL, 0, '')"
)
LATER = "'2099-01-01T00:00:00Z'"
READING = {
    "a paused webhook": ((HOOK.format("paused"), REACHED), True),
    "a webhook that is off": ((HOOK.format("off"), REACHED), False),
    "an undo that runs": ((UNDO.replace("{}, {}", f"{LATER}, NULL").replace("'{}'", "'running'"),), True),
    "an undo that has ended": ((UNDO.replace("{}, {}", f"NULL, {LATER}").replace("'{}'", "'done'"),), False),
}


@pytest.mark.parametrize(("statements", "is_held"), READING.values(), ids=READING)
def test_what_is_read_stays_and_goes_with_what_reads_it(back: Desk, statements: tuple[str, ...], is_held: bool) -> None:
    alice = back.person()
    workspace = workspace_of(alice)
    back.crm.settings.plans.named["short"] = {"audit_days": 1}
    for name in ("Gone", "Read", "Young"):
        back.clock.move(days=2)
        back.save(alice, name=name)
        back.do(sealing.seal_all(Call(back.crm)))

    def entries(tx: Tx) -> list[int]:
        sql = "SELECT seq FROM audit WHERE workspace_id = ? AND action = 'contact.create' ORDER BY seq"
        return [seq for (seq,) in tx.connection.execute(sql, (workspace.id,)).fetchall()]

    gone, read, young = back.do(back.database.write(entries))

    def unit(tx: Tx) -> None:
        tx.connection.execute("UPDATE workspaces SET plan = 'short' WHERE id = ?", (workspace.id,))
        for statement in statements:
            tx.connection.execute(statement.format(reached=gone, first=read), (workspace.id,))

    back.do(back.database.write(unit))
    back.do(prune_log(Call(back.crm)))
    assert back.do(back.database.write(entries)) == ([read, young] if is_held else [young])
