"""Stage, status and the time of closing go together, whatever is written under whatever pipeline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.call import Call
from crmkit.core.configuration import pipelines
from crmkit.core.records import write
from crmkit.core.rules.stages import meaning
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from tests.kinds import CONTACT, DEAL
from tests.storage.desk import Desk, queued


@pytest.fixture(scope="module")
def alice(back: Desk) -> Actor:
    return back.person()


def put(back: Desk, actor: Actor, kind: Kind, stages: Mapping[str, str | None], strict: bool = False) -> None:
    body = {"stages": [{"name": name, "means": means} for name, means in stages.items()], "strict": strict}
    back.do(pipelines.put(Call(back.crm, actor), kind, body))


NAMES = ("lead", "Talk", "won", "Signed", "lost", "dropped")
PIPELINES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, "won", "lost"]), min_size=1)
SENT = st.fixed_dictionaries(
    {},
    optional={
        "stage": st.sampled_from([None, *NAMES, *(name.swapcase() for name in NAMES), "elsewhere"]),
        "status": st.sampled_from(["open", "won", "lost"]),
    },
)
STEPS = st.one_of(st.tuples(st.just("put"), st.tuples(PIPELINES, st.booleans())), st.tuples(st.just("write"), SENT))


class Model:
    """What a deal is to hold: the rules as the manual tells them, one after the other."""

    def __init__(self) -> None:
        self.stages: dict[str, str | None] = {"won": "won", "lost": "lost"}
        self.strict = self.is_put = False
        self.stage: str | None = None
        self.status = "open"
        self.closed_at: str | None = None

    def means(self, stage: str | None) -> str | None:
        return next((means for name, means in self.stages.items() if alike(name, stage)), None)

    def is_refused(self, sent: Mapping[str, Any]) -> bool:
        stage = sent.get("stage")
        is_known = any(alike(name, stage) for name in self.stages)
        if self.strict and stage is not None and not is_known and not alike(stage, self.stage):
            return True
        if not {"stage", "status"} <= sent.keys():
            return False
        if alike(stage, self.stage) and sent["status"] == self.status:
            return False
        if self.means(stage):
            return sent["status"] != self.means(stage)
        return self.is_put and sent["status"] in self.stages.values()

    def write(self, sent: Mapping[str, Any], now: str) -> None:
        was = self.status
        moved = "stage" in sent and not alike(sent["stage"], self.stage)
        if "stage" in sent:
            spelled = (name for name in self.stages if alike(name, sent["stage"]) and self.is_put)
            self.stage = next(spelled, sent["stage"])
        if "status" in sent:
            self.status = sent["status"]
        elif moved:
            self.status = self.means(self.stage) or "open"
        if "stage" not in sent and self.status != was and (self.means(self.stage) or "open") != self.status:
            meaning_it = [name for name, means in self.stages.items() if means == self.status]
            self.stage = None if self.status == "open" else [*meaning_it, self.stage][0]
        if self.status != was:
            self.closed_at = None if self.status == "open" else now


def alike(one: str | None, other: str | None) -> bool:
    return (one and one.lower()) == (other and other.lower())


PEOPLE = (f"s{number}@example.com" for number in range(10**6))


@pytest.mark.slow
@settings(max_examples=150)
@given(first=SENT, steps=st.lists(STEPS, max_size=12))
def test_a_deal_holds_what_the_rules_say_after_any_writes(back: Desk, first: dict[str, Any], steps: list[Any]) -> None:
    actor, model = back.person(next(PEOPLE)), Model()
    if model.is_refused({name: value for name, value in first.items() if value is not None}):
        first = {}
    deal = back.make(actor, DEAL, title="Boat", **first)
    model.write({name: value for name, value in first.items() if value is not None}, back.crm.now)
    for what, step in steps:
        assert (deal.stage, deal.status, deal.closed_at) == (model.stage, model.status, model.closed_at)
        back.clock.move(seconds=1)
        if what == "put":
            model.stages, model.strict = step
            model.is_put = True
            put(back, actor, DEAL, *step)
            assert back.fetch(actor, deal) == deal
        elif model.is_refused(step):
            with pytest.raises(Problem) as raised:
                back.change(actor, deal, **step)
            assert raised.value.code == "invalid_value"
            assert "stage" in raised.value.fields
            assert back.fetch(actor, deal) == deal
        else:
            deal = back.change(actor, deal, **step)
            model.write(step, back.crm.now)
    assert (deal.stage, deal.status, deal.closed_at) == (model.stage, model.status, model.closed_at)
    assert (deal.status == "open") == (deal.closed_at is None)


def test_a_stage_or_a_status_that_a_deal_has_already_moves_nothing(back: Desk) -> None:
    actor = back.person("already@example.com")
    deal = back.make(actor, DEAL, title="Boat", stage="qualified", status="won")
    for body in ({"status": "won"}, {"stage": "qualified"}, {"stage": "Qualified", "status": "won"}):
        deal = back.change(actor, deal, **body)
        assert ((deal.stage or "").lower(), deal.status) == ("qualified", "won")
    put(back, actor, DEAL, {"Qualified": "lost"})
    for body in ({"status": "won"}, {"stage": "qualified"}):
        deal = back.change(actor, deal, **body)
        assert deal.status == "won"


def test_what_a_stage_means_is_told_of_contacts_too(back: Desk) -> None:
    actor = back.person("meanings@example.com")

    def meant(stage: str | None) -> Any:
        return back.do(Call(back.crm, actor).write(lambda tx: meaning(tx, CONTACT, stage)))

    assert [meant(stage) for stage in (None, "lead", "won", "LOST")] == ["", "", "won", "lost"]
    put(back, actor, CONTACT, {"lead": None, "Customer": "won"})
    assert [meant(stage) for stage in (None, "lead", "customer", "won", "LOST")] == ["", "", "won", "", ""]


def test_writes_without_stage_and_status_read_no_pipeline(
    back: Desk, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal, contact = back.make(alice, DEAL, title="Boat", stage="talk"), back.save(alice, name="Jane", stage="lead")
    monkeypatch.setattr("crmkit.storage.configuration.pipelines.pipeline_of", None)
    back.change(alice, deal, title="Ship")
    back.change(alice, contact, name="Joan")
    back.make(alice, DEAL, title="Third")
    back.save(alice, name="Jim")
    back.save(alice, name="Jill", tags=["a"])


def test_a_deal_that_is_made_won_is_closed_then_and_there(back: Desk, tmp_path: Path) -> None:
    actor = back.person("made@example.com")
    for body in ({"stage": "won"}, {"status": "won"}, {"stage": "Won", "status": "won"}):
        deal = back.make(actor, DEAL, title="Boat", **body)
        assert (deal.status, deal.closed_at, (deal.stage or "").lower()) == ("won", back.crm.now, "won")
    assert back.make(actor, DEAL, title="Boat", stage=None, status="lost").stage == "lost"
    assert back.make(actor, DEAL, title="Boat", stage="talk").closed_at is None


def test_a_pipeline_holds_for_writes_that_waited_behind_it(back: Desk) -> None:
    """Units of one transaction read it once; one that puts another makes the next read again."""
    actor = back.person("waiting@example.com")
    call = Call(back.crm, actor)
    strict = {"stages": [{"name": "Signed", "means": "won"}], "strict": True}
    first, put_one, second, third = back.do(
        queued(
            back.database,
            [
                lambda: write.save(call, DEAL, {"title": "A", "stage": "talk"}),
                lambda: pipelines.put(call, DEAL, strict),
                lambda: write.save(call, DEAL, {"title": "B", "stage": "talk"}),
                lambda: write.save(call, DEAL, {"title": "C", "stage": "signed"}),
            ],
        )
    )
    assert first.record.stage == "talk"
    assert put_one.strict
    assert isinstance(second, Problem)
    assert (third.record.stage, third.record.status) == ("Signed", "won")
