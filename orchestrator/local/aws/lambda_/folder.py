"""A folder for what is unpacked, which goes when its owner goes.

Its owner holds a lock in it. Whoever is killed cannot tidy up, but loses the lock; the next one that needs a folder
removes those that nobody holds. What still runs from a folder, as a daemon that a handler has started, ends with it
(Linux, which says of a process what its environment is).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
import uuid
from pathlib import Path

from orchestrator.local.aws import offspring

_PREFIX = "embedded-aws-"
_LOCK = ".owner"

#: Without a lock in it, a folder is of before there was one.
_OLD_SECONDS = 86_400


class Folder:
    """Made in the system's folder for what is temporary, once the remains of others are gone."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        # Under another name until it is locked: nobody takes it for remains.
        made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
        self._lock = os.open(made / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = made.rename(made.parent / f"{_PREFIX}{uuid.uuid4().hex}")

    def remove(self) -> None:
        _remove(self.path)
        os.close(self._lock)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        if _is_left(folder):
            _remove(folder)


def _remove(folder: Path) -> None:
    offspring.kill("LAMBDA_TASK_ROOT", f"{folder}{os.sep}")
    shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether its owner is gone. What is another user's stays."""
    try:
        about = folder.lstat()
    except FileNotFoundError:
        return False
    if about.st_uid != os.geteuid() or not stat.S_ISDIR(about.st_mode):
        return False
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return time.time() - about.st_mtime > _OLD_SECONDS
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
