"""The log of a run is that of its own calls; of one that was not answered, of those that had not ended by then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.operations import run_log
from orchestrator.runs.path import Invocation
from orchestrator.runs.run import Run, RunStatus
from orchestrator.stores.function_logs import FunctionLogs, LogLine

BEGIN = datetime(2026, 12, 1, 8, tzinfo=UTC)

#: Calls of one function: when each began and ended, in seconds.
CALLS = {"before": (0, 3), "hangs": (1, 33), "beside": (20, 40), "after": (45, 46), "open": (50, None)}


class Logged(FunctionLogs):
    """What the function has logged."""

    def __init__(self) -> None:
        """There is nobody to ask."""

    def lines(self, function: str, since: datetime, until: datetime | None) -> Iterator[LogLine]:
        for request_id, moments in CALLS.items():
            for seconds in moments:
                if seconds is not None:
                    at = int((BEGIN + timedelta(seconds=seconds)).timestamp() * 1000)
                    is_report = seconds == moments[1]
                    yield LogLine(
                        id=f"{at}", function=function, request_id=request_id, at=at, text="x", is_report=is_report
                    )


RUN = Run(task_id="t", slot="2026-12-01T08:00:00Z", status=RunStatus.TIMED_OUT, started_at=BEGIN.isoformat())


@pytest.mark.parametrize(
    ("request_id", "given_up", "shown"),
    [
        ("before", None, ["before"]),
        # It timed out after 30 seconds: what had been answered by then was somebody else's, and so is what began later.
        (None, 31, ["hangs", "beside"]),
        # It goes on.
        (None, None, ["open"]),
    ],
)
def test_a_call_without_a_name_is_one_that_had_not_ended(
    request_id: str | None, given_up: int | None, shown: list[str]
) -> None:
    at = None if given_up is None else BEGIN + timedelta(seconds=given_up)
    call = Invocation(function="work", request_id=request_id, given_up=at)
    found = run_log.lines(RUN, [call], Logged())
    assert list(dict.fromkeys(line.request_id for line in found)) == shown
