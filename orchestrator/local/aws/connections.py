"""Connections of clients, which stay open from one request to the next.

werkzeug's server closes each, as it does not know whether a request has been read to its end, and looks for up to 10 ms
whether more of it comes; a client then connects anew for each request, and a thread is started for it. Here a request
is read before it is answered.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from orchestrator.local.aws.clock import Clock

#: A WSGI application.
Application = Callable[..., Iterable[bytes]]


class Server(ThreadedWSGIServer):
    """Serves an application on a socket that listens, in the time of a clock."""

    def __init__(self, listener: socket.socket, application: Application, clock: Callable[[], Clock]) -> None:
        host, port = listener.getsockname()[:2]
        self.clock = clock
        self.open: set[socket.socket] = set()
        super().__init__(host, port, application, _Connection, fd=listener.fileno())

    def server_close(self) -> None:
        """Ends the connections, too: nobody answers any more."""
        super().server_close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(WSGIRequestHandler):
    """Answers one request after the other."""

    protocol_version = "HTTP/1.1"
    # An answer is sent in one, and at once.
    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: BaseWSGIServer

    def setup(self) -> None:
        super().setup()
        self._of.open.add(self.connection)

    def finish(self) -> None:
        self._of.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    @property
    def _of(self) -> Server:
        assert isinstance(self.server, Server)
        return self.server

    def handle_expect_100(self) -> bool:
        waits = bool(super().handle_expect_100())
        self.wfile.flush()
        return waits

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 # werkzeug's name
        """Nothing: a line for each request would bury what matters."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` header of each answer: the time that this AWS lives in."""
        return str(http_date(self._of.clock().now() if timestamp is None else timestamp))

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        asked = environ["wsgi.input"]
        chunked = environ.get("wsgi.input_terminated", False)
        body = asked.read() if chunked else asked.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        parts = self.server.app(environ, lambda status, headers, *_: begun.append((status, headers)))
        try:
            answer = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        self._send(*begun[-1], answer)

    def _send(self, status: str, headers: list[tuple[str, str]], answer: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        has_body = self.command != "HEAD" and code not in ("204", "304")
        if has_body and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if has_body:
            self.wfile.write(answer)
        self.wfile.flush()
