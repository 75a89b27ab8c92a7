"""Where the embedded AWS of a project listens, so that a command in another terminal finds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

#: A folder of the project for what commands leave each other.
FOLDER = ".orchestrator"

_FILE = "local.json"

#: Where `orchestrator local` listens if nothing is said.
PORT = 4566


@dataclass(frozen=True, kw_only=True)
class Address:
    """The address that an embedded AWS listens on, kept in a file; the file stays if the process was killed."""

    endpoint: str
    stack: str
    pid: int


@contextmanager
def announced(project: Path, endpoint: str, stack: str) -> Iterator[None]:
    """Announces an embedded AWS while the block runs; a later one of the same project replaces it."""
    address = Address(endpoint=endpoint, stack=stack, pid=os.getpid())
    folder = project / FOLDER
    folder.mkdir(exist_ok=True)
    # Git must not track it.
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    file, new = folder / _FILE, folder / f"{_FILE}.{address.pid}"
    new.write_text(json.dumps(asdict(address)), encoding="utf-8")
    new.replace(file)
    try:
        yield
    finally:
        if _read(file) == address:
            file.unlink(missing_ok=True)


def found(folder: Path) -> Address | None:
    """The address that was last announced in the project that ``folder`` belongs to, or None."""
    places = (place / FOLDER / _FILE for place in (folder, *folder.parents))
    return next((address for place in places if (address := _read(place))), None)


def _read(file: Path) -> Address | None:
    with suppress(OSError, ValueError, TypeError):
        return Address(**json.loads(file.read_text(encoding="utf-8")))
    return None
