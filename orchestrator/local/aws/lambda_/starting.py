"""How the process of an execution environment begins: as a fork of one that has loaded libraries, or plainly."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.local.aws.lambda_ import worker, zygote

#: Python's options: no folder but the bundle's to load from, nothing held back of what is printed, no warnings.
_PYTHON = (sys.executable, "-P", "-u", "-W", "ignore")


class Begun(Protocol):
    """A process of one's own, as :class:`subprocess.Popen` is."""

    @property
    def pid(self) -> int:
        """Nobody else's, until the process is forgotten."""

    def poll(self) -> int | None:
        """Its exit code, minus the signal's number where it was one; None while it runs."""

    def wait(self, timeout: float | None = None) -> int | None:
        """The same, once it has ended. Raises subprocess.TimeoutExpired."""

    def forget(self) -> None:
        """Its id may be another process's from now on. It has been waited for."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the process gets: a folder, variables, and descriptors."""

    root: Path
    environment: Mapping[str, str]
    #: What it answers through.
    channel: int
    #: The end of a pipe; the process ends when nobody has the other one.
    alive: int
    #: What it prints goes there.
    log: int


def begin(wanted: Wanted) -> Begun:
    """Raises OSError."""
    return _zygotes.fork(wanted) or _Plain(
        [*_PYTHON, worker.__file__, str(wanted.channel), str(wanted.alive)],
        cwd=wanted.root,
        env=wanted.environment,
        pass_fds=[wanted.channel, wanted.alive],
        stdin=subprocess.DEVNULL,
        stdout=wanted.log,
        stderr=wanted.log,
        # Neither Ctrl-C nor what ends the process is for it alone.
        start_new_session=True,
    )


class _Plain(subprocess.Popen[bytes]):
    """A process that has loaded nothing."""

    def forget(self) -> None:
        """To wait for it was to forget it."""


class Forked:
    """A process that was forked."""

    def __init__(self, process: int, status: socket.socket) -> None:
        self.pid = process
        self._status = status
        self._code: int | None = None
        self._has_ended = False

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int | None:
        if not self._has_ended:
            self._status.settimeout(timeout)
            try:
                said = self._status.recv(64).split()
            except (BlockingIOError, TimeoutError) as fault:
                raise subprocess.TimeoutExpired("a fork", timeout or 0) from fault
            # Whoever forked it may be gone, and nobody knows its code then.
            self._code = int(said[1]) if said else None
            self._has_ended = True
        return self._code

    def forget(self) -> None:
        self._status.close()


class _Zygotes:
    """The process that forks: one for each set of variables that are read once, of which there is one as a rule."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._controls: dict[str, socket.socket] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._owner = os.getpid()
        atexit.register(self._end)

    def begin(self, environment: Mapping[str, str]) -> socket.socket | None:
        """The socket that it takes requests from; None where there is none."""
        if not _CAN_FORK or os.getpid() != self._owner:
            return None
        read_once = zygote.read_once(environment)
        key = json.dumps(read_once, sort_keys=True)
        with self._lock:
            if key not in self._controls:
                self._controls[key] = self._start(environment, read_once)
            return self._controls[key]

    def fork(self, wanted: Wanted) -> Forked | None:
        """None where it does not fork this one."""
        control = self.begin(wanted.environment)
        if control is None or len(os.fsencode(wanted.root)) >= zygote.ROOM:
            return None
        request = json.dumps({"root": str(wanted.root), "environment": dict(wanted.environment)}).encode()
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                with self._lock:
                    socket.send_fds(control, [request], [wanted.channel, wanted.alive, wanted.log, theirs.fileno()])
            except OSError:
                status.close()
                return None
        said = status.recv(64).split()
        if said[:1] == [b"began"]:
            return Forked(int(said[1]), status)
        status.close()
        return None

    def _start(self, environment: Mapping[str, str], read_once: Mapping[str, str]) -> socket.socket:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = {name: value for name, value in environment.items() if name in {"PATH", "TMPDIR"}}
        with theirs:
            process = subprocess.Popen(
                [*_PYTHON, zygote.__file__, worker.__file__, str(theirs.fileno())],
                env={**path, **read_once, zygote.ROOT: "-" * zygote.ROOM},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # Nobody reads it, but what a fork prints to is a pipe, too.
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return control

    def _end(self) -> None:
        if os.getpid() != self._owner:
            return
        with self._lock:
            for control in self._controls.values():
                control.close()
            for process in self._processes:
                process.kill()
                process.communicate()
            self._controls.clear()
            self._processes.clear()


#: Linux tells of a process that is nobody's child here that it has ended, and lets it look like another.
_CAN_FORK = hasattr(os, "pidfd_open")

_zygotes = _Zygotes()
