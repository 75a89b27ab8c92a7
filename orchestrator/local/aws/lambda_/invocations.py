"""Invocations by the interpreter, without HTTP between.

What a state asks of Lambda would become a request in the SDK, be signed, and be taken apart by moto, which takes longer
than to ask a warm process. Here the function gets the payload. The role's permissions are asked as for every request,
and so are handlers of the client's event ``before-send``; whatever is not a plain invocation of a function that is
there, and allowed, goes the long way.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from botocore.parsers import create_parser

from orchestrator.local.aws import calls
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Answer, Aws

_URL = "https://lambda/"

#: The AWS that runs.
_running: list[Aws] = []


@dataclass(kw_only=True)
class Invocation:
    """Handlers of the client's event ``before-send`` get it."""

    function: Any
    payload: str
    #: It is made if this is Lambda's.
    url: str = _URL


def answer(invocation: Invocation) -> Answer | None:
    """None for one that goes elsewhere."""
    if invocation.url != _URL:
        return None
    return _running[0].functions.invoke(invocation.function, invocation.payload)


def shorten(client: Any, role_arn: str) -> None:
    """Lets a client of Lambda, whose requests are a role's, invoke without HTTP."""
    long_way = client._make_api_call
    parser = create_parser(client.meta.service_model.protocol)

    def make_api_call(action: str, asked: dict[str, Any]) -> Any:
        function = _found(asked, role_arn) if action == "Invoke" else None
        if function is None:
            return long_way(action, asked)
        payload = asked["Payload"]
        request = Invocation(function=function, payload=payload if isinstance(payload, str) else payload.decode())
        answers = [given for _, given in client.meta.events.emit(f"before-send.lambda.{action}", request=request)]
        first = next(given for given in answers if given is not None)
        if hasattr(first, "status_code"):
            return calls.parsed(client, parser, client.meta.service_model.operation_model(action), first)
        told = {"RequestId": first.request_id, "HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        failed = {"FunctionError": "Unhandled"} if first.failed else {}
        return {"StatusCode": 200, **failed, "Payload": io.BytesIO(first.payload), "ResponseMetadata": told}

    client._make_api_call = make_api_call


def _found(asked: dict[str, Any], role_arn: str) -> Any:
    """The function of a plain invocation that the role may make; otherwise None."""
    if asked.keys() != {"FunctionName", "Payload"}:
        return None
    name = asked["FunctionName"]
    # With its ARN, which has seven parts where no version is named.
    functions = _running[0].backend("lambda")._lambdas._functions
    known = functions.get(name.rsplit(":", 1)[-1]) if name.count(":") in (0, 6) else None
    function = known["latest"] if known else None
    if function is None or (":" in name and function.function_arn != name):
        return None
    allowed = roles.may(role_arn, Permission(action="lambda:InvokeFunction", resource=function.function_arn))
    return function if allowed else None


def install(aws: Aws) -> None:
    """Has nothing to replace: the interpreter's clients are shortened as they are made."""
    _running[:] = [aws]
