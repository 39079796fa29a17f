"""Whatever is declared and written in whatever order, declared keys are checked, found and sorted as a model says."""

import random
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records.write import remove
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage.custom import building
from tests.core.configuration import model
from tests.core.configuration.builds import FIELD, build, declare, entries, left, now, redeclare, step
from tests.storage.desk import Desk, desk

KEYS = ["a", "b", "odd key"]
PATHS = {"a": "custom.a", "b": "custom.b", "odd key": 'custom."odd key"'}


class Story:
    """A workspace, and what a model says it holds."""

    def __init__(self, back: Desk, seed: int) -> None:
        self.back = back
        self.luck = random.Random(seed)
        self.actor: Actor = back.person(f"p{seed}@example.com")
        self.customs: dict[str, dict[str, Any] | None] = {}  # of each contact, by id
        self.records: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.usual = {key: self.luck.choice([*model.OPERATORS]) for key in KEYS}  # type of a key that is not declared
        self.refused = self.asked = 0

    @property
    def types(self) -> dict[str, str]:
        return {key: field.type for key, field in self.fields.items()}

    def misfits(self, key: str, type: str) -> int:
        held = [(custom or {}).get(key) for custom in self.customs.values()]
        return sum(value is not None and not model.fits(type, value) for value in held)

    def happen(self) -> None:
        acts = [self.drop, self.declare, self.turn, self.undeclare]
        self.luck.choice([*[self.write] * 6, *acts])()
        if self.luck.random() < 0.5:
            step(self.back)

    def write(self) -> None:
        sent = {key: self.luck.choice([*model.EVERY, None]) for key in self.luck.sample(KEYS, self.luck.randint(0, 3))}
        for key, type in (self.usual | self.types).items():
            if key in sent and self.luck.random() < (0.8 if key in self.types else 0.995):
                sent[key] = self.luck.choice([*model.VALUES[type], None])
        is_wrong = any(
            sent.get(key) is not None and not model.fits(type, sent[key]) for key, type in self.types.items()
        )
        id = self.luck.choice([*self.records, ""])
        try:
            if id:
                record = self.back.change(self.actor, self.records[id], custom=sent, phone=str(self.luck.random()))
            else:
                record = self.back.save(self.actor, name=f"n{self.luck.random()}", custom=sent)
        except Problem as problem:
            assert is_wrong, problem.fields
            assert problem.code == "invalid_value"
            self.refused += 1
            return
        assert not is_wrong
        self.customs[record.id] = record.custom
        self.records[record.id] = record
        self.back.clock.move(seconds=1)

    def drop(self) -> None:
        if self.records and self.luck.random() < 0.5:
            id = self.luck.choice([*self.records])
            self.back.remove(now(self.back, self.actor), self.records.pop(id))
            del self.customs[id]

    def declare(self) -> None:
        key = self.luck.choice(KEYS)
        type = self.luck.choice([*model.VALUES, *[self.usual[key]] * 20])
        choices = {"choices": model.CHOICES} if type == "choice" else {}
        try:
            self.fields[key] = declare(self.back, self.actor, key, type, **choices)
        except Problem as problem:
            expected = "already_exists" if key in self.fields else "does_not_fit"
            assert problem.code in (expected, "does_not_fit")
            assert key in self.fields or self.misfits(key, type)

    def turn(self) -> None:
        if not self.fields:
            return
        key, type = self.luck.choice([*self.fields]), self.luck.choice([*model.VALUES])
        choices = {"choices": model.CHOICES} if type == "choice" else {}
        try:
            self.fields[key] = redeclare(self.back, self.actor, self.fields[key], type=type, **choices)
            self.usual[key] = type
            assert not self.misfits(key, type)
        except Problem as problem:
            assert problem.code == "does_not_fit"
            assert self.misfits(key, type)

    def undeclare(self) -> None:
        if self.fields and self.luck.random() < 0.3:
            field = self.fields.pop(self.luck.choice([*self.fields]))
            self.back.do(remove(Call(self.back.crm, now(self.back, self.actor)), FIELD, field.id))

    def check(self) -> None:
        """Compare some queries with the model."""
        keys = [key for key, type in self.types.items() if type in model.OPERATORS]
        for _ in range(6):
            pairs: list[tuple[str, str]] = []
            met = [*self.customs]
            for key in self.luck.sample(keys, min(len(keys), self.luck.randint(0, 2))):
                type = self.types[key]
                operator, wanted = model.asked(type, self.luck)
                pairs.append((PATHS[key], f"{operator}:{','.join(map(model.spelled, wanted))}"))
                found = {id: model.held(self.types, self.customs[id], key) for id in met}
                met = [id for id in met if model.meets(type, found[id], operator, wanted)]
            sorts = self.luck.sample(keys, min(len(keys), self.luck.randint(0, 2)))
            down = [self.luck.random() < 0.5 for _ in sorts]
            if sorts:
                spelled = [f"{'-' if is_down else ''}{PATHS[key]}" for key, is_down in zip(sorts, down, strict=True)]
                pairs.append(("sort", ",".join(spelled)))
                rows = [(id, [model.held(self.types, self.customs[id], key) for key in sorts]) for id in met]
                expected = model.in_order(rows, down)
            else:
                expected = model.in_order([(id, [self.records[id].updated_at]) for id in met], [True])
            self.asked += pairs != []
            actor = now(self.back, self.actor)
            limit = self.luck.choice(["1", "3", "200"])
            first = self.back.find(actor, *pairs, ("limit", limit))
            assert first.paging.total == len(expected), pairs
            found_ids = [record.id for record in self.back.pages(actor, *pairs, ("limit", limit))]
            assert found_ids == expected, (pairs, self.types)

    def check_entries(self) -> None:
        """Compare what all indexes hold, once they are built, with the model."""
        build(self.back)
        found = entries(self.back, self.actor)
        expected = [
            ("contact", key, 0, id, self.records[id].updated_at)
            for key, type in self.types.items()
            for id, custom in self.customs.items()
            if type in model.OPERATORS and model.held(self.types, custom, key) is not None
        ]
        assert sorted((kind, key, misfit, id, at) for kind, key, misfit, _, id, _, at in found) == sorted(expected)
        assert left(self.back, self.actor) == 0


@pytest.mark.parametrize("seed", range(12))
def test_declared_keys_are_checked_found_and_sorted_as_the_model_says(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "ROWS", 3)
    with desk(tmp_path / "data") as back:
        story = Story(back, seed)
        for _ in range(12):
            for _ in range(8):
                story.happen()
            story.check()
        story.check_entries()
        story.check()
        assert story.refused
        assert story.asked > 10
