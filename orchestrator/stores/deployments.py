"""What the last deployment of a stack has done to its tasks: an item of the table for idempotency, which nobody lists.

A plan is shown before it is carried out and then forgotten; which slots it has lost or doubled is asked days later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from orchestrator.dynamodb import Fields, to_item
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEY = {"id": "last deployment"}

#: An item holds 400 KB ("Quotas in Amazon DynamoDB"); a change has some hundred characters.
MOST_CHANGES = 500


@dataclass(frozen=True, kw_only=True)
class Change:
    """A task that was added, changed or removed."""

    task_id: str
    action: str
    #: The names of the fields that differed.
    fields: tuple[str, ...]
    #: Slots, as in the ledger.
    lost: tuple[str, ...]
    doubled: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One that has written something."""

    #: ISO 8601 in UTC.
    at: str
    who: str
    #: Those with lost or doubled slots first, at most :data:`MOST_CHANGES`.
    changes: tuple[Change, ...]
    #: How many there were in all.
    count: int


class Deployments:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.table("Idempotency")

    def record(self, at: str, who: str, changes: Sequence[Change]) -> None:
        """Takes the place of what was recorded before."""
        ordered = sorted(changes, key=lambda one: (not (one.lost or one.doubled), one.task_id))[:MOST_CHANGES]
        text = json.dumps([asdict(one) for one in ordered])
        item = {**_KEY, "at": at, "who": who, "count": len(changes), "changes": text}
        self._client.put_item(TableName=self._table, Item=to_item(item))

    def last(self) -> Deployment | None:
        """None where nothing is recorded, or what somebody else has written cannot be read."""
        item = self._client.get_item(TableName=self._table, Key=to_item(_KEY), ConsistentRead=True).get("Item")
        try:
            fields = Fields(item or {})
            changes = [
                Change(
                    task_id=str(one["task_id"]),
                    action=str(one["action"]),
                    fields=tuple(one["fields"]),
                    lost=tuple(one["lost"]),
                    doubled=tuple(one["doubled"]),
                )
                for one in json.loads(fields.get("changes", str))
            ]
            return Deployment(
                at=fields.get("at", str),
                who=fields.get("who", str),
                changes=tuple(changes),
                count=fields.get("count", int),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
