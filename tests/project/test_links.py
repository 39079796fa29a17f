"""The documents lead where they say: every link between them, and every path of ours that they name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit import __version__
from tests.house import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]


def named(document: Path) -> Iterator[str]:
    """Yield the paths of folders and sources that a document names: `storage/lists/`, `web/edge.py`.

    One with NNNN in it is still to be made.
    """
    for name in re.findall(r"`([\w./-]+)`", document.read_text(encoding="utf-8")):
        if (
            re.search(r"\w/|/\w", name)
            and re.search(r"(?:/|\.py|\.txt|\.md)$", name)
            and not name.startswith("/")
            and "NNNN" not in name
        ):
            yield name


def anchors(document: Path) -> set[str]:
    """Return what a link may name after `#`: the headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_to_a_file_and_a_heading_of_it(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_readme_leads_to_every_page_of_docs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"](docs/{page.name}" not in readme] == []


def test_files_of_a_release_have_the_version_of_the_program() -> None:
    for document in DOCUMENTS:
        assert set(re.findall(r"crmkit-(\d+\.\d+\.\d+)", document.read_text(encoding="utf-8"))) <= {__version__}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    parts = [ROOT, ROOT / "crmkit"]
    assert [name for name in named(document) if not any((part / name).exists() for part in parts)] == []


def test_the_architecture_names_every_room_and_every_noun() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [package.parent.relative_to(ROOT / "crmkit") for package in (ROOT / "crmkit").rglob("*/__init__.py")]
    assert [f"{room}/" for room in rooms if f"`{room}/`" not in text] == []
    (nouns,) = re.findall(r"\*\*the nouns\*\*: (.*?), one small file each", text)
    declared = {file.stem for file in (ROOT / "crmkit" / "records").glob("*.py")} - {"__init__", "places"}
    assert set(re.findall(r"\w+", nouns)) - {"with"} == declared
