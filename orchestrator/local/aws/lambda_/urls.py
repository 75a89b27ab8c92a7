"""Function URLs: a request of HTTP becomes a call of the function, and its result the answer.

moto keeps the configuration of a URL, and nothing listens there; it lacks the type AWS::Lambda::Url, and drops the
conditions that a permission for URLs has. On AWS a URL has a name of its own in the DNS; here it is a path of the
embedded AWS, ``http://127.0.0.1:PORT/_url/ID/``, and what follows is the path that the function sees.

Sources: "Invoking Lambda function URLs" (events in the payload format 2.0, and answers), "Control access to Lambda
function URLs" (both permissions are needed since October 2025). Which bodies are text is not in them: here what says
that it is text, JSON, XML or JavaScript and is UTF-8. A URL that asks for AWS_IAM refuses everybody.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from moto.awslambda.exceptions import LambdaClientError, UnknownFunctionException
from moto.awslambda.models import FunctionUrlConfig, LambdaFunction, lambda_backends
from moto.awslambda.policy import Policy
from moto.core.common_models import CloudFormationModel

from orchestrator.local.aws.cloudformation.resource_type import Made, Place, Properties, ResourceType
from orchestrator.local.aws.connections import Application
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: Where URLs are; no service of AWS has such a path.
_PREFIX = "/_url/"

#: "Lambda quotas": the largest payload of a synchronous invocation.
_MOST_BYTES = 6_291_456

_TEXT = re.compile(r"text/|json|xml|javascript")

#: What everybody who may call a public URL is allowed, by the condition that goes with it.
_NEEDED = {
    "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
}

_FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see:"
    " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}

#: Status, headers and body.
Answered = tuple[str, list[tuple[str, str]], bytes]


def served(application: Application, aws: Callable[[], Aws]) -> Application:
    """The same application, which calls functions by their URLs, too."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(_PREFIX):
            return application(environ, start_response)
        status, headers, body = answer(environ, aws())
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return serve


def answer(environ: Mapping[str, Any], aws: Aws) -> Answered:
    """Calls the function of a URL."""
    identifier, _, path = environ["PATH_INFO"].removeprefix(_PREFIX).partition("/")
    function = next((one for one in _functions(aws) if one.url_config and identifier_of(one) == identifier), None)
    if function is None:
        return _refused("403 Forbidden", {"Message": None})
    if function.url_config.config.get("AuthType") != "NONE" or not is_public(function.policy.statements):
        return _refused("403 Forbidden", _FORBIDDEN)
    event = json.dumps(event_of(environ, f"/{path}", identifier, aws.clock.now()))
    if len(event) > _MOST_BYTES:
        return _refused("413 Request Entity Too Large", {"Message": "Request Entity Too Large"})
    given = aws.functions.invoke(function, event)
    return response_of(given.payload, failed=given.failed, request_id=given.request_id)


def event_of(environ: Mapping[str, Any], path: str, identifier: str, now: datetime) -> dict[str, Any]:
    """A request of WSGI as an event in the payload format 2.0."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    headers |= {
        name.replace("_", "-").lower(): environ[name]
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(name)
    }
    cookies = headers.pop("cookie", "")
    address, host = environ.get("REMOTE_ADDR", ""), headers.get("host", "")
    headers |= {"x-forwarded-for": address, "x-forwarded-proto": "http", "x-forwarded-port": host.rpartition(":")[2]}
    query = environ.get("QUERY_STRING", "")
    parameters: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{text}" if name in parameters else text
    encoded = bool(body) and not _is_text(body, headers.get("content-type", ""))
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"cookies": cookies.split("; ")} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": parameters} if parameters else {}),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": identifier,
            "domainName": host,
            "domainPrefix": identifier,
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "sourceIp": address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        **({"body": base64.b64encode(body).decode() if encoded else body.decode()} if body else {}),
        "isBase64Encoded": encoded,
    }


def response_of(payload: bytes, *, failed: bool, request_id: str) -> Answered:
    """The answer to a request: a result without a ``statusCode`` is a body of JSON, and an error says no more."""
    told = [("x-amzn-RequestId", request_id)]
    if failed:
        return "502 Bad Gateway", [("Content-Type", "application/json"), *told], b"Internal Server Error"
    result = json.loads(payload or b"null")
    if not isinstance(result, dict) or "statusCode" not in result:
        # A text is the body as it is.
        body = result.encode() if isinstance(result, str) else payload
        return "200 OK", [("Content-Type", "application/json"), *told], body
    headers = {str(name).lower(): str(text) for name, text in (result.get("headers") or {}).items()}
    headers.setdefault("content-type", "application/json")
    listed = [*headers.items(), *(("set-cookie", str(one)) for one in result.get("cookies") or []), *told]
    said = result.get("body", "")
    text = said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))
    body = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
    return f"{int(result['statusCode'])} ", listed, body


def is_public(statements: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a function's policy lets everybody call it by its URL."""
    given = [one for one in statements if one["Effect"] == "Allow" and one.get("Principal") in ("*", {"AWS": "*"})]
    return all(
        any(one["Action"] == action and one.get("Condition", condition) == condition for one in given)
        for action, condition in _NEEDED.items()
    )


def identifier_of(function: Any) -> str:
    """A URL's id: of a function the same for as long as it is called so, which on AWS it is as long as the URL is."""
    return hashlib.sha256(function.function_arn.encode()).hexdigest()[:32]


def _functions(aws: Aws) -> Iterable[Any]:
    named = aws.backend("lambda")._lambdas._functions.values()
    return [one["latest"] for one in list(named) if one["latest"]]


def _is_text(body: bytes, content_type: str) -> bool:
    if not _TEXT.search(content_type.lower()):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refused(status: str, said: Mapping[str, Any]) -> Answered:
    kind = "AccessDeniedException" if status.startswith("403") else "RequestEntityTooLargeException"
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", kind)]
    return status, headers, json.dumps(said, separators=(",", ":")).encode()


class FunctionUrl(Made):
    """A URL as CloudFormation knows it: by the function's ARN."""

    def __init__(self, config: Any) -> None:
        super().__init__(config.function.function_arn, UrlResource.type_name)
        self._config = config

    def get_cfn_attribute(self, name: str) -> str:
        told: dict[str, Any] = self._config.to_dict()
        return str(told[name])


class UrlResource(ResourceType, CloudFormationModel):
    """AWS::Lambda::Url."""

    type_name, attributes = "AWS::Lambda::Url", frozenset({"FunctionArn", "FunctionUrl"})

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        backend = place.backend(lambda_backends)
        return FunctionUrl(backend.create_function_url_config(properties["TargetFunctionArn"], dict(properties)))

    @classmethod
    def update(cls, resource: Any, name: str, properties: Properties, place: Place) -> Any:
        backend = place.backend(lambda_backends)
        return FunctionUrl(backend.update_function_url_config(properties["TargetFunctionArn"], dict(properties)))

    @classmethod
    def delete(cls, name: str, place: Place) -> None:
        backend = place.backend(lambda_backends)
        # It may have been deleted with its function.
        with suppress(UnknownFunctionException):
            backend.delete_function_url_config(name)


def install(aws: Aws) -> None:
    """Says where a URL is, refuses a second one of a function, and keeps what a permission says of URLs."""
    create, describe, merge = LambdaFunction.create_url_config, FunctionUrlConfig.to_dict, Policy.condition_merge

    @replaces(FunctionUrlConfig, "to_dict", digest="d47b6d53944e")
    def to_dict(self: Any) -> dict[str, Any]:
        url = f"{aws.endpoint}{_PREFIX}{identifier_of(self.function)}/"
        told = {name: value for name, value in describe(self).items() if value is not None}
        return told | {"FunctionUrl": url, "InvokeMode": self.config.get("InvokeMode") or "BUFFERED"}

    @replaces(LambdaFunction, "create_url_config", digest="896fe0fc5ebd")
    def create_url_config(self: Any, config: dict[str, Any]) -> Any:
        if self.url_config:
            said = (
                f"Failed to create function url config for [functionArn = {self.function_arn}]. Error message: "
                " FunctionUrlConfig exists for this Lambda function"
            )
            fault = LambdaClientError("ResourceConflictException", said)
            fault.code = 409
            raise fault
        return create(self, config)

    @replaces(Policy, "condition_merge", digest="d98b9b19069c")
    def condition_merge(self: Any, statement: dict[str, Any]) -> None:
        merge(self, statement)
        condition: dict[str, Any] = statement.get("Condition", {})
        if "FunctionUrlAuthType" in statement:
            condition["StringEquals"] = {"lambda:FunctionUrlAuthType": statement.pop("FunctionUrlAuthType")}
        if "InvokedViaFunctionUrl" in statement:
            said = str(statement.pop("InvokedViaFunctionUrl")).lower()
            condition["Bool"] = {"lambda:InvokedViaFunctionUrl": said}
        if condition:
            statement["Condition"] = condition
