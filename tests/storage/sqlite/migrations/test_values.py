"""The migration of values: what was stored before kinds of one sign compared as one is found like anything new."""

from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.migrations import m0016_values, m0021_phones
from tests.core.records import log
from tests.house import BOB
from tests.kinds import COMPANY, CONTACT, DEAL
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
    run(back, *m0016_values.MIGRATION.statements, *m0021_phones.MIGRATION.statements)


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
        "www.two.com": "two.com",  # the oldest of those that would become the same
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
        ("\ncompany 6", "two.com"),
    ]
    back.index()
    for written in ("acme.com", "www.acme.com", "https://www.acme.com/about"):
        (found,) = back.find(alice, kind=COMPANY, domain=written).records
        assert found.name == "Company 0"
    assert back.find(alice, kind=COMPANY, search="acme.com").records == (found,)
    assert back.find(bob, kind=COMPANY, domain="www.acme.com").records == (theirs,)


MARK, JOINER = "\u202a", "\u200b"  # of direction, and one that nobody sees


def of_old(back: Desk, table: str, record: Any, **values: str) -> None:
    """Store values and keys as they were before texts were trimmed."""

    def unit(tx: Tx) -> None:
        for field, value in values.items():
            key = "" if field in ("notes", "body") else f", {field}_key = 'old'"
            tx.connection.execute(f"UPDATE {table} SET {field} = ?{key} WHERE id = ?", (value, record.id))

    back.do(back.database.write(unit))


def test_stored_texts_are_trimmed_and_found(back: Desk, alice: Actor) -> None:
    company = back.make(alice, COMPANY, name="Acme", tags=["vip", "ä"], notes="n")
    contact = back.save(
        alice, name="Pad", phone="+1 234", stage="Lead", tags=["vip", "new"], notes="a b", company_id=company.id
    )
    deal = back.make(alice, DEAL, title="Big", stage="won", contact_id=contact.id, company_id=company.id)
    tables = ("companies", "contacts", "deals")
    columns = [f"SELECT * FROM {table}" for table in (*tables, *(f"{table}_unindexed" for table in tables))]
    fresh = [rows(back, sql) for sql in columns]
    of_old(back, "companies", company, name="Acme\u00a0", tags=f'["vip{JOINER}","VIP","{JOINER}","ä"]', notes="\nn \n")
    of_old(
        back,
        "contacts",
        contact,
        name=" Pad ",
        phone=f"{MARK}+1{MARK} 234\u202c",
        stage="Lead ",
        tags=f'["\\u0001vip","{JOINER}new"]',
        notes="a b\r\n",
        company_name="Acme\u00a0",
    )
    of_old(back, "deals", deal, title="\tBig", stage=f"{JOINER}won", contact_name=" Pad ", company_name="Acme\u00a0")
    back.index()
    migrated(back)
    assert [rows(back, sql) for sql in columns] == fresh
    assert back.find(alice, name="pad", stage="lead", phone="+1 234", tags="vip,new").records == (contact,)
    assert back.find(alice, kind=COMPANY, name="in:acme,x", notes="n", tags="vip").records == (company,)
    assert back.find(alice, kind=DEAL, title="big", stage="won").records == (deal,)


def test_what_is_needed_stays_where_nobody_sees_anything_and_else_it_becomes_empty(back: Desk, alice: Actor) -> None:
    company = back.make(alice, COMPANY, name="Acme")
    contact = back.save(alice, name="Pad", stage="x", tags=["x"], phone="1", notes="x", company_id=company.id)
    of_old(back, "companies", company, name=JOINER)
    values = {"name": JOINER, "company_name": JOINER, "stage": f" {JOINER}", "phone": MARK, "notes": "\n"}
    of_old(back, "contacts", contact, **values, tags=f'["{JOINER}"]')
    migrated(back)
    (record,) = back.find(alice).records
    assert (record.name, record.company_name) == (JOINER, JOINER)
    assert (record.stage, record.phone, record.tags, record.notes) == (None, None, None, None)
    assert rows(back, "SELECT stage_key, phone_key, tags_key FROM contacts") == [(None, None, None)]
    assert back.find(alice, kind=COMPANY).records[0].name == JOINER


def test_bodies_of_activities_are_trimmed(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Pad")
    activity = back.log(alice, contact, body="called")
    of_old(back, "activities", activity, body="\n called\u2003")
    migrated(back)
    assert rows(back, "SELECT body FROM activities") == [("called",)]


def test_notes_that_lose_blanks_wait_for_no_index(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Pad", notes="a")
    back.index()
    of_old(back, "contacts", contact, notes="a\n")
    run(back, "UPDATE contacts SET name_key = 'pad'")
    migrated(back)
    assert rows(back, "SELECT notes FROM contacts") == [("a",)]
    assert rows(back, "SELECT count(*) FROM contacts_unindexed") == [(0,)]


def test_the_log_tells_each_record_but_for_what_the_migration_trimmed(back: Desk, alice: Actor) -> None:
    contact = back.save(alice, name="Pad", stage="Lead", notes="x")
    run(back, """UPDATE audit SET changes = '[null,{"name":" Pad ","stage":"Lead ","notes":"x"}]'""")
    of_old(back, "contacts", contact, name=" Pad ", stage="Lead ")
    migrated(back)
    (known,) = log.replayed(log.entries(back, alice)).values()
    assert known | {name: CONTACT.by_name[name].type.accept(known[name]) for name in ("name", "stage")} == log.logged(
        contact
    )
    assert known["version"] == contact.version == back.fetch(alice, contact).version
