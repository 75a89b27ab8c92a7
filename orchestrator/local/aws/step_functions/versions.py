"""Versions and aliases of state machines.

moto knows both, but cannot publish, list or delete a version, and starts none by an alias.
"""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.replacements import adds

if TYPE_CHECKING:
    from orchestrator.local.aws.server import EmbeddedAws


class ConflictException(AWSError):
    """The version is in use."""

    TYPE = "ConflictException"
    STATUS = 409


def started(backend: Any, arn: str) -> Any:
    """The machine that an ARN starts, as it is now, or as it was in the version that the ARN or its alias names.

    Raises moto's StateMachineDoesNotExist.
    """
    parts = arn.split(":")
    if len(parts) != 8 or parts[5] != "stateMachine":
        return backend.describe_state_machine(arn)
    machine = backend.describe_state_machine(":".join(parts[:7]))
    alias = None if parts[7].isdecimal() else arn
    if alias:
        if parts[7] not in machine.aliases:
            raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
        routes = machine.aliases[parts[7]].routing_configuration
        (route,) = random.choices(routes, weights=[int(route["weight"]) for route in routes])
        arn = route["stateMachineVersionArn"]
    version = backend.describe_state_machine(arn)
    snapshot = copy.copy(machine)
    snapshot.definition, snapshot.roleArn = version.definition, version.roleArn
    snapshot.started_version, snapshot.started_alias = arn, alias
    return snapshot


def _publish(self: Any) -> Any:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    latest = machine.latest_version
    # "PublishStateMachineVersion is an idempotent API": one version for one revision.
    if latest is None or (latest.definition, latest.roleArn) != (machine.definition, machine.roleArn):
        machine.publish(self._get_param("description"))
    latest = machine.latest_version
    return ActionResult({"stateMachineVersionArn": latest.arn, "creationDate": latest.creation_date})


def _list(self: Any) -> Any:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    newest_first = [version for _, version in sorted(machine.versions.items(), reverse=True)]
    listed = [{"stateMachineVersionArn": one.arn, "creationDate": one.creation_date} for one in newest_first]
    return ActionResult({"stateMachineVersions": listed})


def _delete(self: Any) -> Any:
    arn = self._get_param("stateMachineVersionArn")
    machine_arn, _, number = arn.rpartition(":")
    machine = self.stepfunction_backend.describe_state_machine(machine_arn)
    used = [
        alias.arn
        for alias in machine.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias.routing_configuration)
    ]
    if used:
        raise ConflictException(f"Version to be deleted must not be referenced by an alias. Current list: {used}")
    machine.versions.pop(int(number), None)
    return ActionResult({})


def install(aws: EmbeddedAws) -> None:
    """Adds what moto cannot do."""
    adds(StepFunctionResponse, "publish_state_machine_version")(_publish)
    adds(StepFunctionResponse, "list_state_machine_versions")(_list)
    adds(StepFunctionResponse, "delete_state_machine_version")(_delete)
