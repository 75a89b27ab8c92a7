"""What a deployment asks of AWS, call by call."""

from __future__ import annotations

from typing import Any

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.clients import own_clients

READS = ("Describe", "Get", "List", "Head", "Scan", "Query")


class Recorded:
    """Clients of the embedded AWS, and the operations that were called."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._clients: dict[str, Any] = {}
        self.calls: list[str] = []

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = client = own_clients(self._aws)(service)
            client.meta.events.register("before-call", lambda model, **_: self.calls.append(model.name))
        return self._clients[service]

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith(READS)]
