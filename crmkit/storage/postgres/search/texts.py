"""Search by trigrams, as the interface asks for it (see storage/interface/texts.py)."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from crmkit.model.query.filters import Condition
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage.columns import country_of
from crmkit.storage.examining.mismatch import Mismatch
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.pages import Page, PageReader
from crmkit.storage.postgres.search import comparing, pages, sql
from crmkit.storage.search import nearest
from crmkit.storage.search.parts import parts
from crmkit.storage.search.texts import texts
from crmkit.storage.search.words import Noted, count_words, may_be_meant, words_of

MOST_AT_ONCE = 400  # texts whose words are counted in one transaction
MOST_COUNTED = 5_000  # texts whose words are counted together, where all are made anew

_OUTDATED = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace "
    "AND pg_stat_get_mod_since_analyze(oid) > 500 + greatest(reltuples, 0) / 5"
)


class TrigramTexts:
    """Texts in tables of their own, with an index over their trigrams."""

    def queue(self, tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record | None]]) -> None:
        """Write the text of each record; of one that is gone, that there is none."""
        statement = (
            f"INSERT INTO {kind.plural}_texts (seq, title, text) VALUES (?, ?, ?) ON CONFLICT (seq) DO UPDATE "
            "SET title = excluded.title, text = excluded.text, waits = TRUE"
        )
        for seq, record in rows:
            title = text = None
            if record is not None:
                title, rest = texts(kind, record, country_of(tx, record))
                text = f"{title}\n{rest}"
            tx.add_row(statement, (seq, title, text))

    def page(self, reader: PageReader, terms: Terms, position: Sequence[Any] | None) -> Page:
        """Return the page of matches after `position`: best match first, unless the query has sort keys."""
        return pages.page(reader, terms, position)

    def matches(self, connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Statement:
        """Return a SELECT of the numbers of all rows that match."""
        return sql.matches(kind, workspace, terms, pages.by_index(connection, kind, workspace))

    def closest(self, connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Terms | None:
        """Return the terms with each word replaced by the known words nearest to it, None as the interface says."""
        waiting = _waiting(connection, kind, workspace)
        scope = (workspace.id, kind.plural)

        def uses(words: Collection[str]) -> Counter[str]:
            marks = ", ".join("?" * len(words)) or "NULL"
            statement = f"SELECT word, uses FROM search_words WHERE workspace_id = ? AND kind = ? AND word IN ({marks})"
            return Counter(dict(connection.execute(statement, (*scope, *words)).fetchall())) + waiting

        def near(word: str) -> tuple[str, ...]:
            edits = nearest.edits_of(word)
            if not edits:
                return ()
            known = connection.execute(
                "SELECT word FROM search_words WHERE workspace_id = ? AND kind = ? AND length(word) BETWEEN ? AND ?",
                (*scope, len(word) - edits, len(word) + edits),
            ).fetchall()
            return nearest.among(word, [*{word for (word,) in known}, *waiting], uses)

        return nearest.closest(terms, near)

    def candidates(
        self, connection: Connection, kind: Kind, workspace: Workspace, condition: Condition
    ) -> Statement | None:
        """Return a SELECT of the numbers of all rows that may meet a filter, None if the index cannot tell."""
        groups = parts(kind, condition)
        return None if groups is None else self.matches(connection, kind, workspace, Terms("", groups))

    def waits(self, connection: Connection, kind: Kind) -> bool:
        """Tell whether words of a text of this kind are not counted yet."""
        # in the order of the index: as long as statistics say that many wait, the table would be read as a whole
        sql = f"SELECT 1 FROM {kind.plural}_texts WHERE waits ORDER BY seq LIMIT 1"
        return connection.execute(sql).fetchone() is not None

    def index(self, tx: Tx, kind: Kind) -> bool:
        """Count the words of texts that wait, as many as one transaction should, and tell whether more wait."""
        table, execute = f"{kind.plural}_texts", tx.connection.execute
        rows = execute(
            f"SELECT seq, text, counted FROM {table} WHERE waits ORDER BY seq LIMIT {MOST_AT_ONCE} FOR UPDATE"
        ).fetchall()
        if not rows:
            return False
        count_words(tx, kind, [(seq, *_halves(text), *_halves(counted)) for seq, text, counted in rows])
        many = tx.connection.executemany
        many(f"DELETE FROM {table} WHERE seq = ?", [(seq,) for seq, text, _ in rows if text is None])
        many(
            f"UPDATE {table} SET waits = FALSE, counted = ? WHERE seq = ?",
            [(" ".join(words_of(text, "")), seq) for seq, text, _ in rows if text is not None],
        )
        return len(rows) == MOST_AT_ONCE

    def is_scattered(self, connection: Connection, kind: Kind) -> bool:
        """Tell whether so much was written that the planner's statistics are outdated.

        PostgreSQL renews them itself, but up to a minute later. Meanwhile it takes a workspace for a few rows, and a
        join of hundreds takes seconds.
        """
        return connection.execute(f"{_OUTDATED} LIMIT 1").fetchone() is not None

    def merge(self, tx: Tx, kind: Kind, is_whole: bool) -> bool:
        """Renew the planner's statistics of tables for which they are outdated; there is nothing more to merge."""
        if is_whole:
            for (table,) in tx.connection.execute(_OUTDATED).fetchall():
                tx.connection.execute(f'ANALYZE "{table}"')
        return False

    def compare(
        self, connection: Connection, kind: Kind, workspace: Workspace, after: int
    ) -> tuple[list[Mismatch], int | None]:
        """Return what is wrong with the texts of the next records, and the number of the last, None at the end."""
        return comparing.compare(connection, kind, workspace, after)

    def rebuild(self, tx: Tx, kind: Kind) -> None:
        """Drop all texts of a kind, and write those of all its records; many are counted together, so none waits."""
        tx.connection.execute("DELETE FROM search_words WHERE kind = ?", (kind.plural,))
        tx.connection.execute(f"DELETE FROM {kind.plural}_texts")
        noted = list[Noted]()
        for rows in comparing.all_records(tx, kind):
            found = [(seq, *texts(kind, record, country_of(tx, record)), None, None) for seq, record in rows if record]
            tx.connection.executemany(
                f"INSERT INTO {kind.plural}_texts (seq, title, text, counted, waits) VALUES (?, ?, ?, ?, FALSE)",
                [(seq, title, f"{title}\n{rest}", " ".join(words_of(title, rest))) for seq, title, rest, *_ in found],
            )
            noted += found
            if len(noted) >= MOST_COUNTED:
                count_words(tx, kind, noted)
                noted.clear()
        count_words(tx, kind, noted)

    def erase(self, tx: Tx, kinds: Kinds, workspace: Workspace) -> int:
        """Delete all that is kept of a workspace's texts, and return how many rows of counts that were."""
        execute = tx.connection.execute
        for kind in kinds.searched:
            execute(f"DELETE FROM {kind.plural}_texts WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last))
        return execute("DELETE FROM search_words WHERE workspace_id = ?", (workspace.id,)).rowcount


def _halves(text: str | None) -> tuple[str | None, str | None]:
    return (None, None) if text is None else (text, "")


def _waiting(connection: Connection, kind: Kind, workspace: Workspace) -> Counter[str]:
    found = connection.execute(
        f"SELECT text FROM {kind.plural}_texts WHERE waits AND seq BETWEEN ? AND ? AND text IS NOT NULL",
        (workspace.first, workspace.last),
    )
    counted = Counter(word for (text,) in found for word in words_of(text, ""))
    return Counter({word: times for word, times in counted.items() if may_be_meant(word)})


TEXTS = TrigramTexts()
