"""Items as they are, for whoever may update them and not read them.

An update under a condition that never holds changes nothing, and DynamoDB refuses it with the item
("ReturnValuesOnConditionCheckFailure" of UpdateItem). It counts as a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from orchestrator.dynamodb import to_item
from orchestrator.errors import InvalidRow
from orchestrator.runs.run import Run
from orchestrator.stack import Stack
from orchestrator.tasks.records import task_of
from orchestrator.tasks.task import Task

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_NEVER = "attribute_exists(taskId) AND attribute_not_exists(taskId)"


class LastSights:
    """Looks through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._runs = stack.runs_table
        self._tasks = stack.tasks_table

    def run(self, task_id: str, slot: str) -> Run | None:
        """The slot's row; None if there is none, or none that can be read."""
        try:
            return Run.from_item(item) if (item := self._item(self._runs, taskId=task_id, slot=slot)) else None
        except InvalidRow:
            return None

    def task(self, task_id: str) -> Task | None:
        """The task of a record; None if there is none, or none that can be read."""
        try:
            return task_of(item) if (item := self._item(self._tasks, taskId=task_id)) else None
        except (KeyError, ValueError, TypeError, AttributeError):
            return None

    def _item(self, table: str, **key: str) -> Mapping[str, Any] | None:
        try:
            self._client.update_item(
                TableName=table,
                Key=to_item(key),
                ConditionExpression=_NEVER,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            # What ReturnValuesOnConditionCheckFailure asks for is beside the error.
            return cast(Mapping[str, Any], refused.response).get("Item")
        return None
