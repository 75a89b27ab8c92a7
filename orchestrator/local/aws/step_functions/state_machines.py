"""State machines as the API has them: created once, changed in revisions, described and listed.

moto takes a second machine of the same name for the first, whatever it is; has no revisions, no variable references and
no rules for logs; and describes the machine of an execution as it has become since. What AWS answers was recorded by
LocalStack (test_sfn_api, test_sfn_api_logs, test_sfn_api_versioning, test_sfn_api_tagging).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.exceptions import InvalidToken as UnknownToken
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import (
    InvalidArn,
    InvalidToken,
    ResourceNotFound,
    StateMachineDoesNotExist,
    ValidationException,
)
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse
from moto.stepfunctions.utils import PAGINATION_MODEL
from moto.utilities.paginator import paginate

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces
from orchestrator.local.aws.step_functions.variable_references import references

#: Of a machine that logs nothing.
_SILENT = {"level": "OFF", "includeExecutionData": False}

_LARGEST_PAGE, _TOKEN_LENGTH = 1_000, 1_024

_VERSION = re.compile(r".+:stateMachine:[^:]+:\d+")

_NO_ACTIVITIES = "The embedded AWS has no activities; a task '.waitForTaskToken' waits, too"


class StateMachineAlreadyExists(AWSError):
    """Another machine has that name."""

    TYPE = "StateMachineAlreadyExists"
    STATUS = 400


class InvalidLoggingConfiguration(AWSError):
    """The log that is named is not one log that is there."""

    TYPE = "InvalidLoggingConfiguration"
    STATUS = 400


class MissingRequiredParameter(AWSError):
    """The request names nothing to change."""

    TYPE = "MissingRequiredParameter"
    STATUS = 400


def constraint(name: str, value: Any, least: str) -> ValidationException:
    """The refusal of one value of a request: ``least`` is what the value must be."""
    wrong = f"Value '{value}' at '{name}' failed to satisfy constraint"
    return ValidationException(f"1 validation error detected: {wrong}: Member must {least}")


def check_page(size: Any, token: Any) -> None:
    """Refuses the size of a page, or a token, that is too large. Raises ValidationException."""
    if size is not None and int(size) > _LARGEST_PAGE:
        raise constraint("maxResults", size, f"have value less than or equal to {_LARGEST_PAGE}")
    if token and len(token) > _TOKEN_LENGTH:
        raise constraint("nextToken", token, f"have length less than or equal to {_TOKEN_LENGTH}")


def _logging(aws: Aws, asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Completes a logging configuration. Raises InvalidLoggingConfiguration."""
    if asked is None:
        return None
    configuration = {**_SILENT, **asked}
    destinations = configuration.get("destinations") or []
    if len(destinations) > 1 or (configuration["level"] != "OFF" and not destinations):
        raise InvalidLoggingConfiguration("Invalid Logging Configuration: Must specify exactly one Log Destination.")
    groups = {group.arn.removesuffix(":*") for group in aws.backend("logs").groups.values()}
    for destination in destinations:
        arn = str((destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", ""))
        if arn.removesuffix(":*") not in groups:
            raise InvalidLoggingConfiguration("Invalid Logging Configuration: Log Destination not found.")
    return configuration


def described(machine: Any) -> Iterator[tuple[str, Any]]:
    """Yields the members that DescribeStateMachine and DescribeStateMachineForExecution share."""
    yield "definition", machine.definition
    yield "name", machine.name
    yield "roleArn", machine.roleArn
    yield "loggingConfiguration", {**_SILENT, **(machine.loggingConfiguration or {})}
    yield "tracingConfiguration", machine.tracingConfiguration
    yield "encryptionConfiguration", machine.encryptionConfiguration
    if revision := getattr(machine, "revision_id", None):
        yield "revisionId", revision
    if read := references(machine.definition):
        yield "variableReferences", read


def _describe(self: Any, arn: str) -> ActionResult:
    machine = self.stepfunction_backend.describe_state_machine(arn)
    about = {"stateMachineArn": machine.arn, "status": "ACTIVE", "type": machine.type}
    about |= dict(described(machine)) | {"creationDate": machine.creation_date}
    return ActionResult(about | ({"description": machine.description} if machine.description else {}))


def _describe_for_execution(self: Any) -> ActionResult:
    """Describes the machine as it was when the execution began."""
    machine = self.stepfunction_backend.describe_execution(self._get_param("executionArn")).state_machine
    about = {"stateMachineArn": machine.arn, "updateDate": machine.update_date}
    return ActionResult(about | dict(described(machine)))


def _create(aws: Aws, create: Callable[..., Any]) -> Callable[..., Any]:
    def create_state_machine(self: Any, name: str, definition: str, *arguments: Any, **named: Any) -> Any:
        """Another role or other tags make it "an idempotent request of the previous"; another anything is refused."""
        named["loggingConfiguration"] = asked = _logging(aws, named.get("loggingConfiguration"))
        standing = next((one for one in self.state_machines if one.name == name), None)
        made = create(self, name, definition, *arguments, **named)
        if standing is not None:
            there = (standing.definition, standing.type, {**_SILENT, **(standing.loggingConfiguration or {})})
            if there != (definition, named.get("sm_type") or "STANDARD", asked or _SILENT):
                raise StateMachineAlreadyExists(f"State Machine Already Exists: '{standing.arn}'")
        return made

    return create_state_machine


def _update(aws: Aws, update: Callable[..., Any]) -> Callable[..., Any]:
    def update_state_machine(self: Any, arn: str, *arguments: Any, **named: Any) -> Any:
        if _VERSION.fullmatch(arn):
            raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
        named["logging_configuration"] = _logging(aws, named.get("logging_configuration"))
        parts = ("definition", "role_arn", "logging_configuration", "tracing_configuration", "encryption_configuration")
        if not arguments and not any(named.get(part) for part in parts):
            raise MissingRequiredParameter(
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
                "specified"
            )
        machine = self.describe_state_machine(arn)
        before = _revised(machine)
        publish, description = named.pop("publish", None), named.pop("version_description", None)
        update(self, arn, *arguments, **named)
        if _revised(machine) != before:
            machine.revision_id = str(uuid.uuid4())
        if publish:
            published(machine, description)
        return machine

    return update_state_machine


def _revised(machine: Any) -> tuple[Any, ...]:
    """Returns the parts of a machine whose change makes a revision."""
    logging = {**_SILENT, **(machine.loggingConfiguration or {})}
    return machine.definition, machine.roleArn, logging, machine.tracingConfiguration


def published(machine: Any, description: str | None) -> Any:
    """The version of a machine as it is: "PublishStateMachineVersion is an idempotent API"."""
    latest = machine.latest_version
    if latest is None or _revised(latest) != _revised(machine):
        machine.publish(description)
        latest = machine.latest_version
        latest.revision_id = getattr(machine, "revision_id", None)
    return latest


def _with_revision(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_state_machine(self: Any) -> Any:
        answer = update(self)
        machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
        if revision := getattr(machine, "revision_id", None):
            answer.result["revisionId"] = revision
        return answer

    return update_state_machine


def paged(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A list in pages, none of them too large."""

    def checked(self: Any) -> Any:
        check_page(self._get_param("maxResults"), self._get_param("nextToken"))
        number = self._get_int_param
        # As recorded: a page of 0 has the usual size.
        self._get_int_param = lambda name: number(name) or None
        try:
            return answer(self)
        except UnknownToken:
            raise InvalidToken from None

    return checked


def list_state_machines(backend: Any) -> list[Any]:
    """Lists machines by name, as recorded; moto lists them by the time of their creation."""
    return sorted(backend.state_machines, key=lambda machine: str(machine.name))


def _known_run(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses an unknown map run, as moto means to."""

    def checked(self: Any, map_run_arn: str, *more: Any, **named: Any) -> Any:
        try:
            return answer(self, map_run_arn, *more, **named)
        except TypeError:
            # Raised where moto makes its own ResourceNotFound, which lacks the ARN.
            raise ResourceNotFound(map_run_arn) from None

    return checked


def _without_activities(self: Any) -> ActionResult:
    raise ValidationException(_NO_ACTIVITIES)


def install(aws: Aws) -> None:
    """Replaces what moto says of state machines."""
    backend, response = StepFunctionsParserBackend, StepFunctionResponse
    validate_arn, tag = StepFunctionBackend._validate_arn, StepFunctionBackend.tag_resource
    replaces(backend, "create_state_machine", digest="f90a1f1869e5")(_create(aws, backend.create_state_machine))
    replaces(backend, "update_state_machine", digest="d77660cb782c")(_update(aws, backend.update_state_machine))
    replaces(response, "update_state_machine", digest="6edb5514f5c3")(_with_revision(response.update_state_machine))
    replaces(response, "_describe_state_machine", digest="448ec8653d95")(_describe)
    replaces(response, "describe_state_machine_for_execution", digest="a5dca06f13fd")(_describe_for_execution)
    replaces(response, "list_state_machines", digest="1d93ad8f9526")(paged(response.list_state_machines))
    replaces(StepFunctionBackend, "list_state_machines", digest="d56f4876d265")(
        paginate(pagination_model=PAGINATION_MODEL)(list_state_machines)
    )
    replaces(backend, "describe_map_run", digest="ad37884449af")(_known_run(backend.describe_map_run))
    replaces(backend, "update_map_run", digest="ae8f11b68e43")(_known_run(backend.update_map_run))
    replaces(response, "create_activity", digest="77153d8e9158")(_without_activities)
    adds(response, "get_activity_task")(_without_activities)

    @replaces(StepFunctionBackend, "_validate_arn", digest="4a7ba0ccd426")
    def validate(self: Any, arn: str, regex: Any, invalid_msg: str) -> None:
        if arn and not arn.startswith("arn:"):
            raise InvalidArn(f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
        validate_arn(self, arn, regex, invalid_msg)

    @replaces(StepFunctionBackend, "tag_resource", digest="771668537fee")
    def tag_resource(self: Any, arn: str, tags: Any) -> None:
        if _VERSION.fullmatch(arn):
            raise ResourceNotFound(arn)
        tag(self, arn, tags)

    @replaces(InvalidToken, "__init__", digest="4662194b76dc")
    def invalid(self: Any, message: str = "Invalid token") -> None:
        AWSError.__init__(self, f"Invalid Token: '{message}'")
