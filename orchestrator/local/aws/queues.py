"""Queues, where moto does otherwise than SQS.

A queue keeps its policy when other attributes of it are set. The answer to a batch has no list of what failed where
nothing has (answers of AWS that LocalStack recorded, tests/aws/services/lambda_/event_source_mapping).

A message is sent, hidden and shown again by this AWS's clock: moto knows only the machine's, and a message that a
function could not deal with would come again after days of virtual time.

SetQueueAttributes changes the attributes that it names ("SetQueueAttributes", Amazon SQS API Reference). moto takes a
policy that is not named for one that is removed, and then nobody may send to the queue any more.
"""

from __future__ import annotations

from typing import Any

from moto.sqs import models
from moto.sqs.models import Queue
from moto.sqs.responses import SQSResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def install(aws: Aws) -> None:
    """Hands moto the time, and the policy that a queue has if no other is named; shortens what it says of batches."""
    replaces(models, "unix_time", digest="3b8a914ec480")(lambda: aws.clock.now().timestamp())
    replaces(models, "unix_time_millis", digest="ff60f16b3185")(lambda: aws.clock.now().timestamp() * 1000)
    set_attributes = Queue._set_attributes
    send, delete = SQSResponse.send_message_batch, SQSResponse.delete_message_batch

    @replaces(Queue, "_set_attributes", digest="3beb0ae06531")
    def _set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        # A queue that is being made has none yet.
        kept = self.policy if hasattr(self, "_policy_json") else None
        set_attributes(self, {"Policy": kept, **attributes}, now)

    @replaces(SQSResponse, "send_message_batch", digest="045fe09c7a87")
    def send_message_batch(self: Any) -> Any:
        return _without_empty_lists(send(self))

    @replaces(SQSResponse, "delete_message_batch", digest="44470025c399")
    def delete_message_batch(self: Any) -> Any:
        return _without_empty_lists(delete(self))


def _without_empty_lists(answer: Any) -> Any:
    for name in [name for name, found in answer.result.items() if found == []]:
        del answer.result[name]
    return answer
