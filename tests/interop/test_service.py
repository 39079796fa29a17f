"""The unit of systemd: systemd itself finds nothing wrong with it, and what it starts serves."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house import ROOT, process

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
    (rating,) = re.findall(r"`systemd-analyze security` rates the unit ([0-9.]+)", PAGE)
    threshold = round(float(rating) * 10)
    line = ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}"]
    looked = subprocess.run(
        [*line, str(ROOT / "deploy/systemd/crmkit.service")], capture_output=True, text=True, check=False
    )
    assert looked.returncode == 0, looked.stdout


def test_what_the_unit_starts_serves_with_the_settings_that_the_page_shows(tmp_path: Path) -> None:
    (line,) = re.findall(r"^ExecStart=/usr/local/bin/crmkit serve (.*)$", UNIT, re.MULTILINE)
    (settings,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    told = "https://crm.example.com"
    assert told in settings
    (tmp_path / "crmkit.toml").write_text(settings.replace(f'base_url = "{told}"\n', ""))
    places = {"/etc/crmkit/crmkit.toml": str(tmp_path / "crmkit.toml"), "/var/lib/crmkit": str(tmp_path / "data")}
    arguments = [places.get(word, word) for word in shlex.split(line)]
    with process(tmp_path / "data", *arguments, local=False) as served:
        assert served.stop() == 0
    assert "crmkit: " not in served.printed()
