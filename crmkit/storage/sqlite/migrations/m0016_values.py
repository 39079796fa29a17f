"""2026-11-27. Stored values become as new ones are: kinds of apostrophe, quote, hyphen and blank compare as one, texts
are trimmed, phone numbers lose marks of direction, domains of companies their `www.`.

Only values that differ then are written, without a version or an audit entry. The texts wait for the index, as those of
any write do; until then they are found as they wait. A name in which nobody sees anything stays as it is. So does a
domain where another company has the bare one; of several that become the same the oldest does. A million contacts take
fifteen seconds of work.
"""

from collections.abc import Iterator

from msgspec import Struct

from crmkit.storage.sqlite.migrations.migration import Migration

_NOT_PLAIN = "*[^ -~]*"
_NOT_PLAIN_ASCII = "*[^ -_a-~]*"  # the backtick is not plain either
# kinds of apostrophe, quote and hyphen, and two letters that search takes apart into a letter and an apostrophe
_SIGNS = (
    "`\u00b4\u00ab\u00bb\u0149\u02b9-\u02bf\u02d7\u02ee\u0374\u055a\u058a\u05be\u05f3\u05f4\u07f4\u07f5\u1400\u1806\u1e9a"
    "\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\u2010-\u2015\u2018-\u201f\u2032\u2033\u2035\u2036\u2039\u203a\u2043\u207b\u208b"
    "\u2212\u275b-\u275e\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e42\u2e5d\u301c-\u301f\u3030\u30a0\ua78b\ua78c\ufe31\ufe32"
    "\ufe58\ufe63\uff02\uff07\uff0d\uff40\U00010ead"
)
_ENDS = "{0} GLOB '[^!-~]*' OR {0} GLOB '*[^!-~]'"  # begins or ends with what may be white space or unseen
_TRIMMED_TAGS = (
    "(SELECT nullif(json_group_array(tag), '[]') FROM (SELECT crm_trimmed(value) AS tag, min(key) FROM json_each(tags) "
    "WHERE crm_trimmed(value) IS NOT NULL GROUP BY crm_fold(crm_trimmed(value)) ORDER BY min(key)))"
)
_BARE_DOMAINS = (
    """
    CREATE TEMP TABLE bare AS
    WITH RECURSIVE found (seq, workspace_id, domain) AS (
        SELECT seq, workspace_id, domain FROM companies WHERE domain GLOB 'www.*.*'
        UNION ALL SELECT seq, workspace_id, substr(domain, 5) FROM found WHERE domain GLOB 'www.*.*'
    )
    SELECT seq, workspace_id, domain FROM found WHERE domain NOT GLOB 'www.*.*'
    """,
    """
    DELETE FROM temp.bare WHERE seq NOT IN (
        SELECT min(seq) FROM temp.bare GROUP BY workspace_id, domain
    ) OR EXISTS (SELECT 1 FROM companies AS c WHERE c.workspace_id = bare.workspace_id AND c.domain = bare.domain)
    """,
    "UPDATE companies SET domain = b.domain FROM temp.bare AS b WHERE b.seq = companies.seq",
)


class _Trim(Struct, frozen=True):
    """How the values of a field are trimmed: an expression of SQL, and a quick condition that all that differ meet."""

    field: str
    value: str
    may_differ: str
    is_folded: bool = True

    @property
    def differs(self) -> str:
        return f"(({self.may_differ}) AND {self.field} IS NOT {self.value})"

    @property
    def sets(self) -> str:
        return f"{self.field} = t.{self.field}" + (f", {self.field}_key = {self.key}" if self.is_folded else "")

    @property
    def key(self) -> str:
        if self.field == "tags":
            return "',' || (SELECT group_concat(crm_fold(value), ',') FROM json_each(t.tags)) || ','"
        return f"crm_fold(t.{self.field})"


def _text(field: str) -> _Trim:
    return _Trim(field, f"crm_trimmed({field})", _ENDS.format(field))


def _needed(field: str) -> _Trim:
    """Return how a field is trimmed that is never empty, or that repeats one: it stays where nobody sees anything."""
    return _Trim(field, f"coalesce(crm_trimmed({field}), {field})", _ENDS.format(field))


_TAGS = _Trim(
    "tags",
    _TRIMMED_TAGS,
    f"(tags GLOB '{_NOT_PLAIN}' OR instr(tags, '\\u')) "
    "AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value IS NOT crm_trimmed(value))",
)
_PHONE = _Trim("phone", "crm_undirected(phone)", f"phone GLOB '{_NOT_PLAIN}' OR {_ENDS.format('phone')}")
_NOTES = _Trim("notes", "crm_stripped(notes)", _ENDS.format("notes"), is_folded=False)
_BODY = _Trim("body", "coalesce(crm_stripped(body), body)", _ENDS.format("body"), is_folded=False)


def _trimmed(table: str, *trims: _Trim) -> Iterator[str]:
    """Yield the statements that trim these fields; temp.trimmed keeps the rows, and whether more than notes changed."""
    values = ", ".join(f"{trim.value} AS {trim.field}" for trim in trims)
    searched = " OR ".join(trim.differs for trim in trims if trim.is_folded) or "0"
    yield (
        f"CREATE TEMP TABLE trimmed AS SELECT seq, {values}, ({searched}) AS is_found FROM {table} "
        f"WHERE {' OR '.join(trim.differs for trim in trims)}"
    )
    sets = ", ".join(trim.sets for trim in trims)
    yield f"UPDATE {table} SET {sets} FROM temp.trimmed AS t WHERE t.seq = {table}.seq"


def _keys(table: str, *fields: str) -> str:
    """Return the statement that folds the keys of these fields again."""
    keys = [f"{field}_key" for field in fields]
    folded = ", ".join(f"{key} = crm_fold({key})" for key in keys)
    differ = (f"({key} GLOB '{_NOT_PLAIN_ASCII}' AND crm_fold({key}) <> {key})" for key in keys)
    return f"UPDATE {table} SET {folded} WHERE {' OR '.join(differ)}"


def _texts(table: str, title: str, *rest: str, also: str = "") -> str:
    """Return the statement that has texts with such a sign indexed again; `rest` in the order in which they stand.

    `also` is a further condition on rows to index.
    """
    # the first condition is quick, and false of most texts
    signs = (
        f"((length(CAST({field} AS BLOB)) > length({field}) OR instr({field}, '`')) AND {field} GLOB '*[{_SIGNS}]*')"
        for field in (title, *rest)
    )
    values = ", ".join(rest).replace("tags", "json(tags)")
    return (
        f"INSERT INTO {table}_unindexed (seq, title, rest) SELECT seq, char(10) || crm_searched(json_array({title})), "
        f"crm_searched(json_array({values})) FROM {table} WHERE {' OR '.join(signs)}{also} "
        "ON CONFLICT (seq) DO UPDATE SET title = excluded.title, rest = excluded.rest"
    )


def _statements() -> Iterator[str]:
    trimmed, drop = " OR seq IN (SELECT seq FROM temp.trimmed WHERE is_found)", "DROP TABLE temp.trimmed"
    yield from _trimmed("companies", _needed("name"), _TAGS, _NOTES)
    yield _keys("companies", "name", "tags")
    yield from _BARE_DOMAINS
    also = f"{trimmed} OR seq IN (SELECT seq FROM temp.bare)"
    yield _texts("companies", "name", "domain", "tags", "notes", also=also)
    yield "DROP TABLE temp.bare"
    yield drop
    texts = (_PHONE, _needed("company_name"), _text("stage"), _text("follow_up_note"))
    yield from _trimmed("contacts", _needed("name"), *texts, _TAGS, _NOTES)
    yield _keys("contacts", "name", "phone", "company_name", "stage", "tags", "follow_up_note")
    yield _texts("contacts", "name", "email", "phone", "company_name", "tags", "notes", also=trimmed)
    yield drop
    texts = (_text("stage"), _needed("contact_name"), _needed("company_name"), _text("follow_up_note"))
    yield from _trimmed("deals", _needed("title"), *texts, _TAGS, _NOTES)
    yield _keys("deals", "title", "stage", "contact_name", "company_name", "tags", "follow_up_note")
    yield _texts("deals", "title", "contact_name", "company_name", "tags", "notes", also=trimmed)
    yield drop
    yield from _trimmed("activities", _BODY)
    yield drop


MIGRATION = Migration("values", tuple(_statements()))
