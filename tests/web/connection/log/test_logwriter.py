"""The log is written beside the requests: its reader can be slow, stop or leave, and nobody else notices."""

import io
import json
import logging
import os
import re
import threading
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from crmkit.web.connection.logwriter import MAX_WAITING, LogHandler, LogWriter
from tests.house import Person, command
from tests.web.connection.raw import TAKES, announced


class Slow(io.StringIO):
    """A stream that takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.has_begun = threading.Event()

    def write(self, text: str) -> int:
        self.has_begun.set()
        assert self.goes_on.wait(TAKES)
        return super().write(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_that_do_not_fit_are_counted_and_the_count_is_told(form: str) -> None:
    stream = Slow()
    writer = LogWriter(form, stream)
    writer.write("first\n")
    assert stream.has_begun.wait(TAKES)
    line = "x" * 1023 + "\n"
    fit = MAX_WAITING // len(line)
    for _ in range(fit + 7):
        writer.write(line)
    assert not writer.flush(0.01)
    stream.goes_on.set()
    assert writer.flush(TAKES)
    writer.write("last\n")
    assert writer.flush(TAKES)
    first, *lines, told, last = stream.getvalue().splitlines()
    assert (first, last) == ("first", "last")
    assert lines == [line[:-1]] * fit
    assert (json.loads(told)["message"] if form == "json" else told) == "7 log lines were lost"


def test_lines_of_many_threads_are_whole_and_in_order() -> None:
    stream = io.StringIO()
    writer = LogWriter("text", stream)

    def work(name: int) -> None:
        for number in range(1000):
            writer.write(f"{name} {number}\n")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TAKES)
    assert writer.flush(TAKES)
    lines = [tuple(map(int, line.split())) for line in stream.getvalue().splitlines()]
    for name in range(4):
        assert [number for one, number in lines if one == name] == list(range(1000))


def test_a_closed_stream_does_not_stop_the_log_writer() -> None:
    stream = io.StringIO()
    writer = LogWriter("text", stream)
    stream.close()
    writer.write("x\n")
    assert writer.flush(TAKES)
    assert writer.flush(TAKES)


def test_records_of_python_logging_are_written_to_the_same_log() -> None:
    for form in ("text", "json"):
        stream = io.StringIO()
        writer = LogWriter(form, stream)
        logger = logging.Logger("crmkit")
        logger.addHandler(LogHandler(writer))
        try:
            raise KeyError("x")
        except KeyError:
            logger.exception("request %s failed", "abc")
        assert writer.flush(TAKES)
        if form == "text":
            assert stream.getvalue().startswith("request abc failed\nTraceback ")
        else:
            (line,) = stream.getvalue().splitlines()
            told = json.loads(line)
            assert set(told) == {"at", "level", "message", "traceback"}
            assert (told["level"], told["message"]) == ("error", "request abc failed")
            assert told["traceback"].startswith("Traceback ")


@pytest.mark.alone
def test_a_log_reader_that_stops_reading_holds_up_neither_requests_nor_the_stop(tmp_path: Path) -> None:
    line, env = command("serve", "--port", "0", "--data", str(tmp_path / "data"))
    with Popen(line, env=env, stdout=PIPE, stderr=PIPE, stdin=DEVNULL, cwd=tmp_path) as program:
        assert program.stderr is not None
        try:
            url = announced(program)
            path = "/" + "x" * 2000
            with Person(url) as client:
                for _ in range(200):  # a pipe holds 64 KiB
                    assert client.get(path, timeout=5).status_code == 404
                os.set_blocking(program.stderr.fileno(), True)
                assert program.stderr.read(1000)  # the reader reads on
                assert client.get("/healthz", timeout=5).status_code == 200
                for _ in range(200):
                    assert client.get(path, timeout=5).status_code == 404
            started = time.monotonic()
            program.terminate()
            assert program.wait(15) == 0
            assert time.monotonic() - started < 2
        finally:
            program.kill()


@pytest.mark.slow
def test_lines_logged_just_before_a_stop_are_written(tmp_path: Path) -> None:
    line, env = command("serve", "--port", "0", "--data", str(tmp_path / "data"))
    with Popen(line, env=env, stdout=PIPE, stderr=PIPE, stdin=DEVNULL, cwd=tmp_path) as program:
        assert program.stderr is not None
        try:
            url = announced(program)
            with Person(url) as client:
                ids = [client.get("/healthz").headers["X-Request-Id"] for _ in range(20)]
            program.terminate()
            logged = program.stderr.read().decode()
        finally:
            program.kill()
    assert re.findall(r"request=(\w+)", logged) == ids
