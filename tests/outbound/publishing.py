"""A web server of somebody else, with TLS, that publishes documents on localhost."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

Document = tuple[int, dict[str, str], bytes]  # status, headers, body


@dataclass
class Publisher:
    """`documents` are what is answered at each path, `asked` the paths that were asked for."""

    url: str
    documents: dict[str, Document] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def publisher(authority_file: Path) -> Iterator[Publisher]:
    """Run it; the file gets the certificate of the authority that a client must trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(authority_file)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append(self.path)
            status, headers, body = running.documents.get(self.path, (404, {}, b"no such document"))
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    running = Publisher(f"https://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
