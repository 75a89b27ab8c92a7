"""The ledger: the table of runs, a row for each slot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import to_item
from orchestrator.instants import order
from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus
from orchestrator.stack import STATUS_INDEX, Stack
from orchestrator.stores.unreadable import Report, log, readable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: A page of Query ends after 1 MB ("Paginating table query results in DynamoDB").
_PAGES = 5


class Ledger:
    """Reads the table through ``client``, boto3's low-level client of DynamoDB. Only executions write it.

    Where rows are read in bulk, one that cannot be read goes to ``report`` and is left out.
    """

    def __init__(self, client: DynamoDBClient, stack: Stack, report: Report = log) -> None:
        self._client = client
        self._report = report
        self._table = stack.runs_table

    def get(self, task_id: str, slot: str) -> Run | None:
        """The row of one slot as it is now. Raises :class:`~orchestrator.errors.InvalidRow`."""
        key = to_item({"taskId": task_id, "slot": slot})
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return Run.from_item(item) if item else None

    def runs(
        self, task_id: str, *, limit: int, status: RunStatus | None = None, until: str | None = None
    ) -> tuple[Run, ...]:
        """A task's runs, the newest slot first, at most ``limit``; no slot later than ``until``, if it is given."""
        only: dict[str, Any] = {}
        if status:
            only = {"FilterExpression": "#status = :status", "ExpressionAttributeNames": {"#status": "status"}}
        values = to_item({":task": task_id, ":status": status or None, ":until": until or None})
        slots = "taskId = :task AND slot <= :until" if until else "taskId = :task"
        return self._query(limit, KeyConditionExpression=slots, ExpressionAttributeValues=values, **only)

    def outcomes(self, task_id: str, *, limit: int, until: str) -> tuple[Run, ...]:
        """A task's runs that ended well or badly, of slots not later than ``until``, the newest first, at most
        ``limit``. What was skipped is passed over, however much it is, up to some MB of rows.
        """
        statuses = {f":{status}": status for status in sorted({RunStatus.SUCCEEDED, *UNSUCCESSFUL})}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ScanIndexForward=False,
            KeyConditionExpression="taskId = :task AND slot <= :until",
            FilterExpression=f"#status IN ({', '.join(statuses)})",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_item({":task": task_id, ":until": until, **statuses}),
        )
        items = (item for page in islice(pages, _PAGES) for item in page["Items"])
        return tuple(islice(readable(items, Run.from_item, self._report), limit))

    def between(self, task_id: str, since: str, until: str) -> tuple[Run, ...]:
        """A task's runs whose slot is in [since, until], the newest first, as they are now."""
        runs = self._runs(
            KeyConditionExpression="taskId = :task AND slot BETWEEN :since AND :until",
            ExpressionAttributeValues=to_item(
                {":task": task_id, ":since": order(since), ":until": _end_of_second(until)}
            ),
            ConsistentRead=True,
        )
        within = (run for run in runs if order(since) <= order(run.slot) <= order(until))
        return tuple(sorted(within, key=lambda run: order(run.slot), reverse=True))

    def by_status(
        self, status: RunStatus, *, limit: int, since: str | None = None, until: str | None = None
    ) -> tuple[Run, ...]:
        """Runs of all tasks in one status whose slot is in [since, until], the newest first, at most ``limit``."""
        return tuple(islice(self.with_status(status, since=since, until=until, page=limit), limit))

    def with_status(
        self, status: RunStatus, *, since: str | None = None, until: str | None = None, page: int | None = None
    ) -> Iterator[Run]:
        """The same without a limit: any number of runs, read in pages (of ``page`` runs) as they are asked for."""
        runs = self._runs(
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :status AND slot BETWEEN :since AND :until",
            ExpressionAttributeNames={"#status": "status"},
            # Slots are ISO 8601: "0" is before, and "~" after, every one of them.
            ExpressionAttributeValues=to_item(
                {":status": status, ":since": order(since or "0"), ":until": _end_of_second(until or "~")}
            ),
            **({"Limit": page} if page else {}),
        )
        return (run for run in runs if order(run.slot) <= order(until or "~"))

    def recent(self, *, limit: int) -> tuple[Run, ...]:
        """The newest runs of all tasks: a query for each status, so that the cost follows ``limit`` and not history."""
        runs = [run for status in RunStatus for run in self.by_status(status, limit=limit)]
        return tuple(sorted(runs, key=lambda run: (order(run.slot), run.task_id), reverse=True)[:limit])

    def _query(self, limit: int, **request: Any) -> tuple[Run, ...]:
        return tuple(islice(self._runs(Limit=limit, **request), limit))

    def _runs(self, **request: Any) -> Iterator[Run]:
        return readable(self._items(**request), Run.from_item, self._report)

    def _items(self, **request: Any) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(TableName=self._table, ScanIndexForward=False, **request)
        for page in pages:
            yield from page["Items"]


def _end_of_second(moment: str) -> str:
    """After every slot of the same second, as DynamoDB sorts their texts: a ``Z`` comes after a point."""
    return f"{order(moment).partition('.')[0]}Z"
