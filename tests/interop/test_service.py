"""The unit of systemd: systemd itself finds nothing wrong with it. What it starts is tried with docs/serving.md."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house import ROOT

UNIT = (ROOT / "deploy" / "systemd" / "crmkit.service").read_text()
PAGE = (ROOT / "docs" / "deploying.md").read_text()
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    (tmp_path / "crmkit.service").write_text(UNIT.replace("/usr/local/bin/crmkit", "/bin/true"))
    looked = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "crmkit.service")], capture_output=True, text=True, check=False
    )
    told = [line for line in (looked.stdout + looked.stderr).splitlines() if "crmkit" in line]
    assert (looked.returncode, told) == (0, [])


@needs_systemd
def test_the_exposure_is_what_the_page_says() -> None:
    (rating,) = re.findall(r"`systemd-analyze security` rates the unit\s+([0-9.]+)", PAGE)
    threshold = round(float(rating) * 10)
    line = ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}"]
    looked = subprocess.run(
        [*line, str(ROOT / "deploy/systemd/crmkit.service")], capture_output=True, text=True, check=False
    )
    assert looked.returncode == 0, looked.stdout
