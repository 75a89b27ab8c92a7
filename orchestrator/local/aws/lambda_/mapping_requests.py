"""CreateEventSourceMapping and its kin: what they refuse, and how a mapping is described.

moto refuses a source that is not there in other words, takes a second mapping to the same function, and leaves out what
a mapping has without being told. Source: answers of AWS that LocalStack recorded in November 2025
(tests/aws/services/lambda_/event_source_mapping).
"""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.core.exceptions import JsonRESTError

from orchestrator.local.aws.lambda_.mappings import check, described, exists
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def _no_source(arn: str) -> str:
    """Recorded by LocalStack."""
    if ":sqs:" in arn:
        return (
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error"
            " Message: The specified queue does not exist."
        )
    return f"Stream not found: {arn}"


def _no_mapping() -> Any:
    raise NoMapping


class NoMapping(JsonRESTError):
    """No mapping has this identifier."""

    code = 404

    def __init__(self) -> None:
        super().__init__("ResourceNotFoundException", "The resource you requested does not exist.")


class SourceMapped(JsonRESTError):
    """The function hears of this source already."""

    code = 409

    def __init__(self, said: str) -> None:
        super().__init__("ResourceConflictException", said)


def install(aws: Aws) -> None:
    """Checks what is asked for, and completes what is answered."""
    _check_requests()
    _complete_answers(aws)


def _check_requests() -> None:
    create, update = LambdaBackend.create_event_source_mapping, LambdaBackend.update_event_source_mapping

    @replaces(LambdaBackend, "create_event_source_mapping", digest="ad4fbe5a5131")
    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        check(spec)
        function = self.get_function(spec["FunctionName"])
        for one in self._event_source_mappings.values():
            if (one.event_source_arn, one.function_arn) == (spec["EventSourceArn"], function.function_arn):
                raise SourceMapped(exists(spec, function.function_name, one.uuid))
        try:
            return create(self, spec)
        except JsonRESTError as fault:
            if fault.error_type != "ResourceNotFoundException":
                raise
            raise InvalidParameterValueException(_no_source(spec["EventSourceArn"])) from None

    @replaces(LambdaBackend, "update_event_source_mapping", digest="7fc211b661c6")
    def update_event_source_mapping(self: Any, uuid: str, spec: dict[str, Any]) -> Any:
        known = self.get_event_source_mapping(uuid)
        if known is None:
            return None
        check({**known.get_configuration(), **spec})
        return update(self, uuid, spec)


def _complete_answers(aws: Aws) -> None:
    response = LambdaResponse
    answers = {
        verb: getattr(response, f"{verb}_event_source_mapping") for verb in ("create", "get", "update", "delete")
    }
    listed = response.list_event_source_mappings

    def said(body: str, state: str | None = None) -> str:
        mapping = json.loads(body)
        return json.dumps(described(mapping, aws.event_sources.last_of(mapping["UUID"]), state))

    @replaces(response, "create_event_source_mapping", digest="d2509d698c3f")
    def answer_create(self: Any) -> Any:
        _, _, body = answers["create"](self)
        return 202, {"status": 202}, said(body, "Creating")

    @replaces(response, "get_event_source_mapping", digest="b381760c3787")
    def answer_get(self: Any) -> Any:
        status, headers, body = answers["get"](self)
        return (status, headers, said(body)) if status == 200 else _no_mapping()

    @replaces(response, "update_event_source_mapping", digest="845cdb2e96d8")
    def answer_update(self: Any) -> Any:
        status, headers, body = answers["update"](self)
        state = {True: "Enabling", False: "Disabling"}.get(self.json_body.get("Enabled"), "Updating")
        return (status, headers, said(body, state)) if status == 202 else _no_mapping()

    @replaces(response, "delete_event_source_mapping", digest="ed2fd9735038")
    def answer_delete(self: Any) -> Any:
        status, headers, body = answers["delete"](self)
        return (status, headers, said(body, "Deleting")) if status == 202 else _no_mapping()

    @replaces(response, "list_event_source_mappings", digest="86bfbf60cef9")
    def answer_list(self: Any) -> str:
        mappings = json.loads(listed(self))["EventSourceMappings"]
        return json.dumps({"EventSourceMappings": [json.loads(said(json.dumps(one))) for one in mappings]})
