"""What definitions become when moto's parser has read them, kept for the next process.

Its grammar is interpreted, and a definition of a hundred kilobytes takes a quarter of a second; to load what it became
takes two milliseconds. As Python keeps compiled modules, so each user's folder of caches keeps these, for the versions
of Python, moto and this package that they were made with. Nobody else can write there, or nothing is loaded.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

#: Those that nobody has read for the longest are removed beyond so many.
_KEPT = 256


def kept(parse: Callable[[str], tuple[Any, Any]], folder: Callable[[], Path]) -> Callable[[str], tuple[Any, Any]]:
    """``parse``, which returns a program and its tree, but with nothing for the tree of a program that was kept."""

    def read(definition: str) -> tuple[Any, Any]:
        with suppress(OSError):
            file = _own(folder()) / f"{hashlib.sha256((_made_with() + definition).encode()).hexdigest()}.pickle"
            with suppress(OSError, EOFError, AttributeError, ImportError, pickle.UnpicklingError):
                program = pickle.loads(file.read_bytes())  # noqa: S301 # of a folder that is this user's alone
                os.utime(file)
                return program, None
            program, tree = parse(definition)
            with suppress(AttributeError, OSError, RecursionError, TypeError, pickle.PicklingError):
                _write(file, pickle.dumps(program, pickle.HIGHEST_PROTOCOL))
            return program, tree
        return parse(definition)

    return read


def of_user() -> Path:
    """The folder where a user's programs keep what they can make again ("XDG Base Directory Specification").

    Raises OSError for a user who has no home.
    """
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as fault:
        raise FileNotFoundError from fault
    return caches / "orchestrator" / "programs"


def _own(folder: Path) -> Path:
    """Raises OSError for a folder that is not there and cannot be made, or that others can write to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    owner = os.geteuid() if hasattr(os, "geteuid") else about.st_uid
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != owner or about.st_mode & 0o022:
        raise PermissionError(folder)
    return folder


def _write(file: Path, program: bytes) -> None:
    # Another process may write the same: whoever reads finds all of one of them.
    made = file.with_name(f"{uuid.uuid4().hex}.part")
    made.write_bytes(program)
    made.replace(file)
    others = sorted(file.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for one in others[:-_KEPT]:
        one.unlink(missing_ok=True)


@cache
def _made_with() -> str:
    here = Path(__file__).parent
    sources = [(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in sorted(here.glob("*.py"))]
    return repr((sys.version, version("moto"), str(here), sources))
