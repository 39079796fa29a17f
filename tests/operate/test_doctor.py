"""`crmkit doctor`: each fault is made in a real file, found, told with what to do; what is kept is put right."""

import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.clock import stamp, system_clock
from crmkit.core.call import Call
from crmkit.core.examining import kept
from crmkit.core.records import memberships
from crmkit.core.sealing import sealing
from crmkit.operate import doctor
from crmkit.settings import Settings
from crmkit.storage.interface.database import Finding, InUse, Unusable
from crmkit.storage.sqlite import files
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, held
from tests.house import process, run, settings_of
from tests.kinds import CAMPAIGN, COMPANY, CONTACT, DEAL, REGISTRY
from tests.storage.desk import Desk, desk
from tests.teams.filling import filled
from tests.teams.office import enter, new, office

pytestmark = pytest.mark.sqlite  # it is about the folder

CONTENT = ("counts", "derived", "search", "audit", "clock", "jobs", "imports", "webhooks", "plans")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with something of all that is kept beside records."""
    with desk(tmp_path / "data") as back:
        alice = back.person()
        company = back.make(alice, COMPANY, name="Acme")
        jane = back.make(alice, CONTACT, name="Jane Doe", company_id=company.id, phone="030 1234567")
        back.make(alice, DEAL, title="Big", amount_cents=10**12 + 7, stage="Éins", company_id=company.id)
        back.make(alice, DEAL, title="Small", amount_cents=5)
        back.log(alice, jane, kind="call", body="hello")
        back.log(alice, jane, kind="note", body="there", occurred_at="2026-06-01")
        fair = back.make(alice, CAMPAIGN, name="Fair")
        back.do(memberships.add(Call(back.crm, alice), fair.id, {"id": jane.id}))
        back.index()
        back.make(alice, CONTACT, name="Not indexed")
        back.do(sealing.seal_all(Call(back.crm)))
    return tmp_path / "data"


def settings(folder: Path, **environ: str) -> Settings:
    return settings_of(CRMKIT_SERVER_DATA=str(folder), **environ)


def found(folder: Path, **environ: str) -> dict[str, Finding]:
    return {each.name: each for each in doctor.examine(settings(folder, **environ), SQLITE, boot.KINDS)}


def bad(folder: Path) -> dict[str, str]:
    return {name: each.what for name, each in found(folder).items() if not each.good}


def change(folder: Path, *statements: str) -> None:
    with closing(connect(folder / FILE, True)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)


def test_a_sound_installation_has_no_fault(folder: Path) -> None:
    assert bad(folder) == {}
    assert {*CONTENT} < found(folder).keys()


def test_a_workspace_with_all_that_one_can_hold_has_what_is_kept_as_its_records_have_it(tmp_path: Path) -> None:
    with office(tmp_path / "data") as home:
        alice = enter(home, "alice@example.com")
        filled(home, alice, new(alice, "/workspaces", name="Full"), ("marmalade", "rhubarb", "custard"))
        with SQLITE.reads(home.folder) as read:  # beside the server
            wrong = [each.line for each in kept.examine(read, REGISTRY) if not each.good]
    assert wrong == []


KEPT = {
    "UPDATE counts SET live = live + 1 WHERE kind = 'contacts'": ("counts", "has 2 contacts, and 3 are counted"),
    "DELETE FROM counts WHERE kind = 'deals'": ("counts", "has 2 deals, and 0 are counted"),
    "UPDATE open_sums SET low = low + 1": ("counts", "what its open deals add up to is not what is kept"),
    "DELETE FROM open_sums": ("counts", "what its open deals add up to is not what is kept"),
    "UPDATE contacts SET activities = 5 WHERE activities = 2": ("derived", "activities is 5 and follows as 2"),
    "UPDATE contacts SET last_activity_at = NULL": ("derived", "last_activity_at is None and follows as '2026-06-10"),
    "UPDATE contacts SET contacts_made = 0": ("derived", "contacts_made is 0 and follows as 1"),
    "UPDATE contacts SET company_name = 'Other' WHERE company_name = 'Acme'": (
        "derived",
        "company_name is 'Other' and follows as 'Acme'",
    ),
    "UPDATE campaigns SET contacts = 7": ("derived", "contacts is 7 and follows as 1"),
    "DELETE FROM activities": ("derived", "activities is 2 and follows as 0"),
    "UPDATE contacts_texts SET rest = 'x'": ("search", "is not found by what it holds"),
    "DELETE FROM contacts_unindexed": ("search", "is not found by what it holds"),
    "INSERT INTO deals_texts (place, title, rest, codes) VALUES (-4294967999, 'x', 'y', '')": (
        "search",
        "the text of a deal that is gone",
    ),
    "INSERT INTO companies_search (companies_search) VALUES ('delete-all')": ("search", "is not in the index"),
}


@pytest.mark.parametrize("statement", KEPT)
def test_what_is_kept_and_is_wrong_is_found_and_put_right(folder: Path, statement: str) -> None:
    name, words = KEPT[statement]
    change(folder, statement)
    told = bad(folder)
    assert words in told[name]
    assert told[name].endswith("`crmkit doctor --repair` puts that right while no server runs")
    repaired = doctor.repair(settings(folder), SQLITE, boot.KINDS)
    assert repaired.wrong == 0 if name == "search" else repaired.wrong > 0
    assert {*bad(folder)}.isdisjoint(("counts", "derived", "search"))


@pytest.mark.parametrize("more", [(), ("UPDATE counts SET live = live - 1 WHERE kind = 'contacts'",)])
def test_records_that_are_gone_are_told_before_a_repair_and_by_it(folder: Path, more: tuple[str, ...]) -> None:
    change(folder, "DELETE FROM contacts WHERE company_name = 'Acme'", "DELETE FROM contacts_unindexed", *more)
    told, name = bad(folder), "search" if more else "counts"
    assert told[name].endswith(f"; {kept.GONE}; {kept.REPAIR}")
    if more:
        assert "counts" not in told
    done = run("doctor", "--repair", "--data", str(folder), cwd=folder.parent)
    gone = [line for line in done.stdout.splitlines() if line.startswith("gone: ")]
    assert ("contacts, and 2 are counted" in gone[0]) == (not more)
    assert "the text of a contact that is gone" in gone[-1]
    assert "\nrecords are gone that nobody deleted here" in done.stdout


def test_what_is_wrong_without_a_record_that_is_gone_is_put_right_without_further_words(folder: Path) -> None:
    change(folder, "DELETE FROM counts WHERE kind = 'deals'")
    assert kept.GONE not in bad(folder)["counts"]
    assert doctor.repair(settings(folder), SQLITE, boot.KINDS).gone == []


def test_after_a_repair_search_finds_what_it_found(folder: Path) -> None:
    def search(back: Desk) -> list[str]:
        return [each.name for each in back.find(back.person(), search="jane").records]

    with desk(folder) as back:
        assert search(back) == ["Jane Doe"]
    change(folder, "INSERT INTO contacts_search (contacts_search) VALUES ('delete-all')", "DELETE FROM contacts_texts")
    doctor.repair(settings(folder), SQLITE, boot.KINDS)
    assert bad(folder) == {}
    with desk(folder) as back:
        assert search(back) == ["Jane Doe"]
    assert bad(folder) == {}


def test_an_index_that_somebody_dropped_is_found_and_made_again_unless_a_record_stands_against_it(folder: Path) -> None:
    change(folder, "DROP INDEX contacts_by_email", "DROP INDEX activities_by_contact")
    told = bad(folder)
    assert told.keys() == {"indexes"}
    assert told["indexes"].startswith("somebody dropped contacts_by_email, activities_by_contact: `crmkit doctor --rep")
    doctor.repair(settings(folder), SQLITE, boot.KINDS)
    assert bad(folder) == {}
    change(folder, "DROP INDEX contacts_by_email", "UPDATE contacts SET email = 'jane@example.com'")
    with pytest.raises(Unusable, match=r"contacts_by_email cannot be made again \(UNIQUE .*: change or delete such"):
        doctor.repair(settings(folder), SQLITE, boot.KINDS)


def test_beside_a_server_nothing_is_repaired(folder: Path) -> None:
    change(folder, "UPDATE counts SET live = 9")
    with held(folder):
        with pytest.raises(InUse, match="stop it first"):
            doctor.repair(settings(folder), SQLITE, boot.KINDS)
        assert [*bad(folder)] == ["counts"]


def test_many_faults_are_counted_and_the_first_are_told(folder: Path) -> None:
    with desk(folder) as back:
        back.save_all(back.person(), [{"name": f"Jane {number}"} for number in range(450)])
    change(folder, "UPDATE contacts SET activities = 1 WHERE activities = 0")
    what = bad(folder)["derived"]
    assert what.count("activities is 1 and follows as 0") == kept.MOST_TOLD
    assert "; and 448 more; " in what


_JOB = (
    "INSERT INTO jobs (seq, workspace_id, id, kind, state, due_at, ended_at, input, position, result, token_id, op, "
    "tries, error) VALUES (1, '', 'jb_aaaaaaaa', 'undo', '{state}', {due}, {ended}, 'null', 'null', 'null', '', NULL, "
    "{tries}, '{error}')"
)
_IMPORT = (
    "INSERT INTO imports SELECT 4294967297, id, 'im_aaaaaaaa', 'running', '{}', '', 'x', 'x', '', '', '', '', 0, 0, 0, "
    "0, 0, 0, '', 'jb_gone', NULL, '', '', NULL FROM workspaces"
)
_WEBHOOK = (
    "INSERT INTO webhooks (seq, workspace_id, id, url, events, active, state, reason, failing_since, version, "
    "created_at, updated_at, created_by) SELECT 4294967297, id, 'wh_aaaaaaaa', 'https://example.com', '[\"*\"]', "
    "{active}, '{state}', 'why', {failing}, 1, '', '', '' FROM workspaces"
)
STANDING = {
    _JOB.format(state="running", due="''", ended="NULL", tries=3, error=""): (
        "jobs",
        "jb_aaaaaaaa (undo) of the server failed 3 times and is tried again; the log of the server says why",
    ),
    _JOB.format(
        state="failed", due="NULL", ended="'2026-06-10T09:00:00Z'", tries=5, error="server_error: Our fault."
    ): (
        "jobs",
        "jb_aaaaaaaa (undo) of the server failed at 2026-06-10T09:00:00Z",
    ),
    _IMPORT: ("imports", "runs without a job; stop it with DELETE /imports/"),
    _WEBHOOK.format(active=1, state="paused", failing="NULL"): ("webhooks", "is paused: why; "),
    _WEBHOOK.format(active=1, state="off", failing="NULL"): ("webhooks", "is off: why; "),
    _WEBHOOK.format(active=1, state="active", failing="'2026-06-10T09:00:00Z'"): (
        "webhooks",
        "reaches nobody since 2026",
    ),
    "UPDATE audit SET at = '2099-01-01T00:00:00Z' WHERE seq = (SELECT max(seq) FROM audit)": (
        "clock",
        "the newest entry of the log is of 2099-01-01T00:00:00Z: the clock was set back",
    ),
    "UPDATE audit SET token_name = 'x' WHERE seq = (SELECT max(seq) FROM audit)": (
        "audit",
        "was changed; `crmkit audit verify` tells all 1",
    ),
    "UPDATE contacts SET company_id = 'co_aaaaaaaa' WHERE company_id IS NOT NULL": (
        "links",
        "a row of contacts refers to one of companies that is not there; restore a copy",
    ),
}


@pytest.mark.parametrize("statement", STANDING)
def test_what_stands_still_or_was_tampered_with_is_found(folder: Path, statement: str) -> None:
    name, words = STANDING[statement]
    change(folder, statement)
    assert words in bad(folder)[name]


def test_a_job_that_is_late_is_a_fault_beside_a_server_alone(folder: Path) -> None:
    late = _JOB.format(state="waiting", due="'2026-06-10T09:00:00Z'", ended="NULL", tries=0, error="")
    change(folder, late)
    assert bad(folder) == {}
    with held(folder):
        told = "jb_aaaaaaaa (undo) of the server was due at 2026-06-10T09:00:00Z"
        assert bad(folder) == {"jobs": f"{told}; the log of the server says why, by these ids"}


def test_entries_that_wait_to_be_sealed_for_long_are_a_fault_beside_a_server_alone(folder: Path) -> None:
    columns = 'workspace_id, at, "by", token_name, action, target, changes'
    newest = f"SELECT seq + 1, 'later', {columns} FROM audit ORDER BY seq DESC LIMIT 1"
    change(folder, f"INSERT INTO audit (seq, id, {columns}) {newest}")
    assert bad(folder) == {}
    with held(folder):
        assert ": entries wait to be sealed since more than 30 minutes; " in bad(folder)["audit"]


def test_a_webhook_that_somebody_switched_off_is_no_fault(folder: Path) -> None:
    change(folder, _WEBHOOK.format(active=0, state="off", failing="'2026-06-10T09:00:00Z'"))
    assert "webhooks" not in bad(folder)


def test_a_large_log_and_a_full_disk_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = folder / f"{FILE}-wal"
    with open(log, "wb") as file:
        file.truncate(files.MOST_LOG_BYTES + 1)
    assert bad(folder)["log"].startswith(f"{files.MOST_LOG_BYTES + 1:,} bytes; a read of another program holds it")
    log.unlink()
    monkeypatch.setattr(files, "LEAST_FREE_BYTES", 1 << 60)
    assert bad(folder)["disk"].endswith(": make room, or writes will be refused")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CRMKIT_SERVER_HOST": "0.0.0.0"}, "set [server] base_url to what they use"),
        ({"CRMKIT_SERVER_BASE_URL": "http://crm.example.com"}, "a public address without https"),
        ({"CRMKIT_SERVER_BASE_URL": "https://crm.example.com"}, "name its address in [server] trusted_proxies"),
    ],
)
def test_a_url_that_clients_cannot_use_well_is_found(folder: Path, environ: dict[str, str], words: str) -> None:
    told = found(folder, **environ)["url"]
    assert not told.good
    assert words in told.what
    proxied = {"CRMKIT_SERVER_BASE_URL": "https://crm.example.com", "CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1"}
    assert found(folder, **proxied)["url"].good


@pytest.mark.slow
def test_the_command_repairs_what_it_finds_unless_a_server_runs(folder: Path) -> None:
    change(folder, "UPDATE counts SET live = 9 WHERE kind = 'contacts'")
    assert command("doctor", folder).returncode == 1
    with process(folder) as served:
        refused = command("doctor", folder, "--repair")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "stop it first" in refused.stderr
        assert "BAD  counts: " in command("doctor", folder).stdout
        assert served.stop() == 0
    done = command("doctor", folder, "--repair")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "repaired: 1 counts and derived fields were wrong; the index of search was made anew\n"
    )


def command(name: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(name, "--data", str(folder), *arguments, cwd=folder.parent)


def test_backups_of_a_server_that_was_started_elsewhere_are_no_fault(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = found(folder, CRMKIT_BACKUP_EVERY_HOURS="24")["backup"]
    assert told.good
    assert told.what.startswith("not looked at, since [backup] folder is backups where the server was started")
    (tmp_path / "backups").mkdir()
    told = found(folder, CRMKIT_BACKUP_EVERY_HOURS="24")["backup"]
    assert not told.good
    assert told.what.endswith(
        "a server that was started in another folder has them there: name [backup] folder in full"
    )


@pytest.mark.parametrize("url", ["", "smtp://127.0.0.1:1"])
def test_a_public_server_that_sends_no_mail_is_a_fault(folder: Path, url: str) -> None:
    told = found(folder, CRMKIT_SERVER_BASE_URL="https://crm.example.com", CRMKIT_MAIL_SMTP_URL=url)["mail"]
    assert told.good == bool(url)
    assert ("nobody gets mail from https://crm.example.com: " in told.what) == (not url)
    assert told.what.endswith("sends a test mail")


def test_a_key_that_is_none_is_a_fault_and_the_rest_is_looked_at(folder: Path) -> None:
    (folder / "secret.key").write_text("0123\n")
    told = bad(folder)
    assert [*told] == ["key"]
    assert "secret.key is no key: put back a copy of it" in told["key"]
    assert {"counts", "jobs", "url"} < found(folder).keys()


def test_a_backup_that_is_missing_or_old_is_a_fault_where_the_server_is_to_make_some(folder: Path) -> None:
    kept = folder.parent / "kept"
    environ = {"CRMKIT_BACKUP_EVERY_HOURS": "24", "CRMKIT_BACKUP_FOLDER": str(kept)}
    assert "backup" not in found(folder)
    missing = found(folder, **environ)["backup"]
    assert missing.what.startswith(f"none is in {kept}, where one is due every 24 hours; ")
    kept.mkdir()
    now = system_clock()
    for age, good in ((72, False), (30, True)):
        made = kept / f"crmkit-{now - timedelta(hours=age):%Y%m%dT%H%M%SZ}.db"
        SQLITE.backup(folder, made, made.with_suffix(".part"), stamp(now))
        told = found(folder, **environ)["backup"]
        assert (told.good, "`crmkit backup FILE` makes one now" in told.what) == (good, not good)
