"""A pipeline: the stages that the records of a kind go through, in order, and which of them mean won or lost."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from crmkit.model.fields import FieldType, Invalid
from crmkit.model.fold import fold

OPEN, WON, LOST = "open", "won", "lost"
MEANINGS = (WON, LOST)
MOST = 100  # stages of one pipeline
LONGEST = 200  # characters of a stage


class Stage(Struct, frozen=True):
    """A stage by its name, and whether reaching it means won or lost."""

    name: str
    means: str = ""  # one of MEANINGS, or nothing


class Pipeline(Struct, frozen=True, dict=True):
    """Stages are compared without case. A `strict` pipeline lets records into its own stages alone.

    `is_put` is false for the one that a workspace has until an admin puts another.
    """

    stages: tuple[Stage, ...]
    strict: bool = False
    is_put: bool = True

    def find(self, name: str | None) -> Stage | None:
        """Return the stage of this name, None if there is none."""
        return None if name is None else self._by_key.get(fold(name))

    @cached_property
    def _by_key(self) -> Mapping[str, Stage]:
        return {fold(stage.name): stage for stage in reversed(self.stages)}

    def meaning(self, name: str | None) -> str:
        """Return what a stage means: won, lost, or nothing."""
        found = self.find(name)
        return found.means if found else ""

    def first(self, means: str) -> Stage | None:
        """Return the first stage that means this, None if none does."""
        return next((stage for stage in self.stages if stage.means == means), None)


UNPUT = Pipeline((Stage(WON, WON), Stage(LOST, LOST)), is_put=False)


class Stages(FieldType, frozen=True):
    """Stages as they are sent, which are checked one by one."""

    wire = list[dict[str, Any]]
    structured = True
    operators = ()

    @property
    def says(self) -> str:
        return f'a list of 1 to {MOST} stages like {{"name":"closed","means":"won"}}'

    def cleaned(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not 0 < len(value) <= MOST:
            raise Invalid(f"must be {self.says}")
        return value

    def schema(self) -> dict[str, Any]:
        name = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        properties = {"name": name, "means": {"enum": [*MEANINGS, None]}}
        stage = {"type": "object", "properties": properties, "required": ["name"], "additionalProperties": False}
        return {"type": "array", "minItems": 1, "maxItems": MOST, "items": stage, "description": self.says}
