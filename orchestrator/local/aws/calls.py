"""Requests of the interpreter to DynamoDB, without HTTP between.

What a state asks becomes a request in the SDK: it is made into JSON, signed, taken apart by moto, answered as JSON and
read again, which took longer than DynamoDB's work. Here moto's own handler gets what the state asks, as it would have
read it, and the client gets what the handler answers. All that looks at a request does so as before: the role's
permissions, parameters, turns. A request or an answer that is not plain JSON goes the long way, and so does every
error.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from moto.core import responses
from moto.core.botocore_stubber import MockRawResponse
from moto.core.responses import ActionResult, BaseResponse
from moto.dynamodb.responses import DynamoHandler

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_URL = "https://dynamodb/"

#: What the interpreter asks of DynamoDB; tables are made the long way.
ACTIONS = frozenset(
    {
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)


class _NotPlain(Exception):
    """A value that JSON and the service's model may make another of."""


def _plain(value: Any) -> Any:
    """A copy of a value that is the same on the other side: texts, truth values, and what is made of them."""
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is dict:
        if "B" in value or "BS" in value:
            raise _NotPlain
        return {name: _plain(inner) for name, inner in value.items()}
    if kind is list:
        return [_plain(inner) for inner in value]
    raise _NotPlain


@dataclass(kw_only=True)
class Request:
    """A client's request and its signer; handlers of the client's event ``before-send`` get it."""

    action: str
    parameters: dict[str, Any]
    access_key: str
    account: str
    region: str
    #: It is answered if this is DynamoDB's.
    url: str = _URL


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of moto's handler."""

    status: int
    headers: Mapping[str, str]
    body: str
    #: What it says, where that needs no JSON.
    plain: dict[str, Any] | None


class Direct(DynamoHandler):
    """moto's handler of one request that did not come by HTTP."""

    plain: dict[str, Any] | None = None

    def setup_class(self, request: Any, full_url: Any = None, headers: Any = None, use_raw_body: Any = None) -> None:
        self.region, self.current_account, self.access_key = request.region, request.account, request.access_key
        self.method, self.path, self.uri = "POST", "/", "/"
        self.headers = {
            "Authorization": f"Credential={request.access_key}/",
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{request.action}",
        }
        self.querystring: dict[str, Any] = {}
        self.uri_match: dict[str, Any] = {}
        self.response_headers: dict[str, str] = {}
        self.params = self.body = request.parameters

    def serialized(self, action_result: ActionResult) -> Any:
        try:
            result = action_result.result
            if not isinstance(result, dict):
                raise _NotPlain
            self.plain = {name: _plain(value) for name, value in result.items() if value is not None}
        except _NotPlain:
            return super().serialized(action_result)
        return 200, {}, ""


def answer(request: Request) -> Answer | None:
    """Returns moto's answer; None for a request that goes elsewhere."""
    if request.url != _URL:
        return None
    handler = Direct()
    status, headers, body = BaseResponse._dispatch(handler, request)
    return Answer(status=int(status), headers=headers, body=body, plain=handler.plain)


def shorten(client: Any, access_key: str, account: str) -> None:
    """Lets a client of DynamoDB, whose requests are signed with an access key, ask without HTTP."""
    long_way: Callable[[str, dict[str, Any]], Any] = client._make_api_call
    model, region = client.meta.service_model, client.meta.region_name
    parser = create_parser(model.protocol)

    def make_api_call(action: str, asked: dict[str, Any]) -> Any:
        try:
            plain = _plain(asked) if action in ACTIONS else None
        except _NotPlain:
            plain = None
        if plain is None:
            return long_way(action, asked)
        request = Request(action=action, parameters=plain, access_key=access_key, account=account, region=region)
        answers = [given for _, given in client.meta.events.emit(f"before-send.dynamodb.{action}", request=request)]
        first = next(given for given in answers if given is not None)
        if isinstance(first, Answer) and first.plain is not None:
            told = {"RequestId": str(uuid.uuid4()), "HTTPStatusCode": first.status, "HTTPHeaders": {}}
            return {**first.plain, "ResponseMetadata": told | {"RetryAttempts": 0}}
        return parsed(client, parser, model.operation_model(action), first)

    client._make_api_call = make_api_call


def parsed(client: Any, parser: Any, operation: OperationModel, given: Any) -> Any:
    """An answer as HTTP has it, read as a client reads it. Raises the client's exceptions."""
    if isinstance(given, Answer):
        headers = {"x-amzn-RequestId": str(uuid.uuid4()), **given.headers}
        given = AWSResponse(_URL, given.status, headers, MockRawResponse(given.body))
    headers = HeadersDict(given.headers)
    told = {"status_code": given.status_code, "headers": headers, "body": given.content}
    response = parser.parse(told, operation.output_shape)
    if given.status_code >= 300:
        code = response.get("Error", {}).get("Code")
        if shape := operation.service_model.shape_for_error_code(code):
            response |= parser.parse(told, shape)
        raise client.exceptions.from_code(code)(response, operation.name)
    return response


def install(aws: Aws) -> None:
    """Keeps what moto finds out about its handlers and actions for every request anew."""
    for name, digest in (("method_names_from_class", "dffccc6df0b3"), ("camelcase_to_underscores", "aac132104ee9")):
        replaces(responses, name, digest=digest)(lru_cache(1024)(getattr(responses, name)))
