"""The bench measures every row, or says why not; how fast anything is, is no matter here."""

import shutil
from collections.abc import Iterator

import pytest

from bench.__main__ import PEERS, ROWS, planned, run
from bench.lab import Plan
from bench.report import Line, Report

SIZES, OTHERS = (200, 300, 400), (3, 40)


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CRMKIT_BENCH_DIR", str(tmp_path_factory.mktemp("bench")))
        yield


def plan(loader: str, sizes: tuple[int, ...] = SIZES) -> Plan:
    return Plan(rounds=1, seconds=0.1, sizes=sizes, loader=loader, load=100, peers=False, others=OTHERS)


def test_a_row_gives_neither_a_number_nor_a_reason() -> None:
    report = run(plan("own"), list(ROWS))
    assert report.broken == []
    assert [name for name, _ in report.skipped if name not in (*PEERS, "slow-flush")] == []
    assert len(report.lines) >= 20
    assert all(line.median > 0 for line in report.lines if "in process" not in line.what)
    text = report.text()
    for told in ("must reach", "noise: ", "skipped: datasette: peers are left out", "bytes per contact", "PSS"):
        assert told in text


def test_rows_without_their_data_are_measured() -> None:
    report = run(plan("own", SIZES[:1]), ["total", "neighbours"])
    assert [name for name, _ in report.skipped] == ["total", "neighbours"]
    assert report.lines == []


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_wrk_is_not_understood() -> None:
    report = run(plan("wrk"), ["creates-large"])
    assert (report.broken, report.skipped) == ([], [])
    assert all(line.median > 0 for line in report.lines)


def test_a_verdict_is_wrong() -> None:
    lines = [
        Line("fast enough", "x", [0.5, 0.6, 0.7], 0.60, 0.75),
        Line("too slow", "x", [0.594], 0.60),
        Line("small enough", "x", [1.0], 1.5, 1.1, at_most=True),
        Line("told", "x", [1.0]),
    ]
    assert [line.verdict for line in lines] == ["yes", "NO", "yes, aim too", "-"]
    assert "0.50-0.70" in Report(lines).text()


def test_flags_are_not_heard() -> None:
    asked, rows, _ = planned(["--rows", "one", "list", "--rounds", "7", "--sizes", "10,20,30", "--no-peers"])
    assert (rows, asked.rounds, asked.sizes, asked.peers) == (["one", "list"], 7, (10, 20, 30), False)
    assert planned(["--sizes", "1_000_000"])[0].sizes == (10_000, 100_000, 1_000_000)
    assert planned(["--quick"])[0].rounds == 3
