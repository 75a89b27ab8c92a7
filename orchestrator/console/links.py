"""Where pages are: as addresses of the server, or as files of a static copy beside each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

#: What a file's name may hold on every system; the colons of a slot are none of it.
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, kw_only=True)
class Links:
    """The links of a page that the server serves."""

    #: Whether pages that exist for a task and a slot only can be asked for.
    live: bool = True

    def page(self, name: str, **query: str) -> str:
        """A page by its name; the overview's is empty."""
        asked = urlencode({key: value for key, value in query.items() if value})
        return f"/{name}" + (f"?{asked}" if asked else "")

    def task(self, task_id: str) -> str:
        return f"/tasks/{quote(task_id, safe='')}"

    def run(self, task_id: str, slot: str) -> str:
        return f"/tasks/{quote(task_id, safe='')}/slots/{quote(slot, safe=':')}"

    def backfill(self, name: str) -> str:
        return f"/backfills/{quote(name, safe='')}"

    def action(self, name: str) -> str:
        """Returns the address that an action's form is posted to."""
        return f"/actions/{name}"

    def static(self, name: str) -> str:
        return f"/static/{name}"


@dataclass(frozen=True, kw_only=True)
class FileLinks(Links):
    """The links of a page of a static copy, which is a file in the copy's folder."""

    live: bool = False
    #: Runs that the copy holds, by task and slot: there is no link to another.
    runs: frozenset[tuple[str, str]] = frozenset()

    def page(self, name: str, **query: str) -> str:
        return f"{name or 'index'}.html"

    def task(self, task_id: str) -> str:
        return f"task-{_UNSAFE.sub('_', task_id)}.html"

    def run(self, task_id: str, slot: str) -> str:
        if (task_id, slot) not in self.runs:
            return self.task(task_id)
        return f"run-{_UNSAFE.sub('_', task_id)}-{_UNSAFE.sub('_', slot)}.html"

    def backfill(self, name: str) -> str:
        return self.page("ledger")

    def static(self, name: str) -> str:
        return name
