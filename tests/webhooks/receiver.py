"""Receivers of webhooks, as the servers of customers are: real HTTP on loopback, which answer as a test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.house import House


@dataclass
class Message:
    """What was received."""

    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def type(self) -> str:
        return str(self.body.get("type") or self.body["event"])


Answers = Callable[[Message], int | Mapping[str, Any]]


@dataclass
class Receiver:
    """Keeps what it received, each answered by `answers`: a status, or a status with headers."""

    answers: Answers = lambda message: 204
    received: list[Message] = field(default_factory=list)
    url: str = ""
    news: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        """Return once something holds that only a message can bring about."""
        with self.news:
            assert self.news.wait_for(holds, seconds), [(each.type, each.body) for each in self.received]

    def wait_for(self, messages: int, seconds: float = 20) -> list[Message]:
        """Return what was received once there are so many messages."""
        self.wait(lambda: len(self.received) >= messages, seconds)
        return list(self.received)

    def types(self) -> list[str]:
        return [message.type for message in self.received]


@contextmanager
def receiver(answers: Answers = lambda message: 204) -> Iterator[Receiver]:
    """Run a receiver on a free port of loopback until the block ends."""
    found = Receiver(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            raw = self.rfile.read(length)
            if len(raw) < length:  # whoever sent it was killed
                return
            message = Message({name.lower(): value for name, value in self.headers.items()}, raw)
            answer = found.answers(message)
            told = {"status": answer} if isinstance(answer, int) else answer
            with found.news:
                found.received.append(message)
                found.news.notify_all()
            self.send_response(told["status"])
            for name, value in told.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def moved(house: House, **span: float) -> None:
    """Move the clock of a house, and have what is due by it done."""
    house.clock.move(**span)
    house.loop.call_soon_threadsafe(house.crm.database.commits.tell, ["jobs"])


def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what is true in the end, of something that is asked for again and again."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return found
