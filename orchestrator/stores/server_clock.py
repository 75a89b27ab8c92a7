"""What time it is where the stack is: the `Date` header of AWS's answers.

The clock of the machine on which a command is typed may be wrong, and that of `orchestrator local --from` is virtual.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


class ServerClock:
    """The time by the newest answer that a client of ``heard``, a session, or the client of whose ``meta`` it is, has
    received, to the second below.

    ``ask`` is called when there has been no answer yet; it sends any request.
    """

    def __init__(self, heard: Any, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._date: datetime | None = None
        heard.events.register("after-call", self._hear)

    def now(self) -> datetime:
        """Returns AWS's time in UTC, or this machine's if an answer, say a proxy's, has no readable date."""
        if self._date is None:
            self._ask()
        return self._date or datetime.now(UTC)

    def _hear(self, http_response: Any, **_: Any) -> None:
        try:
            self._date = parsedate_to_datetime(http_response.headers["Date"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            return
