"""`python -m release.measure BINARY INSTALLED`: size, start to first answer and idle memory, one beside the other.

It ends with status 1 where the binary is larger, slower or hungrier than it may be.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from release.trial import serving

ROUNDS = 7  # the two take turns, and the least counts: what else the machine does only adds to it
MOST_BYTES = 60_000_000
MOST_START = 1.8  # of the start of the installed package
MOST_MEMORY = 1.1


def once(program: Path) -> tuple[float, float]:
    """Return the seconds from the start to the first answer on new data, and MiB of memory once it is idle."""
    with tempfile.TemporaryDirectory(prefix="crmkit-measure-") as folder:
        began = time.perf_counter()
        with serving([str(program)], Path(folder)) as served:
            seconds = time.perf_counter() - began
            time.sleep(0.5)
            return seconds, memory(served.pid)


def memory(pid: int) -> float:
    """Return the MiB of a process that are in memory."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
        return int(found[1]) / 1024 if found else 0.0
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout) / 1024


def compared(binary: Path, installed: Path) -> bool:
    """Print a table; tell whether everything is within its bound."""
    once(binary)  # unpacks
    once(installed)  # compiles
    rounds = [(once(binary), once(installed)) for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    start, memory_ = ([min(one[i] for one in of) for of in (ours, theirs)] for i in (0, 1))
    rows = (
        ("size, MB", binary.stat().st_size / 1e6, None, MOST_BYTES / 1e6),
        ("start to first answer, s", *start, MOST_START),
        ("idle memory, MiB", *memory_, MOST_MEMORY),
    )
    good = True
    print(f"{'':26}{'binary':>8}{'package':>9}{'ratio':>7}{'at most':>9}")
    for name, own, other, most in rows:
        value = own if other is None else own / other
        beside = f"{'':9}{'':7}" if other is None else f"{other:9.2f}{value:7.2f}"
        print(f"{name:26}{own:8.2f}{beside}{most:9.2f}{'' if value <= most else '  BROKEN'}")
        good = good and value <= most
    return good


if __name__ == "__main__":
    binary, installed = (Path(argument).absolute() for argument in sys.argv[1:])
    sys.exit(0 if compared(binary, installed) else 1)
