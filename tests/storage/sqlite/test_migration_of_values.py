"""The migration of values: what was stored before kinds of one sign compared as one is found like anything new."""

from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.migrations import m0016_values
from tests.house import BOB
from tests.kinds import COMPANY, DEAL
from tests.storage.desk import Desk

SIGNS = ["’", "‘", "`", "´", "ʼ", "ʿ", "＇", "”", "»", "″", "‑", "–", "—", "−", "\u00a0", "\u3000"]


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


def run(back: Desk, *statements: str) -> None:
    def unit(tx: Tx) -> None:
        for statement in statements:
            tx.connection.execute(statement)

    back.do(back.database.write(unit))


def rows(back: Desk, sql: str) -> list[Any]:
    return back.do(back.database.read(None, lambda connection: connection.execute(sql).fetchall()))


def migrated(back: Desk) -> None:
    run(back, *m0016_values.MIGRATION.statements)


def with_keys_of_old(back: Desk) -> None:
    """Store keys and texts as they were: without case, with every kind of sign."""
    run(
        back,
        "UPDATE contacts SET name_key = lower(name), stage_key = lower(stage)",
        "UPDATE contacts SET tags_key = ',' || lower(tags ->> 0) || ','",
        "UPDATE companies SET name_key = lower(name)",
        "UPDATE deals SET title_key = lower(title)",
        "UPDATE contacts_unindexed SET title = char(10) || 'old', rest = 'old'",
    )


@pytest.mark.parametrize("sign", SIGNS)
def test_stored_keys_are_folded(back: Desk, alice: Actor, sign: str) -> None:
    tag = "x" if sign.isspace() else f"o{sign}b"
    contact = back.save(alice, name=f"O{sign}Brien", stage=f"new{sign}old", tags=[tag])
    company = back.make(alice, COMPANY, name=f"O{sign}Brien")
    deal = back.make(alice, DEAL, title=f"O{sign}Brien")
    tables = ("contacts", "companies", "deals")
    fresh = [rows(back, f"SELECT * FROM {table}") for table in tables]
    with_keys_of_old(back)
    if not sign.isascii():
        assert back.find(alice, name=f"O{sign}Brien").records == ()
    migrated(back)
    assert [rows(back, f"SELECT * FROM {table}") for table in tables] == fresh
    assert back.find(alice, name=f"o{sign}brien", stage=f"new{sign}old", tags=tag).records == (contact,)
    assert back.find(alice, kind=COMPANY, name=f"o{sign}brien").records == (company,)
    assert back.find(alice, kind=DEAL, title=f"o{sign}brien").records == (deal,)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("sign", SIGNS)
def test_texts_with_such_a_sign_wait_to_be_indexed_and_are_found(
    back: Desk, alice: Actor, sign: str, indexed: bool
) -> None:
    company = back.make(alice, COMPANY, name=f"Old{sign}Acme", tags=["vip"], notes="Widgets")
    contact = back.save(
        alice, name="Jane", phone="+41", tags=["a", "b"], notes=f"met at the{sign}fair", company_id=company.id
    )
    deal = back.make(alice, DEAL, title="Deal", tags=[f"x{'’' if sign.isspace() else sign}y"], contact_id=contact.id)
    fresh = [rows(back, f"SELECT * FROM {table}_unindexed") for table in ("contacts", "companies", "deals")]
    if indexed:
        back.index()
    run(back, "UPDATE contacts_unindexed SET rest = 'old'", "UPDATE companies_unindexed SET title = 'old'")
    migrated(back)
    if not sign.isspace():
        assert [rows(back, f"SELECT * FROM {table}_unindexed") for table in ("contacts", "companies", "deals")] == fresh
        assert back.find(alice, search=f"the{sign}fair").records == (contact,)
        back.index()
    assert back.find(alice, kind=DEAL, search="deal").records == (deal,)


def test_values_without_such_a_sign_are_not_written(back: Desk, alice: Actor) -> None:
    back.save(alice, name="Jané Müller", notes='Ελλάδα\nнет, it\'s "fine" - 東京\tok', tags=["ä-ö"])
    back.index()
    before = rows(back, "SELECT * FROM contacts")
    changes: list[int] = []

    def unit(tx: Tx) -> None:
        for statement in m0016_values.MIGRATION.statements:
            changes.append(tx.connection.execute(statement).rowcount)

    back.do(back.database.write(unit))
    assert set(changes) <= {0, -1}
    assert rows(back, "SELECT * FROM contacts") == before
    assert rows(back, "SELECT count(*) FROM contacts_unindexed") == [(0,)]


def test_stored_domains_lose_their_www(back: Desk, alice: Actor) -> None:
    bob = back.person(BOB)
    stored = {
        "www.acme.com": "acme.com",
        "www.www.globex.com": "globex.com",
        "www.com": "www.com",  # what remains is no domain
        "www2.acme.org": "www2.acme.org",
        "www.taken.com": "www.taken.com",
        "taken.com": "taken.com",
        "www.two.com": "www.two.com",  # two would become the same
        "www.www.two.com": "www.www.two.com",
    }
    for number, domain in enumerate(stored):
        company = back.make(alice, COMPANY, name=f"Company {number}")
        run(back, f"UPDATE companies SET domain = '{domain}' WHERE id = '{company.id}'")
    theirs = back.make(bob, COMPANY, name="Theirs", domain="acme.com")  # another workspace takes nothing from this one
    back.index()
    migrated(back)
    records = back.find(alice, kind=COMPANY, sort="created_at").records
    assert {record.name: record.domain for record in records} == {
        f"Company {number}": domain for number, domain in enumerate(stored.values())
    }
    assert rows(back, "SELECT title, rest FROM companies_unindexed ORDER BY title") == [
        ("\ncompany 0", "acme.com"),
        ("\ncompany 1", "globex.com"),
    ]
    back.index()
    for written in ("acme.com", "www.acme.com", "https://www.acme.com/about"):
        (found,) = back.find(alice, kind=COMPANY, domain=written).records
        assert found.name == "Company 0"
    assert back.find(alice, kind=COMPANY, search="acme.com").records == (found,)
    assert back.find(bob, kind=COMPANY, domain="www.acme.com").records == (theirs,)
