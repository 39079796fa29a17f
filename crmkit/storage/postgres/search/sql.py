"""SQL of searches. Pure: names come from a declaration, every value is bound, each statement reads one workspace."""

from collections.abc import Callable, Sequence

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.statement import Statement, joined
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.parts import TRIGRAM
from crmkit.storage.search.texts import START

# tiers, best match first: 0 for a title that begins so, 1 for words in the title, 2 for words anywhere
_SPECIAL = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def matches(kind: Kind, workspace: Workspace, terms: Terms, by_index: bool) -> Statement:
    """Return a SELECT of the numbers of all rows that match."""
    return Statement(f"SELECT t.seq FROM {kind.plural}_texts AS t WHERE ") + found(workspace, terms, by_index)


def ranked(
    kind: Kind,
    terms: Terms,
    found: Statement,
    conditions: Statement | None,
    after: Sequence[int] | None,
) -> Statement:
    """Return the statement for number and tier of texts that are `found` and meet the conditions, without its LIMIT.

    The best tier comes first, the newest first within it. `after` is the tier and number of the last one before. Each
    row tells how many there are in all.
    """
    tier = Statement("CASE")
    if terms.text:
        tier += Statement(" WHEN strpos(t.title, ?) > 0 THEN 0", (START + terms.text,))
    if kind.has_title:
        tier += Statement(" WHEN ") + _all(terms, "strpos(t.title, ?) > 0", str) + Statement(" THEN 1")
    tier = Statement("2 AS tier") if tier.sql == "CASE" else tier + Statement(" ELSE 2 END AS tier")
    sql = Statement("SELECT seq, tier, count(*) OVER () FROM (SELECT t.seq, ") + tier
    sql += Statement(f" FROM {kind.plural}_texts AS t")
    if conditions is not None:
        sql += Statement(f" JOIN {quoted(kind.plural)} AS r ON r.seq = t.seq")
    sql += Statement(" WHERE ") + found
    if conditions is not None:
        sql += Statement(" AND ") + conditions
    sql += Statement(") AS q")
    if after is not None:
        sql += Statement(" WHERE (tier, -seq) > (?, ?)", (after[0], -after[1]))
    return sql + Statement(" ORDER BY tier, seq DESC")


def found(workspace: Workspace, terms: Terms, by_index: bool) -> Statement:
    """Return the condition on texts that they are of this workspace and have one word of every group."""
    by_index = by_index and any(min(map(len, group)) >= TRIGRAM for group in terms.groups)
    # the other of the two has no index: numbers of a large workspace are not gathered to be compared with few matches
    seq, text = ("(t.seq + 0)", "t.text") if by_index else ("t.seq", "(t.text || '')")
    scope = Statement(f"{seq} BETWEEN ? AND ? AND ", (workspace.first, workspace.last))
    return scope + _all(terms, f"{text} LIKE ?", pattern)


def _all(terms: Terms, test: str, bound: Callable[[str], str]) -> Statement:
    groups = []
    for group in terms.groups:
        parts = [Statement(test, (bound(word),)) for word in group]
        groups.append(Statement("(") + joined(parts, " OR ") + Statement(")"))
    return joined(groups, " AND ")


def pattern(word: str) -> str:
    """Return the pattern of texts that contain a word."""
    return f"%{word.translate(_SPECIAL)}%"
