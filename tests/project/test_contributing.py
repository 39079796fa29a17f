"""What CONTRIBUTING.md says of adding a field is done, word for word, to a copy of the program, which is then used."""

import re
import shutil
from pathlib import Path

import pytest

from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.house import ALICE, ROOT, process

NUMBER = f"{len(MIGRATIONS) + 1:04d}"  # of the next migration
PACKAGE = "crmkit/storage/sqlite/migrations/__init__.py"


def steps() -> dict[str, str]:
    """Return what is to be written into each file, in the order of the document."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("NNNN", NUMBER)
    section = text[text.index("## A field") : text.index("## A kind")]
    return dict(re.findall(r"`(crmkit/[\w./]+)`[^\n]*:\n\n```\w+\n(.*?)```", section, re.DOTALL))


def add_field(copy: Path) -> None:
    """Do what the document says of a field."""
    record, migration, package = steps().items()
    assert package[0] == PACKAGE
    declaration = copy / record[0]
    declared = re.sub(r"(?m)^(    phone: .*\n)", lambda line: line[1] + record[1], declaration.read_text())
    assert record[1] in declared
    declaration.write_text(declared)
    (copy / migration[0]).write_text(migration[1])
    listed = (copy / PACKAGE).read_text()
    module = Path(migration[0]).stem
    listed = listed.replace("import (\n", f"import (\n    {module},\n", 1).replace(
        "MIGRATION,\n)", f"MIGRATION,\n{package[1]})"
    )
    assert package[1] in listed
    (copy / PACKAGE).write_text(listed)


@pytest.mark.slow
def test_the_steps_for_a_field_give_a_field_that_works_everywhere(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "crmkit", tmp_path / "crmkit", ignore=shutil.ignore_patterns("__pycache__"))
    add_field(tmp_path)
    with process(tmp_path / "data") as program, program.sign_in(ALICE) as alice:
        body = {"name": "Jane", "nickname": "The Head Widget"}
        assert 'nickname="The Head Widget"' in alice.text("POST", "/contacts", body)
        assert alice.json_of("GET", "/contacts?nickname=the head widget&format=json")["items"][0]["name"] == "Jane"
        assert "Jane" in alice.text("GET", "/contacts?search=widget")
        assert "Jane" in alice.text("GET", "/contacts?sort=-nickname")
        assert "nickname (what friends call them)" in alice.text("GET", "/help?topic=contacts")
        assert '"nickname"' in alice.text("GET", "/openapi.json")
        assert "The Head Widget" in alice.text("GET", "/audit")


def test_the_document_tells_three_files_for_a_field() -> None:
    assert len(steps()) == 3
