"""HTTP tasks: a state calls an HTTPS endpoint with what an EventBridge connection adds to the request.

moto has none. Here the endpoint is really called, one of this machine in the clear as well. Sources: "Call HTTPS APIs
in Step Functions workflows" for arguments, result, errors (``States.Http.StatusCode.404``, ``States.Http.Socket``), the
minute that a request may take and the permissions.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from orchestrator.local.aws.events.destinations import authorization
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_SECONDS = 60

_HERE = ("127.0.0.1", "localhost")

#: The most of an answer that a state gets, in bytes.
_LONGEST = 256 * 1024


class HttpFault(Exception):
    """The request was not answered with a status of success."""

    def __init__(self, error: str, cause: str) -> None:
        self.error, self.cause = error, cause
        super().__init__(cause)


def install(aws: Aws) -> None:
    """Adds the integration ``http:invoke``."""

    class Service(StateTaskServiceCallback):
        """One call."""

        def __init__(self) -> None:
            super().__init__(supported_integration_patterns=set())

        def _get_sfn_resource_type(self) -> str:
            return "http"

        def _validate_service_integration_is_supported(self) -> None:
            pass

        def _normalise_parameters(self, *_: Any, **__: Any) -> None:
            pass

        def _normalise_response(self, *_: Any, **__: Any) -> None:
            pass

        def _eval_service_task(
            self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
        ) -> None:
            machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
            env.stack.append(_call(aws, normalised_parameters, machine, state_credentials.role_arn))

        def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
            if not isinstance(ex, HttpFault):
                return super()._from_error(env=env, ex=ex)
            details = TaskFailedEventDetails(
                resource=self._get_sfn_resource(), resourceType="http", error=ex.error, cause=ex.cause
            )
            return FailureEvent(
                env=env,
                error_name=CustomErrorName(ex.error),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )

    others = state_task_factory.state_task_service_for

    @replaces(state_task_factory, "state_task_service_for", digest="6bcda24b73eb")
    def state_task_service_for(service_name: str) -> Any:
        return Service() if service_name == "http" else others(service_name)


def _call(aws: Aws, asked: Mapping[str, Any], machine: str, role: str) -> dict[str, Any]:
    endpoint, method = str(asked["ApiEndpoint"]), str(asked["Method"])
    wanted = (asked.get("Authentication") or asked.get("InvocationConfig") or {})["ConnectionArn"]
    about = {"states:HTTPEndpoint": endpoint, "states:HTTPMethod": method}
    invoking = Permission(action="states:InvokeHTTPEndpoint", resource=machine, context=about)
    retrieving = Permission(action="events:RetrieveConnectionCredentials", resource=wanted)
    for permission in (invoking, retrieving):
        if not roles.may(role, permission):
            raise HttpFault(
                "States.Http.AccessDeniedException", f"{role} may not {permission.action} on {permission.resource}"
            )
    connections = aws.backend("events").connections.values()
    connection = next((one for one in connections if one.arn == wanted), None)
    if connection is None:
        raise HttpFault("Events.ConnectionResource.NotFound", f"there is no connection {wanted}")
    parts = urllib.parse.urlsplit(endpoint)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise HttpFault("States.Http.Socket", f"{endpoint} does not begin with https://")
    return _answer(_request(asked, endpoint, method, authorization(connection.auth_parameters)))


def _request(asked: Mapping[str, Any], endpoint: str, method: str, added: Mapping[str, str]) -> urllib.request.Request:
    query = urllib.parse.urlencode(asked.get("QueryParameters") or {}, doseq=True)
    url = endpoint + ("&" if "?" in endpoint else "?") + query if query else endpoint
    body = asked.get("RequestBody")
    headers = {
        "User-Agent": "Amazon|StepFunctions|HttpInvoke|us-east-1",
        **({"Content-Type": "application/json"} if body is not None else {}),
        **{name: str(value) for name, value in (asked.get("Headers") or {}).items()},
        # What both say, the connection's is.
        **added,
    }
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 # the scheme was looked at


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            text, headers, status = answer.read(_LONGEST).decode(errors="replace"), answer.headers, answer.status
    except urllib.error.HTTPError as fault:
        with fault:
            text = fault.read(_LONGEST).decode(errors="replace")
        raise HttpFault(f"States.Http.StatusCode.{fault.code}", text or str(fault.reason)) from fault
    except OSError as fault:
        raise HttpFault("States.Http.Socket", str(fault)) from fault
    named: dict[str, list[str]] = {}
    for name, value in headers.items():
        named.setdefault(name.lower(), []).append(value)
    return {
        "ResponseBody": _read(text),
        "Headers": named,
        "StatusCode": status,
        "StatusText": HTTPStatus(status).phrase,
    }


def _read(text: str) -> Any:
    """JSON as what it says, and any other text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
