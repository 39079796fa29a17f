"""Texts of search are found after each migration that keeps them in another way."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.sql import phrase
from tests.storage.sqlite.migrations.released import fresh

TEXTS = [(number << 32 | n, f"\njane {number}", f"jane{n}@acme.com\nzürich") for number in (1, 2) for n in range(100)]


def of_sample(*more: str) -> Counter[tuple[str, str]]:
    """Return how often each trigram is in one of 61 of these texts and in `more`, by workspace."""
    found: Counter[tuple[str, str]] = Counter()
    for seq, *parts in TEXTS:
        if seq % 61 == 0:
            own = {part[at : at + 3] for part in (*parts, *more) for at in range(len(part) - 2)}
            found.update((f"ws_{seq >> 32}", trigram) for trigram in own)
    return found


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A database of texts that are kept at the number of their row."""
    file = fresh(tmp_path / "data")
    migrate.run(file, connect, MIGRATIONS[:8])
    with closing(connect(file, True)) as connection:
        connection.execute("INSERT INTO users VALUES ('u_aaaaaaaa', 'alice@example.com', '2026-06-10T09:00:00Z')")
        columns = [column for _, column, *_ in connection.execute("PRAGMA table_info(workspaces)")]
        for number in (1, 2):
            known = {"id": f"ws_{number}", "number": number, "created_by": "u_aaaaaaaa"}
            row = [known.get(column, "2026-06-10T09:00:00Z") for column in columns]
            connection.execute(f"INSERT INTO workspaces VALUES ({', '.join('?' * len(row))})", row)
        words = [("ws_1", "deals", word, 1) for word in ("2026", "q3", "jane", "x1y", "0", "zürich")]
        connection.executemany("INSERT INTO search_words VALUES (?, ?, ?, ?)", words)
        for table, key in (("deals_texts", "seq"), ("deals_search", "rowid")):
            connection.executemany(f"INSERT INTO {table} ({key}, title, rest) VALUES (?, ?, ?)", TEXTS)
    return file


def test_every_text_is_found_after_the_migration_that_gives_it_another_place(searched: Path) -> None:
    file = searched
    assert migrate.run(file, connect, MIGRATIONS[:9]) == ["places"]
    with closing(connect(file, True)) as connection:
        rows = connection.execute("SELECT -place, title, rest FROM deals_texts ORDER BY place DESC").fetchall()
        assert rows == TEXTS
        connection.execute("INSERT INTO deals_search (deals_search, rank) VALUES ('integrity-check', 1)")
        found = connection.execute("SELECT -rowid FROM deals_search WHERE deals_search MATCH '\"jane2@\"'").fetchall()
        assert found == [(2 << 32 | 2,), (1 << 32 | 2,)]
        kept = {word for (word,) in connection.execute("SELECT word FROM search_words")}
        assert kept == {"q3", "jane", "x1y", "zürich"}  # those that a mistyped word may stand for
        counted = connection.execute("SELECT kind, workspace_id, piece, uses FROM search_pieces").fetchall()
        assert {(workspace, trigram): uses for _, workspace, trigram, uses in counted} == of_sample()
        assert {kind for kind, *_ in counted} == {"deals"}
        assert {workspace for _, workspace, *_ in counted} == {"ws_1", "ws_2"}


def test_every_text_is_found_after_the_migration_that_gives_it_codes(searched: Path) -> None:
    migrate.run(searched, connect, MIGRATIONS[:9])
    assert migrate.run(searched, connect) == [migration.name for migration in MIGRATIONS[9:]]
    code = trigrams.coded("zürich")
    with closing(connect(searched, True)) as connection:
        rows = connection.execute("SELECT -place, title, rest, codes FROM deals_texts ORDER BY place DESC").fetchall()
        assert rows == [(*text, code) for text in TEXTS]
        connection.execute("INSERT INTO deals_search (deals_search, rank) VALUES ('integrity-check', 1)")
        for sought in ('"jane2@" AND "ürich"', f'"jane2@" AND {phrase(code[1:4])}'):
            found = connection.execute(
                "SELECT -rowid FROM deals_search WHERE deals_search MATCH ?", (sought,)
            ).fetchall()
            assert found == [(2 << 32 | 2,), (1 << 32 | 2,)]
        counted = connection.execute("SELECT workspace_id, piece, uses FROM search_pieces").fetchall()
        assert {(workspace, trigram): uses for workspace, trigram, uses in counted} == of_sample(code)
