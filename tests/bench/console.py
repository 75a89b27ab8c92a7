"""How long the overview of 5,000 tasks and 30 days takes, and how many read units: `make bench` prints it.

Answers of DynamoDB come from memory, in the bytes in which it sends them: what boto3 and the console make of them is
counted, the network is not.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from orchestrator.console.application import Console, application
from orchestrator.console.grid import Filter
from orchestrator.console.pages import Pages
from orchestrator.console.read_units import ReadUnits
from orchestrator.console.reading import Reading
from orchestrator.console.server import served
from orchestrator.dynamodb import to_item
from orchestrator.instants import to_second
from orchestrator.pricing.runs import ROW_BYTES
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.records import item_of
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.testbed import node

TASKS, DAYS = 5000, 30
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)

#: A page of an answer holds a megabyte of items, however little of each is asked for.
_PAGE = 1024 * 1024 // ROW_BYTES


class Memory:
    """A stack whose answers come from memory, a run a day of each task."""

    stack = Stack()

    def __init__(self, tasks: int = TASKS, days: int = DAYS) -> None:
        session = boto3.Session("a", "b", region_name="us-east-1")
        self._client = session.client("dynamodb", endpoint_url="http://127.0.0.1:1")
        self._client.meta.events.register("before-send.dynamodb", self._answer)
        self.registry = Registry(self._client, self.stack)
        self.ledger = Ledger(self._client, self.stack)
        declared = [_task(number) for number in range(tasks)]
        self._tasks = [{**item_of(task), **to_item({"taskId": task.id})} for task in declared]
        rows: dict[str, list[tuple[str, str]]] = {}
        for status, slot, text in _rows(declared, days):
            rows.setdefault(status, []).append((slot, text))
        self._rows = {status: sorted(some) for status, some in rows.items()}

    def client(self, service: str) -> Any:
        return self._client if service == "dynamodb" else self

    def get_caller_identity(self) -> None: ...

    def get_queue_url(self, **_: Any) -> dict[str, str]:
        return {"QueueUrl": ""}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {}}

    def list_schedules(self, **_: Any) -> dict[str, Any]:
        return {"Schedules": []}

    @property
    def meta(self) -> Any:
        return self._client.meta

    def now(self) -> datetime:
        return NOW

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        asked = json.loads(request.body)
        body = self._query(asked) if operation == "Query" else self._scan(asked)
        answer = AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, None)
        answer._content = body.encode()
        return answer

    def _scan(self, asked: dict[str, Any]) -> str:
        items = self._tasks if asked["TableName"] == self.stack.tasks_table else []
        return json.dumps({"Items": items, "ConsumedCapacity": {"CapacityUnits": len(items) / 4}})

    def _query(self, asked: dict[str, Any]) -> str:
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        rows = self._rows.get(values[":status"], [])
        start = asked.get("ExclusiveStartKey", {}).get("slot", {}).get("S")
        first = bisect_left(rows, (values[":since"], ""))
        last = bisect_left(rows, (start, "")) if start else bisect_right(rows, (values[":until"], "~"))
        page = rows[max(first, last - _PAGE) : last]
        more = last - _PAGE > first
        units = max(0.5, len(page) * ROW_BYTES / 8192)
        key = f',"LastEvaluatedKey":{{"slot":{{"S":"{page[0][0]}"}}}}' if more else ""
        items = ",".join(text for _, text in reversed(page))
        return f'{{"Items":[{items}],"ConsumedCapacity":{{"CapacityUnits":{units}}}{key}}}'


def _rows(tasks: Sequence[Task], days: int) -> Iterator[tuple[str, str, str]]:
    """One in fifty has failed."""
    for number, task in enumerate(tasks):
        for day in range(days):
            status = RunStatus.FAILED if (number + day) % 50 == 0 else RunStatus.SUCCEEDED
            moment = NOW - timedelta(days=day, minutes=number % 1440, seconds=number // 1440)
            slot, end = to_second(moment), to_second(moment + timedelta(seconds=20))
            row = {"taskId": task.id, "slot": slot, "status": status, "trigger": "schedule"}
            yield status, slot, json.dumps(to_item({**row, "startedAt": slot, "endedAt": end, "durationSeconds": 20}))


def _task(number: int) -> Task:
    return Task(
        id=f"task-{number}",
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=(TaskSchedule(expression=f"cron({number % 60} {number // 60 % 24} * * ? *)"),),
        owner=f"team-{number % 40}",
    )


def _timed(ask: Callable[[], str], units: ReadUnits) -> tuple[float, float, int, float]:
    wall, began = time.perf_counter(), time.process_time()
    with units.counted() as read:
        size = len(ask())
    return time.perf_counter() - wall, time.process_time() - began, size, read.units


def drawn(tasks: int, days: int) -> dict[str, float]:
    """How long Chromium takes for the overview of a week: milliseconds, and how many rows it has drawn."""
    pages = Pages(reading=Reading(Memory(tasks, days)))  # type: ignore[arg-type] # as much of a stack as is asked for
    # The first page reads the ledger, which the browser has no part in.
    pages.overview("week", Filter())
    pages.reading.settle()
    console = Console(deployed=pages.reading._deployed, pages=pages)
    with served(lambda: application(console), 0) as address:
        found: dict[str, float] = json.loads(node.run("draw.mjs", json.dumps({"address": address}), seconds=150))
    return found


def main() -> None:
    reading = Reading(Memory())  # type: ignore[arg-type] # as much of a stack as is asked for
    pages = Pages(reading=reading)

    def settled(overview: Callable[[str, Filter], str]) -> str:
        reading.settle()
        return overview("month", Filter())

    asked: dict[str, Callable[[], str]] = {
        "day, first": lambda: pages.overview("day", Filter()),
        "month, first": lambda: pages.overview("month", Filter()),
        "month, while it is read": lambda: pages.overview("month", Filter()),
        "month, read": lambda: settled(pages.overview),
        "month, again": lambda: pages.overview("month", Filter()),
        "month, one owner": lambda: pages.overview("month", Filter(owner="team-7")),
        "month, failed": lambda: pages.overview("month", Filter(status="failed")),
        "month, text": lambda: pages.overview("month", Filter(text="task-12")),
        "day": lambda: pages.overview("day", Filter()),
    }
    sys.stdout.write(f"{'overview':<24}{'wall':>11}{'processor':>11}{'page':>12}{'read units':>14}\n")
    for name, ask in asked.items():
        wall, seconds, size, units = _timed(ask, reading.units)
        took = f"{wall * 1000:8.0f} ms{seconds * 1000:8.0f} ms"
        sys.stdout.write(f"{name:<24}{took}{size / 1e6:9.2f} MB{units:14,.1f}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{TASKS:,} tasks, {TASKS * DAYS:,} runs, {peak:.0f} MB of memory\n")
    seen = drawn(2000, 7)
    frames = ", ".join(f"{name} {seen[name]:.0f}" for name in ("median", "slow", "slowest"))
    sys.stdout.write(
        f"{seen['rows']:,.0f} tasks and 7 days in Chromium: drawn in {seen['drawn']:.0f} ms, a live update in"
        f" {seen['replaced']:.0f} ms; {seen['frames']:.0f} frames of a scroll, ms: {frames}\n"
    )


if __name__ == "__main__":
    main()
