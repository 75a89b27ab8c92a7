"""Which versions of a stack's state machines are live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.stack import Stack, live

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, kw_only=True)
class Route:
    """One version to which the alias ``live`` of a state machine sends executions."""

    machine: str
    version: int
    #: Of executions, in percent.
    weight: int


def routes(client: SFNClient, stack: Stack) -> Iterator[Route]:
    """Yields the routes of every state machine of the stack, by name; ``client`` is boto3's of Step Functions."""
    machines = [
        machine
        for page in client.get_paginator("list_state_machines").paginate()
        for machine in page["stateMachines"]
        if machine["name"].startswith(f"{stack.name}-")
    ]
    for machine in sorted(machines, key=lambda one: one["name"]):
        try:
            alias = client.describe_state_machine_alias(stateMachineAliasArn=live(machine["stateMachineArn"]))
        except client.exceptions.ResourceNotFound:
            continue
        for route in alias["routingConfiguration"]:
            version = int(route["stateMachineVersionArn"].rpartition(":")[2])
            yield Route(machine=machine["name"], version=version, weight=route["weight"])
