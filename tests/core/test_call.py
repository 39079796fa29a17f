"""The one way to write: what a unit leaves to be done outside the database is done after the commit, once, or not."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from crmkit.core.call import Call
from crmkit.core.people import codes
from crmkit.errors import Problem
from crmkit.mail import Message
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from tests.house import BOB
from tests.kinds import CONTACT
from tests.mail.conftest import serve
from tests.storage.desk import Desk, desk, queued
from tests.storage.writing.units import Unit, fills_the_disk, rolls_back, scratch

__all__ = ["serve"]  # a fixture

MAIL = Message(BOB, "Hello", "Hello Bob.\n")


class Postbox:
    """Keeps the addresses of the mails that arrive, unless it is told to refuse."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.refuses = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "451 4.3.0 not now"
        self.arrived += envelope.rcpt_tos
        return "250 2.0.0 taken"


@pytest.fixture
def post() -> Postbox:
    return Postbox()


@pytest.fixture
def back(tmp_path: Path, serve: Callable[..., Controller], post: Postbox) -> Iterator[Desk]:
    environ = {
        "CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(post).port}",
        "CRMKIT_MAIL_FROM": "crm@example.com",
    }
    with desk(tmp_path / "data", environ) as opened:
        yield opened


def names(back: Desk, call: Call) -> list[str]:
    return [contact.name for contact in back.find(call.actor).records]


def saves_and_mails(back: Desk, runs: list[str]) -> Unit:
    """Return a unit that saves a contact and leaves a mail."""

    def unit(tx: Tx) -> str:
        runs.append(tx.now)
        codes.send(tx, back.crm, MAIL, ())
        return str(records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft({"name": "Jane"}))).name)

    return unit


def test_effects_follow_the_commit_in_order_once_and_what_was_written_is_read_by_all(back: Desk) -> None:
    call, told = Call(back.crm, back.person()), []
    count = "SELECT count(*) FROM contacts"

    async def looks(who: str) -> None:
        seen = await Call(back.crm).read(lambda connection: connection.execute(count).fetchone()[0])
        told.append((who, seen))

    def unit(tx: Tx) -> str:
        tx.after(partial(looks, "first"))
        records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft({"name": "Jane"})))
        tx.after(partial(looks, "second"))
        return "done"

    assert back.do(call.write(unit)) == "done"
    assert told == [("first", 1), ("second", 1)]


def test_a_unit_that_fails_after_it_left_a_mail_sends_none_and_writes_nothing(back: Desk, post: Postbox) -> None:
    call, runs = Call(back.crm, back.person()), []
    saves = saves_and_mails(back, runs)

    def unit(tx: Tx) -> None:
        saves(tx)
        raise Problem("not_found", "There is none.")

    with pytest.raises(Problem, match="not_found"):
        back.do(call.write(unit))
    assert len(runs) == 1
    assert post.arrived == []
    assert names(back, call) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("bad", [fills_the_disk, rolls_back])
def test_a_unit_that_runs_twice_because_a_transaction_was_lost_sends_one_mail(
    back: Desk, post: Postbox, bad: Callable[[list[bool]], Unit]
) -> None:
    scratch(back)
    call, runs, dropped = Call(back.crm, back.person()), [], []
    units = [partial(call.write, saves_and_mails(back, runs)), partial(Call(back.crm).write, bad(dropped))]
    saved, lost = back.do(queued(back.database, units))
    assert len(runs) == len(dropped) == 2  # in the group and alone: else this test tests nothing
    assert saved == "Jane"
    assert isinstance(lost, Exception)
    assert post.arrived == [BOB]
    assert names(back, call) == ["Jane"]


@pytest.mark.sqlite
def test_a_token_that_was_revoked_meanwhile_sends_no_mail(back: Desk, post: Postbox) -> None:
    call, runs = Call(back.crm, back.person()), []
    actor = call.actor
    revoke = partial(Call(back.crm).write, lambda tx: tokens.remove(tx, actor.user_id, actor.token_id))
    _, refused = back.do(queued(back.database, [revoke, partial(call.write, saves_and_mails(back, runs))]))
    assert isinstance(refused, Problem)
    assert refused.code == "invalid_token"
    assert (runs, post.arrived) == ([], [])


def test_an_effect_that_fails_is_the_last_and_what_was_written_stays(back: Desk, post: Postbox) -> None:
    call, later = Call(back.crm, back.person()), []

    async def effect() -> None:
        later.append("done")

    saves = saves_and_mails(back, [])

    def unit(tx: Tx) -> None:
        saves(tx)
        tx.after(effect)

    post.refuses = True
    with pytest.raises(Problem, match="mail_failed"):
        back.do(call.write(unit))
    assert later == []
    assert names(back, call) == ["Jane"]


def test_a_problem_that_a_unit_returns_is_raised_after_the_commit_and_the_mail(back: Desk, post: Postbox) -> None:
    call = Call(back.crm, back.person())
    saves = saves_and_mails(back, [])

    def unit(tx: Tx) -> Problem:
        saves(tx)
        return Problem("escalation_required", "Enter the code.")

    with pytest.raises(Problem, match="escalation_required"):
        back.do(call.write(unit))
    assert post.arrived == [BOB]
    assert names(back, call) == ["Jane"]


def test_a_call_without_an_actor_reads_and_writes_and_names_nobody(back: Desk) -> None:
    call = Call(back.crm)

    def who(tx: Tx) -> Any:
        return tx.actor

    assert back.do(call.write(who)) is None
    with pytest.raises(RuntimeError):
        _ = call.actor
