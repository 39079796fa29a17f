"""How tests of settings write a file, and ask what is said of settings that are wrong."""

from pathlib import Path
from typing import Any

import pytest

from crmkit.boot import load_settings as load
from crmkit.settings import SettingsError


def written(folder: Path, text: str) -> Path:
    file = folder / "crmkit.toml"
    file.write_text(text, encoding="utf-8")
    return file


def told(**layers: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**layers)
    message = str(caught.value)
    assert message.splitlines() == [message]
    return message
