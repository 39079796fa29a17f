"""The soak tells what grows, and a short one goes through on the real server."""

import pytest

from bench import soak
from bench.soak import Load, Sample, verdict

STEADY = [Sample(50.0, 40.0, 20.0, 10.0, 90.0, 500.0, 0.7)] * 9


def test_steady_figures_are_within_their_bounds_and_one_peak_moves_nothing() -> None:
    lines, over = verdict([*STEADY[:4], Sample(500.0, 400.0, 900.0, 900.0, 90.0, 1.0, 0.7), *STEADY[5:]], 60)
    assert over == []
    assert [line.partition(":")[0] for line in lines] == ["memory", "descriptors", "wal", "p99"]


@pytest.mark.parametrize("name", ["memory", "descriptors", "wal", "p99"])
def test_a_figure_that_goes_on_growing_is_named(name: str) -> None:
    growing = [
        Sample(**{field: 10.0 * (number if field == name else 1) for field in Sample.__struct_fields__})
        for number in range(1, 31)
    ]
    lines, over = verdict(growing, 60)
    assert over == [name]
    assert any(line.startswith(f"{name}: ") and line.endswith("slope +10.000 a minute") for line in lines)


def test_memory_may_follow_the_database_whose_pages_are_kept() -> None:
    samples = [Sample(50.0 + number, 40.0, 20.0, 10.0, 100.0 + number, 500.0, 0.7) for number in range(60)]
    assert verdict(samples, 60)[1] == []
    assert verdict([Sample(s.memory, 40.0, 20.0, 10.0, 100.0, 500.0, 0.7) for s in samples], 60)[1] == ["memory"]


def test_a_client_that_asks_what_changed_goes_on_with_the_cursor_of_the_answer_before() -> None:
    load = Load("ck_x", ["c_aaaaaaaa"])

    def asked() -> set[bytes]:
        return {line for line in (load.next().split(b" ", 2)[1] for _ in range(2_000)) if line.startswith(b"/changes")}

    assert asked() == {b"/changes?since=-1d&limit=20"}
    load.answered(b"contact/c_a  change=updated\n# 1 change\n# note: more\n# next: Later-1\n")
    load.answered(b"contact/c_a  name=Jane\n# 20 contacts\n# next: of-a-list\n")
    assert asked() == {b"/changes?since=Later-1&limit=20"}


@pytest.mark.slow
def test_a_short_soak_sends_only_what_succeeds_and_backs_up(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("CRMKIT_BENCH_DIR", str(tmp_path_factory.mktemp("soak")))
    soak.main(["--minutes", "0.05", "--every", "1", "--trial", "0.5"])
    printed, said = capfd.readouterr()
    assert "fault" not in printed
    assert printed.count("answers/s") == 3
    assert "backup 1 took" in said
