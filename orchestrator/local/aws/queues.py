"""A queue keeps its policy when other attributes of it are set.

SetQueueAttributes changes the attributes that it names ("SetQueueAttributes", Amazon SQS API Reference). moto takes a
policy that is not named for one that is removed, and then nobody may send to the queue any more.
"""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def install(aws: Aws) -> None:
    """Hands moto the policy that the queue has, if no other is named."""
    set_attributes = Queue._set_attributes

    @replaces(Queue, "_set_attributes", digest="3beb0ae06531")
    def _set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        # A queue that is being made has none yet.
        kept = self.policy if hasattr(self, "_policy_json") else None
        set_attributes(self, {"Policy": kept, **attributes}, now)
