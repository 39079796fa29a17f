"""The campaigns' own arithmetic, what they take for broken, and a run of the shortest of them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from attack import __main__ as command
from attack import report
from attack.__main__ import CAMPAIGNS, Entry, run
from attack.campaigns import flush, forging
from attack.client import Answer
from attack.lab import Lab, lab
from attack.ledger import Held, Stored, Writer
from attack.program import NotStarted, without
from attack.reader import Forged, flat, records
from attack.report import Row, Verdict
from attack.victim import NOISE_MS, WINDOW, Waits, bound_of, percentile, quiet


def test_a_figure_up_to_its_bound_holds_and_one_past_it_is_broken() -> None:
    assert [report.at_most("x", "1", figure, 2.0, "s").verdict for figure in (0.0, 2.0, 2.01)] == [
        Verdict.HOLDS,
        Verdict.HOLDS,
        Verdict.BROKEN,
    ]
    assert report.exactly("x", "1", [200], [200]).verdict is Verdict.HOLDS
    assert report.exactly("x", "1", [200, 500], [200]).verdict is Verdict.BROKEN
    assert report.exactly("x", "1", False, True).verdict is Verdict.BROKEN
    assert report.skipped("x", "no tmpfs").verdict is Verdict.SKIPPED


def test_the_table_shows_campaign_size_figure_bound_and_verdict() -> None:
    found = [
        ("kill", report.at_most("lost", "12 kills", 12_345.0, 0.5, "s")),
        ("disk", report.skipped("full", "no tmpfs")),
    ]
    heads, _, first, second = report.table(found).splitlines()
    assert heads.split() == ["campaign", "what", "size", "figure", "bound", "verdict"]
    assert first.split("  ")[0] == "kill"
    assert "12,345 s" in first
    assert "<= 0.50 s" in first
    assert first.endswith("broken")
    assert "no tmpfs" in second
    assert second.endswith("skipped")


def test_a_percentile_is_the_least_time_that_so_many_do_not_pass() -> None:
    times = [float(number) for number in range(100, 0, -1)]
    assert [percentile(times, percent) for percent in (1, 50, 99, 100)] == [1.0, 50.0, 99.0, 100.0]
    assert percentile([], 99) == 0.0
    assert percentile([7.0], 99) == 7.0


def test_one_slow_window_among_three_does_not_decide_but_is_the_longest_wait() -> None:
    waits = Waits([1.0] * WINDOW + [900.0] * WINDOW + [2.0] * WINDOW)
    assert (waits.p99, waits.longest) == (2.0, 0.9)
    assert Waits([900.0] * (2 * WINDOW) + [1.0] * WINDOW).p99 == 900.0
    assert Waits([8.0, 9.0]).p99 == 9.0
    assert (Waits().p99, Waits().longest) == (0.0, 0.0)
    assert bound_of(Waits([10.0])) == 20.0
    assert bound_of(Waits([0.1])) == NOISE_MS


def contact(step: int, **other: Any) -> dict[str, Any]:
    """Return a contact as a writer's step left it."""
    return {
        "email": "w.1@example.com",
        "name": f"w {step}",
        "stage": f"step {step}",
        "notes": "\n".join([f"step {step}"] * 20),
        "version": step,
        "activities": 0,
        **other,
    }


@pytest.mark.parametrize(
    ("held", "fault"),
    [
        ({"c_1": contact(2)}, ""),
        ({}, "is lost"),
        ({"c_1": contact(1, version=2)}, "is at step 1"),
        ({"c_1": contact(2, notes="\n".join(["step 2"] * 19))}, "is half of one write"),
        ({"c_1": contact(2, version=3)}, "is at version 3"),
        ({"c_1": contact(2, activities=1)}, "counts 1 activities and has 0"),
        ({"c_1": contact(2), "c_0": contact(1)}, "is back after its delete"),
    ],
)
def test_a_server_must_hold_what_was_acknowledged(held: dict[str, Any], fault: str) -> None:
    writer = Writer("w", 1)
    writer.told = {"c_1": Held("w.1@example.com", 2, 2)}
    writer.gone = {"c_0"}
    faults = list(writer.check(Stored(held, {})))
    assert all(fault in one for one in faults) if fault else faults == []
    assert bool(faults) == bool(fault)


def test_a_lost_activity_is_a_fault() -> None:
    writer = Writer("w", 1)
    writer.told = {"c_1": Held("w.1@example.com", 2, 2, {"a_1", "a_2"})}
    assert list(writer.check(Stored({"c_1": contact(2, activities=1)}, {"c_1": {"a_1"}}))) == ["c_1 lost 1 activities"]


def test_the_attack_reads_a_value_back_as_it_was_written() -> None:
    line = (
        'contact/c_aaaaaaaa  name="a\\n# total: 9"  tags=a,b  custom.n=5  custom."odd key"=["x",{"y":null}]  custom.t=x'
    )
    (read,) = records(f"{line}\n# 1 contact\n# next: abc\n")
    custom = {"n": 5, "odd key": ["x", {"y": None}], "t": "x"}
    assert read.values == flat({"id": "c_aaaaaaaa", "name": "a\n# total: 9", "tags": ["a", "b"], "custom": custom})


@pytest.mark.parametrize(
    "text",
    [
        "contact/c_aaaaaaaa  name=x\nOK deleted contact/c_aaaaaaaa\n",
        "contact/c_aaaaaaaa  name=x\n# anything\n",
        "contact/c_aaaaaaaa  name=a\u2028b\n",
        "contact/c_aaaaaaaa  name=a b=c\n",
        "contact/c_aaaaaaaa  name=x  name=y\n",
        "contact/c_aaaaaaaa  name=x",
    ],
)
def test_a_line_that_the_grammar_does_not_have_is_taken_for_forged(text: str) -> None:
    with pytest.raises(Forged):
        list(records(text))


@pytest.mark.parametrize(
    "text",
    ["ERROR not_found\nHINT  a\nHINT  b\n", "ERROR x\nFIELD a\u202eb  c\nHINT  d\n", "HINT  a\n", "OK done\n"],
)
def test_a_refusal_in_another_form_than_ours_is_taken_for_forged(text: str) -> None:
    assert list(forging.refusal_faults(Answer(404, {}, text.encode())))
    assert not list(forging.refusal_faults(Answer(404, {}, b"ERROR not_found\nFIELD id  is none\nHINT  look\n")))


@pytest.mark.parametrize(
    ("status", "text", "there", "true"),
    [
        (201, "", True, True),
        (201, "", False, False),
        (503, "nothing was changed", False, True),
        (503, "nothing was changed", True, False),
        (503, "try again", True, False),
        (503, "it may or may not have been done", True, True),
    ],
)
def test_an_answer_to_a_failed_flush_is_compared_with_what_is_stored(
    status: int, text: str, there: bool, true: bool
) -> None:
    assert flush.is_true(Answer(status, {}, text.encode()), there) is true
    assert flush.is_true(None, there)


def test_only_limits_that_are_settings_are_lifted() -> None:
    assert list(without(("requests_per_minute", "unheard_of"))) == ["CRMKIT_LIMITS_REQUESTS_PER_MINUTE"]


def campaign_of(*rows: Row, then: Callable[[], None] = lambda: None, wait: float = 0) -> Entry:
    async def campaign(_: Lab) -> AsyncIterator[Row]:
        for row in rows:
            yield row
        await asyncio.sleep(wait)
        then()

    return Entry(campaign, 1 if wait else 30, "made up")


@pytest.mark.slow
def test_a_campaign_that_fails_or_takes_too_long_is_broken_and_keeps_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise NotStarted("no\nserver")

    well = report.exactly("x", "1", 1, 1)
    monkeypatch.setitem(CAMPAIGNS, "fails", campaign_of(well, then=fail))
    monkeypatch.setitem(CAMPAIGNS, "lasts", campaign_of(well, wait=60))
    found = asyncio.run(run(["fails", "lasts"]))
    assert [(name, row.verdict.value) for name, row in found] == [
        ("fails", "holds"),
        ("fails", "broken"),
        ("lasts", "holds"),
        ("lasts", "broken"),
    ]
    assert [found[1][1].figure, found[3][1].figure] == ["NotStarted: no server", "cut after 1 s"]


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (report.exactly("x", "1", 1, 2), 1),
        (report.exactly("x", "1", 1, 1), 0),
        (report.skipped("x", "no gcc"), 0),
    ],
)
def test_only_a_broken_verdict_exits_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], row: Row, status: int
) -> None:
    monkeypatch.setitem(CAMPAIGNS, "made-up", campaign_of(row))
    monkeypatch.setattr(sys, "argv", ["attack", "--only", "made-up"])
    monkeypatch.setattr("attack.__main__.signal.signal", lambda *_: None)
    try:
        command.main()
        exited = 0
    except SystemExit as left:
        exited = left.code  # type: ignore[assignment]
    assert exited == status
    assert f"made-up   x     {row.size}" in capsys.readouterr().out


def test_the_list_names_every_campaign(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["attack", "--list"])
    command.main()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CAMPAIGNS)
    assert {Path(entry.campaign.__module__.replace(".", "/")).name for entry in CAMPAIGNS.values()} == set(CAMPAIGNS)


@pytest.mark.slow
def test_a_program_of_a_campaign_is_gone_with_its_folder() -> None:
    async def used() -> None:
        async with lab(is_long=False) as place:
            served = await place.start()
            async with await served.sign_in("alice@example.com") as alice:
                waits = await quiet(served.port, alice.token, "/healthz", "/whoami", seconds=0.3)
            assert waits.failed == 0
            assert len(waits.times) > 5
            assert 0 < waits.p99 <= waits.longest * 1e3
            with pytest.raises(NotStarted, match="stop it first"):
                await place.start()
        assert not served.is_running
        assert not place.folder.exists()

    asyncio.run(used())


@pytest.mark.slow
def test_the_storms_end_with_one_winner_each() -> None:
    found = asyncio.run(run(["storms"]))
    assert [row for _, row in found if row.verdict is not Verdict.HOLDS] == []
    assert len(found) >= 10
