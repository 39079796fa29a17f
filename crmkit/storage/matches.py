"""SQL for searches, and nothing else: what a search asks for -> a statement over the indexed or the waiting texts.

Pure, like `statements`, by its rules: names come from a declaration, every value is bound (a word is always a
quoted FTS5 phrase), and every statement reads the rows of one workspace. CROSS JOIN is SQLite's way to say that texts
are read first and records looked up by them, never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crmkit.model.record import Kind
from crmkit.storage.statements import Statement, Workspace, joined

TRIGRAM = 3  # letters below which the index cannot tell words apart, and texts are read instead
TITLE_START, TITLE, ANYWHERE = TIERS = (0, 1, 2)  # best match first


@dataclass(frozen=True)
class Terms:
    """What a search asks for: of every group one word must be found. `text` is the whole search as it was typed, or
    empty where the words were corrected."""

    text: str
    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def exact(cls, text: str) -> "Terms":
        return cls(text, tuple((word,) for word in dict.fromkeys(text.split())))


def among(kind: Kind, workspace: Workspace, terms: Terms) -> Statement:
    """Return the SELECT of the rowids of all records that match, indexed or not."""
    return (
        Statement("SELECT s.rowid AS seq")
        + _indexed(kind, workspace.first, workspace.last, terms, ANYWHERE, joins=False)
        + Statement(" UNION ALL SELECT u.seq")
        + _unindexed(kind, workspace, terms)
    )


def indexed(kind: Kind, workspace: Workspace, terms: Terms, tier: int, before: int, conditions: Statement) -> Statement:
    """Return the SELECT of the rowids below `before` of indexed records of just this tier, newest first."""
    sql = Statement("SELECT r.seq") + _indexed(kind, workspace.first, before - 1, terms, tier)
    if tier == TITLE and terms.text:
        sql += Statement(" AND substr(s.title, 1, ?) <> ?", (len(terms.text), terms.text))
    if tier == ANYWHERE:
        in_title = joined([_contains("s.title", group) for group in terms.groups], " AND ")
        sql += Statement(" AND NOT (") + in_title + Statement(")")
    return sql + Statement(" AND ") + conditions + Statement(" ORDER BY s.rowid DESC")


def unindexed(kind: Kind, workspace: Workspace, terms: Terms, conditions: Statement) -> Statement:
    """Return the SELECT of rowid and title of the matching records that are still to be indexed."""
    sql = Statement("SELECT r.seq, u.title") + _unindexed(kind, workspace, terms, joins=True)
    return sql + Statement(" AND ") + conditions


def tier_of(terms: Terms, title: str) -> int:
    """Return how good a match is whose words were all found, from the text of its title."""
    if terms.text and title.startswith(terms.text):
        return TITLE_START
    return TITLE if all(any(word in title for word in group) for group in terms.groups) else ANYWHERE


def _indexed(kind: Kind, first: int, last: int, terms: Terms, tier: int, joins: bool = True) -> Statement:
    """Return FROM and WHERE of the indexed texts in a range of rows where the words are found as the tier asks."""
    join = f" CROSS JOIN {kind.plural} AS r ON r.seq = s.rowid" if joins else ""
    sql = Statement(f" FROM {kind.plural}_search AS s{join} WHERE ")
    sql += Statement("s.rowid BETWEEN ? AND ?", (first, last))
    sql += Statement(f" AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = s.rowid)")
    phrases, scans = [], []
    if tier == TITLE_START:
        if len(terms.text) >= TRIGRAM:
            phrases.append(f"title : ^{phrase(terms.text)}")
        else:
            scans.append(Statement("substr(s.title, 1, ?) = ?", (len(terms.text), terms.text)))
    else:
        column, text = ("", "s.title || char(10) || s.rest") if tier == ANYWHERE else ("title : ", "s.title")
        for group in terms.groups:
            if all(len(word) >= TRIGRAM for word in group):
                phrases.append(f"{column}({' OR '.join(phrase(word) for word in group)})")
            else:
                scans.append(_contains(text, group))
    if phrases:
        sql += Statement(f" AND {kind.plural}_search MATCH ?", (" AND ".join(phrases),))
    return joined([sql, *scans], " AND ")


def _unindexed(kind: Kind, workspace: Workspace, terms: Terms, joins: bool = False) -> Statement:
    join = f" CROSS JOIN {kind.plural} AS r ON r.seq = u.seq" if joins else ""
    sql = Statement(f" FROM {kind.plural}_unindexed AS u{join} WHERE ")
    sql += Statement("u.seq BETWEEN ? AND ?", (workspace.first, workspace.last))
    text = "u.title || char(10) || u.rest"
    return joined([sql, *(_contains(text, group) for group in terms.groups)], " AND ")


def _contains(text: str, group: Sequence[str]) -> Statement:
    parts = [Statement(f"instr({text}, ?) > 0", (word,)) for word in group]
    return Statement("(") + joined(parts, " OR ") + Statement(")")


def phrase(text: str) -> str:
    """Return the FTS5 query for a text that stands somewhere just so."""
    return '"' + text.replace('"', '""') + '"'
