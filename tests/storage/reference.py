"""What the manual says of queries, once more in slow, plain Python over dicts, without SQL or the model's operands."""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cmp_to_key
from typing import Any

from dateutil.relativedelta import relativedelta

from crmkit.model import fields
from crmkit.model.fields import FieldType
from crmkit.model.fold import fold
from crmkit.model.record import Kind

Shown = dict[str, Any]  # a record as JSON shows it
Filter = tuple[str, str, str]  # name, operator, operand

# the first and the last day of some periods
PERIODS: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda today: (today, today),
    "this_month": lambda today: (today + relativedelta(day=1), today + relativedelta(day=31)),
    "next_month": lambda today: (today + relativedelta(months=1, day=1), today + relativedelta(months=1, day=31)),
    "last_year": lambda today: (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    "this_year": lambda today: (date(today.year, 1, 1), date(today.year, 12, 31)),
    "next_36500_days": lambda today: (today, today + relativedelta(days=36_499)),
    "all_time": lambda today: (date.min, date.max),
}

# places in custom, as a query spells them
PATHS = {
    "custom.a": ["a"],
    "custom.b": ["b"],
    "custom.b.c": ["b", "c"],
    'custom.b."d e"': ["b", "d e"],
    'custom."odd.key"': ["odd.key"],
    'custom."q\\"uote"': ['q"uote'],
    "custom.never": ["never"],
}

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}

PART: dict[str, Callable[[str, str], bool]] = {
    "like": lambda text, part: part in text,
    "starts": str.startswith,
    "ends": str.endswith,
}
NEGATED = {"ne": "eq", "unlike": "like", "out": "in", "none": "any"}


def pair(operand: str) -> list[str]:
    """Return the first and the last value of between, none of which has a comma here."""
    return [part.strip() for part in operand.split(",")]


def distance(latitude: float, longitude: float, other: float, there: float) -> float:
    """Return the kilometres between two points, by the angle between their directions from the middle of the earth."""
    one, two = direction(latitude, longitude), direction(other, there)
    across = math.hypot(*(one[a] * two[b] - one[b] * two[a] for a, b in ((1, 2), (2, 0), (0, 1))))
    return 6371.0088 * math.atan2(across, sum(a * b for a, b in zip(one, two, strict=True)))


def direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00")


def address(text: str) -> str:
    """Return an address, a domain or a part of one, with its host as mail knows it."""
    local, at, host = fold(text.strip()).rpartition("@")
    return local + at + (host if host.isascii() else host.encode("idna").decode())


def id_of(text: str) -> str:
    return text.strip().rpartition("/")[2]


def dialled(text: str) -> str:
    """Return the digits of a phone number in which nothing but signs is, else the text without case."""
    digits = re.sub(r"[\s()+/.-]", "", text)
    return digits if re.fullmatch("[0-9]{3,}", digits) else fold(text)


# what the text of a value, and of what it is compared with, stands for
READ: dict[type[FieldType], Callable[[str], Any]] = {
    fields.Text: fold,
    fields.LongText: fold,
    fields.Identifier: str.strip,
    fields.Phone: dialled,
    fields.Email: address,
    fields.Domain: address,
    fields.Choice: lambda text: text.strip().lower(),
    fields.Website: fold,
    fields.Country: lambda text: text.strip().upper(),
    fields.Timezone: lambda text: text.strip().lower(),
    fields.Number: float,
    fields.Currency: lambda text: text.strip().upper(),
    fields.Date: date.fromisoformat,
    fields.Time: moment,
    fields.Integer: int,
    fields.Flag: lambda text: str(text).strip().lower() == "true",
    fields.Repeat: fold,
    fields.Link: id_of,
    fields.Tags: lambda text: {fold(tag.strip()) for tag in text.split(",") if tag.strip()},
}


def value_of(record: Shown, name: str) -> Any:
    """Return what a field or a place in custom holds, None for nothing."""
    if name == "location":
        place = record["latitude"], record["longitude"]
        return None if None in place else place
    if name not in PATHS:
        return record[name]
    value = record["custom"]
    for key in PATHS[name]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def meets(kind: Kind, record: Shown, name: str, operator: str, operand: str, today: date) -> bool:
    """Tell whether a record meets a filter, on this day."""
    value = value_of(record, name)
    if operator == "is":
        return value is None
    if operator == "not":
        return value is not None
    if operator in NEGATED:
        return not meets(kind, record, name, NEGATED[operator], operand, today)
    if operator == "between":
        first, last = pair(operand)
        return meets(kind, record, name, "gte", first, today) and meets(kind, record, name, "lte", last, today)
    if operator == "during":
        days = ",".join(day.isoformat() for day in PERIODS[operand](today))
        return meets(kind, record, name, "between", days, today)
    if name == "location":
        return value is not None and distance(*value, *map(float, operand.split(",")[:2])) <= float(
            operand.split(",")[2]
        )
    if name not in PATHS and isinstance(kind.by_name[name].type, fields.Tags):
        return meets_tags(value, operator, operand)
    if operator == "in":
        return any(meets(kind, record, name, "eq", part.strip(), today) for part in operand.split(",") if part.strip())
    if value is None:
        return False
    if name in PATHS:
        return meets_custom(value, operator, operand)
    if isinstance(kind.by_name[name].type, fields.Time) and "T" not in operand:
        return COMPARED[operator](moment(value).date(), date.fromisoformat(operand))  # a day, in UTC
    read = READ[type(kind.by_name[name].type)]
    if isinstance(kind.by_name[name].type, fields.Phone) and operator in ("eq", *PART):
        return meets_phone(value, operator, operand)
    if operator in PART:
        return PART[operator](read(value), read(operand))
    return COMPARED[operator](read(value), read(operand))


def meets_phone(value: str, operator: str, operand: str) -> bool:
    """A part is looked for in the text and in the digits; of seven digits and more, the ends are compared."""
    known, asked = dialled(value), dialled(operand)
    if operator in PART:
        has = PART[operator]
        return has(fold(value), fold(operand)) or (asked.isdigit() and has(known, asked))
    significant = asked.lstrip("0")
    return known.endswith(significant) if significant.isdigit() and len(significant) >= 7 else known == asked


def meets_tags(value: list[str] | None, operator: str, operand: str) -> bool:
    has = {fold(tag) for tag in value or ()}
    if operator in PART:
        return any(PART[operator](tag, fold(operand)) for tag in has)
    asked = READ[fields.Tags](operand)
    return bool(has & asked) if operator in ("in", "any") else bool(has) and asked <= has


def meets_custom(value: Any, operator: str, operand: str) -> bool:
    """Numbers compare with numbers, text with text; a boolean is found by its name, what is in a list by like."""
    as_number = number(operand)
    if isinstance(value, bool):
        return operator == "eq" and fold(operand) == str(value).lower()
    if operator in PART:
        return PART[operator](fold(value if isinstance(value, str) else compact(value)), fold(operand))
    if isinstance(value, int | float):
        return as_number is not None and COMPARED[operator](value, as_number)
    if isinstance(value, str):
        return (as_number is None or operator == "eq") and COMPARED[operator](fold(value), fold(operand))
    return False


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def number(text: str) -> int | float | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def met(kind: Kind, records: list[Shown], filters: list[Filter], today: date) -> list[Shown]:
    """Return the records that meet all filters on this day.

    Of filters whose names have one prefix (`or.`, `or2.`) they meet at least one.
    """
    prefixes = [re.match(r"or\d?\.|", name)[0] for name, *_ in filters]  # type: ignore[index]
    split = [
        (prefix, (name.removeprefix(prefix), *rest)) for prefix, (name, *rest) in zip(prefixes, filters, strict=True)
    ]

    def is_met(record: Shown) -> bool:
        found = [(prefix, meets(kind, record, *condition, today)) for prefix, condition in split]
        return all(
            is_true if not prefix else any(other for same, other in found if same == prefix)
            for prefix, is_true in found
        )

    return [record for record in records if is_met(record)]


def in_order(kind: Kind, records: list[Shown], sort: str) -> list[Shown]:
    """Return the records as a sort asks for them: empty last, text without case, ties by id as the last key goes."""
    keys = [(key.removeprefix("-"), key.startswith("-")) for key in _keys(sort or "-updated_at")]
    if all(name != "id" for name, _ in keys):
        keys.append(("id", keys[-1][1]))

    def compared(one: Shown, other: Shown) -> int:
        for name, descending in keys:
            a, b = (rank(kind, name, value_of(record, name)) for record in (one, other))
            if a is None or b is None:
                if (a is None) != (b is None):
                    return 1 if a is None else -1
                continue
            if a != b:
                return (-1 if a > b else 1) if descending else (1 if a > b else -1)
        return 0

    return sorted(records, key=cmp_to_key(compared))


def rank(kind: Kind, name: str, value: Any) -> Any:
    """Return what a sort compares: in custom numbers before text, of tags the whole list."""
    if value is None:
        return None
    if name in PATHS:
        if isinstance(value, int | float):
            return 0, value
        return 1, fold(value if isinstance(value, str) else compact(value))
    if isinstance(kind.by_name[name].type, fields.Tags):
        return fold(f",{','.join(value)},")
    if isinstance(kind.by_name[name].type, fields.Choice):
        return kind.by_name[name].type.choices.index(value)
    return READ[type(kind.by_name[name].type)](value)


def _keys(sort: str) -> list[str]:
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', sort)
