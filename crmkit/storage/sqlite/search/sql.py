"""SQL for searches, and nothing else: what a search asks for -> a statement over the indexed or the waiting texts.

Pure, like `statements`, by its rules: names come from a declaration, every value is bound (a word is always a
quoted FTS5 phrase), and every statement reads the rows of one workspace. CROSS JOIN is SQLite's way to say that texts
are read first and records looked up by them, never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crmkit.model.record import Kind
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.trigrams import TRIGRAM, Sample

START = "\n"  # stands before every title: what a title begins with is a piece of text like any other
TITLE_START, TITLE, ANYWHERE = TIERS = (0, 1, 2)  # best match first


Groups = Sequence[tuple[str, ...]]  # of each group one word is to be found


@dataclass(frozen=True)
class Terms:
    """What a search asks for: of every group one word must be found. `text` is the whole search as it was typed, or
    empty where the words were corrected."""

    text: str
    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def exact(cls, text: str) -> "Terms":
        return cls(text, tuple((word,) for word in dict.fromkeys(text.split())))


@dataclass(frozen=True)
class Way:
    """How matches are looked for: by the index, or by reading every text.

    A `sample` may tell how many texts have the pieces of the words. Texts that wait to be indexed are looked for if any
    `waits`. `are_many` tells that there are certainly more matches than are counted.
    """

    by_index: bool = True
    sample: Sample | None = None
    waits: bool = True
    are_many: bool = False


def among(kind: Kind, workspace: Workspace, terms: Terms, way: Way) -> Statement:
    """Return the SELECT of the rowids of all records that match, indexed or not."""
    sql = Statement("SELECT -s.rowid AS seq") + _indexed(kind, workspace.first, workspace.last, terms.groups, True, way)
    if not way.waits:
        return sql
    return sql + Statement(" UNION ALL SELECT u.seq") + _unindexed(kind, workspace, terms)


def found(kind: Kind, workspace: Workspace, terms: Terms, way: Way, most: int) -> Statement:
    """Return the SELECT of the rowids of all matches, but `most` of them: how many, and they as a JSON array."""
    sql = Statement("SELECT count(*), json_group_array(m.seq) FROM (") + among(kind, workspace, terms, way)
    return sql + at_most(most) + Statement(") AS m")


def listed(seqs: str) -> Statement:
    """Return the SELECT of the rowids in a JSON array."""
    return Statement("SELECT m.value AS seq FROM json_each(?) AS m", (seqs,))


def ranked(
    kind: Kind, terms: Terms, seqs: str, conditions: Statement | None, after: tuple[int, int] | None, most: int
) -> Statement:
    """Return the SELECT of rowid and tier of the best of these matches, the newest first among equals, up to `most`.

    They come `after` that rank of a tier and a rowid, and meet the conditions, if there are any.
    """
    title = ("coalesce(u.title, t.title)",)
    tier = Statement(" WHEN ") + _contains_all(title, terms.groups)
    tier += Statement(f" THEN {TITLE} ELSE {ANYWHERE} END AS tier FROM (")
    if terms.text:
        tier = Statement(" WHEN ") + _contains(title, _beginning(terms)[0]) + Statement(f" THEN {TITLE_START}") + tier
    sql = Statement("SELECT seq, tier FROM (SELECT m.seq AS seq, CASE") + tier + listed(seqs)
    sql += Statement(f") AS m LEFT JOIN {kind.plural}_unindexed AS u ON u.seq = m.seq")
    sql += Statement(f" LEFT JOIN {kind.plural}_texts AS t ON t.place = -m.seq")
    if conditions is not None:
        sql += Statement(f" CROSS JOIN {kind.plural} AS r ON r.seq = m.seq WHERE ") + conditions
    sql += Statement(")")
    if after is not None:
        sql += Statement(" WHERE (tier, -seq) > (?, ?)", (after[0], -after[1]))
    return sql + Statement(" ORDER BY tier, seq DESC") + at_most(most)


def indexed(
    kind: Kind, workspace: Workspace, terms: Terms, tier: int, way: Way, before: int, conditions: Statement | None
) -> Statement:
    """Return the SELECT of the rowids below `before` of indexed texts of just this tier, newest first.

    Their records meet the conditions, if there are any.
    """
    groups: Groups = _beginning(terms) if tier == TITLE_START else terms.groups
    better: Groups = {TITLE_START: (), TITLE: _beginning(terms), ANYWHERE: terms.groups}[tier]
    scope = _indexed(kind, workspace.first, before - 1, groups, tier == ANYWHERE, way, better, conditions)
    return Statement("SELECT -s.rowid") + scope + Statement(" ORDER BY s.rowid")


def unindexed(kind: Kind, workspace: Workspace, terms: Terms, conditions: Statement | None) -> Statement:
    """Return the SELECT of rowid and title of the matching texts that are still to be indexed."""
    return Statement("SELECT u.seq, u.title") + _unindexed(kind, workspace, terms, conditions)


def tier_of(terms: Terms, title: str) -> int:
    """Return how good a match is whose words were all found, from the text of its title."""
    if terms.text and title.startswith(START + terms.text):
        return TITLE_START
    return TITLE if all(any(word in title for word in group) for group in terms.groups) else ANYWHERE


def phrase(text: str) -> str:
    """Return the FTS5 query for a text that stands somewhere just so."""
    return '"' + text.replace('"', '""') + '"'


def _indexed(
    kind: Kind,
    first: int,
    last: int,
    groups: Groups,
    is_anywhere: bool,
    way: Way,
    better: Groups = (),
    conditions: Statement | None = None,
) -> Statement:
    """Return FROM and WHERE of the indexed texts in a range of rows that have a word of each group, `is_anywhere` or in
    the title, but not one of each `better` group in the title. Texts are read only for what the index cannot tell."""
    known = [group for group in groups if way.by_index and all(len(word) >= TRIGRAM for word in group)]
    rare: list[str] = []
    if way.sample is not None and all(len(group) == 1 for group in known):
        rare = trigrams.rare([word for (word,) in known], way.sample)
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
        sql += f" CROSS JOIN {kind.plural} AS r ON r.seq = -s.rowid"
        read.append(conditions)
    scope = Statement(f"{sql} WHERE s.rowid BETWEEN ? AND ?", (-last, -first))
    if way.waits:
        scope += Statement(f" AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = -s.rowid)")
    if known:
        column = "" if is_anywhere else "title : "
        asked = _match_pieces(rare, column) if rare else _match(known, column)
        if better and is_exact:
            asked = f"({asked}) NOT ({_match(better, 'title : ')})"
        scope += Statement(f" AND {kind.plural}_search MATCH ?", (asked,))
    return joined([scope, *read], " AND ")


def _match(groups: Groups, column: str) -> str:
    """Return the FTS5 query for the texts in which a word of each group is found."""
    return " AND ".join(f"{column}({' OR '.join(phrase(word) for word in group)})" for group in groups)


def _match_pieces(rare: Sequence[str], column: str) -> str:
    """Return the FTS5 query for the texts that have all these pieces."""
    return " AND ".join(f"{'' if trigrams.is_code(piece) else column}{phrase(piece)}" for piece in rare)


def _beginning(terms: Terms) -> Groups:
    """Return what a title of the best tier has; nothing where words were corrected, so that there is no such tier."""
    return ((START + terms.text,),) if terms.text else ()


def _unindexed(kind: Kind, workspace: Workspace, terms: Terms, conditions: Statement | None = None) -> Statement:
    join = "" if conditions is None else f" CROSS JOIN {kind.plural} AS r ON r.seq = u.seq"
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
