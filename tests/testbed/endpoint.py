"""A real HTTP endpoint that answers as a test tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: In the place of a status: the request has arrived, and its answer does not.
LOST = 0


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that has come; names of headers are small letters, and the body was JSON."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(kw_only=True)
class Endpoint:
    """The requests that have come, the oldest first, and where the endpoint is."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def answering(status: Callable[[str], int], reply: bytes, *, content_type: str | None = None) -> Iterator[Endpoint]:
    """Serves meanwhile: ``status`` says what a request of a path gets, and ``reply`` is the body of each answer.

    The status :data:`LOST` is no answer: the connection ends when the request has been read.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.requests.append(Request(path=self.path, headers=headers, body=json.loads(body or b"null")))
            answered = status(self.path)
            if answered == LOST:
                self.close_connection = True
                return
            self.send_response(answered)
            if content_type:
                self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint = Endpoint(url=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
