"""What Step Functions remembers of an execution: its path through the states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.runs.path import Invocation, Visit, path

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

#: Nested executions within nested executions are followed so far.
_DEPTH = 3


class Histories:
    """Reads histories through ``client``, boto3's client of Step Functions."""

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def path(self, execution_arn: str) -> list[Visit] | None:
        """Every stay in a state so far; None of an execution that Step Functions has forgotten, as it does after 90
        days, or never has known, as it is with an Express one.
        """
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        try:
            return path(event for page in pages for event in page["events"])
        except (self._client.exceptions.ExecutionDoesNotExist, self._client.exceptions.InvalidArn):
            return None

    def state(self, execution_arn: str) -> str | None:
        """Which state the execution has entered last."""
        newest = self._client.get_execution_history(executionArn=execution_arn, reverseOrder=True, maxResults=20)
        entered = (event.get("stateEnteredEventDetails") for event in newest["events"])
        return next((str(details["name"]) for details in entered if details), None)

    def invocations(self, visits: list[Visit], depth: int = _DEPTH) -> Iterator[Invocation]:
        """Every call of a Lambda function on a path, those of nested executions among them."""
        for visit in visits:
            yield from visit.invocations
            for child in visit.children if depth else ():
                yield from self.invocations(self.path(child) or [], depth - 1)
