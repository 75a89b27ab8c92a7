"""Counts, and orders only if something is short."""

from __future__ import annotations

from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.integrations import INVOKE
from orchestrator.asl.states import Choice, Succeed, Task, When, jsonata
from orchestrator.stack import Stack


def build(stack: Stack) -> Definition:
    def call(name: str, function: str, payload: Any, **fields: Any) -> Task:
        arguments = {"FunctionName": f"{stack.function_prefix}{function}", "Payload": payload}
        return Task(name, resource=INVOKE, arguments=arguments, timeout_seconds=60, **fields)

    order = call(
        "Order",
        "order",
        jsonata("{'runKey': $event.runKey, 'short': $short}"),
        output=jsonata("$states.result.Payload"),
    )
    is_short = Choice(
        "IsShort",
        choices=[(When("$short > 0"), order)],
        default=Succeed("NothingToOrder", output=jsonata("{'pieces': 0}")),
    )
    count = call(
        "Count",
        "count",
        jsonata("$states.input"),
        assign={"short": jsonata("$states.result.Payload.short"), "event": jsonata("$states.input")},
        next_state=is_short,
    )
    return Definition(start=count, comment="Counts, and orders only if something is short.", timeout_seconds=300)
