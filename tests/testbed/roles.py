"""A role of the embedded AWS, and clients that act under it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.clients import Clients
from orchestrator.local.aws.server import EmbeddedAws


def allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


class Actor:
    """Acts under a role with the given statements."""

    def __init__(self, aws: EmbeddedAws, *statements: dict[str, Any]) -> None:
        self._aws = aws
        iam = aws.client("iam")
        self.role = iam.create_role(RoleName="actor", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName="actor", PolicyName="p", PolicyDocument=json.dumps(document))

    @property
    def client(self) -> Clients:
        """Makes clients that act under the role."""
        return self._client

    def _client(self, service: str) -> Any:
        return self._aws.clients.get(service, self._aws.region, self.role)


def denied(caught: pytest.ExceptionInfo[ClientError]) -> str:
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return str(caught.value.response["Error"]["Message"])
