"""SQLite's dialect."""

import json
import re
from collections.abc import Sequence
from typing import Any

from crmkit.model.fields import MAX_INTEGER
from crmkit.model.query.filters import CustomKey
from crmkit.storage.interface.dialect import COMPARISONS, Dialect
from crmkit.storage.interface.statement import Statement, joined
from crmkit.storage.sqlite.engine import faults

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


# of two texts
_TESTS = {
    "like": "instr({0}, {1}) > 0",
    "starts": "substr({0}, 1, length({1})) = {1}",
    "ends": "substr({0}, -length({1})) = {1}",
}


def _condition(key: CustomKey, operator: str, value: Any) -> Statement:
    """Return the condition on what a custom key holds: numbers compare as numbers, all else as text without case."""
    path = json_path(key.path)
    if operator == "in":
        return Statement("(") + joined([_condition(key, "eq", one) for one in value], " OR ") + Statement(")")
    if operator in _TESTS:
        # json_extract gives true and false as 1 and 0, which nobody wrote
        test = _TESTS[operator].format("crm_fold(json_extract(r.custom, ?))", "?")
        is_text = Statement("(json_type(r.custom, ?) NOT IN ('true', 'false') AND ", (path,))
        return is_text + Statement(f"{test})", (path, *(value,) * (test.count("?") - 1)))
    sign = COMPARISONS[operator]
    text = Statement(
        f"(json_type(r.custom, ?) = 'text' AND crm_fold(json_extract(r.custom, ?)) {sign} ?)", (path, path, value)
    )
    if _NUMBER.fullmatch(value):
        number = Statement(
            f"(json_type(r.custom, ?) IN ('integer', 'real') AND json_extract(r.custom, ?) {sign} ?)",
            (path, path, _number(value)),
        )
        return Statement("(") + number + Statement(" OR ") + text + Statement(")") if operator == "eq" else number
    if value in ("true", "false") and operator == "eq":
        return Statement("(") + text + Statement(" OR json_type(r.custom, ?) = ?)", (path, value))
    return text


def _number(text: str) -> int | float:
    """Return the number as SQLite holds it: whole ones of 64 bits exactly, any other as a float (perhaps infinite)."""
    return int(text) if _WHOLE.fullmatch(text) and abs(int(text)) <= MAX_INTEGER else float(text)


def json_path(keys: Sequence[str]) -> str:
    """Return the SQLite JSON path to nested keys, each spelled as it is stored."""
    return "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in keys)


def _custom_json(key: str) -> Statement:
    return Statement("(r.custom -> ?)", (json_path((key,)),))


def _custom_group(key: CustomKey) -> Statement:
    """Return what a custom key is grouped by: numbers as numbers, texts without case, all else as JSON."""
    path = json_path(key.path)
    return Statement(
        "CASE json_type(r.custom, ?) WHEN 'text' THEN crm_fold(json_extract(r.custom, ?)) WHEN 'null' THEN NULL "
        "WHEN 'integer' THEN json_extract(r.custom, ?) WHEN 'real' THEN json_extract(r.custom, ?) "
        "ELSE r.custom -> ? END",
        (path,) * 5,
    )


def _custom_number(key: CustomKey) -> Statement:
    path = json_path(key.path)
    return Statement(
        "CASE WHEN json_type(r.custom, ?) IN ('integer', 'real') THEN json_extract(r.custom, ?) END", (path, path)
    )


def _json_object(pairs: Sequence[tuple[str, str]]) -> str:
    return f"json_object({', '.join(f'{name!r}, {value}' for name, value in pairs)})"


DIALECT = Dialect(
    json_array="json_array({})",
    json_column="json({})",
    json_flag="json(CASE {} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
    json_real="{}",
    json_object=_json_object,
    all_lines="group_concat({}, char(10))",
    # as bytes: Python would make a text of them, and the JSON decoder bytes of that
    all_rows="CAST('[' || group_concat(row) || ']' AS BLOB), group_concat(seq)",
    joined_texts="group_concat({})",
    joined_by="group_concat({0})",  # it takes rows as they come
    numbers="SELECT value FROM json_each(?)",
    texts="SELECT value FROM json_each(?)",
    spans="SELECT value ->> 0 AS low, value ->> 1 AS high FROM json_each(?)",
    same="IS",
    contains=_TESTS["like"],
    starts=_TESTS["starts"],
    ends=_TESTS["ends"],
    distance="crm_distance({}, {}, {}, {})",
    # the + is for speed: SQLite plans a statement anew for each value that is bound to a bare `LIMIT ?` (seen in 3.53)
    limit="LIMIT +?",
    unindexed="+",
    likely="likely({})",
    join="CROSS JOIN",  # in SQLite, a join in the order in which it is written
    greatest="max({})",
    least="min({})",
    dialled="crm_phone_key({})",
    folded="crm_fold({})",
    custom_value=lambda key: Statement("json_extract(r.custom, ?)", (json_path(key.path),)),
    custom_order=lambda key: Statement("crm_fold(json_extract(r.custom, ?))", (json_path(key.path),)),
    custom_condition=_condition,
    custom_json=_custom_json,
    compared=lambda form, key: Statement("crm_compared(?, r.custom -> ?)", (form, json_path((key,)))),
    held=lambda value: value,
    custom_group=_custom_group,
    custom_number=_custom_number,
    bucketed=lambda unit, zone, value: Statement("crm_bucket(?, ?, ", (unit, zone)) + value + Statement(")"),
    each="LEFT JOIN json_each({}) AS {} ON TRUE",
    keys="CROSS JOIN json_each({}) AS {}",
    stored_columns="SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid",
    refused=faults.is_refused,
    taken=faults.taken,
)
