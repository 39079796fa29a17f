"""What `deploy/` ships makes backups by itself where it is told to, outside of the data folder."""

import re
from pathlib import Path

import pytest

from crmkit.operate import backups
from tests.house import ROOT, settings_of

UNIT = (ROOT / "deploy/systemd/crmkit.service").read_text()
CONTAINER = (ROOT / "deploy/container/Containerfile").read_text()
COMPOSE = (ROOT / "deploy/container/compose.yaml").read_text()
DAILY = {"CRMKIT_BACKUP_EVERY_HOURS": "24"}


def only(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text, re.MULTILINE)
    return str(found)


def test_the_unit_may_write_the_folder_of_backups_that_it_starts_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [tmp_path / name for name in only(r"^StateDirectory=(.*)$", UNIT).split()]
    work = Path(only(r"^WorkingDirectory=(.*)$", UNIT).replace("%S", str(tmp_path)))
    data = only(r"--data (\S+)$", UNIT).replace("/var/lib", str(tmp_path))
    work.mkdir()
    monkeypatch.chdir(work)
    settings = settings_of(CRMKIT_SERVER_DATA=data, **DAILY)
    backups.check(settings)
    folder = backups.base_of(settings).parent.resolve()
    assert any(folder.is_relative_to(state) for state in states)
    assert "ProtectSystem=strict" in UNIT


def test_the_documentation_that_the_unit_names_is_installed() -> None:
    named = Path(only(r"^Documentation=file://(.*)$", UNIT))
    page = (ROOT / "docs/serving.md").read_text()
    assert named.name in only(rf"^install -D -m 644 -t {named.parent} (.*)$", page).split()


def test_the_container_has_a_volume_for_backups_and_compose_mounts_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    told = dict(re.findall(r"\b(CRMKIT_(?:SERVER_DATA|BACKUP_FOLDER))=(\S+)", CONTAINER))
    settings = settings_of(**told, **DAILY)
    backups.check(settings)
    volumes = re.findall(r'"([^"]+)"', only(r"^VOLUME \[(.*)\]$", CONTAINER))
    assert volumes == [settings.server.data, settings.backup.folder]
    assert re.findall(r"^      - \w+:(/\w+)$", COMPOSE.partition("proxy:")[0], re.MULTILINE) == volumes
    assert "read_only: true" in COMPOSE


def test_crmkit_keeps_idle_connections_for_longer_than_the_proxies_that_ship_with_it() -> None:
    own = settings_of().limits.idle_seconds
    for file in (ROOT / "deploy/proxy").iterdir():
        assert int(only(r"^\s*keepalive(?:_timeout)? (\d+)s", file.read_text())) < own
    assert "command: caddy reverse-proxy " in COMPOSE  # which keeps them for two minutes, unless a Caddyfile says other
    told = only(r"CRMKIT_LIMITS_IDLE_SECONDS: (\d+)$", COMPOSE)
    assert settings_of(CRMKIT_LIMITS_IDLE_SECONDS=told).limits.idle_seconds > 120
