"""A request is noted, but for one that looks how far a job is."""

import time

import pytest

from crmkit.core.jobs import traffic
from crmkit.core.jobs.traffic import Traffic


def test_it_is_quiet_until_a_request_comes_and_some_time_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, now = Traffic(), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert found.is_quiet
    found.request()
    assert not found.is_quiet
    now += traffic.QUIET_SECONDS + 0.01
    assert found.is_quiet


def test_looking_how_far_a_job_is_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found, now = Traffic(), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    found.request()
    found.looks()
    assert found.is_quiet
    found.request()
    found.request()
    found.looks()
    assert not found.is_quiet
