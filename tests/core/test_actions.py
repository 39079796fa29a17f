"""The actions that the log is asked for are those that are logged."""

import ast

from crmkit.records.audit import OF_PEOPLE
from tests.house import ROOT


def test_every_action_on_what_people_have_is_logged_somewhere_and_no_other_is() -> None:
    logged = set()
    for file in (ROOT / "crmkit" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.append":
                logged.add(ast.literal_eval(node.args[1]))
    assert logged == {f"{noun}.{verb}" for noun, verbs in OF_PEOPLE.items() for verb in verbs}
