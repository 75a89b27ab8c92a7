"""What TestState refuses as the mocked result of a state, by the API that the state calls.

The wording is AWS's own, as LocalStack recorded it (tests/aws/services/stepfunctions/v2/test_state:
test_field_validation_mode, test_state_mock_validation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import boto3

#: Of an optimized integration or an AWS SDK integration, boto3's name of the service where it is another.
_BOTO_NAMES = {"sfn": "stepfunctions", "states": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}

_WORDS: Mapping[str, tuple[Any, str]] = {
    "blob": (str, "a string"),
    "boolean": (bool, "a boolean"),
    "double": ((int, float), "a number"),
    "float": ((int, float), "a number"),
    "integer": ((int, float), "a number"),
    "list": (list, "an array"),
    "long": ((int, float), "a number"),
    "map": (dict, "an object"),
    "string": (str, "a string"),
    "structure": (dict, "an object"),
    "timestamp": (str, "a string"),
}


def problem(state: Mapping[str, Any], result: Any, mode: str) -> str | None:
    """Why a result cannot be this state's; None where it can. ``mode`` is STRICT, PRESENT or NONE."""
    if state["Type"] == "Map":
        writes = "ResultWriter" in state
        if writes and not isinstance(result, dict):
            return "Mocked result must be a JSON object."
        return None if writes or isinstance(result, list) else "Mocked result must be an array."
    if state["Type"] == "Parallel":
        if not isinstance(result, list):
            return "Mocked result must be an array."
        same = len(result) == len(state.get("Branches", []))
        return None if same else "Mocked result must contain the same number of items as number of Parallel branches."
    shape = _shape(str(state.get("Resource", ""))) if mode != "NONE" else None
    problem = next(_problems(shape, result, "", mode == "STRICT"), None) if shape is not None else None
    return f"Mock result schema validation error: {problem}" if problem else None


def _shape(resource: str) -> Any:
    """The output of the API that a resource names; None of what is no API's."""
    parts = resource.split(":")
    if not resource.startswith("arn:aws:states:::") or "." in parts[-1]:
        return None
    service, action = parts[-2:]
    return _output(_BOTO_NAMES.get(service, service), action[0].upper() + action[1:])


@cache
def _output(service: str, operation: str) -> Any:
    session = boto3.Session()
    if service not in session.get_available_services():
        return None
    # Reads the description of the service; no request is ever made.
    client = session.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    model = client.meta.service_model
    return model.operation_model(operation).output_shape if operation in model.operation_names else None


def _cased(name: str) -> str:
    return name[0].upper() + name[1:]


def _problems(shape: Any, value: Any, name: str, strict: bool) -> Iterator[str]:
    kind, word = _WORDS[shape.type_name]
    if value is None:
        return
    if name == "Payload" and shape.type_name == "blob":
        # Step Functions reads the answer of a function as JSON.
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield f"Field '{name}' must be {word}" if name else f"Mocked result must be {word}"
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(value, str):
        if shape.type_name in {"string", "blob"} and least is not None and len(value) < least:
            yield f"Field '{name}' is smaller than the minimum length"
        if shape.type_name in {"string", "blob"} and most is not None and len(value) > most:
            yield f"Field '{name}' exceeds the maximum length"
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"Field '{name}' is not an expected value"
    elif isinstance(value, int | float):
        if least is not None and value < least:
            yield f"Field '{name}' is less than the minimum value"
        if most is not None and value > most:
            yield f"Field '{name}' exceeds the maximum value"
    elif isinstance(value, list):
        for one in value:
            yield from _problems(shape.member, one, name, strict)
    elif shape.type_name == "map":
        for one in value.values():
            yield from _problems(shape.value, one, name, strict)
    else:
        members = {_cased(member): inner for member, inner in shape.members.items()}
        if strict:
            required = [_cased(member) for member in shape.required_members if _cased(member) not in value]
            yield from (f"Required field '{member}' is missing" for member in required)
        for member, inner in members.items():
            if member in value:
                yield from _problems(inner, value[member], member, strict)
