"""The delivery of an event to a target of a rule: what EventBridge asks of AWS, and what becomes of it.

A target is asked under its role, or in the name of the service, which the target's own policy must let. What fails for
now is tried again by the target's retry policy; what cannot be delivered goes to the target's dead-letter queue, and
whoever put the event never hears of it ("How EventBridge retries delivering events").
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.local.aws import keys, threads
from orchestrator.local.aws.events import destinations
from orchestrator.local.aws.events.templates import NoJson, text_of
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Aws

#: "Using dead-letter queues to process undelivered events in EventBridge": ERROR_CODE, by the code of the service.
_CODES = {"AccessDeniedException": "NO_PERMISSIONS", "StateMachineDoesNotExist": "NO_RESOURCE"}


#: "Retry policy" of a rule's target: what it is without one, attempts and seconds.
_ATTEMPTS, _AGE = 185, 86_400

#: In seconds, between two attempts, after the first of which it is one: "an exponential back off and jitter". The page
#: names no longest; Scheduler's is taken.
_LONGEST_PAUSE = 60

#: What answers too many requests, with status 400 or 429.
_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "Throttling"})


class Undelivered(Exception):
    """A target did not take an event, or may not be asked; ``passes``: it may take it later."""

    def __init__(self, code: str, message: str, *, passes: bool = False) -> None:
        self.code, self.passes = code, passes
        super().__init__(message)

    @classmethod
    def of(cls, fault: ClientError | BotoCoreError) -> Undelivered:
        """EventBridge tries again after an answer of 5xx, after one that says "too many", and where there was none."""
        if not isinstance(fault, ClientError):
            return cls("TIMEOUT", str(fault), passes=True)
        said, status = fault.response["Error"], fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if said["Code"] in _THROTTLED:
            return cls("THROTTLING", said["Message"], passes=True)
        return cls(_CODES.get(said["Code"], "SDK_CLIENT_ERROR"), said["Message"], passes=status >= 500)


def lets_events(document: Any, action: str, resource: str, rule_arn: str) -> bool:
    """Whether a resource's own policy (its JSON, or None) lets EventBridge act on it for a rule."""
    parsed = json.loads(document) if isinstance(document, str) else document
    return any(
        statement["Effect"] == "Allow"
        and _is_events(statement.get("Principal", {}))
        and any(fnmatchcase(action.lower(), one.lower()) for one in _listed(statement["Action"]))
        and any(fnmatchcase(resource, one) for one in _listed(statement.get("Resource", "*")))
        and all(
            any(fnmatchcase(rule_arn if key.lower() == "aws:sourcearn" else "", one) for one in _listed(patterns))
            for condition in statement.get("Condition", {}).values()
            for key, patterns in condition.items()
            if key.lower() != "aws:sourceaccount"
        )
        for statement in (parsed or {}).get("Statement", [])
    )


def _is_events(principal: Any) -> bool:
    named = principal.get("Service", principal.get("AWS", [])) if isinstance(principal, dict) else principal
    return bool({"*", "events.amazonaws.com"} & set(_listed(named)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Delivery:
    """The delivery of one event to one target of a rule."""

    def __init__(self, aws: Aws, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self._aws, self._rule, self._target, self._event = aws, rule, target, event

    def make(self) -> None:
        """Delivers. What fails for now is tried again; nobody waits for that."""
        fault = self._attempt()
        if fault is not None and fault.passes:
            threads.start_busy(self._aws.clock, partial(self._retry, fault))
        elif fault is not None:
            self._give_up(fault.code, str(fault))

    def _attempt(self) -> Undelivered | None:
        """Why it has failed."""
        arn = self._target["Arn"]
        ways: Mapping[str, Callable[[str], None]] = {
            "events": self._pass_on,
            "lambda": self._call,
            "logs": self._write,
            "sns": self._publish,
            "sqs": self._send,
            "states": self._start,
        }
        try:
            ways[arn.split(":")[2]](arn)
        except (ClientError, BotoCoreError) as fault:
            return Undelivered.of(fault)
        except Undelivered as fault:
            return fault
        return None

    def _retry(self, fault: Undelivered | None) -> None:
        """Tries again until it succeeds or the retry policy ends that; then the dead-letter queue says why."""
        policy, clock = self._target.get("RetryPolicy") or {}, self._aws.clock
        most = policy.get("MaximumRetryAttempts", _ATTEMPTS)
        until = clock.now() + timedelta(seconds=policy.get("MaximumEventAgeInSeconds", _AGE))
        retries, exhausted = 0, ""
        while fault is not None and fault.passes and not exhausted:
            pause = min(2 ** min(retries, 10), _LONGEST_PAUSE)
            if clock.now() + timedelta(seconds=pause) > until:
                exhausted = "MaximumEventAgeInSeconds"
            elif retries >= most:
                exhausted = "MaximumRetryAttempts"
            else:
                clock.sleep(pause, resting=True)
                retries += 1
                fault = self._attempt()
        if fault is not None:
            self._give_up(fault.code, str(fault), retries=retries, exhausted=exhausted)

    @property
    def _text(self) -> str:
        try:
            return text_of(self._event, self._target, self._rule.arn)
        except NoJson as fault:
            raise Undelivered("INVALID_JSON", str(fault)) from fault

    def _start(self, arn: str) -> None:
        role = self._target.get("RoleArn") or self._rule.role_arn or ""
        client = self._aws.clients.get("stepfunctions", self._aws.region, role)
        client.start_execution(stateMachineArn=arn, input=self._text)

    def _call(self, arn: str) -> None:
        try:
            function = self._aws.backend("lambda").get_function(arn)
        except Exception as fault:
            raise Undelivered("NO_RESOURCE", f"{arn} does not exist") from fault
        self._need({"Statement": function.policy.statements}, "lambda:InvokeFunction", arn)
        function.invoke(self._text, {"x-amz-invocation-type": "Event"}, {})

    def _publish(self, arn: str) -> None:
        topic = self._aws.backend("sns").topics.get(arn)
        if topic is None:
            raise Undelivered("NO_RESOURCE", f"{arn} does not exist")
        self._need(topic.policy, "sns:Publish", arn)
        self._aws.backend("sns").publish(self._text, arn=arn)

    def _need(self, policy: Any, action: str, arn: str) -> None:
        if not lets_events(policy, action, arn, self._rule.arn):
            raise Undelivered("NO_PERMISSIONS", f"the policy of {arn} does not let events.amazonaws.com {action}")

    def _send(self, arn: str) -> None:
        name = arn.rsplit(":", 1)[1]
        queues = self._aws.backend("sqs")
        queue = queues.queues.get(name)
        if queue is None:
            raise Undelivered("NO_RESOURCE", f"{arn} does not exist")
        self._need(queue.policy, "sqs:SendMessage", arn)
        key = keys.key_of(arn)
        if key is not None and not keys.serves(key, "events", self._rule.arn):
            raise Undelivered("NO_PERMISSIONS", f"the policy of {key} does not let events.amazonaws.com use it")
        group = (self._target.get("SqsParameters") or {}).get("MessageGroupId")
        if group and not queue.content_based_deduplication:
            raise Undelivered("SDK_CLIENT_ERROR", f"{arn} has no content-based deduplication")
        queues.send_message(
            queue_name=name,
            message_body=self._text,
            group_id=group,
            deduplication_id=hashlib.sha256(self._text.encode()).hexdigest() if group else None,
        )

    def _write(self, arn: str) -> None:
        group = arn.split(":", 6)[6].removesuffix(":*")
        logs = self._aws.backend("logs")
        if group not in logs.groups:
            raise Undelivered("NO_RESOURCE", f"{arn} does not exist")
        if not keys.takes_from_rules(self._aws.region, self._aws.account, group):
            raise Undelivered("NO_PERMISSIONS", f"no resource policy lets events.amazonaws.com write to {arn}")
        stream, line = str(uuid.uuid4()), {"timestamp": int(time.time() * 1000), "message": self._text}
        logs.create_log_stream(group, stream)
        logs.put_log_events(group, stream, [line])

    def _pass_on(self, arn: str) -> None:
        """Passes the event on to another bus, an API destination or an archive."""
        resource = arn.split(":", 5)[5]
        if resource.startswith("event-bus/"):
            passed = {
                "Source": self._event["source"],
                "DetailType": self._event["detail-type"],
                "Detail": json.dumps(self._event["detail"]),
                "Resources": self._event["resources"],
                "EventBusName": resource.removeprefix("event-bus/"),
            }
            self._aws.backend("events").put_events([passed])
        elif resource.startswith("api-destination/"):
            wanted = Permission(action="events:InvokeApiDestination", resource=arn)
            if not roles.may(self._target.get("RoleArn") or "", wanted):
                raise Undelivered("NO_PERMISSIONS", f"{self._target.get('RoleArn')} may not call {arn}")
            destinations.call(self._aws.backend("events"), arn, self._target, self._text, self._give_up)
        else:
            archive = str(self._event["archive-arn"]).split(":", 5)[5].removeprefix("archive/")
            self._rule._send_to_events_archive(archive, dict(self._event))

    def _give_up(self, code: str, said: str, *, retries: int = 0, exhausted: str = "") -> None:
        queue = (self._target.get("DeadLetterConfig") or {}).get("Arn")
        if queue is None:
            return
        attributes = {
            "ERROR_CODE": code,
            "ERROR_MESSAGE": said,
            "RETRY_ATTEMPTS": str(retries),
            "RULE_ARN": self._rule.arn,
            "TARGET_ARN": self._target["Arn"],
        } | ({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {})
        account, name = queue.split(":")[4:6]
        self._aws.client("sqs").send_message(
            QueueUrl=f"{self._aws.endpoint}/{account}/{name}",
            MessageBody=text_of(self._event, {}, self._rule.arn),
            MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()},
        )
