"""A request is noted, but for one that looks how far a job is."""

import time
from pathlib import Path

import pytest

from crmkit.core.jobs import traffic
from crmkit.core.jobs.kind import JobKinds
from crmkit.core.jobs.traffic import Traffic
from tests.core.jobs.kinds import ADDER, actor_of, add
from tests.house import ALICE, house
from tests.web.connecting import rpc


def test_it_is_quiet_until_a_request_comes_and_some_time_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, now = Traffic(), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert found.is_quiet
    found.request()
    assert not found.is_quiet
    now += traffic.QUIET_SECONDS + 0.01
    assert found.is_quiet


def test_the_requests_of_the_last_second_are_counted_and_none_once_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    found, now = Traffic(), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert found.per_second == 0
    for _ in range(401):  # the one after a second sees the others counted
        found.request()
        now += traffic.COUNTED_SECONDS / 400
    found.request()
    assert found.per_second == pytest.approx(400, rel=0.01)
    now += traffic.QUIET_SECONDS + 0.01
    assert found.per_second == 0


def test_looks_at_jobs_and_imports_disturb_nothing_over_http_and_mcp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[None] = []
    with house(tmp_path / "data", jobs=JobKinds(ADDER)) as home, home.sign_in(ALICE) as alice:
        job = add(home, actor_of(home, alice), "adder", {"word": "n", "of": 1}, due_at="2099-01-01T00:00:00Z")
        monkeypatch.setattr(Traffic, "request", lambda _: noted.append(None))
        for path in (f"/jobs/{job.id}", "/imports/im_k7m2q9xa"):
            alice.get(path)
            alice.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": path}}))
        assert noted == []
        alice.get("/contacts")
        alice.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": "/contacts"}}))
        assert len(noted) == 2
