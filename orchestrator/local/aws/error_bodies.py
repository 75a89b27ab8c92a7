"""The members of an error that AWS's models have, besides its code and sentence.

moto answers ``message`` alone. Scheduler's errors have a ``Message``, Lambda's a ``Type``; recorded by LocalStack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.awslambda.responses import LambdaResponse
from moto.scheduler.responses import EventBridgeSchedulerResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def _complete(act: Callable[[Any], Any], complete: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    def call_action(self: Any) -> Any:
        status, headers, body = act(self)
        if int(status) >= 400:
            try:
                said = json.loads(body)
            except ValueError:
                return status, headers, body
            body = json.dumps({**said, **complete(said)})
        return status, headers, body

    return call_action


def install(aws: Aws) -> None:
    """Completes what goes wrong."""
    scheduler, functions = EventBridgeSchedulerResponse, LambdaResponse
    replaces(scheduler, "call_action", digest="8534b74bc5df")(
        _complete(scheduler.call_action, lambda said: {"Message": said.get("Message") or said.get("message", "")})
    )
    replaces(functions, "call_action", digest="8534b74bc5df")(
        _complete(functions.call_action, lambda _: {"Type": "User"})
    )
