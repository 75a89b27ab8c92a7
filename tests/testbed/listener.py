"""A real HTTP server that listens to webhooks."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Listener:
    """What has been posted to each path; it answers 200, or what a test has put into :attr:`answers`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self.answers: dict[str, deque[int]] = defaultdict(deque)


@contextmanager
def listening() -> Iterator[Listener]:
    """One that serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/json"
            listener.heard[self.path].append(json.loads(body))
            answers = listener.answers[self.path]
            status = answers.popleft() if answers else 200
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", f"{listener.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
