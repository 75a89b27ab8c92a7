"""The ledger: the table of runs, a row for each slot."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import to_item
from orchestrator.instants import of_slot, order, to_second
from orchestrator.runs.outline import ATTRIBUTES, Outline
from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus
from orchestrator.stack import STATUS_INDEX, Stack
from orchestrator.stores.unreadable import Report, log, readable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: So many queries go on at once: as many as boto3's client has connections.
_AT_ONCE = 10

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
        self, task_id: str, *, limit: int, statuses: Collection[RunStatus] = (), until: str | None = None
    ) -> tuple[Run, ...]:
        """A task's runs, the newest slot first, at most ``limit``.

        ``statuses`` chooses among them, and ``until`` is the latest slot.
        """
        return tuple(islice(self._of_task(task_id, statuses, until=until, page=limit), limit))

    def started(
        self,
        task_ids: Collection[str] | None,
        *,
        limit: int,
        statuses: Collection[RunStatus] = (),
        since: str | None = None,
        until: str | None = None,
    ) -> tuple[Run, ...]:
        """Runs that began in [since, until], the newest first, at most ``limit``, of some tasks or of all.

        A run that never started counts at its slot. The table and its index are sorted by slot, so a run whose slot is
        more than a day before ``since`` is not found, as in a backfill. It makes one query for each task that is named,
        several at a time, or one for each status.
        """
        # A run that waited, or was caught up, began later than its slot.
        earliest = _a_day_before(since) if since else None

        def of_task(task_id: str) -> Iterator[Run]:
            return self._of_task(task_id, statuses, since=earliest, page=limit)

        def of_status(status: RunStatus) -> Iterator[Run]:
            return self.with_status(status, since=earliest, page=limit)

        def begun(runs: Iterator[Run]) -> list[Run]:
            within = (run for run in runs if order(since or "0") <= _began(run) <= _end_of_second(until or "~"))
            return list(islice(within, limit))

        started: list[Run] = []
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as several:
            if task_ids is None:
                rows = several.map(lambda status: begun(of_status(status)), statuses or tuple(RunStatus))
            else:
                rows = several.map(lambda task_id: begun(of_task(task_id)), task_ids)
            for some in rows:
                started += some
        return tuple(sorted(started, key=lambda run: (_began(run), run.task_id), reverse=True)[:limit])

    def outcomes(self, task_id: str, *, limit: int, until: str) -> tuple[Run, ...]:
        """A task's runs that succeeded or failed, of slots up to ``until``, the newest first, at most ``limit``.

        Skipped slots are left out. The search ends after a few MB of rows.
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

    def held(self, task_id: str, since: str, until: str) -> tuple[Run, ...]:
        """A task's held slots in [since, until], the oldest first, as they are now."""
        runs = self._runs(
            KeyConditionExpression="taskId = :task AND slot BETWEEN :since AND :until",
            FilterExpression="attribute_exists(#hold)",
            ExpressionAttributeNames={"#hold": "hold"},
            ExpressionAttributeValues=to_item(
                {":task": task_id, ":since": order(since), ":until": _end_of_second(until)}
            ),
            ConsistentRead=True,
        )
        return tuple(sorted(runs, key=lambda run: order(run.slot)))

    def with_status(
        self, status: RunStatus, *, since: str | None = None, until: str | None = None, page: int | None = None
    ) -> Iterator[Run]:
        """Runs of all tasks in one status whose slot is in [since, until], the newest first: any number of them.

        They are read in pages (of ``page`` runs) as they are asked for.
        """
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

    def outlines(self, status: RunStatus, *, since: str, until: str) -> Iterator[Outline]:
        """Yields what a grid shows of each run, chosen as in :meth:`with_status`; a page holds some thousand."""
        items = self._items(
            IndexName=STATUS_INDEX,
            KeyConditionExpression="#status = :status AND #slot BETWEEN :since AND :until",
            ProjectionExpression=", ".join(f"#{name}" for name in ATTRIBUTES),
            ExpressionAttributeNames={f"#{name}": name for name in ATTRIBUTES},
            ExpressionAttributeValues=to_item(
                {":status": status, ":since": order(since), ":until": _end_of_second(until)}
            ),
        )
        return readable(items, Outline.from_item, self._report)

    def outline(self, task_id: str, slot: str) -> Outline | None:
        """The outline of one slot's run as it is now. Raises :class:`~orchestrator.errors.InvalidRow`."""
        key = to_item({"taskId": task_id, "slot": slot})
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return Outline.from_item(item) if item else None

    def _of_task(
        self,
        task_id: str,
        statuses: Collection[RunStatus],
        *,
        since: str | None = None,
        until: str | None = None,
        page: int | None = None,
    ) -> Iterator[Run]:
        names = {f":{status}": status for status in sorted(statuses)}
        only = {
            "FilterExpression": f"#status IN ({', '.join(names)})",
            "ExpressionAttributeNames": {"#status": "status"},
        }
        values = {":task": task_id, ":since": order(since or "0"), ":until": until or "~", **names}
        return self._runs(
            KeyConditionExpression="taskId = :task AND slot BETWEEN :since AND :until",
            ExpressionAttributeValues=to_item(values),
            **(only if names else {}),
            **({"Limit": page} if page else {}),
        )

    def _runs(self, **request: Any) -> Iterator[Run]:
        return readable(self._items(**request), Run.from_item, self._report)

    def _items(self, **request: Any) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(TableName=self._table, ScanIndexForward=False, **request)
        for page in pages:
            yield from page["Items"]


def _began(run: Run) -> str:
    return order(run.started_at or run.slot)


def _a_day_before(moment: str) -> str:
    return to_second(of_slot(moment) - timedelta(days=1))


def _end_of_second(moment: str) -> str:
    """After every slot of the same second, as DynamoDB sorts their texts: a ``Z`` comes after a point, and an id may
    follow it.
    """
    return f"{order(moment).partition('.')[0]}Z~"
