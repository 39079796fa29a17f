"""Limits of requests hold for all processes of one database together."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crmkit.errors import Problem
from crmkit.settings import Limits, Settings
from crmkit.web.limits.requests import BUSY, RateLimits
from tests import postgres
from tests.house import ALICE, Person
from tests.storage.postgres.beside.processes import Processes
from tests.web.test_limits import ALICE as ACTOR
from tests.webhooks.receiver import until

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

MOST = 300
FEW = MOST // BUSY  # requests at one process, of which others are not told


class Sharing:
    """Limits of two processes, on one real table, at a time that the test says."""

    def __init__(self, folder: Path) -> None:
        from crmkit.storage.postgres.engine.connection import connect

        self.now = 0.0
        self.connection = connect(postgres.url(folder))
        self.one, self.two = self.process(), self.process()

    def process(self) -> "Limited":
        return Limited(self)


class Limited:
    def __init__(self, sharing: Sharing) -> None:
        from crmkit.storage.postgres.windows import Windows

        self.sharing, self.windows = sharing, Windows()
        limits = Limits(requests_per_minute=MOST, requests_per_minute_user=0)
        self.limits = RateLimits(Settings(limits=limits), is_shared=True, now=lambda: sharing.now)

    def ask(self, times: int = 1) -> int:
        """Send so many requests, and return how many are left after the last one."""
        state: dict[str, Any] = {}
        for _ in range(times):
            self.limits.count(ACTOR, state)
        return int(dict(state["limit_headers"])[b"x-ratelimit-remaining"])

    def told(self) -> None:
        told = self.limits.untold()
        self.limits.learn(told, self.windows.add(self.sharing.connection, told))


@pytest.fixture
def sharing(tmp_path: Path) -> Iterator[Sharing]:
    found = Sharing(tmp_path)
    with closing(found.connection):
        yield found


def test_what_one_process_let_pass_counts_at_the_other_once_both_are_busy(sharing: Sharing) -> None:
    one, two = sharing.one, sharing.two
    assert one.ask(100) == MOST - 100
    one.told()
    assert two.ask(FEW) == MOST - FEW
    two.told()
    assert two.ask() == MOST - 100 - FEW - 1
    two.told()
    assert one.ask() == MOST - 101
    one.told()
    assert one.ask() == MOST - 101 - FEW - 2
    sharing.now = 59.5
    assert two.ask(20) == MOST - 100 - FEW - 21
    sharing.now = 61.0
    assert two.ask() == MOST - 21


def test_a_process_that_comes_later_counts_what_passed_in_the_minute_and_none_twice(sharing: Sharing) -> None:
    one, two, three = sharing.one, sharing.two, sharing.process()
    for _ in range(4):
        one.ask(25)
        one.told()
        two.ask(25)
        two.told()
    three.ask(FEW)
    three.told()
    assert three.ask() == MOST - 200 - FEW - 1
    three.told()
    one.ask()
    one.told()
    two.ask()
    two.told()
    assert two.ask() == MOST - 200 - FEW - 4


def test_a_token_that_asks_little_is_not_told_of(sharing: Sharing) -> None:
    sharing.one.ask(FEW - 1)
    sharing.one.told()
    assert sharing.connection.execute("SELECT 1 FROM windows").fetchall() == []


def test_after_sums_were_lost_with_the_memory_of_the_database_what_comes_later_counts(sharing: Sharing) -> None:
    one, two = sharing.one, sharing.two
    for each in (one, two, one):
        each.ask(50)
        each.told()
    sharing.connection.execute("TRUNCATE windows")
    one.ask(10)
    one.told()
    two.ask(5)
    two.told()
    assert one.ask() == MOST - 150 - 11
    one.told()
    assert one.ask() == MOST - 150 - 12 - 5


def test_where_others_used_up_the_limit_the_next_request_is_refused(sharing: Sharing) -> None:
    one, two = sharing.one, sharing.two
    one.ask(MOST)
    one.told()
    two.ask(FEW)
    two.told()
    with pytest.raises(Problem, match="rate_limited") as refused:
        two.ask()
    assert refused.value.headers["Retry-After"] == "60"


def _passed(url: str, token: str, ends: float) -> list[float]:
    """Ask until this moment, and return when it was let pass; then assert what a refusal tells."""
    found = list[float]()
    with Person(url, token, ALICE) as person:
        while time.monotonic() < ends:
            answer = person.get("/whoami")
            if answer.status_code == 200:
                found.append(time.monotonic())
            else:
                assert answer.status_code == 429
                assert answer.headers["x-ratelimit-limit"] == str(MOST)
                assert answer.headers["x-ratelimit-remaining"] == "0"
                assert 1 <= int(answer.headers["retry-after"]) <= 60
                assert answer.headers["x-ratelimit-reset"] == answer.headers["retry-after"]
                time.sleep(0.05)
    return found


@pytest.mark.slow
def test_four_processes_let_pass_together_what_a_plan_allows_and_what_comes_within_a_second(
    processes: Processes, tmp_path: Path
) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text(f'[plans]\ndefault = "small"\n[plans.small]\nrequests_per_minute = {MOST}\n')
    urls = [processes.start("--config", str(config)).url for _ in range(4)]
    with processes.running[0].sign_in() as here:
        token = here.token
    until(lambda: len(processes.rows("SELECT 1 FROM leases")) >= 1)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        each = threads.map(lambda url: _passed(url, token, began + 20), urls)
        passed = sorted(at for times in each for at in times)
    in_a_second = max(sum(at <= each < at + 1 for each in passed) for at in passed)
    assert MOST <= len(passed) <= MOST + in_a_second + 3 * FEW
    assert passed[-1] < began + 20 - 1  # in the end all refuse
