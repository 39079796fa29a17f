"""A proxy that adds a token to every request without one, for a checker that cannot send any."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@contextmanager
def with_token(url: str, token: str) -> Iterator[str]:
    """Yield the URL of a proxy in front of `url`; it passes on every header as it came, Host and Origin too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            upstream = HTTPConnection(urlsplit(url).netloc, timeout=30)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, content in self.headers.items():
                upstream.putheader(name, content)
            if "Authorization" not in self.headers:
                upstream.putheader("Authorization", f"Bearer {token}")
            upstream.endheaders(body)
            answer = upstream.getresponse()
            content = answer.read()
            self.send_response_only(answer.status)
            for name, text in answer.getheaders():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = handle_one

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
