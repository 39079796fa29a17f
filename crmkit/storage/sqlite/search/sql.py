"""SQL of searches, and nothing else: what a search asks for -> a statement over the texts, indexed or waiting.

Pure, by the rules of `lists/sql.py`: names come from a declaration, every value is bound (a word is always a quoted
FTS5 phrase), and every statement reads the rows of one workspace. By CROSS JOIN SQLite reads texts first and looks up
records by them, never the other way round.
"""

from collections.abc import Sequence

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.parts import TRIGRAM
from crmkit.storage.search.texts import START
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.plan import SearchPlan

TITLE_START, TITLE, ANYWHERE = TIERS = (0, 1, 2)  # best match first

Groups = Sequence[tuple[str, ...]]  # of each group one word is to be found


def matches(kind: Kind, workspace: Workspace, terms: Terms, plan: SearchPlan) -> Statement:
    """Return a SELECT of the numbers of all rows that match, indexed or waiting."""
    sql = Statement("SELECT -s.rowid AS seq") + _from_index(
        kind, workspace.first, workspace.last, terms.groups, True, plan
    )
    if not plan.waits:
        return sql
    return sql + Statement(" UNION ALL SELECT u.seq") + _from_waiting(kind, workspace, terms)


def counted(kind: Kind, workspace: Workspace, terms: Terms, plan: SearchPlan, most: int) -> Statement:
    """Return the statement for up to `most` matches: how many, and their numbers as a JSON array."""
    sql = Statement("SELECT count(*), json_group_array(m.seq) FROM (") + matches(kind, workspace, terms, plan)
    return sql + at_most(DIALECT, most) + Statement(") AS m")


def numbered(seqs: str) -> Statement:
    """Return a SELECT of the numbers in a JSON array."""
    return Statement("SELECT m.value AS seq FROM json_each(?) AS m", (seqs,))


def ranked(
    kind: Kind, terms: Terms, seqs: str, conditions: Statement | None, after: tuple[int, int] | None, most: int
) -> Statement:
    """Return the statement for number and tier of up to `most` of the matches numbered `seqs` that meet the conditions.

    The best tier comes first, the newest first within it. `after` is the tier and number of the last one before.
    """
    title = ("coalesce(u.title, t.title)",)
    tier = Statement(" WHEN ") + _contains_all(title, terms.groups)
    tier += Statement(f" THEN {TITLE} ELSE {ANYWHERE} END AS tier FROM (")
    if terms.text:
        tier = Statement(" WHEN ") + _contains(title, _beginning(terms)[0]) + Statement(f" THEN {TITLE_START}") + tier
    sql = Statement("SELECT seq, tier FROM (SELECT m.seq AS seq, CASE") + tier + numbered(seqs)
    sql += Statement(f") AS m LEFT JOIN {kind.plural}_unindexed AS u ON u.seq = m.seq")
    sql += Statement(f" LEFT JOIN {kind.plural}_texts AS t ON t.place = -m.seq")
    if conditions is not None:
        sql += Statement(f" CROSS JOIN {quoted(kind.plural)} AS r ON r.seq = m.seq WHERE ") + conditions
    sql += Statement(") AS q")
    if after is not None:
        sql += Statement(" WHERE (tier, -seq) > (?, ?)", (after[0], -after[1]))
    return sql + Statement(" ORDER BY tier, seq DESC") + at_most(DIALECT, most)


def of_tier(
    kind: Kind,
    workspace: Workspace,
    terms: Terms,
    tier: int,
    plan: SearchPlan,
    before: int,
    conditions: Statement | None,
) -> Statement:
    """Return a SELECT of the rowids of indexed matches of just this tier that meet the conditions, the newest first.

    Their rows are numbered below `before`.
    """
    groups: Groups = _beginning(terms) if tier == TITLE_START else terms.groups
    better: Groups = {TITLE_START: (), TITLE: _beginning(terms), ANYWHERE: terms.groups if kind.has_title else ()}[tier]
    scope = _from_index(kind, workspace.first, before - 1, groups, tier == ANYWHERE, plan, better, conditions)
    return Statement("SELECT -s.rowid") + scope + Statement(" ORDER BY s.rowid")


def waiting(kind: Kind, workspace: Workspace, terms: Terms, conditions: Statement | None) -> Statement:
    """Return the statement for number and title of the matches that wait to be indexed."""
    return Statement("SELECT u.seq, u.title") + _from_waiting(kind, workspace, terms, conditions)


def tier_of(terms: Terms, title: str) -> int:
    """Return the tier of a match, by the text of its title."""
    if terms.text and title.startswith(START + terms.text):
        return TITLE_START
    return TITLE if all(any(word in title for word in group) for group in terms.groups) else ANYWHERE


def phrase(text: str) -> str:
    """Return the FTS5 query for a text as it stands."""
    return '"' + text.replace('"', '""') + '"'


def _from_index(
    kind: Kind,
    first: int,
    last: int,
    groups: Groups,
    is_anywhere: bool,
    plan: SearchPlan,
    better: Groups = (),
    conditions: Statement | None = None,
) -> Statement:
    """Return FROM and WHERE of the indexed texts of a range of rows that have one word of every group.

    The words stand in the title, or `is_anywhere`. Texts that a better tier returned already are excluded: those with a
    word of every `better` group in the title. A text is read only for what the index cannot tell.
    """
    known = [group for group in groups if plan.by_index and all(len(word) >= TRIGRAM for word in group)]
    rare: list[str] = []
    if plan.sample is not None and all(len(group) == 1 for group in known):
        rare = trigrams.to_look_up([word for (word,) in known], plan.sample)
    is_exact = len(known) == len(groups) and not rare
    texts = "t" if known else "s"
    title = f"{texts}.title"
    text = (title, f"{texts}.rest") if is_anywhere else (title,)
    read = [_contains(text, group) for group in groups if rare or group not in known]
    if better and not is_exact:
        read.append(Statement("NOT (") + _contains_all((title,), better) + Statement(")"))
    sql = f" FROM {kind.plural}_{'search' if known else 'texts'} AS s"
    if known and read:
        sql += f" CROSS JOIN {kind.plural}_texts AS t ON t.place = s.rowid"
    if conditions is not None:
        sql += f" CROSS JOIN {quoted(kind.plural)} AS r ON r.seq = -s.rowid"
        read.append(conditions)
    scope = Statement(f"{sql} WHERE s.rowid BETWEEN ? AND ?", (-last, -first))
    if plan.waits:
        scope += Statement(f" AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = -s.rowid)")
    if known:
        column = "" if is_anywhere else "title : "
        asked = _match_trigrams(rare, column) if rare else _match(known, column)
        if better and is_exact:
            asked = f"({asked}) NOT ({_match(better, 'title : ')})"
        scope += Statement(f" AND {kind.plural}_search MATCH ?", (asked,))
    return joined([scope, *read], " AND ")


def _match(groups: Groups, column: str) -> str:
    """Return the FTS5 query for the texts in which a word of each group is found."""
    return " AND ".join(f"{column}({' OR '.join(phrase(word) for word in group)})" for group in groups)


def _match_trigrams(rare: Sequence[str], column: str) -> str:
    """Return the FTS5 query for the texts that have all these trigrams."""
    return " AND ".join(f"{'' if trigrams.is_code(trigram) else column}{phrase(trigram)}" for trigram in rare)


def _beginning(terms: Terms) -> Groups:
    """Return what a title of the best tier begins with; nothing where a typo was forgiven, since that tier is empty."""
    return ((START + terms.text,),) if terms.text else ()


def _from_waiting(kind: Kind, workspace: Workspace, terms: Terms, conditions: Statement | None = None) -> Statement:
    join = "" if conditions is None else f" CROSS JOIN {quoted(kind.plural)} AS r ON r.seq = u.seq"
    sql = Statement(f" FROM {kind.plural}_unindexed AS u{join} WHERE ")
    sql += Statement("u.seq BETWEEN ? AND ? AND ", (workspace.first, workspace.last))
    sql += _contains_all(("u.title", "u.rest"), terms.groups)
    return sql if conditions is None else sql + Statement(" AND ") + conditions


def _contains_all(texts: Sequence[str], groups: Groups) -> Statement:
    return joined([_contains(texts, group) for group in groups], " AND ")


def _contains(texts: Sequence[str], group: Sequence[str]) -> Statement:
    """Return the condition that one of these texts has a word of the group."""
    parts = [Statement(f"instr({text}, ?) > 0", (word,)) for word in group for text in texts]
    return Statement("(") + joined(parts, " OR ") + Statement(")")
