"""A database belongs to one key, that of its first server: what one process seals, another opens."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from crmkit import boot
from crmkit.core.call import Call
from crmkit.core.sealing import sealing
from crmkit.operate import doctor
from crmkit.storage import secret
from crmkit.storage.interface.database import Unusable
from tests import postgres
from tests.house import ALICE, house, run, settings_of
from tests.storage.desk import desk
from tests.storage.postgres.beside.processes import Processes

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

LOST = "If it is lost for good, stop all servers: `crmkit audit renew --yes` seals the log by "


def refused(done: CompletedProcess[str], why: str, other: str = "this one") -> None:
    """Check that a command ended with one line, which says why and what to do."""
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{secret.FILE} {why}: name the folder with the right one in [server] files" in line
    assert line.endswith(LOST + other)


def test_a_process_with_another_key_is_refused_and_a_copy_of_the_key_is_taken(
    processes: Processes, tmp_path: Path
) -> None:
    processes.start()
    other = tmp_path / "other"
    environ = {**postgres.environ(processes.folder), "CRMKIT_SERVER_FILES": str(other)}
    refused(run("serve", "--port", "0", "--local", cwd=tmp_path, **environ), "is missing", "a new one")
    assert not other.exists()
    other.mkdir(mode=0o700)
    (other / secret.FILE).write_text("00" * secret.SIZE)
    for command in (
        ("serve", "--port", "0", "--local"),
        ("token", "--email", ALICE),
        ("users", "list"),
        ("audit", "verify"),
    ):
        refused(run(*command, cwd=tmp_path, **environ), "is another key than that of the database")
    renewed = run("audit", "renew", "--yes", cwd=tmp_path, **environ)
    assert (renewed.returncode, "stop it first" in renewed.stderr) == (1, True)
    key = processes.folder / secret.FILE
    (other / secret.FILE).write_bytes(key.read_bytes())
    two = processes.start(CRMKIT_SERVER_FILES=str(other))
    assert two.stop() == 0


def test_once_no_server_runs_the_database_has_its_key_until_the_log_is_renewed(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    with house(folder) as home, home.sign_in(ALICE):
        home.do(sealing.seal_all(Call(home.crm)))
    environ = {**postgres.environ(folder), "CRMKIT_SERVER_FILES": str(other)}
    refused(run("serve", "--port", "0", "--local", cwd=tmp_path, **environ), "is missing", "a new one")
    for command in (("audit", "verify"), ("token", "--email", ALICE), ("doctor", "--repair")):
        refused(run(*command, cwd=tmp_path, **environ), "is missing", "a new one")
    assert not other.exists()
    assert boot.verify_log(settings_of(**postgres.environ(folder))).faults == []
    renewed = run("audit", "renew", "--yes", cwd=tmp_path, **environ)
    assert (renewed.returncode, renewed.stderr) == (0, "")
    assert boot.verify_log(settings_of(**environ)).faults == []
    with pytest.raises(Unusable, match="is another key than that of the database"), desk(folder):
        pass


def test_the_doctor_tells_that_the_key_is_another_and_not_that_the_log_was_changed(tmp_path: Path) -> None:
    with house(tmp_path / "data") as home, home.sign_in(ALICE):
        home.do(sealing.seal_all(Call(home.crm)))
    other = tmp_path / "other"
    other.mkdir()

    def told() -> dict[str, tuple[bool, str]]:
        settings = settings_of(**{**postgres.environ(tmp_path / "data"), "CRMKIT_SERVER_FILES": str(other)})
        found = doctor.examine(settings, postgres.brand(tmp_path / "data"), boot.KINDS)
        return {each.name: (each.good, each.what) for each in found if each.name in {secret.FILE, "key", "audit"}}

    for why in ("is missing", "is another key than that of the database"):
        found = told()
        assert found.keys() == {secret.FILE}
        is_good, what = found[secret.FILE]
        assert not is_good
        assert f"{secret.FILE} {why}: name the folder" in what
        (other / secret.FILE).write_text("00" * secret.SIZE)
    (other / secret.FILE).write_bytes((tmp_path / "data" / secret.FILE).read_bytes())
    found = told()
    assert {name: is_good for name, (is_good, _) in found.items()} == {secret.FILE: True, "audit": True}


def test_a_database_whose_key_earlier_servers_held_while_they_ran_keeps_it(tmp_path: Path) -> None:
    with desk(tmp_path / "data"):
        pass
    with postgres.by_hand(tmp_path / "data") as connection:
        connection.execute("UPDATE leases SET until = now() - interval '1 day' WHERE name = 'key'")
    (tmp_path / "other").mkdir()
    with pytest.raises(Unusable, match="is missing"):
        boot.crm_of(
            settings_of(**{**postgres.environ(tmp_path / "data"), "CRMKIT_SERVER_FILES": str(tmp_path / "other")})
        )
    with desk(tmp_path / "data"), postgres.by_hand(tmp_path / "data") as connection:
        assert connection.execute("SELECT until = 'infinity' FROM leases WHERE name = 'key'").fetchall() == [(True,)]
