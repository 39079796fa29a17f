"""Writing the log on a thread of its own, so that a slow or stopped reader of the log delays no request."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from crmkit.clock import stamp, system_clock

log = logging.getLogger("crmkit")

MAX_WAITING = 4 * 1024 * 1024  # characters of lines that wait to be written; further lines are lost, and counted
FLUSH_SECONDS = 0.3  # what is still to be logged at the end may take this long
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

    def message_line(self, level: str, message: str, **more: str) -> str:
        """Return the log line of a message, in the form of the log; text says nothing `more`, which is in it already.

        A traceback, which is more than a line, follows the message.
        """
        if self._as_json:
            return json.dumps({"at": stamp(system_clock()), "level": level, "message": message, **more}) + "\n"
        return "\n".join([message, *(text for name, text in more.items() if name == "traceback")]) + "\n"

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
    """Hands what is logged with Python's `logging` to a writer; `extra={"request": ID}` names a request."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception as error:  # what is logged is not what the message has places for
            message = f"{record.msg!r} was logged with {record.args!r}: {error}"
        more = {"request": str(record.__dict__["request"])} if "request" in record.__dict__ else {}
        if record.exc_info:
            more["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._writer.write(self._writer.message_line(record.levelname.lower(), message, **more))


def take_all(writer: LogWriter) -> None:
    """Have the writer get all that is logged, warnings of Python, and the exceptions that nobody catches."""
    logging.basicConfig(handlers=[LogHandler(writer)], level=logging.WARNING)
    logging.captureWarnings(True)

    def of_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("the program ended by a fault", exc_info=(kind, error, trace))
        writer.flush(FLUSH_SECONDS)

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            name = "" if args.thread is None else args.thread.name
            log.error("the thread %s ended by a fault", name, exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        log.error("%s: %r", args.err_msg or "an exception was ignored in", args.object, exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_program, of_thread, unraisable


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
