"""The calls of AWS that code of this process makes, seen and interfered with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

from orchestrator.local.aws.server import EmbeddedAws

#: Operations that change nothing begin with one of these.
_READS = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Query", "Scan", "Select", "Test")

#: These do nothing either, whatever they are called.
_OTHER_READS = frozenset({"TransactGetItems", "AssumeRole"})

#: What a call is about, in the order in which it is looked for.
_NAMES = (
    "TableName", "Bucket", "QueueUrl", "TopicArn", "FunctionName", "stateMachineArn", "Destination", "Destinations",
    "Name",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a client."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def action(self) -> str:
        """``dynamodb:PutItem``."""
        return f"{self.service}:{self.operation}"

    @property
    def writes(self) -> bool:
        return not self.operation.startswith(_READS) and self.operation not in _OTHER_READS

    def __str__(self) -> str:
        about = next((self.parameters[name] for name in _NAMES if name in self.parameters), "")
        if isinstance(about, Mapping):
            about = ", ".join(to for several in about.values() for to in several)
        key = self.parameters.get("Key", "")
        key = " ".join(str(value) for one in key.values() for value in one.values()) if isinstance(key, dict) else key
        text = about if isinstance(about, str) else ""
        return " ".join(filter(None, (self.action, text.rpartition("/")[2] if "://" in text else text, key)))


#: Makes the call, or does not.
Make = Callable[[], Any]


@contextmanager
def intercepted(aws: EmbeddedAws, around: Callable[[Call, Make], Any]) -> Iterator[None]:
    """``around`` gets every call that a client of this process makes to ``aws``, and what makes it."""
    # Its types do not tell of this method.
    base: Any = BaseClient
    original = base._make_api_call
    inside = threading.local()

    def make_api_call(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        def make() -> Any:
            return original(client, operation, parameters)

        # What the embedded AWS asks itself does not go by its address; what ``around`` asks is its own.
        if not client.meta.endpoint_url.startswith(aws.endpoint) or getattr(inside, "is_so", False):
            return make()
        inside.is_so = True
        try:
            service = client.meta.service_model.signing_name
            return around(Call(service=service, operation=operation, parameters=parameters), make)
        finally:
            inside.is_so = False

    base._make_api_call = make_api_call
    try:
        yield
    finally:
        base._make_api_call = original
