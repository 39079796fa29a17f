"""What is installed to run the program: what it imports, and no more."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

from tests.house import ROOT, process

LEFT_OUT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["pip"]["no-emit-package"]
IMPORTED_AS = {"litestar-htmx": "litestar_htmx", "markdown-it-py": "markdown_it", "rich-click": "rich_click"}


def installed() -> set[str]:
    """Return the packages that requirements.txt pins."""
    return set(re.findall(r"^([a-z0-9_-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))


@pytest.mark.slow
def test_packages_that_nothing_imports_are_not_installed(tmp_path: Path) -> None:
    assert installed() & set(LEFT_OUT) == set()
    names = [IMPORTED_AS.get(name, name) for name in LEFT_OUT]
    # Python runs this before the program: an import of one of them fails as where it is not installed
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({names!r}))\n")
    with process(tmp_path / "data", PYTHONPATH=f"{tmp_path}:{ROOT}") as served, served.sign_in() as me:
        assert me.post("/contacts", json={"name": "Jane Doe"}).status_code == 201
        for path in ("/", "/help", "/openapi.json", "/contacts?search=jane", "/audit", "/reminders"):
            assert me.get(path).status_code == 200
        assert me.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 200
        assert served.stop() == 0
    assert "Traceback" not in served.printed()


def test_every_package_that_is_installed_is_accounted_for() -> None:
    table = (ROOT / "docs" / "decisions.md").read_text().partition("## Dependencies, and why")[2]
    assert [name for name in sorted(installed()) if not re.search(rf"\b{name}\b", table)] == []


def test_the_package_carries_the_license_that_it_names() -> None:
    told = metadata("crmkit")
    assert (told["License-Expression"], told["License-File"], told["Requires-Python"]) == ("MIT", "LICENSE", ">=3.11")
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 crmkit contributors\n")
