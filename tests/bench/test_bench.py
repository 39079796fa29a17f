"""The bench measures every row, or says why not; how fast anything is, is no matter here."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import PEERS, ROWS, planned, run
from bench.lab import Plan
from bench.report import Line, Report
from bench.rows.footprint.answers import counter

SIZES, OTHERS = (200, 300, 400), (3, 40)
COUNTED = importlib.util.find_spec("bpe_openai") is not None
HAS_SMAPS = Path("/proc/self/smaps_rollup").exists()
MAY_SKIP = (
    *PEERS,
    "slow-flush",
    "nearby",
    "by-filter",
    "scoring-run",
    "declared-fill",
    "postgres-shares",  # takes root
    *(() if COUNTED else ("tokens",)),
    *(() if HAS_SMAPS else ("idle", "memory")),
)

pytestmark = pytest.mark.filterwarnings("ignore:open_binary is deprecated")  # bpe_openai reads its vocabulary so


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CRMKIT_BENCH_DIR", str(tmp_path_factory.mktemp("bench")))
        yield


def plan(loader: str, sizes: tuple[int, ...] = SIZES) -> Plan:
    return Plan(rounds=1, seconds=0.1, sizes=sizes, loader=loader, load=100, peers=False, others=OTHERS)


@pytest.mark.slow
def test_every_row_of_the_benchmark_gives_a_number_or_says_why_not() -> None:
    report = run(plan("own"), list(ROWS))
    assert report.broken == []
    assert [name for name, _ in report.skipped if name not in MAY_SKIP] == []
    assert len(report.lines) >= 20
    may_be_nothing = "in process|memory|less that alone"
    assert [line for line in report.lines if line.median <= 0 and not re.search(may_be_nothing, line.what)] == []
    text = report.text()
    for told in ("must reach", "noise: ", "skipped: datasette: peers are left out", "activities (1), audit"):
        assert told in text
    judged = {(line.what, line.against): (line.must, line.aim) for line in report.lines}
    units = ("bytes", "tokens") if COUNTED else ("bytes",)
    for unit in units:
        for what, bounds in {"list of 50": (0.60, 0.50), "one": (0.90, 0.80)}.items():
            line = f"{unit} of text, {what}"
            assert judged[line, f"{unit} of JSON"] == (bounds if unit == "bytes" else (None, None))
            assert (
                judged[line, f"{unit} of Konektor's JSON"] == judged[line, f"{unit} of Klozeo's JSON"] == (None, None)
            )
    memory = [(f"memory after the load ({what}) at 400", "at 200") for what in ("PSS", "anonymous")]
    disk = ("database bytes a contact between 300 and 400", "between 200 and 300")
    for line in (*(memory if HAS_SMAPS else ()), disk):
        assert judged[line] == (None, None)
    assert judged["start to first answer", "bare Litestar"] == (1.4, 1.2)


def test_rows_without_their_data_are_skipped() -> None:
    report = run(plan("own", SIZES[:1]), ["total", "neighbours", "memory", "database"])
    assert [name for name, _ in report.skipped] == ["total", "neighbours", "memory", "database"]
    assert report.lines == []


def test_memory_is_skipped_where_nothing_was_loaded_before() -> None:
    report = run(plan("own"), ["memory"])
    assert (report.lines, report.skipped) == ([], [("memory", "no row before it asked crmkit 400 anything")])


@pytest.mark.slow
@pytest.mark.skipif(not COUNTED, reason="bpe-openai has no wheel here")
def test_tokens_are_counted_as_tiktoken_counts_them() -> None:
    """The counts are those of tiktoken 0.14 for o200k_base."""
    known = {
        "antidisestablishmentarianism": 6,
        "2 + 2 = 4": 7,
        "お誕生日おめでとう": 8,
        "tiktoken is great!": 6,
        "hello world": 2,
        "": 0,
        "<|endoftext|>": 7,  # in a record it is text like any other
        '{"id":"c_7k2m","name":"Jane Kelly","email":"jane@example.com","phone":null,"tags":["vip"]}': 31,
        "contact/c_7k2m | Jane Kelly | jane@example.com | 2026-03-01T09:30:00Z\n": 30,
    }
    count = counter()
    assert {text: count(text.encode()) for text in known} == known


def test_tokens_are_skipped_without_their_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    report = run(plan("own"), ["tokens"])
    assert (report.lines, [name for name, _ in report.skipped]) == ([], ["tokens"])


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_what_wrk_prints_is_understood() -> None:
    report = run(plan("wrk"), ["creates-large"])
    assert (report.broken, report.skipped) == ([], [])
    assert all(line.median > 0 for line in report.lines)


def test_a_verdict_holds_the_median_against_its_bounds() -> None:
    lines = [
        Line("fast enough", "x", [0.5, 0.6, 0.7], 0.60, 0.75),
        Line("too slow", "x", [0.594], 0.60),
        Line("small enough", "x", [1.0], 1.5, 1.1, at_most=True),
        Line("told", "x", [1.0]),
    ]
    assert [line.verdict for line in lines] == ["yes", "NO", "yes, aim too", "-"]
    assert "0.50-0.70" in Report(lines).text()


def test_flags_choose_rows_rounds_sizes_and_peers() -> None:
    asked, rows, _ = planned(["--rows", "one", "list", "--rounds", "7", "--sizes", "10,20,30", "--no-peers"])
    assert (rows, asked.rounds, asked.sizes, asked.peers) == (["one", "list"], 7, (10, 20, 30), False)
    assert planned(["--sizes", "1_000_000"])[0].sizes == (10_000, 100_000, 1_000_000)
    assert planned(["--quick"])[0].rounds == 3
