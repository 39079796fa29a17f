"""Shares of a core: servers that get no more time than one has, as if each stood on a small machine of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 10_000  # microseconds: a server that has used its share of one waits for the next


@contextmanager
def bounded(pids: list[int], share: float) -> Iterator[None]:
    """Give each of these processes at most this share of a core until the block ends.

    Raises OSError where no control group can be made, which needs Linux and root.
    """
    groups = [_ROOT / ("cpu" if _is_first() else "") / f"crmkit-bench-{os.getpid()}-{pid}" for pid in pids]
    try:
        for pid, group in zip(pids, groups, strict=True):
            group.mkdir()
            _set(group, int(_PERIOD * share))
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for pid, group in zip(pids, groups, strict=True):
            if group.exists():
                (group.parent / "cgroup.procs").write_text(str(pid))
                group.rmdir()


def _is_first() -> bool:
    """Tell whether control groups are those of version 1, in which processors have a tree of their own."""
    return (_ROOT / "cpu").is_dir()


def _set(group: Path, quota: int) -> None:
    if _is_first():
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
