"""Plans are tables of the settings file: which caps and rates they set, and what they leave out."""

from pathlib import Path

import pytest

from crmkit.boot import load_settings as load
from crmkit.plans import AUDIT_DAYS, RATES
from tests.kinds import REGISTRY
from tests.settings.wrong_settings import told, written


def test_plans_are_tables_and_what_they_leave_out_is_unlimited(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [plans]
        default = "free"
        [plans.free]
        contacts = 1000
        deals = 0
        [plans.team]
        members = 20
        """,
    )
    plans = load(file).plans
    assert plans.default == "free"
    assert plans.caps("free") == {"contacts": 1000, "deals": 0}
    assert plans.caps("team") == {"members": 20}
    assert plans.caps("unlimited") == {}
    assert set(plans.named) == {"free", "team", "unlimited"}


def test_a_plan_that_is_no_longer_declared_has_the_caps_of_the_default(tmp_path: Path) -> None:
    plans = load(written(tmp_path, "[plans]\ndefault = 'free'\n[plans.free]\ncontacts = 0\n")).plans
    assert plans.caps("gold") == {"contacts": 0}


def test_a_plan_from_the_file_can_be_made_the_default_in_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, "[plans.free]\ncontacts = 5\n")
    assert load(file).plans.default == "unlimited"
    assert load(file, {"CRMKIT_PLANS_DEFAULT": "free"}).plans.default == "free"
    assert "declared are: free, unlimited" in told(file=file, environ={"CRMKIT_PLANS_DEFAULT": "gold"})


@pytest.mark.parametrize("cap", REGISTRY.capped)
def test_every_cap_can_be_set_also_to_zero(cap: str, tmp_path: Path) -> None:
    plan = load(written(tmp_path, f"[plans.free]\n{cap} = 0\n")).plans.caps("free")
    assert plan == {cap: 0}


@pytest.mark.parametrize("rate", RATES)
def test_a_plan_may_limit_requests(rate: str, tmp_path: Path) -> None:
    plans = load(written(tmp_path, f"[plans.free]\n{rate} = 30\n[plans.team]\n{rate} = 0\n")).plans
    assert (plans.caps("free"), plans.caps("team")) == ({rate: 30}, {rate: 0})
    for wrong in ("-1", "1.5", "'many'"):
        assert told(file=written(tmp_path, f"[plans.free]\n{rate} = {wrong}\n")).startswith(
            f"[plans.free] {rate} is a whole number from 0 on, not {wrong}"
        )
    assert f"did you mean {rate}?" in told(file=written(tmp_path, f"[plans.free]\n{rate}s = 1\n"))


def test_a_plan_that_is_not_declared_allows_the_least_of_all_and_keeps_the_whole_log(tmp_path: Path) -> None:
    few = "contacts = 5\nmembers = 3\nrequests_per_minute = 0\naudit_days = 30\n"
    many = "contacts = 9\ndeals = 0\nrequests_per_minute = 60\n"
    plans = load(written(tmp_path, f"[plans.few]\n{few}[plans.many]\n{many}")).plans
    assert plans.caps("ghost") == {"contacts": 5, "members": 3, "deals": 0, "requests_per_minute": 60}
    assert load().plans.caps("ghost") == {}


def test_a_plan_says_for_how_many_days_the_audit_log_is_kept(tmp_path: Path) -> None:
    plans = load(written(tmp_path, "[plans.free]\naudit_days = 30\n")).plans
    assert (plans.caps("free"), plans.caps("unlimited")) == ({AUDIT_DAYS: 30}, {})
    for wrong in ("0", "-1", "1.5", "'many'", "36501"):
        assert told(file=written(tmp_path, f"[plans.free]\naudit_days = {wrong}\n")).startswith(
            f"[plans.free] audit_days is a whole number from 1 to 36500, not {wrong}"
        )
