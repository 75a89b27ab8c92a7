"""Requests to DynamoDB that come by HTTP, without a web framework between.

moto's server hands a request to Flask, which takes it apart, looks for its path among DynamoDB's one, and asks moto's
handler, which takes it apart by the service's model: more than half of what a small request costs. Here moto's own
handler gets a request that is just what the model says, and its answer is JSON at once. All that looks at a request
does so as before: permissions, parameters, turns. Whatever is unusual about a request goes the long way.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from werkzeug.http import HTTP_STATUS_CODES

from orchestrator.local.aws.calls import ACTIONS, Direct, Request
from orchestrator.local.aws.environment import REGION
from orchestrator.local.aws.iam import roles

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_TARGET = "DynamoDB_20120810"
_JSON = "application/x-amz-json-1.0"

#: How a request is signed with keys that this AWS has given out, for the one region that it has.
_SIGNED = re.compile(rf"AWS4-HMAC-SHA256 Credential=(ROLE[A-Z0-9]+|embedded)/\d{{8}}/{REGION}/dynamodb/aws4_request,")

#: Pages of any site may ask, as moto has it.
_OF_EVERY_ANSWER = {"server": "amazon.com", "Access-Control-Allow-Origin": "*"}

#: What makes a request an unusual one.
_UNUSUAL = ("HTTP_CONTENT_ENCODING", "HTTP_ORIGIN", "HTTP_X_MOTO_ACCOUNT_ID", "QUERY_STRING")

_PRIMITIVES = {"boolean": bool, "integer": int, "long": int, "string": str}

#: Whether a value in JSON is just what a shape says, so that to read or write it by the shape makes no other of it.
Fits = Callable[[Any], bool]


def shortened(application: Application) -> Application:
    """The same application, which is not asked for what can go the short way."""

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        if request is None:
            return application(environ, start_response)
        handler = _ByHttp()
        status, headers, body = BaseResponse._dispatch(handler, request)
        answer = body.encode()
        told = {**headers, **_OF_EVERY_ANSWER, "Content-Length": str(len(answer))}
        start_response(f"{int(status)} {HTTP_STATUS_CODES[int(status)].upper()}", list(told.items()))
        return [answer]

    return serve


def _request(environ: dict[str, Any]) -> Request | None:
    """None for a request that goes the long way, of which nothing has been read then."""
    prefix, _, action = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    signed = _SIGNED.match(environ.get("HTTP_AUTHORIZATION", ""))
    if (
        prefix != _TARGET
        or action not in ACTIONS
        or signed is None
        or environ.get("CONTENT_TYPE") != _JSON
        or environ["PATH_INFO"] != "/"
        or environ["REQUEST_METHOD"] != "POST"
        or any(map(environ.get, _UNUSUAL))
    ):
        return None
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(text)
    try:
        asked = json.loads(text)
    except ValueError:
        return None
    if not _of(action)[0](asked):
        return None
    return Request(action=action, parameters=asked, access_key=signed.group(1), account=roles.ACCOUNT, region=REGION)


class _ByHttp(Direct):
    """moto's handler of one request, whose answer is JSON."""

    def serialized(self, action_result: ActionResult) -> Any:
        result = action_result.result
        if isinstance(result, dict):
            said = {name: value for name, value in result.items() if value is not None}
            if _of(self._get_action())[1](said):
                return 200, {"Content-Type": _JSON, **self.response_headers}, json.dumps(said)
        return BaseResponse.serialized(self, action_result)


@cache
def _of(action: str) -> tuple[Fits, Fits]:
    """What fits as a request and as an answer of an action."""
    model: OperationModel = get_service_model("dynamodb").operation_model(action)
    known: dict[str, Fits] = {}
    return _fits(model.input_shape, known), _fits(model.output_shape, known)


def _fits(shape: Shape, known: dict[str, Fits]) -> Fits:
    """``known`` are shapes by their names: one may be within itself."""
    if shape.name == "AttributeValue":
        return _is_value
    if shape.name in known:
        return known[shape.name]
    known[shape.name] = lambda value: made(value)
    if isinstance(shape, StructureShape):
        made = _structure({name: _fits(member, known) for name, member in shape.members.items()})
    elif isinstance(shape, ListShape):
        made = _list(_fits(shape.member, known))
    elif isinstance(shape, MapShape):
        made = _map(_fits(shape.value, known))
    else:
        kind = _PRIMITIVES.get(shape.type_name)
        made = _primitive(kind)
    known[shape.name] = made
    return made


def _is_value(value: Any) -> bool:
    """What most of a request and of an answer is, so it is looked at without the shape; binary values do not fit."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, inner),) = value.items()
    if type(inner) is str:
        return kind in ("S", "N")
    if type(inner) is bool:
        return kind in ("BOOL", "NULL")
    if type(inner) is list:
        if kind == "L":
            return all(map(_is_value, inner))
        return kind in ("SS", "NS") and all(type(one) is str for one in inner)
    return type(inner) is dict and kind == "M" and all(map(_is_value, inner.values()))


def _primitive(kind: type | None) -> Fits:
    return lambda value: type(value) is kind


def _structure(members: Mapping[str, Fits]) -> Fits:
    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, inner in value.items():
            member = members.get(name)
            if member is None or not member(inner):
                return False
        return True

    return fits


def _list(member: Fits) -> Fits:
    return lambda value: type(value) is list and all(map(member, value))


def _map(inner: Fits) -> Fits:
    return lambda value: type(value) is dict and all(map(inner, value.values()))
