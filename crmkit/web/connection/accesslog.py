"""The access log: one line per request, without natural keys, query values, tokens, codes or bodies."""

import json
from functools import lru_cache
from typing import TextIO

from crmkit.render.text import value
from crmkit.web.connection.logwriter import LogWriter

_name = lru_cache(1024)(value)  # of a token: all its requests have the same


class AccessLog:
    """Writes one line for each finished request, as text or as JSON.

    A process that is killed loses the lines not yet written; what was changed stands in the audit log.
    """

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        self.writer = LogWriter(form, stream)
        self._as_json = form == "json"

    def write(self, at: str, request_id: str, method: str, path: str, status: int, seconds: float, token: str) -> None:
        """Log a request; `path` is that of LoggedPaths, in bare words; `token` is a name, or empty."""
        if self._as_json:
            told = {"at": at, "level": "info", "message": f"{method} {path} {status}", "request": request_id}
            fields = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1), "token": token}
            line = json.dumps({**told, **fields})
        else:
            by = f"  token={_name(token)}" if token else ""
            line = (
                f"at={at}  request={request_id}  method={method}  path={path}  status={status}  "
                f"ms={seconds * 1000:.1f}{by}"
            )
        self.writer.write(line + "\n")
