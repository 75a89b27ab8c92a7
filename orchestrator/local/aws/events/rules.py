"""Rules of EventBridge and what they call.

moto leaves the account out of an event, knows no Input and no InputPath, lets PutEvents fail with the first target that
it does not know, and delivers for a rule that is disabled. Here a target is asked under its role, or in the name of the
service, which the target's own policy must let. What cannot be delivered goes to the target's dead-letter queue, and
whoever put the event never hears of it ("How EventBridge retries delivering events").
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule

from orchestrator.local.aws import keys
from orchestrator.local.aws.events import destinations
from orchestrator.local.aws.events.templates import NoJson, text_of, unknown
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: What the embedded AWS delivers to.
_KNOWN = ("events", "lambda", "logs", "sns", "sqs", "states")

#: Of a rule ("Amazon EventBridge quotas").
_MOST_TARGETS = 5

_ID = r"[\.\-_A-Za-z0-9]+"

#: "Using dead-letter queues to process undelivered events in EventBridge": ERROR_CODE, by the code of the service.
_CODES = {"AccessDeniedException": "NO_PERMISSIONS", "StateMachineDoesNotExist": "NO_RESOURCE"}


class Undelivered(Exception):
    """A target did not take an event, or may not be asked."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


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
        """Delivers, or says in the dead-letter queue why not."""
        arn = self._target["Arn"]
        service = arn.split(":")[2]
        ways: Mapping[str, Callable[[str], None]] = {
            "events": self._pass_on,
            "lambda": self._call,
            "logs": self._write,
            "sns": self._publish,
            "sqs": self._send,
            "states": self._start,
        }
        try:
            ways[service](arn)
        except ClientError as fault:
            said = fault.response["Error"]
            self._give_up(_CODES.get(said["Code"], "SDK_CLIENT_ERROR"), said["Message"])
        except Undelivered as fault:
            self._give_up(fault.code, str(fault))

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

    def _give_up(self, code: str, said: str) -> None:
        queue = (self._target.get("DeadLetterConfig") or {}).get("Arn")
        if queue is None:
            return
        attributes = {
            "ERROR_CODE": code,
            "ERROR_MESSAGE": said,
            "RETRY_ATTEMPTS": "0",
            "RULE_ARN": self._rule.arn,
            "TARGET_ARN": self._target["Arn"],
        }
        account, name = queue.split(":")[4:6]
        self._aws.client("sqs").send_message(
            QueueUrl=f"{self._aws.endpoint}/{account}/{name}",
            MessageBody=text_of(self._event, {}, self._rule.arn),
            MessageAttributes={key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()},
        )


def _check(target: Mapping[str, Any], number: int) -> None:
    """Raises for a target that PutTargets refuses; ``number`` is its place in the request, from 1."""
    arn = target["Arn"]
    constraint = (
        f"satisfy regular expression pattern: {_ID}"
        if not re.fullmatch(_ID, target["Id"], re.ASCII)
        else "have length less than or equal to 64"
        if len(target["Id"]) > 64
        else None
    )
    if constraint:
        raise ValidationException(
            f"1 validation error detected: Value '{target['Id']}' at 'targets.{number}.member.id' failed to satisfy"
            f" constraint: Member must {constraint}"
        )
    service = (arn.split(":") + [""] * 3)[2]
    if service == "states" and not target.get("RoleArn"):
        raise ValidationException(f"RoleArn is required for target {arn}.")
    if ("Input" in target) + ("InputPath" in target) + ("InputTransformer" in target) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    if "Input" in target:
        try:
            json.loads(target["Input"])
        except ValueError:
            raise ValidationException(f"JSON syntax error in input for target {target['Id']}") from None
    if (transformer := target.get("InputTransformer")) and (name := unknown(transformer)):
        raise ValidationException(f"InputTemplate for target {target['Id']} contains invalid placeholder {name}.")
    if service not in _KNOWN:
        raise ValidationException(f"The embedded AWS delivers events to {', '.join(sorted(_KNOWN))}, not to {arn}")


def install(aws: Aws) -> None:
    """Delivers to targets, and refuses those that would never hear."""
    put = EventsBackend.put_targets

    @replaces(EventsBackend, "put_targets", digest="4d4fc69a550a")
    def put_targets(self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        for number, target in enumerate(targets, 1):
            _check(target, number)
        rule = self._get_event_bus(self._normalize_event_bus_arn(event_bus_arn)).rules.get(name)
        if rule and len({one["Id"] for one in (*rule.targets, *targets)}) > _MOST_TARGETS:
            raise JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        put(self, name, event_bus_arn, targets)

    @replaces(Rule, "send_to_targets", digest="1deb02b1ef7c")
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED" or not self.event_pattern.matches_event(original_event):
            return
        moment = datetime.fromtimestamp(float(original_event["time"]), UTC)
        event = {**original_event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        for target in list(self.targets):
            Delivery(aws, self, target if transform_input else {"Arn": target["Arn"]}, event).make()
