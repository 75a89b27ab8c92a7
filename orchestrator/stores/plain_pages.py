"""Pages of a Scan and of ListSchedules, read as the JSON that they are.

boto3 goes through every value of a page by the model of the API, to find the binary ones, and the moments, which it
makes in a way that takes ten times as long as Python's own: that is most of what it takes to read a long list. Here
the values are taken from the JSON at once, wherever it makes no difference.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_scheduler import EventBridgeSchedulerClient

#: The types of binary values, and how they stand in JSON; a text that looks so only costs what it would cost anyway.
_BINARY = (b'"B"', b'"BS"')

#: What ListSchedules says of a schedule ("ScheduleSummary"), and which of it are moments.
_SUMMARY = ("Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State", "Target")
_MOMENTS = ("CreationDate", "LastModificationDate")


def read_plainly(client: DynamoDBClient | EventBridgeSchedulerClient) -> None:
    """Lets a client read such pages so; it makes no difference to what it answers, but moments are in UTC."""
    events = client.meta.events
    events.register("before-parse.dynamodb.Scan", _take_items, unique_id="orchestrator-plain-items")
    events.register("before-parse.scheduler.ListSchedules", _take_schedules, unique_id="orchestrator-plain-schedules")


def _take_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or any(kind in body for kind in _BINARY):
        return
    answer = json.loads(body)
    # What is put here takes the place of what boto3 would have read.
    customized_response_dict["Items"] = answer.pop("Items", [])
    response_dict["body"] = json.dumps(answer).encode()


def _take_schedules(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] != 200:
        return
    answer = json.loads(response_dict["body"])
    listed = answer.pop("Schedules", [])
    schedules = [{name: one[name] for name in _SUMMARY if one.get(name) is not None} for one in listed]
    for schedule in schedules:
        for name in _MOMENTS:
            # In seconds since 1970, as services of this protocol write moments.
            if isinstance(schedule.get(name), int | float):
                schedule[name] = datetime.fromtimestamp(schedule[name], UTC)
            elif name in schedule:
                return
    customized_response_dict["Schedules"] = schedules
    response_dict["body"] = json.dumps(answer).encode()
