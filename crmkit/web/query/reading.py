"""The query string of a request, checked.

What concerns every route goes into the request's state, and is left out of the pairs that the handler gets.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from litestar.types import Scope
from msgspec.structs import replace

from crmkit.errors import Problem, nearest
from crmkit.model.fields import Invalid, Timezone
from crmkit.model.query import groups
from crmkit.model.query.parse import HAS_NUL, TIMEZONE
from crmkit.web.call import DRY, FLAGS
from crmkit.web.negotiate import named
from crmkit.web.query import shape
from crmkit.web.route import ANY, Route

MAX_PAIRS = 200  # parameters of one query string
DRY_RUN = "dry_run"  # parameter of every write
KINDS = ("kind", "kinds", "types")  # of which a route that takes one takes the others for it

_ZONE = Timezone()


def read_query(scope: Scope, route: Route) -> None:
    """Put the pairs of the query into the state, if the route takes them; raises a Problem.

    Left out are `timezone=` of a read, which is the zone of the Actor for this request (where there are filters, it
    stays, since with an operator it is one), `dry_run=` of a write, and what says how the answer looks (`shape`).
    """
    state, takes_any = scope["state"], route.query == ANY
    shape.close(state, route)
    if not scope["query_string"]:
        state["sent"] = state["pairs"] = []
        return
    pairs = _called(route, _pairs(scope["query_string"]))
    if route.writes:
        pairs = _dry_run(state, pairs)
    _check_names(pairs, route)
    state["sent"] = pairs = shape.read(state, route, pairs)
    if route.takes_timezone:
        zones = [pair for pair in pairs if pair[0] == TIMEZONE and not (takes_any and ":" in pair[1])]
        if zones:
            state["actor"] = replace(state["actor"], own_timezone=_zone(zones) or state["actor"].own_timezone)
            pairs = pairs if takes_any else [pair for pair in pairs if pair not in zones]
    state["pairs"] = pairs


def _called(route: Route, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs with the name that the route has for kinds."""
    taken = route.kind.by_name if route.query == ANY and route.kind else route.query
    own = [name for name in KINDS if name in taken]
    if len(own) != 1:
        return pairs
    parts = [(*groups.split(name), text) for name, text in pairs]
    return [(prefix + (own[0] if name in KINDS else name), text) for prefix, name, text in parts]


def _zone(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the time zone that was sent, "" for an empty text; raises `invalid_value`."""
    if len(pairs) > 1:
        raise Problem("invalid_value", "Send timezone once.", fields={TIMEZONE: "stands twice"})
    try:
        return _ZONE.accept(pairs[0][1]) or ""
    except Invalid as error:
        raise Problem("invalid_value", "Send a time zone by its IANA name.", fields={TIMEZONE: str(error)}) from None


def _dry_run(state: dict[str, Any], pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs without `dry_run`, which is noted in the state; raises `invalid_value`."""
    sent = [text.strip().lower() for name, text in pairs if name == DRY_RUN]
    if not sent:
        return pairs
    state[DRY] = _is_meant(sent)
    if len(sent) > 1 or sent[0] not in FLAGS:
        what = "stands twice" if len(sent) > 1 else "must be 1 or 0, or true or false"
        raise Problem("invalid_value", "Send dry_run=1 to try a write out.", fields={DRY_RUN: what})
    return [pair for pair in pairs if pair[0] != DRY_RUN]


def _is_meant(sent: Sequence[str]) -> bool:
    """Tell whether what was sent as `dry_run` means one: an error in it is that of a dry run."""
    return len(sent) > 1 or FLAGS.get(sent[0], True)


def is_dry(scope: Scope) -> bool:
    """Tell whether a request is a dry run, also one that was refused before its query was read."""
    state = scope["state"]
    if DRY in state or scope.get("method") in ("GET", "HEAD"):
        return bool(state.get(DRY))
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    sent = [text.strip().lower() for name, text in pairs if name == DRY_RUN]
    return bool(sent) and _is_meant(sent)


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a query string in order, with repeated names and empty values; raises a Problem."""
    if b"%00" in raw:
        raise Problem("invalid_value", HAS_NUL)
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem(
            "invalid_value",
            "Percent-encode the query as UTF-8 (curl -G --data-urlencode does).",
            for_tools="Write the query as plain text, or percent-encode it as UTF-8.",
        ) from None
    except ValueError:
        raise Problem("invalid_value", f"Send at most {MAX_PAIRS} query parameters.") from None


def common(route: Route) -> tuple[str, ...]:
    """Return the parameters that a route takes beside those that it declares, and `format`."""
    zone = (TIMEZONE,) if route.takes_timezone and TIMEZONE not in route.query else ()
    return (*shape.names(route), *zone, *((DRY_RUN,) if route.writes else ()))


def _check_names(pairs: list[tuple[str, str]], route: Route) -> None:
    """Raise a Problem for a parameter that the route does not take."""
    more = common(route)
    for name, text in pairs:
        own = groups.split(name)[1] if route.has_groups else name
        if name == "format":
            named(text, route.formats)
        elif route.query != ANY and own not in more and not route.takes(own):
            takes = (*route.parameters, *more)
            allowed = ", ".join((*takes, "format"))
            raise Problem(
                "invalid_filter",
                f"This endpoint takes {allowed}.",
                fields={name: route.lacks.get(name) or f"is no parameter here{nearest(name, takes)}"},
            )
