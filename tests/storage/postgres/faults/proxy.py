"""A proxy between a server and PostgreSQL, which cuts connections at the messages that a test chooses."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

# what is done to a connection at a message: it is not sent on, it is sent on and nobody waits for what it does,
# it is done and its answer is not sent on
BEFORE, AT_ONCE, AFTER = "before", "at once", "after"
CUTS = (BEFORE, AT_ONCE, AFTER)
_OUTSIDE = b"Z\x00\x00\x00\x05I"  # PostgreSQL is ready, in no transaction

Choose = Callable[[str], str]  # the text of a statement -> one of the above, or ""


class Proxy:
    """`choose` is asked at each statement that is begun; `made` counts what it chose."""

    def __init__(self, path: Path) -> None:
        self.path = path  # of PostgreSQL's socket
        self.choose: Choose = lambda sql: ""
        self.is_silent = False  # nothing passes, and nobody is told
        self.made: Counter[str] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._links = list[_Link]()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def url(self, name: str) -> str:
        """Return the URL of a database behind it."""
        port = self._listener.getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"

    def close(self) -> None:
        self.is_silent = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for link in self._links:
            link.cut()
            link.thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._links.append(_Link(self, client))


class _Link:
    """A connection of a client, on two threads of its own."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = socket.socket(socket.AF_UNIX)
        self._statements: dict[bytes, bytes] = {}  # name -> text
        self._ends_after = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def cut(self) -> None:
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        back = threading.Thread(target=self._ending, args=(self._back,), daemon=True)
        with closing(self._client), closing(self._server), suppress(OSError):
            self._server.connect(str(self._proxy.path))
            back.start()
            self._ending(self._forth)
            back.join()

    def _ending(self, pump: Callable[[], None]) -> None:
        with suppress(OSError, EOFError):
            pump()
        self.cut()

    def _forth(self) -> None:
        """Pass on what the client says until it ends or is cut."""
        said = self._client.makefile("rb")

        def read(count: int) -> bytes:
            found = said.read(count)
            if len(found) < count:
                raise EOFError
            return found

        with closing(said):
            size = read(4)
            self._server.sendall(size + read(int.from_bytes(size) - 4))  # who it is
            cut = ""
            while True:
                head = read(5)
                body = read(int.from_bytes(head[1:]) - 4)
                self._wait()
                text = self._begun(head[:1], body)
                if text is not None and not cut:
                    cut = self._proxy.choose(text.decode())
                    self._proxy.made[cut] += 1
                    if cut == BEFORE:
                        return
                    self._ends_after = cut == AFTER
                self._server.sendall(head + body)
                if cut == AT_ONCE and head[:1] in b"SQ":  # all of it is said
                    return

    def _back(self) -> None:
        """Pass on what PostgreSQL says until it ends or is cut."""
        while said := self._server.recv(1 << 16):
            self._wait()
            if not self._ends_after:
                self._client.sendall(said)
            elif said.endswith(_OUTSIDE):
                return

    def _begun(self, kind: bytes, body: bytes) -> bytes | None:
        """Return the text of the statement that a message begins to run, None if it begins none."""
        if kind == b"Q":
            return body
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._statements[name] = text
        elif kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            return self._statements[name]
        return None

    def _wait(self) -> None:
        while self._proxy.is_silent:
            time.sleep(0.02)


@contextmanager
def proxy(folder: str) -> Iterator[Proxy]:
    """Run a proxy to the PostgreSQL whose socket is in this folder, until the block ends."""
    with closing(Proxy(Path(folder) / ".s.PGSQL.5432")) as found:
        yield found
