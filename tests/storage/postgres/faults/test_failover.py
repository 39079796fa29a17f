"""The primary is lost and its standby takes its place: what was acknowledged is there, and writing goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.house import ALICE, UNLIMITED, house
from tests.storage.postgres.faults.cluster import NAME, Cluster, cluster
from tests.storage.postgres.faults.load import answers_of, until, writing, wrong_in

pytestmark = [
    pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server"),
    pytest.mark.slow,
]

CLIENTS = 6


@pytest.fixture
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary that tells of a commit once its standby has applied it."""
    with cluster() as primary, cluster() as standby:
        primary.make()
        primary.empty()
        standby.follow(primary)
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
        primary.ask("SELECT pg_reload_conf()")
        until(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        yield primary, standby


def test_every_acknowledged_write_is_at_the_standby_that_took_over(
    tmp_path: Path, pair: tuple[Cluster, Cluster]
) -> None:
    primary, standby = pair
    hosts = f"{primary.home},{standby.home}"
    url = f"postgresql://postgres@/{NAME}?host={hosts}&target_session_attrs=read-write"
    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_SERVER_DATA": url}) as home, home.sign_in(ALICE) as alice:
        with writing([home.url] * CLIENTS, alice.token) as writers:
            until(lambda: answers_of(writers)["done"] > 100)
            primary.kill()
            standby.promote()
            before = answers_of(writers)["done"]
            until(lambda: answers_of(writers)["done"] > before + 100)
        assert alice.get("/readyz").status_code == 200
        assert standby.ask("SELECT pg_is_in_recovery()") == [(False,)]
        assert answers_of(writers).keys() <= {"done", "refused", "unknown"}
        assert wrong_in(alice, writers) == []
