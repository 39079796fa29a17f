"""No statement reads a large table as a whole: each is planned as if there were a million rows in many workspaces."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from bench.data.dataset import Dataset
from bench.reads import Read, Reader, _drawn
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.storage.lists import pages as lists
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.search import pages
from tests import postgres
from tests.house import ALICE
from tests.kinds import COMPANY, CONTACT, DEAL, TASK
from tests.storage.desk import Desk, desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

WORKSPACES, ROWS = 150, 1_000_000
_LARGE = (
    "SELECT c.table_name FROM information_schema.columns AS c JOIN pg_class AS p ON p.relname = c.table_name "
    "WHERE c.table_schema = 'public' AND c.column_name = 'seq' AND p.reltuples >= ?"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ? "
    "AND is_generated = 'NEVER' AND column_name NOT IN ('seq', 'workspace_id')"
)
_SCAN = re.compile(r"Seq Scan on (\w+)")
_PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")

Ran = dict[tuple[str, bool], Sequence[Any]]  # statement, whether it is of a scan -> values that were bound


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Ran]]:
    """The database, filled, and each statement that a day's work ran on it."""
    folder = tmp_path_factory.mktemp("plans") / "data"
    found: Ran = {}
    scanning: set[int] = set()
    execute = PostgresConnection.execute

    def noted(self: PostgresConnection, sql: str, args: Sequence[Any] = (), /) -> Any:
        if sql.startswith("BEGIN ISOLATION LEVEL REPEATABLE READ"):
            scanning.add(id(self))
        if sql.startswith(_PLANNED):
            found[sql, id(self) in scanning] = args
        return execute(self, sql, args)

    with desk(folder) as back, pytest.MonkeyPatch.context() as patched:
        actor = back.person(ALICE)
        _work(back, actor, 20)
        back.do(upkeep.index_all(Call(back.crm)))
        _multiply(postgres.url(folder))
        patched.setattr(PostgresConnection, "execute", noted)
        _work(back, actor, 2)
        _read(back, actor)
        patched.setattr(pages, "MAX_RECORDS_READ", -1)
        _search(back, actor)
        back.do(upkeep.index_all(Call(back.crm)))
        patched.setattr(lists, "COUNTED", 0)
        _search(back, actor)
        yield postgres.url(folder), found


def _work(back: Desk, actor: Any, times: int) -> None:
    companies = [back.make(actor, COMPANY, name=f"Acme {n}", domain=f"acme{n}{times}.com") for n in range(times)]
    for n, company in enumerate(companies):
        name, email = f"Jane {n} Kelason{times}", f"jane{n}x{times}@example.com"
        body = {"stage": ("lead", "customer")[n % 2], "owner": ALICE, "phone": f"+49 30 12345{n:02}{times:02}"}
        contact = back.save(actor, name=name, email=email, company_id=company.id, tags=["vip"], **body)
        back.make(actor, DEAL, title=f"Deal {n}", contact_id=contact.id, amount_cents=100 * n, status="open")
        back.make(actor, TASK, title=f"Call {n}", contact_id=contact.id, due_at="2026-06-12")
        back.log(actor, contact, kind="call", body="asked about quokkas")
        back.change(actor, contact, follow_up_at="2026-06-12T09:00:00Z")
        back.save(actor, email=email, notes="again")
    spare = [back.save(actor, name=f"Spare {n}{times}", email=f"spare{n}x{times}@example.com") for n in range(2)]
    back.merge(actor, spare[0], spare[1])
    back.remove(actor, back.save(actor, name="Gone"))


def _multiply(url: str) -> None:
    """Copy the rows of the workspace to others, and have the planner believe that there are a million of each."""
    with closing(connect(url)) as connection:
        execute = connection.execute
        execute("SET session_replication_role = replica")
        execute("ANALYZE")
        for (table,) in execute(_LARGE, (20,)).fetchall():
            names = ", ".join(f'"{name}"' for (name,) in execute(_COLUMNS, (table,)).fetchall())
            has_workspace = not table.endswith("_texts") and table != "audit_digests"
            own, copied = (', "workspace_id"', ", 'ws_' || n") if has_workspace else ("", "")
            execute(
                f'INSERT INTO "{table}" (seq{own}, {names}) SELECT seq + (n::bigint << 32){copied}, {names} '
                f'FROM "{table}" AS t, generate_series(1000, {1000 + WORKSPACES}) AS n'
            )
            execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
            execute(f'ANALYZE "{table}"')
            execute("UPDATE pg_class SET reltuples = ? WHERE relname = ?", (ROWS, table))


def _read(back: Desk, actor: Any) -> None:
    made = Dataset("", 0, "", "", term="quokka")

    def drawn(table: str, column: str) -> list[Any]:
        return [row[0] for row in back.do(back.database.read(actor, _drawn, table, column, actor))]

    async def ended(one: Read) -> None:
        await one()

    ids = {table: drawn(table, "id") for table in ("contacts", "companies")}
    values = {name: drawn("contacts", name) for name in ("name", "email")}
    for name, one in Reader(back.crm, actor, made, ids, values).reads().items():
        if "page" not in name:  # there are not as many here
            back.do(ended(one))
    for pairs in ((), (("sort", "name"),), (("stage", "lead"),), (("sort", "custom.size"),), (("search", "kelason"),)):
        for kind in (CONTACT, TASK, DEAL) if not pairs else (CONTACT,):
            cursor = back.find(actor, *pairs, limit="5", kind=kind).paging.next_cursor
            back.find(actor, *pairs, limit="5", cursor=cursor or "", kind=kind)


def _search(back: Desk, actor: Any) -> None:
    """Search for what begins titles, what stands elsewhere, and what stands nowhere."""
    for text in ("jane", "example", "nothing"):
        back.find(actor, search=text, limit="3")


def test_no_statement_is_planned_as_a_scan_of_a_large_table(ran: tuple[str, Ran]) -> None:
    url, found = ran
    assert len(found) > 150
    with closing(connect(url, plan_cache_mode="force_custom_plan")) as connection:
        large = {table for (table,) in connection.execute(_LARGE, (ROWS,)).fetchall()}
        assert {"contacts", "contacts_texts", "activities", "tasks", "audit"} <= large
        assert sum("replace(t.title" in sql for sql, _ in found) == 2  # of two tiers
        assert "\n\n".join(_scans(connection, large, {sql: args for (sql, _), args in found.items()})) == ""


def test_no_statement_that_keeps_its_plan_has_a_scan_of_a_large_table_in_it(ran: tuple[str, Ran]) -> None:
    url, found = ran
    with closing(connect(url)) as connection:
        large = {table for (table,) in connection.execute(_LARGE, (ROWS,)).fetchall()}
        connection.execute("SET plan_cache_mode = force_generic_plan")
        assert (
            "\n\n".join(_scans(connection, large, {sql: args for (sql, scans), args in found.items() if not scans}))
            == ""
        )


def _scans(connection: PostgresConnection, large: set[str], statements: dict[str, Sequence[Any]]) -> list[str]:
    wrong = list[str]()
    for sql, args in statements.items():
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {sql}", args).fetchall())
        if large & {*_SCAN.findall(plan)}:
            wrong.append(f"{sql}\n{args}\n{plan}")
    return wrong
