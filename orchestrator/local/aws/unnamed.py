"""Databases of SQLite without a name: in memory as long as they are small, then in a file that nobody else can open."""

from __future__ import annotations

import sqlite3
import weakref


def database(owner: object, *, kilobytes: int) -> sqlite3.Connection:
    """A database that goes with ``owner``, and of which so many kilobytes stay in memory.

    Whoever uses it sees to it that one thread does so at a time.
    """
    made = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    weakref.finalize(owner, made.close)
    made.execute(f"PRAGMA cache_size = -{kilobytes}")
    # It outlives nothing, so there is nothing to roll back to.
    made.execute("PRAGMA journal_mode = OFF")
    return made
