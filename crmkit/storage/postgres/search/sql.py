"""SQL of searches. Pure: names come from a declaration, every value is bound, each statement reads one workspace."""

from collections.abc import Callable, Sequence

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.statement import Statement, joined
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.parts import TRIGRAM
from crmkit.storage.search.texts import START

TITLE_START, TITLE, ANYWHERE = TIERS = (0, 1, 2)  # best match first

# The index of titles knows them with a letter in place of their START, which trigrams have none of; a text of search
# has no capital letters. It also knows the span of rows of each.
_TITLE, _BEGINS = "replace(t.title, E'\\n', 'Q')", "Q"
_SPAN, _SPAN_BITS = "ARRAY[t.seq >> 12]", 12
_MOST_SPANS = 64  # that are named to the index; of more it looks through all
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
    sql = Statement("SELECT seq, tier, count(*) OVER () FROM (SELECT t.seq, ") + _tier(kind, terms)
    sql += Statement(f" AS tier FROM {kind.plural}_texts AS t")
    if conditions is not None:
        sql += Statement(f" JOIN {quoted(kind.plural)} AS r ON r.seq = t.seq")
    sql += Statement(" WHERE ") + found
    if conditions is not None:
        sql += Statement(" AND ") + conditions
    sql += Statement(") AS q")
    if after is not None:
        sql += Statement(" WHERE (tier, -seq) > (?, ?)", (after[0], -after[1]))
    return sql + Statement(" ORDER BY tier, seq DESC")


def uses(kind: Kind, workspace: Workspace, word: str) -> Statement:
    """Return the statement for how many records there are, and how many counted texts have a word, or None."""
    return Statement(
        "SELECT c.live, (SELECT w.uses FROM search_words AS w WHERE w.workspace_id = ? AND w.kind = ? AND w.word = ?) "
        "FROM counts AS c WHERE c.workspace_id = ? AND c.kind = ?",
        (workspace.id, kind.plural, word, workspace.id, kind.plural),
    )


def rows(kind: Kind, workspace: Workspace, most: int) -> Statement:
    """Return the statement for the highest number of a text, and for how many wait, counted up to one past `most`."""
    rows, scope = f"FROM {kind.plural}_texts AS t WHERE t.seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    return Statement(
        f"SELECT (SELECT max(t.seq) {rows}), "
        f"(SELECT count(*) FROM (SELECT 1 {rows} AND t.waits ORDER BY t.seq LIMIT ?) AS q)",
        (*scope, *scope, most + 1),
    )


def waiting(kind: Kind, workspace: Workspace, terms: Terms) -> Statement:
    """Return the statement for number and tier of the matches whose words are not counted yet."""
    sql = Statement("SELECT t.seq, ") + _tier(kind, terms)
    scope = " WHERE t.waits AND t.seq BETWEEN ? AND ? AND "
    sql += Statement(f" FROM {kind.plural}_texts AS t{scope}", (workspace.first, workspace.last))
    return sql + _all(terms, "(t.text || '') LIKE ?", pattern)


def of_tier(kind: Kind, terms: Terms, tier: int, rows: range) -> Statement:
    """Return the statement for the numbers of matches of just this tier among counted texts, without its LIMIT.

    They are of these rows, the newest first.
    """
    sql = Statement(f"SELECT t.seq FROM {kind.plural}_texts AS t WHERE NOT t.waits AND ")
    if tier == ANYWHERE:
        sql += Statement("t.seq BETWEEN ? AND ? AND ", (rows[0], rows[-1])) + _all(terms, "t.text LIKE ?", pattern)
    else:
        sql += Statement("(t.seq + 0) BETWEEN ? AND ? AND ", (rows[0], rows[-1]))
        first, last = rows[0] >> _SPAN_BITS, rows[-1] >> _SPAN_BITS
        if last - first < _MOST_SPANS:
            spans = "ARRAY(SELECT generate_series(CAST(? AS bigint), CAST(? AS bigint)))"
            sql += Statement(f"{_SPAN} && {spans} AND ", (first, last))
        if tier == TITLE_START:
            sql += Statement(f"{_TITLE} LIKE ?", (pattern(_BEGINS + terms.text),))
        else:
            sql += _all(terms, f"{_TITLE} LIKE ?", pattern)
    return sql + Statement(" AND ") + _tier(kind, terms) + Statement(" = ? ORDER BY -t.seq", (tier,))


def has_tier(kind: Kind, terms: Terms, tier: int) -> bool:
    """Tell whether there may be matches of this tier."""
    return (bool(terms.text) or tier != TITLE_START) and (kind.has_title or tier == ANYWHERE)


def found(workspace: Workspace, terms: Terms, by_index: bool) -> Statement:
    """Return the condition on texts that they are of this workspace and have one word of every group."""
    by_index = by_index and any(min(map(len, group)) >= TRIGRAM for group in terms.groups)
    # the other of the two has no index: numbers of a large workspace are not gathered to be compared with few matches
    seq, text = ("(t.seq + 0)", "t.text") if by_index else ("t.seq", "(t.text || '')")
    scope = Statement(f"{seq} BETWEEN ? AND ? AND ", (workspace.first, workspace.last))
    return scope + _all(terms, f"{text} LIKE ?", pattern)


def _tier(kind: Kind, terms: Terms) -> Statement:
    """Return the tier of a match."""
    sql = Statement("CASE")
    if terms.text:
        sql += Statement(f" WHEN strpos(t.title, ?) > 0 THEN {TITLE_START}", (START + terms.text,))
    if kind.has_title:
        sql += Statement(" WHEN ") + _all(terms, "strpos(t.title, ?) > 0", str) + Statement(f" THEN {TITLE}")
    return Statement(f"{ANYWHERE}") if sql.sql == "CASE" else sql + Statement(f" ELSE {ANYWHERE} END")


def _all(terms: Terms, test: str, bound: Callable[[str], str]) -> Statement:
    groups = []
    for group in terms.groups:
        parts = [Statement(test, (bound(word),)) for word in group]
        groups.append(Statement("(") + joined(parts, " OR ") + Statement(")"))
    return joined(groups, " AND ")


def pattern(word: str) -> str:
    """Return the pattern of texts that contain a word."""
    return f"%{word.translate(_SPECIAL)}%"
