"""The values that ``ssm:NAME`` and ``secret:NAME`` of tasks.yaml stand for."""

from __future__ import annotations

import time
from collections.abc import Callable

from orchestrator.clients import Clients
from orchestrator.runs.destinations import Secret, reference
from orchestrator.stack import Stack


def plain(clients: Clients, stack: Stack, secret: Secret) -> str:
    """The value, without what may stand around it. Raises what boto3 raises."""
    if secret.store == "ssm":
        name = stack.secret_parameter(secret.name)
        return str(clients("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]).strip()
    found = clients("secretsmanager").get_secret_value(SecretId=stack.secret(secret.name))
    return str(found["SecretString"]).strip()


def referenced(clients: Clients, stack: Stack, named: str) -> str:
    """The value of a reference, which the reader of tasks.yaml has admitted. Raises what boto3 raises."""
    secret = reference(named)
    assert secret is not None, "tasks.yaml names secrets by references"
    return plain(clients, stack, secret)


class Remembered:
    """Values by their references, each read again after a while, so that one that has been changed counts soon."""

    def __init__(
        self, read: Callable[[str], str], *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._seconds, self._clock = read, seconds, clock
        self._known: dict[str, tuple[float, str]] = {}

    def get(self, named: str) -> str:
        """The value of a reference. Raises what reading it raises."""
        now = self._clock()
        if named not in self._known or now - self._known[named][0] > self._seconds:
            self._known[named] = now, self._read(named)
        return self._known[named][1]
