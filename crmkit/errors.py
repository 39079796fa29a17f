"""The catalogue of errors, and the exception that carries one.

A `Problem` is a mistake of the caller, or a limit that the caller met. It is raised where it is found and becomes a
response in one place, `web/problems.py`. Any other exception is a bug of ours: it is logged and becomes `server_error`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

# code -> (HTTP statuses that it is answered with, the usual one first; what it means, as the manual says it)
CATALOGUE: dict[str, tuple[tuple[int, ...], str]] = {
    "invalid_json": ((400,), "the body is not one JSON object"),
    "invalid_file": ((400,), "the file cannot be read as its kind of file"),
    "address_refused": ((400,), "a URL whose host this server may not connect to"),
    "unknown_field": ((400,), "a name that no field has, or that only the server writes"),
    "missing_field": ((400,), "a required field is absent or empty"),
    "invalid_value": ((400, 403), "a value of the wrong type, form or length; 403 for a foreign Origin at /mcp"),
    "invalid_expression": ((400,), "an expression of a scoring rule that cannot be read: see the column"),
    "invalid_reference": ((400,), "an id or key that names no live record"),
    "invalid_filter": ((400,), "a query parameter that is no field"),
    "invalid_operator": ((400,), "an operator this field does not have"),
    "invalid_sort": ((400,), "a sort key that is no field"),
    "invalid_cursor": ((400,), "a cursor that is damaged or of another query"),
    "unknown_format": ((400,), "a format that this answer does not have"),
    "auth_required": ((401,), "no token was sent"),
    "invalid_token": ((401,), "the token is unknown or revoked, or lacks Bearer"),
    "token_expired": ((401,), "the token was idle for too long"),
    "invalid_code": ((401, 403), "a wrong, used or outdated emailed code"),
    "admin_required": ((403,), "only admins of the workspace may do this"),
    "scope_required": ((403,), "the token may not do this: scope names what it lacks"),
    "not_a_member": ((403,), "you do not belong to that workspace"),
    "escalation_required": ((403,), "a code was mailed: repeat with ?code="),
    "plan_limit_reached": ((403,), "a cap of the plan or of tokens is reached; do not retry"),
    "not_found": ((404,), "no such record in this workspace"),
    "unknown_path": ((404,), "no such endpoint"),
    "method_not_allowed": ((405,), "the path has other methods, see Allow"),
    "request_timeout": ((408,), "the rest of the request came too late"),
    "confirmation_required": ((409,), "repeat it with the confirm token shown"),
    "already_exists": ((409,), "another record holds that email, domain, source_id, code or name"),
    "duplicate": ((409,), "a record with that key is there already, and none is merged into"),
    "undo_conflict": ((409,), "what the operation wrote has changed since, or it cannot be undone"),
    "does_not_fit": ((409,), "values of records do not fit the type; nothing changed"),
    "proposal_closed": ((409,), "the proposal was approved or rejected, or expired"),
    "proposal_outdated": ((409,), "the proposal would write something else by now"),
    "in_progress": ((409,), "the first request with this key, or that import, has not ended yet; wait for it"),
    "last_admin": ((409,), "a workspace keeps at least one admin"),
    "link_over": ((410,), "the time of a link has passed, or it was ended"),
    "version_conflict": ((412,), "the record changed since you read it"),
    "too_large": ((413,), "the body is too large"),
    "unsupported_encoding": ((415,), "the body is compressed, or not UTF-8"),
    "idempotency_mismatch": ((422,), "another request was sent with this key"),
    "rate_limited": ((429,), "too many requests; wait for Retry-After seconds"),
    "head_too_large": ((431,), "URL and headers are too large"),
    "server_error": ((500,), "our fault, logged under the request id"),
    "not_ready": ((503,), "the database does not answer or the disk is full; try again shortly"),
    "busy": ((503,), "too much at once; wait for Retry-After seconds"),
    "mail_failed": ((503,), "the mail could not be sent; try again shortly"),
}

# what `fields` says of one that has no value
IS_EMPTY, IS_NEEDED = "cannot be empty", "is needed to create"

# the hint on a reference to a record that is not there
LOOK_IT_UP = "Create the record first, or look its id up."


class Problem(Exception):
    """Why a request was refused, and what the caller can do next.

    `for_tools` is the hint for a caller over MCP, whose tools send method, path and body alone, where `hint` names what
    they cannot send: a header, a command.

    `code` is a key of CATALOGUE. `hint` is one sentence that says what to do. `fields` says of each wrong field what is
    wrong with it. `status` is one of the catalogue's statuses, the first if None. `headers` are HTTP headers, `facts`
    further JSON members (a confirm token, ids), `shown` a record or a page that the answer shows, `comments` its last
    text lines.
    """

    def __init__(
        self,
        code: str,
        hint: str,
        *,
        fields: Mapping[str, str] | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, Any] | None = None,
        shown: Any = None,
        comments: Sequence[str] = (),
        for_tools: str = "",
    ) -> None:
        super().__init__(code, hint)
        allowed = CATALOGUE[code][0]
        self.code = code
        self.hint = hint
        self.fields = dict(fields or {})
        self.status = allowed[0] if status is None else status
        self.headers = dict(headers or {})
        self.facts = dict(facts or {})
        self.shown = shown
        self.comments = list(comments)
        self.for_tools = for_tools

    @property
    def text(self) -> str:
        """Its code and its hint as they are stored in one column."""
        return one_text(self.code, self.hint)

    @classmethod
    def kept(cls, text: str, **more: Any) -> "Problem":
        """Return the Problem whose text was stored; a `server_error` if the catalogue has its code no more."""
        code, hint = code_and_hint(text)
        return cls(code, hint, **more) if code in CATALOGUE else cls("server_error", "The work was stopped.")

    def after(self, sentence: str) -> "Problem":
        """Return the same Problem, with this sentence before its hint."""
        found = copy(self)
        found.hint = f"{sentence} {self.hint}"
        found.for_tools = self.for_tools and f"{sentence} {self.for_tools}"
        return found


def one_text(code: str, hint: str) -> str:
    """Return code and hint of a Problem in one text."""
    return f"{code}: {hint}"


def code_and_hint(text: str) -> tuple[str, str]:
    """Return what `one_text` was made of."""
    code, _, hint = text.partition(": ")
    return code, hint


def a(noun: str) -> str:
    """Return the noun after its article: `a contact`, `an activity`."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def listed(nouns: Iterable[str], word: str = "and") -> str:
    """Return nouns as a sentence lists them: `a, b and c`."""
    *some, last = nouns
    return f"{', '.join(some)} {word} {last}" if some else last


def in_quotes(texts: Iterable[str]) -> str:
    """Return texts that people chose as a sentence lists them, each whole: `"a, b", "c"`."""
    return ", ".join(json.dumps(text, ensure_ascii=False) for text in texts)


def nearest(name: str, known: Iterable[str], likeness: int = 65) -> str:
    """Return ` (did you mean NAME?)` for the known name most like `name`, or nothing if none is close."""
    close = closest(name, known, likeness)
    return f" (did you mean {close}?)" if close else ""


def closest(name: str, known: Iterable[str], likeness: int = 65) -> str | None:
    """Return the known name most like `name`, None if none has this percentage of likeness."""
    from rapidfuzz import fuzz, process  # imported late: `crmkit --help` starts without it

    spelled = {word.lower(): word for word in known}
    close = process.extractOne(name.lower(), list(spelled), scorer=fuzz.ratio, score_cutoff=likeness)
    return spelled[close[0]] if close else None
