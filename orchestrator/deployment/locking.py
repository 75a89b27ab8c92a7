"""One deployment of a stack at a time.

CloudFormation refuses a second change of the stack by itself, but knows nothing of tasks and schedules: two applies of
different files would undo each other's work. The lock is an item of the table for idempotency, which nobody lists and
whose items expire, so that a deployment that was killed blocks the next for minutes and not for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.errors import DeploymentUnderWay
from orchestrator.settings import Stack

#: Longer than a first sync of any size that was measured.
LEASE = timedelta(minutes=15)

_KEY = {"id": {"S": "deployment"}}


@contextmanager
def exclusive(client: Any, stack: Stack, holder: str, now: Callable[[], datetime]) -> Iterator[None]:
    """Nobody else reconciles tasks and schedules of the stack within. ``holder`` is unique, and says who it is.

    ``client`` is boto3's low-level client of DynamoDB. Raises :class:`~orchestrator.errors.DeploymentUnderWay`.
    """
    table, begin = stack.table("Idempotency"), now()
    try:
        client.put_item(
            TableName=table,
            Item={
                **_KEY,
                "holder": {"S": holder},
                "expiration": {"N": str(int((begin + LEASE).timestamp()))},
            },
            # DynamoDB deletes what expired when it finds the time, so whether it did is looked at here.
            ConditionExpression="attribute_not_exists(id) OR expiration < :now",
            ExpressionAttributeValues={":now": {"N": str(int(begin.timestamp()))}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except client.exceptions.ConditionalCheckFailedException as fault:
        item = fault.response.get("Item", {})
        until = datetime.fromtimestamp(int(item.get("expiration", {}).get("N", 0)), UTC)
        who = item.get("holder", {}).get("S", "somebody else")
        raise DeploymentUnderWay(stack.name, who, f"{until:%H:%M}") from fault
    try:
        yield
    finally:
        _release(client, table, holder)


def _release(client: Any, table: str, holder: str) -> None:
    try:
        client.delete_item(
            TableName=table,
            Key=_KEY,
            ConditionExpression="holder = :holder",
            ExpressionAttributeValues={":holder": {"S": holder}},
        )
    except client.exceptions.ConditionalCheckFailedException:
        # It expired, and is another's now.
        return
