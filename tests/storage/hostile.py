"""Query strings right in form, so that they get as far as SQL, with something in them that has no business there."""

import json
from typing import Any

from hypothesis import strategies as st

from crmkit.core.reading import audit
from crmkit.core.records import activities
from crmkit.model.fields import (
    Choice,
    Country,
    Currency,
    Date,
    FieldType,
    Integer,
    Link,
    Minutes,
    Number,
    Time,
    Timezone,
    Website,
)
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, TAKEN_BY, Operand, Taken
from crmkit.model.query.parse import RESERVED
from crmkit.model.record import Kind
from tests.kinds import ACTIVITY, KINDS, PREFIXES
from tests.storage.reference import PERIODS

SIGNS = (
    "' \" '' \\ ` ; -- /* */ ) (( ? ?1 :a @a $a % _ * ^ { } | || NULL null is:null x'00' 0x10 rowid a* sqlite_schema"
)
SNIPPETS = [
    *SIGNS.split(),
    "' OR '1'='1",
    '" OR ""="',
    "x' UNION SELECT hash FROM tokens --",
    "1; DROP TABLE contacts",
    "0) OR (1=1",
    "') OR 1=1 --",
    "(SELECT email FROM users)",
    "1 COLLATE NOCASE",
    "ORDER BY 1",
    "LIMIT -1",
    "NEAR(a b, 2)",
    "title : a",
    "a AND b",
    "a OR b",
    "NOT a",
    '"a" + "b"',
]
WORDS = [
    "alice",
    "vip",
    "lead",
    "é",
    "İ",
    "ß",
    "ﬁ",
    "\u0301",
    "\u202e",
    "\U000e0041",
    "",
    " ",
    ",",
    ",,",
    ":",
    "\n",
    "\t",
    "\r\n",
]
NUMBERS = [
    "5",
    "-1",
    "+0",
    "1.5",
    "1e999",
    "1e-999",
    "9" * 19,
    "9" * 400,
    "-" + "9" * 5_000,
    "true",
    "NaN",
    "Infinity",
    "٣",
]
TIMES = ["2026-06-10", "2026-06-10T09:00:00Z", "2026-06-10T09:00:00+02:00", "9999-12-31T23:59:59-23:59", "0001-01-01"]
IDS = [form for prefix, word in PREFIXES.items() for form in (f"{prefix}_aaaaaaaa", f"{word}/{prefix}_aaaaaaaa")]
NAMES = [
    *RESERVED,
    "since",
    "until",
    "by",
    "custom",
    "custom.",
    "handle",
    "name_key",
    "workspace_id",
    "seq",
    "rowid",
    "r.id",
]
NAMES += ['"name"', "[name]", "name; --", "contacts.id", "NAME"]

text = st.text(st.characters(codec="utf-8"), max_size=8)
payload = st.one_of(st.sampled_from(SNIPPETS), st.sampled_from(SNIPPETS), st.sampled_from(WORDS + NUMBERS), text)
phrase = st.one_of(payload, st.lists(payload, min_size=1, max_size=3).map(" ".join))
key = st.one_of(st.sampled_from(["a", '"b c"', "d"]), phrase.map(json.dumps), phrase)
path = st.lists(key, min_size=1, max_size=2).map(lambda keys: ".".join(["custom", *keys]))

BY_TYPE: dict[type[FieldType], st.SearchStrategy[str]] = {
    Time: st.sampled_from(TIMES),
    Date: st.sampled_from(TIMES[:1]),
    Integer: st.sampled_from(NUMBERS[:3]),
    Minutes: st.sampled_from(NUMBERS[:3]),
    Number: st.sampled_from(NUMBERS[:3]),
    Currency: st.sampled_from(["USD", "eur"]),
    Country: st.sampled_from(["CH", "de"]),
    Timezone: st.sampled_from(["UTC", "europe/zurich"]),
    Website: st.sampled_from(["acme.com", "https://acme.com/x'y"]),
    Link: st.sampled_from(IDS),
}


def filters_of(field: Field) -> st.SearchStrategy[tuple[str, str]]:
    """Return filters that are right in form: the field, one of its operators, an operand of its type."""
    operands = BY_TYPE.get(type(field.type), phrase)
    if isinstance(field.type, Choice):
        operands = st.sampled_from(field.type.choices)
    if isinstance(field.type, Link):
        operands = st.sampled_from([text for text in IDS if PREFIXES[field.type.prefix] == kind_of_id(text)])
    return st.one_of([written(st.just(field.name), operator, operands) for operator in field.type.operators])


def kind_of_id(text: str) -> str:
    return PREFIXES[text.rpartition("/")[2].partition("_")[0]]


def written(names: st.SearchStrategy[str], operator: str, operands: st.SearchStrategy[str]) -> Any:
    if operator in ("is", "not"):
        return st.tuples(names, st.just(f"{operator}:null"))
    if operator == "during":
        periods = st.one_of(st.sampled_from([*PERIODS]), phrase)
        return st.tuples(names, st.builds(str.__add__, st.just("during:"), periods))
    if BY_NAME[operator].operand in (Operand.LIST, Operand.TWO):
        most = 2 if operator == "between" else 3
        several = st.lists(operands, min_size=most - 1, max_size=most)
        return st.tuples(names, several.map(lambda all_: f"{operator}:{','.join(all_)}"))
    signs = st.sampled_from(["", "eq:"]) if operator == "eq" else st.just(f"{operator}:")
    return st.tuples(names, st.builds(str.__add__, signs, operands))


in_custom = st.one_of(
    [written(path, operator, st.one_of(phrase, st.sampled_from(NUMBERS))) for operator in TAKEN_BY[Taken.TEXT]]
)
FILTERS = {
    kind: st.one_of([*(filters_of(f) for f in kind.fields if f.type.operators), *[in_custom] * 5]) for kind in KINDS
}


def sorts(kind: Kind) -> st.SearchStrategy[str]:
    names = st.sampled_from([field.name for field in kind.fields if field.type.sortable])
    sort_key = st.builds(str.__add__, st.sampled_from(["", "-"]), st.one_of(names, path))
    return st.lists(sort_key, min_size=1, max_size=3).map(",".join)


FILTER_LISTS = {kind: st.lists(FILTERS[kind], max_size=3) for kind in KINDS}
SORTS = {kind: sorts(kind) for kind in KINDS}


wild = st.one_of(
    st.tuples(st.sampled_from(NAMES), phrase),
    st.tuples(phrase, phrase),
    st.tuples(
        st.sampled_from([name for kind in KINDS for name in kind.by_name]),
        st.builds(str.__add__, st.sampled_from(["between:", "IS:", ":"]), phrase),
    ),
    st.tuples(st.just("sort"), phrase),
    st.tuples(st.just("cursor"), st.sampled_from(["REAL", "CHANGED", "AAAA", "===="]) | phrase),
)


@st.composite
def queries(draw: st.DrawFn) -> tuple[Kind, list[tuple[str, str]]]:
    kind = draw(st.sampled_from(KINDS))
    pairs = draw(FILTER_LISTS[kind])
    more = draw(st.integers(0, 15))
    if more & 1:
        pairs.append(("sort", draw(SORTS[kind])))
    if more & 2:
        pairs.append(("search", draw(phrase)))
    if more & 4:
        pairs.append(("limit", draw(st.sampled_from(["1", "2", "5", "200", "999"]))))
    if more == 8:
        pairs.append(draw(wild))
    if more == 9:
        pairs.append(
            draw(st.tuples(st.sampled_from(["count", "fields"]), st.sampled_from(["exact", "owner,id"]) | phrase))
        )
    return kind, pairs


def asked_of(log: Kind) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Return the parameters of a log, most of them with something that has no business there."""
    names = st.sampled_from([*(activities if log is ACTIVITY else audit).FILTERS, "limit", "cursor", "name"])
    values = st.one_of(phrase, st.sampled_from([*TIMES, *IDS, "call", "call,email"]))
    return st.lists(st.tuples(names, values), max_size=3)


def spelled(found: list[tuple[str, str]], cursor: str) -> list[tuple[str, str]]:
    """Return the pairs with a real cursor, or one with a letter changed, where they ask for it."""
    changed = cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]
    named = {"REAL": cursor, "CHANGED": changed}
    return [(name, named.get(text, text) if name == "cursor" else text) for name, text in found]
