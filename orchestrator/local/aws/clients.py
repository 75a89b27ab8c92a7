"""The AWS clients of the interpreter.

moto makes a client anew for every state of every execution, and sends what it asks over HTTP to itself. Here a client
is made once for each service and role, and its requests are answered in this process. The SDK's own retries stay off:
it is the definition that retries.
"""

from __future__ import annotations

import sys
import threading
import uuid
from typing import Any

import boto3
from botocore.config import Config
from moto.core.botocore_stubber import BotocoreStubber
from moto.stepfunctions.parser.asl.utils import boto_client

from orchestrator.local.aws import calls
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.lambda_ import invocations
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_here = threading.local()

_REQUEST_IDS = {"x-amzn-requestid", "x-amz-request-id"}


def inside() -> bool:
    """Whether this thread answers a request that never left this process, so that whoever asked waits in it."""
    return bool(getattr(_here, "inside", False))


class Clients:
    """boto3 clients that act under a role, whose requests never leave this process."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()
        # One for all: a session reads the description of a service once.
        self._session = boto3.Session()
        self._stub = BotocoreStubber()
        self._stub.enabled = True

    def get(self, service: str, region: str, role_arn: str) -> Any:
        key = (service, region, role_arn)
        # boto3's sessions are not made for several threads, so one client is made at a time.
        with self._making:
            if key not in self._made:
                self._made[key] = self._make(service, region, role_arn)
        return self._made[key]

    def forget(self) -> None:
        """The roles are gone, so their clients go too."""
        with self._making:
            self._made.clear()

    def _answer(self, event_name: str, request: Any, **_: Any) -> Any:
        """Returns moto's answer with a request id: moto's interpreter needs one, and not every answer has it."""
        if isinstance(request, calls.Request):
            return calls.answer(request)
        if isinstance(request, invocations.Invocation):
            return invocations.answer(request)
        before, _here.inside = inside(), True
        try:
            answer = self._stub(event_name, request)
        finally:
            _here.inside = before
        if answer is not None and not any(name.lower() in _REQUEST_IDS for name in answer.headers):
            answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return answer

    def _make(self, service: str, region: str, role_arn: str) -> Any:
        credentials = roles.credentials_for(role_arn)
        client = self._session.client(
            service,
            region_name=region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            endpoint_url=f"https://{service}.{region}.amazonaws.com" if service == "dynamodb" else None,
            # AWS_ENDPOINT_URL is for those outside.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                ignore_configured_endpoint_urls=True,
                # moto does not know that Step Functions answers some requests under another name.
                inject_host_prefix=False,
            ),
        )
        client.meta.events.register_last("before-send", self._answer)
        if service == "dynamodb":
            calls.shorten(client, credentials.access_key, roles.ACCOUNT)
        if service == "lambda":
            invocations.shorten(client, role_arn)
        return client


def install(aws: Aws) -> None:
    """Gives moto's interpreter these clients."""

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        role_arn = state_credentials.role_arn if state_credentials else ""
        return aws.clients.get(service, region, role_arn)

    # Modules of the interpreter have it under its name, each for itself.
    make = vars(sys.modules[boto_client.__name__])["boto_client_for"]
    for module in [m for name, m in sys.modules.items() if name.startswith("moto.stepfunctions.parser")]:
        if vars(module).get("boto_client_for") is make:
            replaces(module, "boto_client_for", digest="2c53599692cb")(boto_client_for)
