"""The access log: one line per request, without query values, tokens, codes or bodies."""

import asyncio
import json
import sys
from typing import TextIO

from crmkit.render.text import value


class AccessLog:
    """Writes one line for each finished request, as text or as JSON; those of one turn of the event loop together.

    A process that is killed, or a full disk, loses the lines of a turn; what was changed stands in the audit log.
    """

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        self._as_json = form == "json"
        self._stream = stream or sys.stderr
        self._waiting: list[str] = []

    def write(self, at: str, request_id: str, method: str, path: str, status: int, seconds: float, token: str) -> None:
        """Log a request, from the event loop; `token` is the name of the token it came with, or empty."""
        if self._as_json:
            fields = {"at": at, "request": request_id, "method": method, "path": path, "status": status}
            line = json.dumps({**fields, "ms": round(seconds * 1000, 1), "token": token})
        else:
            line = f"at={at}  request={request_id}  method={method}  path={value(path)}  status={status}  "
            line += f"ms={seconds * 1000:.1f}  token={value(token)}" if token else f"ms={seconds * 1000:.1f}"
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(line + "\n")

    def _flush(self) -> None:
        lines, self._waiting = self._waiting, []
        self._stream.write("".join(lines))
        self._stream.flush()
