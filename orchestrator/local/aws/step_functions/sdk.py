"""The names of AWS SDK integrations: those of the SDK for Java 2.

"The API name must be in camel case, and the parameter names in Pascal case" ("Integrating with AWS SDK services"):
they are as the SDK for Java 2 makes names of a service's model. ``DBInstanceIdentifier`` is ``DbInstanceIdentifier``,
and DynamoDB's ``BOOL``, ``NULL`` and ``SS`` are ``Bool``, ``Nul`` and ``Ss``, in what a state asks and in what it gets
as an answer, however deep. Step Functions refuses any other name.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.response import StreamingBody

#: Where a word of a name begins ("CodegenNamingUtils", in the SDK's code generator).
_WORDS = (
    (re.compile(r"[^A-Za-z0-9]+"), " "),
    (re.compile(r"([^a-z]{2,})v([0-9]+)"), r"\1 v\2 "),
    (re.compile(r"([^A-Z]{2,})V([0-9]+)"), r"\1 V\2 "),
    (re.compile(r"(?<=[a-z])(?=[A-Z]([a-zA-Z]|[0-9]))"), " "),
    (re.compile(r"([A-Z]+)([A-Z][a-z])"), r"\1 \2"),
    (re.compile(r"([0-9])([a-zA-Z])"), r"\1 \2"),
)


class Unsupported(Exception):
    """A state asks for what the service's model does not have."""

    def __init__(self, field: str) -> None:
        super().__init__(f'The field "{field}" is not supported by Step Functions')


#: The capitals with which a name begins, but for one that begins a word: ``SSE`` of ``SSESpecification``.
_CAPITALS = re.compile(r"[A-Z](?:[A-Z](?![a-z]))*")


@cache
def member(name: str) -> str:
    """A member of a model as Java names it: ``SSESpecification`` is ``SseSpecification``, ``ContentMD5`` stays."""
    if name == "NULL":
        # Null is a word of the language.
        return "Nul"
    name = name[:1].upper() + name[1:]
    capitals = _CAPITALS.match(name)
    return name if capitals is None else capitals[0].capitalize() + name[capitals.end() :]


@cache
def class_name(name: str) -> str:
    """A class of Java, of a service or an error: ``CloudWatch Logs`` is ``CloudWatchLogs``, ``SFN`` is ``Sfn``."""
    for pattern, spaced in _WORDS:
        name = pattern.sub(spaced, name)
    return "".join(word[:1].upper() + word[1:].lower() for word in name.split())


def error_name(service: str, shape: str | None) -> str:
    """Names an error in Java's way; ``shape`` is the model's name of it, None if the model has none."""
    name = class_name(shape).removesuffix("Fault") if shape else service
    return f"{service}.{name}" + ("" if name.endswith("Exception") else "Exception")


@cache
def _members(shape: StructureShape) -> Mapping[str, str]:
    return {member(name): name for name in shape.members}


def request(value: Any, shape: Shape | None) -> Any:
    """Renames a state's request to the service's model. Raises :class:`Unsupported`.

    A text that is not one is handed on as its JSON, and what is bytes for the service is its text.
    """
    if value is None:
        return None
    match shape:
        case StructureShape() if isinstance(value, Mapping) and not shape.is_document_type:
            names = _members(shape)
            if unknown := [name for name in value if name not in names]:
                raise Unsupported(unknown[0])
            return {names[name]: request(inner, shape.members[names[name]]) for name, inner in value.items()}
        case MapShape() if isinstance(value, Mapping):
            return {name: request(inner, shape.value) for name, inner in value.items()}
        case ListShape() if isinstance(value, list):
            return [request(inner, shape.member) for inner in value]
        case Shape(type_name="string" | "blob") if not isinstance(value, str | bytes):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value


def _as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def reply(value: Any, shape: Shape | None, *, moment: Callable[[datetime], object] = _as_text) -> Any:
    """Turns a service's answer into what a state sees: moments as ``moment`` has them, bytes as base64, and streams as
    text.
    """
    if isinstance(value, StreamingBody):
        return value.read().decode(errors="replace")
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    again = functools.partial(reply, moment=moment)
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            return {member(name): again(value[name], inner) for name, inner in shape.members.items() if name in value}
        case MapShape() if isinstance(value, Mapping):
            return {name: again(inner, shape.value) for name, inner in value.items()}
        case ListShape() if isinstance(value, list):
            return [again(inner, shape.member) for inner in value]
    return value


def absent(asked: Mapping[str, Any], operation: OperationModel) -> Iterator[str]:
    """The members that an operation requires and a request has not, by their names in the service's model."""
    shape = operation.input_shape
    if isinstance(shape, StructureShape):
        yield from (name for name in shape.required_members if asked.get(name) is None)
