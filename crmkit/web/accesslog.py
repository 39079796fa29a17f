"""The access log: one line per request, without query values, tokens, codes or bodies."""

import json
import sys
from typing import TextIO

from crmkit.render.text import value


class AccessLog:
    """Writes one line for each finished request, as text or as JSON."""

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        self._as_json = form == "json"
        self._stream = stream or sys.stderr

    def write(self, at: str, request_id: str, method: str, path: str, status: int, seconds: float, token: str) -> None:
        """Log a request; `token` is the name of the token it came with, or empty."""
        fields = {
            "at": at,
            "request": request_id,
            "method": method,
            "path": path,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "token": token,
        }
        if self._as_json:
            line = json.dumps(fields)
        else:
            line = "  ".join(f"{name}={value(content)}" for name, content in fields.items() if content != "")
        self._stream.write(line + "\n")
        self._stream.flush()
