"""The trial that ends a build passes for the program of the sources, and notices one that does not work."""

import sys

import pytest

from release import trial
from tests.house import ROOT

pytestmark = pytest.mark.slow

SOURCES = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from crmkit.cli import main; sys.exit(main())"


def test_the_program_passes() -> None:
    said: list[str] = []
    trial.tried([sys.executable, "-c", SOURCES], said.append)
    assert said[-1] == "ok  stop"
    assert len(said) == 8


@pytest.mark.parametrize("broken", ["false", "true"])
def test_a_program_that_does_nothing_is_noticed(broken: str) -> None:
    with pytest.raises(trial.Failed):
        trial.tried([f"/bin/{broken}"], [].append)


def test_a_program_that_is_not_one_file_is_noticed_where_one_is_meant() -> None:
    with pytest.raises(trial.Failed, match="'frozen: yes"):
        trial.tried([sys.executable, "-c", SOURCES], [].append, is_frozen=True)


def test_a_file_that_is_missing_in_the_program_is_noticed() -> None:
    lost = "import crmkit.render.manual.pages as pages; pages._TEXTS = pages._TEXTS / 'lost'; from crmkit.cli"
    with pytest.raises(trial.Failed):
        trial.tried([sys.executable, "-c", SOURCES.replace("from crmkit.cli", lost)], [].append)
