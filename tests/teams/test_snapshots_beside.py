"""A workspace that arrives beside a running server: the server does what is left to do, without anybody asking."""

import time
from pathlib import Path
from typing import Any

import pytest

from crmkit import boot
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.core.configuration import countries, settings
from crmkit.core.declared.indexing import EMPTY, FILL
from crmkit.core.erasure import job as erasing
from crmkit.core.jobs import runner
from crmkit.core.many import in_steps
from crmkit.core.records import write
from crmkit.core.scoring import nightly, run
from crmkit.core.transfer.imports import job as importing
from crmkit.core.transfer.snapshots.arrive import BEGUN_ANEW
from crmkit.core.undo.job import UNDO
from crmkit.core.webhooks import on_write
from crmkit.model.actor import Actor
from tests import postgres
from tests.house import ALICE, settings_of
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, desk
from tests.teams.office import Books, office

FIELD = REGISTRY.by_word["field"]


def test_every_kind_of_job_is_one_that_an_import_begins_anew_or_one_that_somebody_started() -> None:
    """A new one of the system fails here: what it had left to do would be lost when a workspace moves."""
    of_states, of_somebody = {FILL, EMPTY}, {UNDO, in_steps.NAME, importing.NAME, run.RUN}
    of_webhooks, keeping = {on_write.NAME}, {erasing.NAME}  # which arrive switched off; while which none leaves
    assert {*BEGUN_ANEW} | of_states | of_somebody | of_webhooks | keeping == set(boot.JOBS._by_name)


def declared(back: Desk, actor: Actor, key: str, type: str) -> Any:
    body = {"kind": "contact", "key": key, "type": type}
    return back.do(write.save(Call(back.crm, actor), FIELD, body)).record


def left_by(back: Desk) -> str:
    """Return a workspace in which an index is to be built, another to be emptied, and phone numbers read anew."""
    alice = back.person(ALICE)
    back.save_all(alice, [{"name": f"Jane {n}", "phone": f"030 12345{n}", "custom": {"size": n}} for n in range(9)])
    gone = declared(back, alice, "gone", "text")
    back.do(write.remove(Call(back.crm, alice), FIELD, gone.id))
    declared(back, alice, "size", "number")
    back.do(settings.change(Call(back.crm, alice), alice.workspace_id, {"country": "DE"}))
    return alice.workspace_id


@pytest.mark.slow
def test_jobs_that_had_not_ended_are_begun_anew_and_texts_are_indexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CLOCK_SECONDS", 0.1)
    monkeypatch.setattr(runner, "MOST_SLEEP", 0.1)
    with desk(tmp_path / "here") as back:
        id = left_by(back)
    here, there = (settings_of(**postgres.environ(tmp_path / name)) for name in ("here", "there"))
    manifest = boot.export_workspace(here, id, tmp_path / "moving.zip")
    assert manifest.unfinished == sorted([FILL, EMPTY, countries.READ_ANEW])
    with office(tmp_path / "there"), Books(tmp_path / "there") as books:
        boot.import_workspace(there, tmp_path / "moving.zip")
        ends = time.monotonic() + 30
        while books.ask("SELECT 1 FROM jobs WHERE due_at IS NOT NULL UNION ALL SELECT 1 FROM contacts_unindexed"):
            assert time.monotonic() < ends
            time.sleep(0.05)
        assert books.ask('SELECT "key", state FROM custom_indexes') == [("size", "ready")]
        assert books.ask("SELECT count(*) FROM custom_values") == [(9,)]
        assert books.ask("SELECT count(*) FROM contacts WHERE phone_key LIKE '49%'") == [(9,)]
        assert books.ask("SELECT count(*) FROM contacts_texts") == [(9,)]


def test_rules_that_tell_the_time_go_on_each_night(tmp_path: Path) -> None:
    with desk(tmp_path / "here") as back:
        alice = back.person(ALICE)
        back.make(alice, REGISTRY.by_word["rule"], name="old", expression="days_since(created_at)")
        back.do(settings.change(Call(back.crm, alice), alice.workspace_id, {"timezone": "Asia/Tokyo"}))
    here, there = (settings_of(**postgres.environ(tmp_path / name)) for name in ("here", "there"))
    manifest = boot.export_workspace(here, alice.workspace_id, tmp_path / "moving.zip")
    assert manifest.unfinished == [nightly.NIGHTLY]
    boot.import_workspace(there, tmp_path / "moving.zip")
    with Books(tmp_path / "there") as books:
        ((kind, due_at),) = books.ask("SELECT kind, due_at FROM jobs WHERE due_at IS NOT NULL")
        assert (kind, due_at[10:]) == (nightly.NIGHTLY, "T15:00:00Z")
        assert books.ask("SELECT scored_kinds FROM workspaces") == [("contact",)]
