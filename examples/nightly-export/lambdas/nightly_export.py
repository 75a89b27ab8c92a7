"""Writes one line for each day, once, however often it is called."""

from __future__ import annotations

from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import client, stack, task_handler


class ExportParams(Params):
    kind: Literal["full", "delta"]


@task_handler("lambda/nightly-export", ExportParams)
def handler(event: TaskEvent[ExportParams], context: LambdaContext) -> dict[str, Any]:
    day = f"{event.slot:%Y-%m-%d}"
    dynamodb = client("dynamodb")
    try:
        dynamodb.put_item(
            TableName=stack().table("Exports"),
            Item={"day": {"S": day}, "kind": {"S": event.params.kind}, "run": {"S": event.run_key}},
            ConditionExpression="attribute_not_exists(#day)",
            ExpressionAttributeNames={"#day": "day"},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return {"day": day, "written": False}
    return {"day": day, "written": True}
