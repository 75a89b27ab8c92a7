"""The folder in which something outlives the process: an SQLite database with a write-ahead log."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import StateInUse, StateUnusable

_FILE = "state.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    kind TEXT, place TEXT, name TEXT, value BLOB, PRIMARY KEY (kind, place, name)
) WITHOUT ROWID
"""

#: What the kinds are of, and what their places are.
ITEM, OBJECT, SCHEDULE, CLOCK = "item", "object", "schedule", "clock"


class Kept:
    """The folder, which one process uses at a time.

    Raises :class:`~orchestrator.errors.StateInUse`, and :class:`~orchestrator.errors.StateUnusable` where the file is
    something else, or the disk is full: then and whenever something is kept.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        database = sqlite3.connect(folder / _FILE, check_same_thread=False, isolation_level=None, timeout=0)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing by this; a machine without power may lose its last moments.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_SCHEMA)
        except sqlite3.DatabaseError as fault:
            database.close()
            if fault.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StateInUse(str(folder)) from fault
            raise StateUnusable(str(folder), f"{fault}") from fault
        self._database = database
        #: Whether nothing has ever been kept here.
        self.is_new = database.execute("SELECT 1 FROM kept LIMIT 1").fetchone() is None

    @property
    def lock(self) -> threading.RLock:
        """Held while something is read from AWS and kept, so that the newest is kept last."""
        return self._lock

    def put(self, kind: str, place: str, name: str, value: Any) -> None:
        """Keeps a value of JSON or bytes; the newest of a name."""
        self._do("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", kind, place, name, _written(value))

    def remove(self, kind: str, place: str, name: str | None = None) -> None:
        """Keeps it no longer; without a name, all of the place."""
        if name is None:
            self._do("DELETE FROM kept WHERE kind = ? AND place = ?", kind, place)
        else:
            self._do("DELETE FROM kept WHERE kind = ? AND place = ? AND name = ?", kind, place, name)

    def of(self, kind: str, place: str) -> list[tuple[str, Any]]:
        """Yields each name, and what is kept under it."""
        with self._lock:
            if self._database is None:
                return []
            rows = self._database.execute("SELECT name, value FROM kept WHERE kind = ? AND place = ?", (kind, place))
            return [(name, _read(value)) for name, value in rows.fetchall()]

    @property
    def time(self) -> datetime | None:
        """Returns the time at which something was last kept."""
        return next((datetime.fromisoformat(value) for _, value in self.of(CLOCK, "")), None)

    def close(self) -> None:
        """Keeps nothing any more."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _do(self, statement: str, *values: Any) -> None:
        with self._lock:
            if self._database is None:
                return
            try:
                self._database.execute(statement, values)
            except sqlite3.DatabaseError as fault:
                raise StateUnusable(str(self._folder), f"{fault}") from fault


def _written(value: Any) -> str:
    return json.dumps(value, default=lambda one: {"bytes of base64": base64.b64encode(one).decode()})


def _read(text: str) -> Any:
    def restored(value: dict[str, Any]) -> Any:
        return base64.b64decode(value["bytes of base64"]) if value.keys() == {"bytes of base64"} else value

    return json.loads(text, object_hook=restored)
