"""Connections of clients, which stay open from one request to the next.

werkzeug's server closes each, as it does not know whether a request has been read to its end, and looks for up to 10 ms
whether more of it comes; a client then connects anew for each request, and a thread is started for it. Here a request
is read before it is answered. Python's server reads a head as if it were that of a mail; what all SDKs send to most
services is plainer.
"""

from __future__ import annotations

import io
import re
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from orchestrator.local.aws.clock import Clock

#: A WSGI application.
Application = Callable[..., Iterable[bytes]]

#: How a request of a JSON protocol begins: its head is read line by line.
_POST = b"POST / HTTP/1.1\r\n"

#: The limits of Python's own server ("http.client").
_MOST_HEADERS, _LONGEST_LINE = 100, 65_536

#: A header's name, without what WSGI leaves out.
_NAME = re.compile("[A-Za-z0-9-]+")

#: What is said in a head that is to be read as Python's server does.
_UNUSUAL = ("EXPECT", "TRANSFER_ENCODING")


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
    rfile: Any
    #: The headers of the request, if its head is a plain one.
    _plain: dict[str, str] | None

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

    def parse_request(self) -> bool:
        self._plain = None
        if self.raw_requestline != _POST:
            return bool(super().parse_request())
        head = list(self._head())
        self._plain = _plain(head)
        if self._plain is None:
            # It is read again, from here.
            connection, self.rfile = self.rfile, io.BytesIO(b"".join(head))
            try:
                return bool(super().parse_request())
            finally:
                self.rfile = connection
        self.requestline = str(_POST, "ascii").rstrip()
        self.command, self.path, self.request_version = "POST", "/", "HTTP/1.1"
        self.close_connection = self._plain.get("HTTP_CONNECTION", "").lower() == "close"
        return True

    def _head(self) -> Iterator[bytes]:
        for _ in range(_MOST_HEADERS + 2):
            line = self.rfile.readline(_LONGEST_LINE + 1)
            yield line
            if line in (b"\r\n", b"\n", b""):
                return

    def make_environ(self) -> dict[str, Any]:
        if self._plain is None:
            return dict(super().make_environ())
        return {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": self.rfile,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "REQUEST_URI": "/",
            "RAW_URI": "/",
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": self.client_address[1],
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            **self._plain,
        }

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
        has_body = self.command != "HEAD" and code not in ("204", "304")
        told = {name.lower(): value for name, value in headers}
        lines = [
            f"{self.protocol_version} {code} {reason}",
            f"Server: {self.version_string()}",
            f"Date: {self.date_time_string()}",
            *(f"{name}: {value}" for name, value in headers),
            *([f"Content-Length: {len(answer)}"] if has_body and "content-length" not in told else ()),
        ]
        if told.get("connection", "").lower() == "close":
            self.close_connection = True
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + answer if has_body else head)
        self.wfile.flush()


def _plain(head: list[bytes]) -> dict[str, str] | None:
    """The headers of a request as WSGI has them; None where there is more to them than a name and a value each."""
    if head[-1] != b"\r\n" or len(head) > _MOST_HEADERS:
        return None
    headers: dict[str, str] = {}
    for line in head[:-1]:
        name, colon, value = str(line, "iso-8859-1").partition(":")
        if not (colon and line.endswith(b"\r\n") and len(line) <= _LONGEST_LINE) or not _NAME.fullmatch(name):
            return None
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key in _UNUSUAL:
                return None
            key = f"HTTP_{key}"
        if key in headers:
            return None
        headers[key] = value.strip(" \t\r\n")
    return headers
