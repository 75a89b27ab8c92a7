"""Follows the ledger's stream and prints the metrics of runs, from which CloudWatch makes them: no request, no wait.

It is apart from the follower, which is called for what asks for something alone and must get through whatever it costs.
This one is called for every run, in batches, and does nothing that can fail. Lambda
hands a batch over again only when the function itself could not run; :mod:`orchestrator.runs.measures` says what comes
of that.
"""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.handlers.invocation import observed, stack
from orchestrator.runs.measures import measures


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handles changes of TaskRuns, filtered to rows that have ended and rows that count duplicates."""
    for record in event["Records"]:
        change = record["dynamodb"]
        if "NewImage" in change:
            at = int(change["ApproximateCreationDateTime"] * 1000)
            for line in measures(stack(), change.get("OldImage", {}), change["NewImage"], at):
                # CloudWatch reads what stands in a line of its own.
                print(json.dumps(line, separators=(",", ":")))  # noqa: T201
    return {"batchItemFailures": []}
