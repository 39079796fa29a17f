"""Statements that are sent without waiting, plans that are kept, short reads on the event loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.storage.desk import Desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%never%'"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Any]:
    from crmkit.storage.postgres.engine.connection import connect

    with closing(connect(postgres.url(tmp_path / "data"))) as opened:
        opened.execute("CREATE TEMPORARY TABLE kept (n bigint PRIMARY KEY)")
        yield opened


def kept(connection: Any) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY n").fetchall()]


def test_what_is_sent_in_a_pipeline_is_done_when_somebody_looks(connection: Any) -> None:
    with connection.pipelined():
        connection.execute("BEGIN")
        many = [connection.execute("INSERT INTO kept (n) VALUES (?)", (n,)) for n in range(3)]
        assert [rows.result for rows in many] == [None] * 3
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (3,)
        assert [rows.rowcount for rows in many] == [1] * 3
        connection.execute("COMMIT")
    assert kept(connection) == [0, 1, 2]


def test_the_first_error_of_a_pipeline_is_raised_and_nothing_behind_it_is_done(connection: Any) -> None:
    from psycopg import errors

    insert = "INSERT INTO kept (n) VALUES (?)"

    def send() -> None:
        with connection.pipelined():
            for n in (1, 1, 2):
                connection.execute(insert, (n,))

    with pytest.raises(errors.UniqueViolation):
        send()
    with pytest.raises(errors.UniqueViolation):
        connection.executemany(insert, [(3,), (3,)])
    connection.execute(insert, (4,))
    assert kept(connection) == [4]


def test_more_statements_than_are_sent_at_once_are_all_done(connection: Any) -> None:
    connection.executemany("INSERT INTO kept (n) VALUES (?)", ((n,) for n in range(1_000)))
    assert kept(connection) == [*range(1_000)]


def test_large_rows_come_and_go_in_a_pipeline(connection: Any) -> None:
    text = "x" * 3_000_000
    with connection.pipelined():
        found = [connection.execute("SELECT ?::text", (text,)) for _ in range(4)]
        assert all(rows.fetchone() == (text,) for rows in found)


def test_a_pipeline_that_nobody_waited_for_ends_with_the_next_statement(connection: Any) -> None:
    with connection.pipelined(is_waited=False):
        connection.execute("INSERT INTO kept (n) VALUES (?)", (7,))
        connection.execute("SELECT no_such_column")
    assert connection.is_alive()
    assert kept(connection) == []


def test_a_statement_is_prepared_the_second_time(tmp_path: Path) -> None:
    from crmkit.storage.postgres.engine.connection import PostgresConnection, connect

    with closing(connect(postgres.url(tmp_path / "data"))) as one:
        found = []
        for _ in range(3):
            one.execute("SELECT 'never' WHERE ? = 1", (1,))
            found.append(one.execute(PREPARED).fetchone()[0])
        assert found == [0, 1, 1]
        with closing(PostgresConnection(one._open, prepares=False)) as other:
            for _ in range(3):
                assert other.execute("SELECT 'never' WHERE ? = 1", (1,)).fetchall() == [("never",)]
            assert other.execute(PREPARED).fetchone() == (0,)


def test_values_come_as_storage_expects_them(connection: Any) -> None:
    sql = "SELECT ?::bigint, sum(2), 1.5::numeric, ?::float8, '[1]'::json, '{\"a\": 1}'::jsonb, ?::bytea, ?::text, TRUE"
    found = connection.execute(sql, (2**62, 0.1, b"\0x", None)).fetchone()
    assert found == (2**62, 2, 1.5, 0.1, "[1]", '{"a": 1}', b"\0x", None, True)
    assert [type(value) for value in found[:4]] == [int, int, float, float]


def test_a_short_read_needs_no_thread_and_a_long_one_gets_one(back: Desk) -> None:
    actor = back.person()

    def asked(connection: Any, times: int) -> tuple[list[int], bool]:
        found = [connection.execute("SELECT ?::bigint", (n,)).fetchone()[0] for n in range(times)]
        return found, threading.current_thread() is threading.main_thread()

    def read(times: int) -> Any:
        return back.do(back.database.read(actor, asked, times))

    assert read(1) == ([0], True)
    assert read(3) == ([0, 1, 2], True)
    assert read(20) == ([*range(20)], False)


def test_reads_at_once_get_each_its_own_answer_or_error(back: Desk) -> None:
    from psycopg import errors

    actor = back.person()

    def divided(connection: Any, by: int) -> int:
        found: int = connection.execute("SELECT 100 / ?", (by,)).fetchone()[0]
        return found

    async def at_once() -> list[Any]:
        every = (back.database.read(actor, divided, n % 5) for n in range(100))
        return await asyncio.gather(*every, return_exceptions=True)

    for n, found in enumerate(back.do(at_once())):
        if n % 5:
            assert found == 100 // (n % 5)
        else:
            assert isinstance(found, errors.DivisionByZero)
