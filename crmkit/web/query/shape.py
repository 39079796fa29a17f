"""What a query says of the shape of its answer: which fields records have there, and how long a list may be."""

import re
from typing import Any

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.query.chosen import ALL, FIELDS, chosen, nothing_of
from crmkit.model.query.parse import MAX_TOKENS
from crmkit.render.formats import CSV
from crmkit.web.call import flag
from crmkit.web.reply import CHOSEN, SPREADSHEET, TOKENS
from crmkit.web.route import Route

Pairs = list[tuple[str, str]]

BOM, RAW = "bom", "raw"  # the parameters of CSV


def names(route: Route) -> tuple[str, ...]:
    """Return the parameters of a route that say how its answer looks, beside `format`."""
    has_csv = (route.is_cut or route.streams) and CSV.name in (each.name for each in route.formats)
    return (
        *((FIELDS,) if route.takes_fields else ()),
        *((MAX_TOKENS,) if route.is_cut else ()),
        *((BOM, RAW) if has_csv else ()),
    )


def read(state: dict[str, Any], route: Route, pairs: Pairs) -> Pairs:
    """Return the pairs without these parameters, which go into the state of the request; raises `invalid_value`."""
    taken = names(route)
    sent = {name: text for name, text in pairs if name in taken}
    if not sent:
        return pairs
    others = [pair for pair in pairs if pair[0] not in taken]
    if len(others) + len(sent) < len(pairs):
        twice = next(name for name in sent if sum(pair[0] == name for pair in pairs) > 1)
        raise Problem("invalid_value", f"Send {twice} once.", fields={twice: "stands twice"})
    if FIELDS in sent:
        state[CHOSEN] = {**chosen(route.shown, sent[FIELDS], route.beside), **state.get(CHOSEN, ALL)}
    if sent.get(MAX_TOKENS):
        state[TOKENS] = _tokens(sent[MAX_TOKENS].strip())
    if BOM in sent or RAW in sent:
        state[SPREADSHEET] = flag(BOM, sent.get(BOM, "0")), flag(RAW, sent.get(RAW, "0"))
    return others


def close(state: dict[str, Any], route: Route) -> None:
    """Let the answer have no more than the handles of records of a kind that the token may not read.

    What stands beside their own fields is of the kind that the route is about. The scopes of a read open that; one of
    several areas leaves out what they do not open (`opened.chosen`).
    """
    actor: Actor | None = state.get("actor")
    if actor is None or not actor.access.is_narrow or (route.area == "*" and not route.writes):
        return
    closed = {kind for kind in (*route.shown, route.kind) if kind and not actor.access.allows(f"{kind.area}.read")}
    if not route.writes:
        closed.discard(route.kind)
    if hidden := closed.intersection(route.shown):
        beside = () if route.kind in closed else route.beside
        state[CHOSEN] = {kind: nothing_of(kind, beside) for kind in hidden}


def _tokens(text: str) -> int:
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        raise Problem(
            "invalid_value",
            f"Send {MAX_TOKENS}=2000 for a page of at most 8,000 bytes; a token counts as four.",
            fields={MAX_TOKENS: "must be a whole number from 1"},
        )
    return int(digits) if len(digits) < 10 else 10**9
