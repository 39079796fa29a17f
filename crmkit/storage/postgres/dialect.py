"""PostgreSQL's dialect."""

import json
import re
from collections.abc import Sequence
from typing import Any

from crmkit.model.fields import MAX_INTEGER
from crmkit.model.query.filters import CustomKey
from crmkit.storage.interface.dialect import COMPARISONS, Dialect
from crmkit.storage.interface.statement import Statement, joined
from crmkit.storage.postgres.engine import faults

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)

# of two texts, or of two values of declared keys
_TESTS = {"like": "crm_contains({0}, {1})", "starts": "crm_starts({0}, {1})", "ends": "crm_ends({0}, {1})"}
_JSON = "(r.custom::json #> ?::text[])"  # what a key holds
_TEXT = "(r.custom::json #>> ?::text[])"

# of zones whose name is an abbreviation, too, which PostgreSQL takes for a time without summer
_ZONES = {"CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels", "WET": "Europe/Lisbon"}


def _condition(key: CustomKey, operator: str, value: Any) -> Statement:
    """Return the condition on what a custom key holds: numbers compare as numbers, all else as text without case."""
    path = _path(key.path)
    if operator == "in":
        return Statement("(") + joined([_condition(key, "eq", one) for one in value], " OR ") + Statement(")")
    if operator in _TESTS:
        test = _TESTS[operator].format(f"crm_fold({_TEXT})", "?")
        return Statement(f"(json_typeof({_JSON}) <> 'boolean' AND {test})", (path, path, value))
    sign = COMPARISONS[operator]
    text = Statement(f"(json_typeof({_JSON}) = 'string' AND crm_fold({_TEXT}) {sign} ?)", (path, path, value))
    if _NUMBER.fullmatch(value):
        number = Statement(f"(crm_number({_JSON}) {sign} ?)", (path, _number(value)))
        return Statement("(") + number + Statement(" OR ") + text + Statement(")") if operator == "eq" else number
    if value in ("true", "false") and operator == "eq":
        flag = Statement(f" OR (json_typeof({_JSON}) = 'boolean' AND {_TEXT} = ?))", (path, path, value))
        return Statement("(") + text + flag
    return text


def _number(text: str) -> int | float:
    return int(text) if _WHOLE.fullmatch(text) and abs(int(text)) <= MAX_INTEGER else float(text)


def _path(keys: Sequence[str]) -> str:
    """Return the path to nested keys, each spelled as it is stored, as the text of an array."""
    escaped = (key.replace("\\", "\\\\").replace('"', '\\"') for key in keys)
    return "{" + ",".join(f'"{key}"' for key in escaped) + "}"


def _json_object(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a SELECT, since a function takes no more than a hundred arguments."""
    named = ", ".join(f'{value} AS "{name}"' for name, value in pairs)
    return f"(SELECT row_to_json(o)::text FROM (SELECT {named}) AS o)"


def _of_path(form: str, key: CustomKey) -> Statement:
    return Statement(form.format(_JSON), (_path(key.path),))


def _bucketed(unit: str, zone: str, value: Statement) -> Statement:
    """Return the bucket; unit and zone are literals, since PostgreSQL groups by what it knows to be the same."""
    before = ", ".join("'{}'".format(text.replace("'", "''")) for text in (unit, _ZONES.get(zone, zone)))
    return Statement(f"crm_bucket({before}, ") + value + Statement(")")


DIALECT = Dialect(
    json_array="json_build_array({})",
    json_column="({})::json",
    json_flag="(CASE {} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END)",
    json_real="crm_real({})",
    json_object=_json_object,
    all_lines="string_agg({}, chr(10))",
    all_rows="convert_to('[' || string_agg(row::text, ',') || ']', 'UTF8'), string_agg(seq::text, ',')",
    joined_texts="string_agg({}::text, ',')",
    joined_by="string_agg({}::text, ',' ORDER BY {})",
    numbers="SELECT value::bigint FROM json_array_elements_text(?::json)",
    texts="SELECT value FROM json_array_elements_text(?::json)",
    spans="SELECT value ->> 0 AS low, value ->> 1 AS high FROM json_array_elements(?::json)",
    same="IS NOT DISTINCT FROM",
    contains=_TESTS["like"],
    starts=_TESTS["starts"],
    ends=_TESTS["ends"],
    distance="crm_distance({}, {}, {}, {})",
    limit="LIMIT ?",
    unindexed="",  # the planner has statistics
    likely="({})",
    join="JOIN",
    greatest="greatest({})",
    least="least({})",
    dialled="crm_phone_key({})",
    folded="crm_fold({})",
    custom_value=lambda key: Statement(_TEXT, (_path(key.path),)),
    custom_order=lambda key: _of_path("crm_order({})", key),
    custom_condition=_condition,
    custom_json=lambda key: Statement(f"{_JSON}::text", (_path((key,)),)),
    compared=lambda form, key: Statement(f"crm_compared(?, {_JSON})", (form, _path((key,)))),
    held=lambda value: json.dumps(value, ensure_ascii=False),
    custom_group=lambda key: _of_path("crm_group({})", key),
    custom_number=lambda key: _of_path("crm_number({})", key),
    bucketed=_bucketed,
    each="LEFT JOIN LATERAL json_array_elements_text(({})::json) AS {}(value) ON TRUE",
    keys="CROSS JOIN LATERAL json_object_keys(({})::json) AS {}(key)",
    stored_columns=(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? "
        "AND is_generated = 'NEVER' ORDER BY ordinal_position"
    ),
    refused=faults.is_refused,
    taken=faults.taken,
)
