"""What stands in requests that are made by chance: ids, values, bodies and filters of all sorts, right and wrong."""

import json
import random
from typing import Any
from urllib.parse import quote

from crmkit import ids
from crmkit.model import fields
from crmkit.model.fields import Link, LinkToAny
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, TAKEN_BY, Operand, Taken
from crmkit.model.record import Kind
from tests.kinds import KINDS, PREFIXES
from tests.storage import samples
from tests.storage.hostile import NUMBERS, SNIPPETS, TIMES, WORDS
from tests.storage.postgres.both.twins import Said
from tests.storage.reference import PATHS, PERIODS
from tests.teams.rights import matrix

JSON, TEXT = ("Accept", "application/json"), ("Accept", "text/plain")
ODD = [
    *SNIPPETS,
    *WORDS,
    *(text for text in samples.TEXTS if text),
    "\x00",
    "a\x00b",
    "\U0001f469\u200d\U0001f680 rocket",
    "שלום עולם",
    "مرحبا",
    "e\u0301\u0323\u0302",
    "\ufeffbom",
    "\ud800",
    "x" * 201,
    "long " * 2_000,
    "\\u0000",
    "\\",
    '"',
    "ǅ",
    "ŉ",
    "K",
    "ΣΑΣ",
    "Ａｃｍｅ",
    "I\u0307",
    "Kelason",
    "Kelsaon",
    "Jane Kelason",
    "Möller GmbH & Co. KG",
]
WRONG: list[Any] = [None, "", " ", 0, -1, 1.5, 1e300, 2**63, 2**70, True, [], {}, [None], {"a": None}, "null", [1, "a"]]
NAMES = [
    "Jane Kelason",
    "Jörg Müller",
    "JANE O’Brien",
    "straße",
    "李小龍",
    "Ålesund AS",
    "Acme",
    "acme ltd",
    "Zoë Jane",
]


class Drawn:
    """Ids, values, bodies and filters, as chance draws them. `known` has ids by their prefixes, and grows."""

    def __init__(self, chance: random.Random, known: dict[str, list[str]]) -> None:
        self._chance = chance
        self._known = known

    def _one_of(self, values: Any) -> Any:
        return self._chance.choice(values)

    def _may(self, share: float) -> bool:
        return self._chance.random() < share

    def _id(self, prefix: str) -> str:
        """Return an id of a sort: of something there in most cases, also spelled with its kind."""
        known = self._known.get(prefix, [])
        if not known or self._may(0.03):
            return self._one_of([ids.numbered(prefix, 10**9), "nonsense", f"{prefix}_", ids.numbered("tk", 1)])
        id: str = self._one_of(known[-60:])
        return f"{PREFIXES[prefix]}/{id}" if prefix in PREFIXES and self._may(0.05) else id

    def _kind(self) -> Kind:
        kind: Kind = self._one_of(KINDS)
        return kind

    def _value(self, field: Field) -> Any:
        """Return what a client may send for a field, seldom something wrong."""
        if self._may(0.01):
            return self._one_of([*WRONG, *ODD])
        if isinstance(field.type, Link):
            return self._one_of([self._id(field.type.prefix)] * 6 + [None])
        if isinstance(field.type, LinkToAny):
            return self._id(self._one_of(field.type.among))
        if isinstance(field.type, fields.Text) and self._may(0.5):
            return self._one_of(ODD if self._may(0.4) else NAMES)
        if isinstance(field.type, fields.Custom) and self._may(0.5):
            return {self._one_of(["a", "b", "size", "Größe"]): self._one_of([*WRONG, *ODD[:60], 5, 7.25, "five"])}
        found = next((samples.SAMPLES[each] for each in type(field.type).__mro__ if each in samples.SAMPLES), None)
        if found is None:
            return self._one_of(matrix.samples(field.type)) if field.required else None
        own = found.own(self._chance.randrange(12)) if field.name not in ("name", "title") else []
        return self._one_of([*found.values(field.type), *own] or [None])

    def _body(self, kind: Kind, taken: Any, least: float = 0.3) -> dict[str, Any]:
        body = {name: self._value(field) for name, field in taken.items() if field.required or self._may(least)}
        body = {name: value for name, value in body.items() if value is not None or self._may(0.3)}
        if self._may(0.02):
            body[self._one_of(["nope", "id", "version", "updated_at"])] = self._one_of(WRONG)
        return body

    def _new(self, kind: Kind) -> dict[str, Any]:
        body = self._body(kind, kind.taken, 0.25)
        for field in kind.taken.values():
            if field.required and not body.get(field.name) and self._may(0.95):
                body[field.name] = self._one_of(NAMES) if isinstance(field.type, fields.Text) else self._value(field)
        if self._may(0.1) and kind is not KINDS[1] and "company_id" in kind.by_name:
            body.pop("company_id", None)
            body["company"] = {"name": self._one_of(NAMES)}
        if self._may(0.1) and kind.is_logged:
            body["activities"] = [{"body": self._one_of(ODD)}]
        return body

    def _filter(self, kind: Kind) -> tuple[str, str]:
        name = self._one_of([*samples.names(kind), *kind.joined, *PATHS, "custom.size"])
        if name in kind.joined:
            return name, self._id(getattr(kind.joined[name].type, "prefix", "ca"))
        field = kind.by_name.get(name)
        operators = field.type.operators if field else kind.filters[name].type.operators if name in kind.filters else ()
        operator = self._one_of(operators or TAKEN_BY[Taken.TEXT])
        shape = BY_NAME[operator].operand
        count = {Operand.LIST: self._chance.randrange(1, 4), Operand.TWO: 2}.get(shape, 1)
        operand = ",".join(self._operand(kind, name, field) for _ in range(count))
        if shape is Operand.NULL:
            operand = "null"
        elif shape is Operand.PERIOD:
            operand = self._one_of([*PERIODS, "2026-06", "2026", "last_7_days", "2026-06-10"])
        elif name == "location":
            operand = self._one_of(samples.CIRCLES)
        sign = self._one_of(["", "eq:"]) if operator == "eq" else f"{operator}:"
        return name, f"{'!' if self._may(0.03) else ''}{sign}{operand}"

    def _operand(self, kind: Kind, name: str, field: Field | None) -> str:
        if self._may(0.05):
            return str(self._one_of([*SNIPPETS, *WORDS, *NUMBERS, *TIMES]))
        if field is None or name.startswith("custom"):
            return str(self._one_of([*samples.IN_CUSTOM, "ten", "deep", "ünï", "-1.5", "10"]))
        if isinstance(field.type, Link | LinkToAny):
            return self._id(self._one_of(getattr(field.type, "among", None) or [field.type.prefix]))
        found = samples.samples_of(kind, field)
        values = [value for value in found.values(field.type) if value is not None]
        held = [text for value in values for text in (value if isinstance(value, list) else [str(value)])]
        texts = [] if isinstance(field.type, fields.Custom) else found.operands(field.type, held[:5])
        return str(self._one_of([*held, *texts, *found.own(self._chance.randrange(12)), "x"]))

    def _filters(self, kind: Kind, most: int = 3) -> list[tuple[str, str]]:
        pairs = [self._filter(kind) for _ in range(self._chance.randrange(most + 1))]
        if pairs and self._may(0.15):
            pairs = [(f"or.{name}", text) for name, text in pairs] + [self._filter(kind)]
        return pairs

    def _query(self, pairs: list[tuple[str, str]]) -> str:
        return "&".join(f"{quote(name, safe='.')}={quoted(text)}" for name, text in pairs)

    def _said(self, method: str, path: str, body: Any = None) -> Said:
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body, ensure_ascii=self._may(0.5)).encode("utf-8", "surrogatepass")
        more = (("Content-Type", "application/json"),) if body is not None else ()
        return Said(method, path, body, (self._one_of([JSON, TEXT]), *more))


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe=":,")
