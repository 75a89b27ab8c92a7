"""What the console keeps in memory of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.console.recent import Recent
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from tests.testbed.tables import create_tables

STACK = Stack()
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Watched:
    """Recent runs through a ledger whose calls are counted, and the table behind it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._client = create_tables(aws, STACK)
        self.calls: list[str] = []
        self._client.meta.events.register("before-call", lambda model, **_: self.calls.append(model.name))
        self.seconds = 0.0
        self.recent = Recent(Ledger(self._client, STACK), lambda: NOW, lambda: self.seconds)

    def put(self, task_id: str, hours: float, status: str) -> None:
        """A row of a slot so many hours ago."""
        slot = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        item = {"taskId": task_id, "slot": slot, "status": status, "startedAt": slot}
        self._client.put_item(TableName=STACK.runs_table, Item={name: {"S": text} for name, text in item.items()})

    def seen(self, since: datetime = NOW - DAY, until: datetime = NOW + DAY) -> dict[str, str]:
        self.calls.clear()
        return {run.task_id: run.status for run in self.recent.between(since, until)}


@pytest.fixture
def watched(aws: EmbeddedAws) -> Watched:
    return Watched(aws)


def test_runs_of_the_span_are_found_in_any_status(watched: Watched) -> None:
    for task_id, hours, status in (("old", 25, "FAILED"), ("good", 20, "SUCCEEDED"), ("late", 1, "WAITING")):
        watched.put(task_id, hours, status)
    assert watched.seen() == {"good": "SUCCEEDED", "late": "WAITING"}
    assert set(watched.calls) == {"Query"}


def test_an_answer_that_is_fresh_is_not_asked_for_again(watched: Watched) -> None:
    watched.put("good", 1, "SUCCEEDED")
    watched.seen()
    watched.put("new", 1, "SUCCEEDED")
    assert (watched.seen(), watched.calls) == ({"good": "SUCCEEDED"}, [])
    watched.recent.forget()
    assert watched.seen() == {"good": "SUCCEEDED", "new": "SUCCEEDED"}


def test_what_has_changed_is_seen_some_seconds_later(watched: Watched) -> None:
    for task_id, hours in (("ends", 3), ("fails", 1), ("rerun", 20)):
        watched.put(task_id, hours, "RUNNING" if task_id != "rerun" else "SUCCEEDED")
    watched.seen()
    watched.put("ends", 3, "SUCCEEDED")
    watched.put("fails", 1, "FAILED")
    watched.put("rerun", 20, "RUNNING")
    watched.seconds = 3
    assert watched.seen() == {"ends": "SUCCEEDED", "fails": "FAILED", "rerun": "RUNNING"}
    assert watched.calls.count("GetItem") == 1, "of what is not where it was, the row alone"


def test_a_row_that_is_gone_is_gone(watched: Watched) -> None:
    watched.put("going", 3, "RUNNING")
    watched.seen()
    watched._client.delete_item(
        TableName=STACK.runs_table, Key={"taskId": {"S": "going"}, "slot": {"S": "2026-12-01T09:00:00Z"}}
    )
    watched.seconds = 3
    assert watched.seen() == {}


def test_a_longer_span_is_read_whole_and_a_past_one_is_not_kept(watched: Watched) -> None:
    watched.put("old", 100, "SUCCEEDED")
    watched.put("new", 1, "SUCCEEDED")
    watched.seen()
    assert watched.seen(NOW - 7 * DAY) == {"new": "SUCCEEDED", "old": "SUCCEEDED"}
    assert watched.seen(NOW - 5 * DAY, NOW - 3 * DAY) == {"old": "SUCCEEDED"}
    assert watched.seen(NOW - 5 * DAY, NOW - 3 * DAY) == {"old": "SUCCEEDED"}
    assert "Scan" not in watched.calls
