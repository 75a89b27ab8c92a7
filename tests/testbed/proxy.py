"""An AWS with faults: a proxy before the embedded one, which answers some calls otherwise.

A command in a process of its own meets them as it would meet them on AWS: over HTTP, in the protocol of the service.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_REST = {
    ("POST", "schedules"): "CreateSchedule",
    ("PUT", "schedules"): "UpdateSchedule",
    ("DELETE", "schedules"): "DeleteSchedule",
    ("GET", "schedules"): "ListSchedules",
    ("POST", "tags"): "TagResource",
    ("GET", "tags"): "ListTagsForResource",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer that a call gets in place of AWS's."""

    status: int
    body: str
    content_type: str = "text/xml"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, and how often its operation has been called with it."""

    operation: str
    number: int
    #: Of all calls.
    total: int
    #: ``json`` or ``query``.
    protocol: str

    def refused(self, status: int, code: str, message: str) -> Answer:
        """An error in the words of the call's protocol."""
        if self.protocol == "json":
            body = json.dumps({"__type": code, "code": code, "message": message})
            return Answer(status=status, body=body, content_type="application/x-amz-json-1.0")
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return Answer(status=status, body=f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")


class ConnectionLost(Exception):
    """The proxy is to say nothing more, in the middle of the call."""


#: Answers a call, or leaves it to the AWS behind; raises :class:`ConnectionLost`.
Fault = Callable[[Call], Answer | None]


class FaultyAws:
    """A proxy before AWS: its address, the faults that it makes, and its count of each operation's calls."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind)
        self.fault: Fault = lambda call: None
        self.calls: Counter[str] = Counter()
        self.endpoint = ""
        self._lock = threading.Lock()

    def called(self, operation: str, protocol: str) -> Call:
        with self._lock:
            self.calls[operation] += 1
            number, total = self.calls[operation], self.calls.total()
        return Call(operation=operation, number=number, total=total, protocol=protocol)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: FaultyAws

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self.aws.fault(self.aws.called(*self._operation(body)))
        except ConnectionLost:
            self.close_connection = True
            return
        if answer:
            self._reply(answer.status, [("Content-Type", answer.content_type)], answer.body.encode())
            return
        assert self.aws.behind.hostname
        upstream = http.client.HTTPConnection(self.aws.behind.hostname, self.aws.behind.port or 80)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            response = upstream.getresponse()
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _OURS]
            self._reply(response.status, headers, response.read(), length=response.getheader("Content-Length"))
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 # the base class's names

    def _operation(self, body: bytes) -> tuple[str, str]:
        """The operation, and its protocol."""
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2], "json"
        path = urlsplit(self.path).path.split("/")
        if (rest := (self.command, path[1])) in _REST:
            return _REST[rest], "json"
        if action := parse_qs(body.decode("latin-1")).get("Action"):
            return action[0], "query"
        return f"{self.command.capitalize()}Object", "query"

    def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes, *, length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length if length and self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


_OURS = {"content-length", "connection", "transfer-encoding", "server", "date"}


@contextmanager
def faulty(endpoint: str) -> Iterator[FaultyAws]:
    """A proxy before ``endpoint``."""
    aws = FaultyAws(endpoint)
    handler = type("_Handler", (_Handler,), {"aws": aws})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # whoever is killed leaves connections
        threading.Thread(target=server.serve_forever, daemon=True).start()
        aws.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield aws
        server.shutdown()


def query_result(operation: str, result: str) -> Answer:
    """Makes an answer of a service of the query protocol, such as CloudFormation."""
    body = f"<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
    return Answer(status=200, body=re.sub(r"\s*\n\s*", "", body))
