"""2026-11-27. Kinds of apostrophe, quote, hyphen and blank compare as one; domains of companies lose their `www.`.

Only values with such a character are written. The texts wait for the index, as those of any write do; until then they
are found as they wait. A domain stays as it is where the bare one is taken, or two would become the same. A million
contacts take ten seconds of work.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration

_NOT_PLAIN_ASCII = "*[^ -_a-~]*"  # the backtick is not plain either
# kinds of apostrophe, quote and hyphen, and two letters that search takes apart into a letter and an apostrophe
_SIGNS = (
    "`\u00b4\u00ab\u00bb\u0149\u02b9-\u02bf\u02d7\u02ee\u0374\u055a\u058a\u05be\u05f3\u05f4\u07f4\u07f5\u1400\u1806\u1e9a"
    "\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\u2010-\u2015\u2018-\u201f\u2032\u2033\u2035\u2036\u2039\u203a\u2043\u207b\u208b"
    "\u2212\u275b-\u275e\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e42\u2e5d\u301c-\u301f\u3030\u30a0\ua78b\ua78c\ufe31\ufe32"
    "\ufe58\ufe63\uff02\uff07\uff0d\uff40\U00010ead"
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
    DELETE FROM temp.bare WHERE (workspace_id, domain) IN (
        SELECT workspace_id, domain FROM temp.bare GROUP BY workspace_id, domain HAVING count(*) > 1
    ) OR EXISTS (SELECT 1 FROM companies AS c WHERE c.workspace_id = bare.workspace_id AND c.domain = bare.domain)
    """,
    "UPDATE companies SET domain = b.domain FROM temp.bare AS b WHERE b.seq = companies.seq",
)


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
    yield _keys("companies", "name", "tags")
    yield _keys("contacts", "name", "phone", "company_name", "stage", "tags", "follow_up_note")
    yield _keys("deals", "title", "stage", "contact_name", "company_name", "tags", "follow_up_note")
    yield from _BARE_DOMAINS
    yield _texts("companies", "name", "domain", "tags", "notes", also=" OR seq IN (SELECT seq FROM temp.bare)")
    yield "DROP TABLE temp.bare"
    yield _texts("contacts", "name", "email", "phone", "company_name", "tags", "notes")
    yield _texts("deals", "title", "contact_name", "company_name", "tags", "notes")


MIGRATION = Migration("values", tuple(_statements()))
