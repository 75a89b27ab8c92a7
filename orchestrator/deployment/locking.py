"""One deployment of a stack at a time.

CloudFormation refuses a second change of the stack by itself, but knows nothing of tasks and schedules: two applies of
different files would undo each other's work. The lock is an item of the table for idempotency, which nobody lists and
whose items expire. Its holder renews it as long as it works, so that one that was killed, or has lost the network,
blocks the next for two minutes, and one that works for an hour is not joined by another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.dynamodb import to_item
from orchestrator.errors import DeploymentUnderWay
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: A deployment that has died blocks the next for so long; several renewals may fail before one that works loses it.
LEASE = timedelta(minutes=2)

#: Seconds between two renewals.
RENEWAL_SECONDS = 20.0

KEY = to_item({"id": "deployment"})


@contextmanager
def exclusive(
    client: DynamoDBClient,
    stack: Stack,
    holder: str,
    now: Callable[[], datetime],
    *,
    renewal_seconds: float = RENEWAL_SECONDS,
) -> Iterator[None]:
    """Holds the stack's lock: nobody else reconciles its tasks and schedules. ``holder`` is a unique name for people.

    ``client`` is boto3's low-level client of DynamoDB. It costs two writes, and one for each renewal. Raises
    :class:`~orchestrator.errors.DeploymentUnderWay`.
    """
    table, begin = stack.table("Idempotency"), now()
    try:
        client.put_item(
            TableName=table,
            Item=_item(holder, begin),
            # DynamoDB may delete an expired item days later, so the condition checks the time itself.
            ConditionExpression="attribute_not_exists(id) OR expiration < :now",
            ExpressionAttributeValues=to_item({":now": int(begin.timestamp())}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except client.exceptions.ConditionalCheckFailedException as fault:
        # botocore puts the item that ReturnValuesOnConditionCheckFailure asks for beside the error.
        item = cast(Mapping[str, Any], fault.response).get("Item", {})
        until = datetime.fromtimestamp(int(item.get("expiration", {}).get("N", 0)), UTC)
        who = item.get("holder", {}).get("S", "somebody else")
        raise DeploymentUnderWay(stack.name, who, f"{until:%H:%M}") from fault
    ended = threading.Event()
    arguments = (client, table, holder, now, ended, renewal_seconds)
    threading.Thread(target=_renew, args=arguments, daemon=True, name="lock").start()
    try:
        yield
    finally:
        ended.set()
        _release(client, table, holder)


def _item(holder: str, begin: datetime) -> dict[str, Any]:
    return {**KEY, **to_item({"holder": holder, "expiration": int((begin + LEASE).timestamp())})}


def _renew(
    client: DynamoDBClient, table: str, holder: str, now: Callable[[], datetime], ended: threading.Event, seconds: float
) -> None:
    while not ended.wait(seconds):
        # The next renewal may do better; and what is another's now, or was released this moment, stays so.
        with suppress(BotoCoreError, ClientError):
            client.put_item(
                TableName=table,
                Item=_item(holder, now()),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=to_item({":holder": holder}),
            )


def _release(client: DynamoDBClient, table: str, holder: str) -> None:
    try:
        client.delete_item(
            TableName=table,
            Key=KEY,
            ConditionExpression="holder = :holder",
            ExpressionAttributeValues=to_item({":holder": holder}),
        )
    except client.exceptions.ConditionalCheckFailedException:
        # It expired, and is another's now.
        return
