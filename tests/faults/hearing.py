"""What people know of a task's incidents by the messages that they have got, in the order in which they got them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable


class Hearing:
    """Of the task of this id. ``repeated``: its incidents are told again while they go on."""

    def __init__(self, task_id: str, *, repeated: bool) -> None:
        self._task_id = task_id
        self._repeated = repeated
        #: Titles of the incidents that are not over.
        self.known: set[str] = set()
        #: How often people have been told, by slot and title.
        self.told: Counter[tuple[str, str]] = Counter()

    def hear(self, texts: Iterable[str]) -> set[str]:
        """Takes the messages that came since the last time. Returns the titles of the incidents that people knew of at
        any moment meanwhile: a row that went wrong before its incident was over is part of it, and tells nothing else.

        Raises AssertionError if an incident that goes on is told again, unless it may be ``repeated``.
        """
        known = set(self.known)
        for text in texts:
            if over := re.match(r"An incident is over: (.*)\.\n", text):
                self.known.discard(over[1])
            elif re.search(f"^task:      {self._task_id}$", text, re.MULTILINE):
                incident = re.search(r"^incident:  (.*), since ", text, re.MULTILINE)
                slot = re.search(r"^slot:      (\S+) \(", text, re.MULTILINE)
                assert incident is not None
                assert slot is not None
                assert self._repeated or incident[1] not in self.known, text
                self.told[slot[1], incident[1]] += 1
                self.known.add(incident[1])
                known.add(incident[1])
        return known
