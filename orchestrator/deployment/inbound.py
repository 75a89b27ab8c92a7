"""What a stack has in addition whose tasks are started by webhooks and queues, as stack.yaml says.

A URL that everybody may call is nothing that a line of tasks.yaml should open by itself, and the queues whose messages
a function may read are part of its role: so both are in stack.yaml. Without them nothing of this is in the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.deployment import alarms, resource_policies, scanning, storage
from orchestrator.deployment.statements import attribute, logical_id
from orchestrator.functions import EventSource, Function, Permission
from orchestrator.stack import RECEIVER, Stack, sibling

#: Of the function in the template.
_FUNCTION = "ReceiverFunction"
_URL = "WebhooksUrl"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue whose messages start tasks."""

    #: Empty: a queue that the stack makes.
    arn: str = ""
    #: The ARN of the KMS key that a queue of somebody else's is encrypted with, if it is one of a customer.
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """How requests and messages from outside reach the stack."""

    #: Whether there is a URL for webhooks.
    webhooks: bool = False
    #: By the names that tasks.yaml knows.
    queues: Mapping[str, Queue] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.webhooks or bool(self.queues)

    def address(self, name: str, stack: Stack, machine: str) -> str:
        """The ARN of a queue by its name or its ARN; ``machine`` is TaskRunner's."""
        if name not in self.queues:
            return name
        own = sibling(machine, "sqs", stack.inbound_queue(name)) if machine else stack.inbound_queue(name)
        return self.queues[name].arn or own

    def received_by(self, functions: Sequence[Function]) -> tuple[Function, ...]:
        """The functions, of which the receiver has what it needs, or is not there."""
        return tuple(self._receiver(one) if one.name == RECEIVER else one for one in functions if self._has(one))

    def around(self, template: Mapping[str, Any], stack: Stack) -> dict[str, Any]:
        """The template, with a URL and queues, as far as they are wanted."""
        own = [name for name, queue in self.queues.items() if not queue.arn]
        made = {
            _queue_id(name): storage.queue(stack.inbound_queue(name), dead_letters="HandlerFailures") for name in own
        }
        resources = {
            **template["Resources"],
            **made,
            **{f"{name}Alarm": alarms.of_queue(stack, name, is_handled=True) for name in made},
            **({"InboundQueuesPolicy": resource_policies.queues(tuple(made))} if made else {}),
            **(_url() if self.webhooks else {}),
        }
        outputs = {
            **template["Outputs"],
            **({_URL: {"Value": attribute(_URL, "FunctionUrl")}} if self.webhooks else {}),
            **{f"{_queue_id(name)}Url": {"Value": {"Ref": _queue_id(name)}} for name in own},
        }
        return {**template, "Resources": resources, "Outputs": outputs}

    def _has(self, function: Function) -> bool:
        return function.name != RECEIVER or bool(self)

    def _receiver(self, receiver: Function) -> Function:
        own = _OF_WEBHOOKS if self.webhooks else ()
        kept = Permission(actions=("sqs:GetQueueUrl", "sqs:SendMessage"), resource="queue:HandlerFailures")
        sources = [
            EventSource(source=f"queue:{_queue_id(name)}", arn=queue.arn, key=queue.key)
            for name, queue in self.queues.items()
        ]
        return replace(
            receiver,
            has_url=self.webhooks,
            permissions=(*receiver.permissions, *own, *((kept,) if sources else ())),
            event_sources=tuple(sources),
        )


_OF_WEBHOOKS = (
    Permission(actions=("dynamodb:GetItem",), resource="table:ScheduledTasks"),
    Permission(actions=("dynamodb:UpdateItem",), resource="table:Idempotency"),
    Permission(actions=("ssm:GetParameter",), resource="parameters:secrets/*"),
    Permission(actions=("secretsmanager:GetSecretValue",), resource="secrets"),
)


def _url() -> dict[str, Any]:
    """The function's URL, and who may call it: everybody ("Control access to Lambda function URLs")."""
    everybody = {"FunctionName": {"Ref": _FUNCTION}, "Principal": "*"}
    return {
        _URL: {
            "Type": "AWS::Lambda::Url",
            "Metadata": scanning.skipped(scanning.URL),
            "Properties": {"TargetFunctionArn": attribute(_FUNCTION), "AuthType": "NONE"},
        },
        "WebhooksPermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {**everybody, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        },
        # Since October 2025 it takes both; this one is for calls by the URL alone.
        "WebhooksCallPermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {**everybody, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
        },
    }


def _queue_id(name: str) -> str:
    return logical_id(name, "Queue")
