"""Versions and aliases of state machines.

moto knows both, but cannot publish, list or delete a version, and starts none by an alias.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import (
    InvalidToken,
    ResourceNotFound,
    StateMachineDoesNotExist,
    ValidationException,
)
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces
from orchestrator.local.aws.step_functions.state_machines import check_page, constraint, paged, published

#: Versions in a page where the request does not say how many.
_PAGE = 100

#: "CreateStateMachineAlias": a name is not a number alone.
_ALIAS_NAME, _ALIAS_LENGTH = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$", 80


class ConflictException(AWSError):
    """The version is in use."""

    TYPE = "ConflictException"
    STATUS = 409


class NoSuchAlias(AWSError):
    """The alias that a request would change does not exist."""

    TYPE = "ResourceNotFound"
    STATUS = 400


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
    asked, current = self._get_param("revisionId"), getattr(machine, "revision_id", None)
    if asked and asked != current:
        wrong = f"Failed to publish the State Machine version for revision {asked}."
        raise ConflictException(f"{wrong} The current State Machine revision is {current}.")
    latest = published(machine, self._get_param("description"))
    return ActionResult({"stateMachineVersionArn": latest.arn, "creationDate": latest.creation_date})


def _list(self: Any) -> Any:
    size, token = self._get_param("maxResults"), self._get_param("nextToken")
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    check_page(size, token)
    if token and not token.isdecimal():
        raise InvalidToken
    newest_first = [
        version
        for number, version in sorted(machine.versions.items(), reverse=True)
        if not token or number < int(token)
    ]
    page = newest_first[: size or _PAGE]
    listed = [{"stateMachineVersionArn": one.arn, "creationDate": one.creation_date} for one in page]
    more = str(page[-1].version) if len(newest_first) > len(page) else None
    return ActionResult({"stateMachineVersions": listed, "nextToken": more})


def _delete(self: Any) -> Any:
    arn = self._get_param("stateMachineVersionArn")
    machine_arn, _, number = arn.rpartition(":")
    machine = self.stepfunction_backend.describe_state_machine(machine_arn)
    used = [
        alias.name
        for alias in machine.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias.routing_configuration)
    ]
    if used:
        listed = f"Current list of aliases referencing this version: [{', '.join(used)}]"
        raise ConflictException(f"Version to be deleted must not be referenced by an alias. {listed}")
    machine.versions.pop(int(number), None)
    if machine.latest_version is not None and machine.latest_version.arn == arn:
        # What was published once and deleted is published under another number.
        machine.latest_version = None
    return ActionResult({})


def _check_routes(self: Any, routes: Sequence[Mapping[str, Any]]) -> None:
    """Refuses wrong routes as recorded: test_error_create_alias_invalid_router_configs."""
    for number, route in enumerate(routes, 1):
        if route["weight"] > 100:
            place = f"routingConfiguration.{number}.member.weight"
            raise constraint(place, route["weight"], "have value less than or equal to 100")
    if len(routes) > 2:
        items = [f"RoutingConfigurationListItem({', '.join(f'{k}={v}' for k, v in route.items())})" for route in routes]
        raise constraint("routingConfiguration", f"[{', '.join(items)}]", "have length less than or equal to 2")
    arns = [str(route["stateMachineVersionArn"]) for route in routes]
    received = f"Received: [{', '.join(arns)}]"
    if not all(arn.rpartition(":")[2].isdecimal() for arn in arns):
        raise ValidationException(f"Routing configuration must contain state machine version ARNs. {received}")
    if len(set(arns)) < len(arns):
        raise ValidationException(f"Routing configuration must contain distinct state machine version ARNs. {received}")
    weights = [route["weight"] for route in routes]
    if sum(weights) != 100:
        raise ValidationException(f"Sum of routing configuration weights must equal 100. Received: {weights}")


def _create_alias(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_alias(self: Any, name: str, routes: Sequence[Mapping[str, Any]], description: str | None) -> Any:
        if len(name) > _ALIAS_LENGTH:
            raise constraint("name", name, f"have length less than or equal to {_ALIAS_LENGTH}")
        if not re.fullmatch(_ALIAS_NAME, name):
            raise constraint("name", name, f"satisfy regular expression pattern: {_ALIAS_NAME}")
        arn = routes[0]["stateMachineVersionArn"].rpartition(":")[0]
        standing = next((one.aliases.get(name) for one in self.state_machines if one.arn == arn), None)
        if standing is None:
            return create(self, name, routes, description)
        if (standing.routing_configuration, standing.description) != (routes, description):
            different = "an alias with the same name and a different routing configuration already exists."
            raise ConflictException(f"Failed to create alias because {different}")
        return standing

    return create_alias


def _delete_alias(delete: Callable[..., Any]) -> Callable[..., Any]:
    """Deletes an alias; that there is none is no error."""

    def delete_alias(self: Any, arn: str) -> None:
        with suppress(ResourceNotFound):
            delete(self, arn)

    return delete_alias


def _update_alias(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_alias(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return update(self, *arguments, **named)
        except ResourceNotFound:
            raise NoSuchAlias("Request references a resource that does not exist.") from None

    return update_alias


def install(aws: Aws) -> None:
    """Adds what moto cannot do, and refuses what AWS refuses."""
    backend = StepFunctionBackend
    create, update, delete = (
        backend.create_state_machine_alias,
        backend.update_state_machine_alias,
        backend.delete_state_machine_alias,
    )
    adds(StepFunctionResponse, "publish_state_machine_version")(_publish)
    adds(StepFunctionResponse, "list_state_machine_versions")(_list)
    adds(StepFunctionResponse, "delete_state_machine_version")(_delete)
    replaces(StepFunctionResponse, "_validate_routing_configuration", digest="fa018b263a9c")(_check_routes)
    aliases = paged(StepFunctionResponse.list_state_machine_aliases)
    replaces(StepFunctionResponse, "list_state_machine_aliases", digest="dfbd32778a03")(aliases)
    replaces(backend, "create_state_machine_alias", digest="ac04d4462075")(_create_alias(create))
    replaces(backend, "update_state_machine_alias", digest="3bf2149c9e1f")(_update_alias(update))
    replaces(backend, "delete_state_machine_alias", digest="13983bf292f8")(_delete_alias(delete))
