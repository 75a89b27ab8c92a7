"""When a delivery came first, so that one that is sent again names the same slot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: So long a delivery is known. Nobody sends one again after that: "Standard Webhooks" names a day or so, and GitHub
#: offers three.
_KEPT = timedelta(days=7)


class Deliveries:
    """Items of the table for idempotency. ``client`` is boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.table("Idempotency")

    def first(self, webhook: str, delivery_id: str, now: datetime) -> datetime:
        """The second in which a delivery to a webhook came first; that of ``now``, if this is the first time."""
        answer = self._client.update_item(
            TableName=self._table,
            Key=to_item({"id": f"webhook {webhook} {delivery_id}"}),
            ReturnValues="ALL_NEW",
            **update({}, defaults={"firstAt": int(now.timestamp()), "expiration": int((now + _KEPT).timestamp())}),
        )
        return datetime.fromtimestamp(Fields(answer["Attributes"]).get("firstAt", int), UTC)
