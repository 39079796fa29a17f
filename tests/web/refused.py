"""What every refusal looks like, in text and in JSON; both are asked for and must tell the same."""

import json
import re
from typing import Any

import httpx

from tests.house import Person

# the table of section 10 of the contract, by hand
STATUS = {
    400: "invalid_json unknown_field missing_field invalid_value invalid_reference invalid_filter invalid_operator "
    "invalid_sort invalid_cursor unknown_format invalid_file address_refused invalid_expression",
    401: "auth_required invalid_token token_expired invalid_code",
    403: "admin_required scope_required not_a_member escalation_required plan_limit_reached",
    404: "not_found unknown_path",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "confirmation_required already_exists last_admin does_not_fit undo_conflict in_progress duplicate "
    "proposal_closed proposal_outdated",
    410: "link_over",
    412: "version_conflict",
    413: "too_large",
    415: "unsupported_encoding",
    422: "idempotency_mismatch",
    429: "rate_limited",
    431: "head_too_large",
    500: "server_error",
    503: "not_ready busy mail_failed",
}
STATUS_OF = {code: status for status, codes in STATUS.items() for code in codes.split()}

_FIELD = re.compile(r"FIELD (\"(?:[^\"\\]|\\.)*\"|\S+)  (.+)")


def refused(
    person: Person, code: str, method: str, path: str, body: Any = None, fields: Any = (), does: str = "", **more: Any
) -> dict[str, Any]:
    """Send a request twice and return the JSON of its error; `does` is a pattern of what the hint says to do.

    `fields` are the names told to be wrong, or name -> pattern of what is told.
    """
    as_text = person.send_it(method, path, body, **more)
    more["headers"] = {"Accept": "application/json", **more.get("headers", {})}
    as_json = person.send_it(method, path, body, **more)
    assert as_text.status_code == as_json.status_code == STATUS_OF[code], as_text.text
    known = of_json(as_json)
    told = of_text(as_text)
    assert told["error"] == known["error"] == code
    assert _settled(told["hint"]) == _settled(known["hint"])
    assert told["fields"] == known.get("fields", {})
    assert list(told["fields"]) == list(fields)
    if isinstance(fields, dict):
        for name, pattern in fields.items():
            assert re.search(pattern, told["fields"][name]), told["fields"]
    assert re.search(does or ".", told["hint"]), told["hint"]
    return known


def of_json(answer: httpx.Response) -> dict[str, Any]:
    """Return a refusal in JSON, after a look at its shape."""
    assert answer.headers["Content-Type"] == "application/json"
    known: dict[str, Any] = answer.json()
    assert {"error", "hint", "request_id"} <= set(known), known
    assert known["request_id"] == answer.headers["X-Request-Id"]
    assert known.get("fields") != {}
    return known


def of_text(answer: httpx.Response) -> dict[str, Any]:
    """Return error, fields, hint and the line of a record shown (or None) of a refusal in text."""
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    head, *lines, end = answer.text.split("\n")
    assert end == ""
    assert all(line.isprintable() for line in (head, *lines))
    fields = {}
    while lines and lines[0].startswith("FIELD "):
        found = _FIELD.fullmatch(lines.pop(0))
        assert found, answer.text
        name, what = found.groups()
        fields[json.loads(name) if name.startswith('"') else name] = what
    hint, *shown = lines
    assert hint.startswith("HINT  ")
    assert len(shown) <= 1, answer.text
    return {
        "error": head.removeprefix("ERROR "),
        "fields": fields,
        "hint": hint.removeprefix("HINT  "),
        "shown": shown[0] if shown else None,
    }


def _settled(hint: str) -> str:
    """Return a hint without what is fresh in every answer."""
    hint = re.sub(r"confirm=\S+", "confirm=TOKEN", hint)
    return re.sub(r"\b[0-9a-f]{16}\b|\d+ seconds", "FRESH", hint)
