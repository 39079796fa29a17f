"""Amounts without a currency are in the one that the workspace prefers."""

from collections.abc import Callable

from crmkit.model.actor import Actor
from tests.kinds import DEAL
from tests.storage.desk import Desk

Prefer = Callable[..., None]


def test_an_amount_of_a_contact_is_in_the_currency_of_its_workspace(back: Desk, alice: Actor, prefer: Prefer) -> None:
    contact = back.save(alice, name="Jane", estimated_cents=500)
    assert contact.currency == "USD"
    prefer(alice, currency="CHF")
    assert back.save(alice, name="Joe", actual_cents=0).currency == "CHF"
    assert back.save(alice, name="Jim", actual_cents=5, currency="eur").currency == "EUR"
    assert back.change(alice, contact, actual_cents=700).currency == "USD"
    assert back.change(alice, contact, currency=None).currency == "CHF"


def test_a_contact_without_an_amount_has_a_currency_only_if_it_is_sent(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Jane")
    assert contact.currency is None
    assert back.change(alice, contact, currency="EUR", estimated_cents=None).currency == "EUR"
    assert back.change(alice, contact, currency=None).currency is None
    assert back.change(alice, contact, estimated_cents=1).currency == "USD"


def test_a_deal_has_the_currency_of_its_workspace_unless_one_is_sent(back: Desk, alice: Actor, prefer: Prefer) -> None:
    before = back.make(alice, DEAL, title="Boat")
    prefer(alice, currency="CHF")
    alice = back.person(alice.email)
    assert (before.currency, back.make(alice, DEAL, title="Car").currency) == ("USD", "CHF")
    assert back.make(alice, DEAL, title="Car", currency="eur").currency == "EUR"
    assert back.change(alice, before, currency=None).currency == "CHF"
    assert back.change(alice, before, amount_cents=5).currency == "CHF"
