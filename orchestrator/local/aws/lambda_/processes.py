"""The processes that functions run in, from outside: started, asked, frozen, ended.

As on AWS an execution environment lives only while it is asked: between two invocations the process, the threads that a
handler has left in it and the programs that it has started stand still, and they end together.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.local.aws.lambda_ import starting, worker

#: "Understanding the Lambda execution environment lifecycle": so long a handler's module may take to load; longer, and
#: it is given its function's timeout once more.
INIT_SECONDS = 10.0

#: How often a process is looked at while it works: at how much memory it has taken.
_LOOK_SECONDS = 0.05

#: How long a process whose channel has closed may take to end.
_LAST_SECONDS = 2.0

_CHUNK = 65_536


class Ended(Exception):
    """The process has gone without an answer; ``code`` is subprocess's, None where it had to be ended."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        super().__init__(f"ended with {code}")


class Gone(Exception):
    """The process was gone before it was asked: the handler has not seen the event."""


class TookTooLong(Exception):
    """The function's timeout is over."""


class OutOfMemory(Exception):
    """The process has taken more than the function has."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One invocation."""

    id: str
    arn: str
    event: bytes
    timeout: float
    trace: str
    memory_mb: int


@dataclass(frozen=True, kw_only=True)
class Response:
    """The handler's response."""

    payload: bytes
    failed: bool


class Process:
    """A warm process with a handler in it. ``printed`` is given what it prints, as it comes."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.printed: Callable[[bytes], object] = lambda text: None
        self.began = time.monotonic()
        self._ending = threading.Lock()
        self._is_over = self._is_silent = False
        self._code: int | None = None
        self._channel, channel = socket.socketpair()
        self._log, log = os.pipe()
        alive, self._alive = os.pipe()
        with _closed_in_the_end(channel.close, lambda: os.close(log), lambda: os.close(alive)):
            try:
                wanted = starting.Wanted(
                    root=root, environment=environment, channel=channel.fileno(), alive=alive, log=log
                )
                self._process = starting.begin(wanted)
            except OSError:
                self._close()
                raise
        os.set_blocking(self._log, False)
        self._channel.settimeout(_LAST_SECONDS)
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)
        self._poll.register(self._log, select.POLLIN)

    def load(self, seconds: float) -> Response | None:
        """Waits until the handler is loaded; otherwise the answer to whoever wanted to call it.

        Raises :class:`TookTooLong` and :class:`Ended`.
        """
        about, payload = self._frame(time.monotonic() + seconds)
        if about["state"] == "not loaded":
            return Response(payload=payload, failed=True)
        if about["state"] != "loaded":
            raise Ended(self.end())
        return None

    def ask(self, request: Request) -> Response:
        """Calls the handler.

        Raises :class:`TookTooLong`, :class:`OutOfMemory`, :class:`Gone` and :class:`Ended`; it is of no use then.
        """
        about = {"requestId": request.id, "arn": request.arn, "timeout": request.timeout, "trace": request.trace}
        begun = False
        try:
            self._signal(signal.SIGCONT)
            worker.send(self._channel, about, request.event)
            self._expect(time.monotonic() + INIT_SECONDS + request.timeout, request, "begun")
            begun = True
            self.began = time.monotonic()
            said, payload = self._expect(self.began + request.timeout, request, "answered")
        except (Ended, OSError) as fault:
            if not begun:
                raise Gone from fault
            raise
        self._look(request.memory_mb)
        self._signal(signal.SIGSTOP)
        self._drain()
        return Response(payload=payload, failed=bool(said["failed"]))

    @property
    def is_idle(self) -> bool:
        """Whether it stands still and waits. One that has died, or has said what nobody asked for, does not."""
        # select() knows no descriptor above 1023, and a busy server has more.
        said = select.poll()
        said.register(self._channel, select.POLLIN)
        return not said.poll(0)

    @property
    def peak_mb(self) -> int | None:
        """The most memory that it has had; None where the system does not say (it does on Linux)."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_bytes()
        except OSError:
            return None
        _, mark, rest = status.partition(b"VmHWM:")
        return int(rest.split(maxsplit=1)[0]) // 1024 if mark else None

    def end(self) -> int | None:
        """Ends it and what it has started; may be said twice, by who uses it. Its exit code if it ended by itself."""
        with self._ending:
            if not self._is_over:
                self._code = self._process.poll()
                self._signal(signal.SIGKILL)
                self._process.wait()
                self._is_over = True
                self._drain()
                self._process.forget()
                self._close()
        return self._code

    def kill(self) -> None:
        """Ends it while another thread uses it, which sees an end and tidies up."""
        with self._ending:
            if not self._is_over:
                self._signal(signal.SIGKILL)

    def _expect(self, deadline: float, request: Request, state: str) -> tuple[dict[str, object], bytes]:
        about, payload = self._frame(deadline, request.memory_mb)
        if (about.get("requestId"), about.get("state")) != (request.id, state):
            raise Ended(self.end())
        return about, payload

    def _frame(self, deadline: float, memory_mb: int | None = None) -> tuple[dict[str, object], bytes]:
        """The next one; reads meanwhile what is printed."""
        while (left := deadline - time.monotonic()) > 0:
            ready = {descriptor for descriptor, _ in self._poll.poll(min(left, _LOOK_SECONDS) * 1000)}
            if self._log in ready:
                self._drain()
            if self._channel.fileno() in ready:
                return self._received()
            self._look(memory_mb)
        raise TookTooLong

    def _received(self) -> tuple[dict[str, object], bytes]:
        try:
            frame = worker.receive(self._channel)
        except worker.Garbled as fault:
            raise Ended(self.end()) from fault
        except OSError:
            frame = None
        if frame is None:
            # What ends by itself has a code soon.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_SECONDS)
            raise Ended(self.end())
        return frame

    def _look(self, memory_mb: int | None) -> None:
        if memory_mb is not None and (self.peak_mb or 0) > memory_mb:
            raise OutOfMemory

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while not self._is_silent:
                text = os.read(self._log, _CHUNK)
                self.printed(text)
                if not text:
                    # Whoever could print has closed it.
                    self._is_silent = True
                    self._poll.unregister(self._log)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _close(self) -> None:
        self._channel.close()
        os.close(self._log)
        os.close(self._alive)


@contextmanager
def _closed_in_the_end(*closes: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    finally:
        for close in closes:
            close()
