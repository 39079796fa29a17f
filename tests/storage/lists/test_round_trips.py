"""How many statements a page costs."""

import asyncio
from collections.abc import Callable
from contextlib import closing

import pytest

from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import House, Person


@pytest.mark.sqlite
def test_names_of_related_records_cost_no_query_per_row(home: House, alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Acme Corp"})["id"]
    contact = alice.json_of("POST", "/contacts", {"name": "Jane Doe", "company_id": company})["id"]
    for number in range(60):
        deal = {"title": f"Deal {number}", "contact_id": contact, "company_id": company}
        assert alice.post("/deals", json=deal).status_code == 201

    def trace(callback: Callable[[str], None] | None) -> None:
        work = home.crm.database.scan(None, SqliteConnection.set_trace_callback, callback)
        asyncio.run_coroutine_threadsafe(work, home.loop).result(30)

    def statements(path: str) -> list[str]:
        """Return what the lists' connection runs to answer one request."""
        seen: list[str] = []
        trace(seen.append)
        try:
            text = alice.text("GET", path)
        finally:
            trace(None)
        seen = seen[1:-1]  # the end and the begin of the transactions that set it
        if any("_search_idx" in sql for sql in seen):  # upkeep looked at the search indexes meanwhile
            return statements(path)
        assert text.count('contact_name="Jane Doe"  company_id=') == text.count("deal/d_") > 0
        return seen

    one, fifty = statements("/deals?limit=1"), statements("/deals?limit=50")
    assert len(one) == len(fifty) == 5, fifty  # BEGIN, the page, where the next one starts, the kept total, ROLLBACK


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("contact_id = ? ", "activities_by_contact"),
        ("company_id = ? ", "activities_by_company"),
        ("deal_id = ? ", "activities_by_deal"),
        ("1 = 1 ", "activities_by_occurred_at"),
    ],
)
def test_a_log_is_read_in_the_order_of_an_index_and_not_sorted(home: House, sql: str, index: str) -> None:
    query = f"SELECT * FROM activities WHERE workspace_id = ? AND {sql} ORDER BY occurred_at DESC, id DESC LIMIT 50"
    with closing(connect(home.folder / FILE, False)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {query}", ("ws", "x")[: query.count("?")]).fetchall()
    assert [index in str(step) for step in steps] == [True], steps
