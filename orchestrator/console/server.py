"""The console's web server: on this machine alone, in a thread."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import PortInUse

HOST = "127.0.0.1"

#: Seconds that requests at work get when the server ends.
_PATIENCE = 2


@contextmanager
def served(application: Callable[[], Any], port: int) -> Iterator[str]:
    """Serves what ``application`` makes, and gives the address. Port 0 takes any that is free.

    The application is made, and the server imported, when somebody first asks for a page: whoever never does waits for
    none of it. Raises :class:`PortInUse`.
    """
    try:
        listening = socket.create_server((HOST, port))
    except OSError as fault:
        raise PortInUse(port) from fault
    ended, end = socket.socketpair()
    servers: list[Any] = []
    thread = threading.Thread(target=_serve, args=(application, listening, ended, servers), name="console", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}/"
    finally:
        end.send(b"x")
        for server in servers:
            server.should_exit = True
        thread.join(_PATIENCE + 3)
        for one in (listening, ended, end):
            one.close()


def _serve(application: Callable[[], Any], listening: socket.socket, ended: socket.socket, servers: list[Any]) -> None:
    if not _somebody_asks(listening, ended):
        return
    import uvicorn

    config = uvicorn.Config(
        application(),
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    server = uvicorn.Server(config)
    servers.append(server)
    # It may have been ended while the application was made.
    if not _readable(ended):
        server.run(sockets=[listening])


def _somebody_asks(listening: socket.socket, ended: socket.socket) -> bool:
    """Waits for the first caller; whether one came before the end."""
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        ready = {key.fileobj for key, _ in selector.select()}
    return ended not in ready


def _readable(one: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ)
        return bool(selector.select(0))
