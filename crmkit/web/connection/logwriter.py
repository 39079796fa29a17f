"""Writing the log on a thread of its own, so that a slow or stopped reader of the log delays no request."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from crmkit.clock import stamp, system_clock

MAX_WAITING = 4 * 1024 * 1024  # characters of lines that wait to be written; further lines are lost, and counted
PAUSE_SECONDS = 0.05  # between two writes, so that the thread seldom takes the GIL from the event loop


class LogWriter:
    """Takes lines from any thread without ever waiting, and writes them in order."""

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        """`form` is text or json; without a stream, standard error is written to."""
        self._as_json = form == "json"
        self._put = _on_standard_error if stream is None else _on(stream)
        self._lock = threading.RLock()  # entered without a call of Python, which a Condition takes
        self._changed = threading.Condition(self._lock)
        self._lines: list[str] = []
        self._size = 0  # of the lines, in characters
        self._lost = 0
        self._is_idle = True  # nothing waits, and nothing is being written
        self._is_flushed = False  # somebody waits for the thread
        self._thread: threading.Thread | None = None

    def write(self, line: str) -> None:
        """Take a line, which ends with a line break."""
        with self._lock:
            if self._size + len(line) > MAX_WAITING:
                self._lost += 1
                return
            self._size += len(line)
            self._lines.append(line)
            if self._is_idle:
                self._wake()

    def message_line(self, level: str, message: str) -> str:
        """Return the log line of a message, in the form of the log."""
        if not self._as_json:
            return f"{message}\n"
        return json.dumps({"at": stamp(system_clock()), "level": level, "message": message}) + "\n"

    def flush(self, seconds: float) -> bool:
        """Return whether all lines taken so far were written within this time."""
        with self._changed:
            self._is_flushed = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_idle, seconds)

    def _wake(self) -> None:
        self._is_idle = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                lines, lost = self._lines, self._lost
                self._lines, self._size, self._lost = [], 0, 0
            lost_line = [self.message_line("warning", f"{lost} log lines were lost")] if lost else []
            try:
                self._put("".join((*lines, *lost_line)))
            except (OSError, ValueError):  # the reader has gone, the disk is full, or the stream is closed
                with self._changed:
                    self._lost += lost + len(lines)
            with self._changed:
                self._changed.wait_for(lambda: self._is_flushed, PAUSE_SECONDS)
                if not self._lines:
                    self._is_idle, self._is_flushed = True, False
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: not self._is_idle)


class LogHandler(logging.Handler):
    """Hands what is logged with Python's `logging` to a writer."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        self._writer.write(self._writer.message_line(record.levelname.lower(), line))


def _on(stream: TextIO) -> Callable[[str], None]:
    def put(text: str) -> None:
        stream.write(text)
        stream.flush()

    return put


def _on_standard_error(text: str) -> None:
    """Write to the file descriptor: a thread that waits inside Python's stream keeps the program from ending."""
    left = text.encode(errors="backslashreplace")
    file = sys.__stderr__.fileno() if sys.__stderr__ else 2
    while left:
        try:
            left = left[os.write(file, left) :]
        except BlockingIOError:  # the parent process made the file non-blocking
            time.sleep(PAUSE_SECONDS)
