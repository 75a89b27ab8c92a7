"""werkzeug closes a connection after each answer; here a client keeps its own."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from orchestrator.local.aws.clock import RealClock
from orchestrator.local.aws.connections import Server


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers with the method and what it was sent."""
    start_response("200 OK", [("X-Path", environ["PATH_INFO"]), ("X-Seen", environ.get("HTTP_X_A", ""))])
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["wsgi.input"].read()]


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Server(listener, echo, RealClock)
    Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def client(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    yield connection
    connection.close()


def ask(client: http.client.HTTPConnection, method: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    client.request(method, "/a", body, headers)
    answer = client.getresponse()
    assert answer.headers["X-Path"] == "/a"
    return answer.status, answer.read()


def test_a_connection_serves_many_requests(client: http.client.HTTPConnection) -> None:
    here = client.sock
    for number in range(5):
        body = str(number).encode()
        assert ask(client, "POST", body) == (200, b"POST " + body)
    assert ask(client, "HEAD") == (200, b"")
    assert ask(client, "PUT", iter([b"in ", b"parts"])) == (200, b"PUT in parts")
    assert ask(client, "GET") == (200, b"GET ")
    assert client.sock is here


def test_whoever_asks_whether_to_go_on_is_told_so(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ok")
        assert b"PUT ok" in connection.recv(1000)


def test_a_server_that_is_closed_answers_nobody(server: Server, client: http.client.HTTPConnection) -> None:
    assert ask(client, "GET")[0] == 200
    server.shutdown()
    server.server_close()
    assert client.sock.recv(1) == b""


#: What stands in a head after its first line, and the header X-A as WSGI has it.
HEADS = {
    b"X-A: b \r\nContent-Length: 2": "b",
    b"x-a:b\r\ncontent-length: 2": "b",
    b"X-A: b\r\n  c\r\nContent-Length: 2": "b  c",
    b"X-A: b\r\nX-A: c\r\nContent-Length: 2": "b,c",
    b"X_A: b\r\nContent-Length: 2": "",
    b"X-A: b\r\nContent-Length: 2\r\nExpect: 100-continue": "b",
    b"X-A: b\nContent-Length: 2": "b",
    b"X-B: a\r\n" * 96 + b"X-A: b\r\nContent-Length: 2": "b",
    b"X-A: b\r\nTransfer-Encoding: chunked": "b",
}


def test_however_a_head_is_written_it_says_the_same(server: Server) -> None:
    def seen(head: bytes) -> str:
        body = b"2\r\nhi\r\n0\r\n\r\n" if b"chunked" in head else b"hi"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n" + head + b"\r\nConnection: close\r\n\r\n" + body)
            answer = b"".join(iter(lambda: connection.recv(1000), b""))
        assert answer.endswith(b"Content-Length: 7\r\n\r\nPOST hi")
        return answer.decode().partition("X-Seen: ")[2].partition("\r\n")[0]

    assert {head: seen(head) for head in HEADS} == HEADS


def test_a_head_without_end_is_refused(server: Server) -> None:
    for head in (b"X-A: b\r\n" * 200, b"X-A: " + b"b" * 70_000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\n")
            assert connection.recv(1000).split()[1] == b"431"
