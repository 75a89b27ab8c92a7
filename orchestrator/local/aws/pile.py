"""What is written often and read seldom: log events, values of metrics, changes of tables, histories.

The newest lie at hand, the rest lies packed on the disk.
"""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from orchestrator.local.aws import unnamed

#: Things that are packed together.
BLOCK = 200

#: Of a drawer, in memory.
_KILOBYTES = 500


class Drawer:
    """Bytes under keys, in a file without a name."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._database = unnamed.database(self, kilobytes=_KILOBYTES)
        self._database.execute("CREATE TABLE drawer (key PRIMARY KEY, packed BLOB)")

    def put(self, key: str | int, packed: bytes) -> None:
        """Keeps the newest of a key."""
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO drawer VALUES (?, ?)", (key, packed))

    def get(self, key: str | int) -> bytes | None:
        """What lies under a key."""
        with self._lock:
            found = self._database.execute("SELECT packed FROM drawer WHERE key = ?", (key,)).fetchall()
        return found[0][0] if found else None

    def remove(self, key: str | int) -> None:
        """Keeps it no longer, if it was kept."""
        with self._lock:
            self._database.execute("DELETE FROM drawer WHERE key = ?", (key,))


class Pile:
    """Stands for a list of moto's that grows at its end, and of which the oldest go."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._drawer: Drawer | None = None
        #: The numbers of the packed blocks, and how many of the first one's things are gone.
        self._blocks: deque[int] = deque()
        self._gone = 0
        self._packed = 0
        self._newest: list[Any] = []

    def __len__(self) -> int:
        with self._lock:
            return len(self._blocks) * BLOCK - self._gone + len(self._newest)

    def __iter__(self) -> Iterator[Any]:
        return self._from(0)

    def __getitem__(self, places: slice) -> list[Any]:
        start, stop, step = places.indices(len(self))
        return list(islice(self._from(start), 0, max(0, stop - start), step))

    def __add__(self, others: Iterable[Any]) -> list[Any]:
        return [*self, *others]

    def __iadd__(self, more: Iterable[Any]) -> Pile:
        with self._lock:
            self._newest += more
            while len(self._newest) >= 2 * BLOCK:
                self._pack()
        return self

    def __delitem__(self, places: slice) -> None:
        """Only the oldest can go: ``del pile[:3]``."""
        with self._lock:
            gone = self._gone + len(range(*places.indices(len(self))))
            while self._blocks and gone >= BLOCK:
                gone -= BLOCK
                self._put_away().remove(self._blocks.popleft())
            self._gone = gone if self._blocks else 0
            if not self._blocks:
                del self._newest[:gone]

    def append(self, one: Any) -> None:
        """Puts it on top."""
        self += [one]

    def _from(self, start: int) -> Iterator[Any]:
        with self._lock:
            blocks, newest = list(self._blocks), list(self._newest)
            first, within = divmod(start + self._gone, BLOCK)
        for number in blocks[first:]:
            if packed := self._put_away().get(number):
                # It was packed here, and nowhere else.
                yield from pickle.loads(packed)[within:]  # noqa: S301
            within = 0
        yield from newest[max(0, first - len(blocks)) * BLOCK + within :]

    def _pack(self) -> None:
        oldest, self._newest = self._newest[:BLOCK], self._newest[BLOCK:]
        self._packed += 1
        self._put_away().put(self._packed, pickle.dumps(oldest, pickle.HIGHEST_PROTOCOL))
        self._blocks.append(self._packed)

    def _put_away(self) -> Drawer:
        if self._drawer is None:
            self._drawer = Drawer()
        return self._drawer
