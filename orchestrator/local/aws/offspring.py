"""Processes that have left their session, and are known by a variable that they have inherited.

Linux says of a process what its environment was when it began; elsewhere nothing is found.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def kill(name: str, beginning: str) -> None:
    """Kills each process of this user in which the variable begins so."""
    inherited = f"\0{name}={beginning}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if inherited in b"\0" + environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)
