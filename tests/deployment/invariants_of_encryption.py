"""What must hold for the key of a template: that resources, roles and the key's own policy agree.

Each is said elsewhere in the template, and one that is forgotten is found on AWS alone, by a queue that stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.local.aws.keys import NEEDED

KEY = {"Fn::GetAtt": ["Key", "Arn"]}

#: Where resources that keep something name their key.
_NAMED_IN = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::S3::Bucket": (
        "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "KMSMasterKeyID"
    ),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
}  # fmt: skip

#: The part of an ARN before a physical name, and the property that has the name.
_NAMES = {
    "AWS::CloudWatch::Alarm": ("alarm:", "AlarmName"),
    "AWS::DynamoDB::Table": ("table/", "TableName"),
    "AWS::Events::Rule": ("rule/", "Name"),
    "AWS::Logs::LogGroup": ("log-group:", "LogGroupName"),
}

Resources = dict[str, Any]


def inspect(resources: Resources) -> Iterator[tuple[str, str]]:
    """Findings, each with the name of the resource that it is about."""
    for name, resource in resources.items():
        kind, given = resource["Type"], resource["Properties"]
        if kind in _NAMED_IN and _at(given, _NAMED_IN[kind]) != KEY:
            yield name, "is not encrypted with the key"
        if kind == "AWS::IAM::Role":
            for finding in _role(resources, given):
                yield name, finding
        if kind == "AWS::StepFunctions::StateMachine" and "EncryptionConfiguration" in given:
            yield name, "leaves events that do not say whose slot it was"
    key = resources["Key"]
    if (key.get("DeletionPolicy"), key.get("UpdateReplacePolicy")) != ("RetainExceptOnCreate", "Retain"):
        yield "Key", "goes before what it opens"
    if key["Properties"].get("EnableKeyRotation") is not True:
        yield "Key", "is the same for ever"
    for finding in _key_policy(resources, key["Properties"]["KeyPolicy"]["Statement"]):
        yield "Key", finding


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError):
            return None
    return value


def _role(resources: Resources, given: dict[str, Any]) -> Iterator[str]:
    """It may use the key through each service that encrypts or decrypts for it, and through no other."""
    statements = [one for policy in given["Policies"] for one in policy["PolicyDocument"]["Statement"]]
    needed = {
        (action.partition(":")[0], of_key)
        for statement in statements
        for action in statement["Action"]
        if any(_keeps(resources, one) for one in _listed(statement["Resource"]))
        for called, actions in NEEDED.items()
        if fnmatchcase(called, action)
        for of_key in actions
    }
    allowed = set()
    for statement in statements:
        actions = [action for action in statement["Action"] if action.startswith("kms:")]
        if actions and statement["Resource"] != KEY:
            yield "may use any key"
        condition = json.dumps(statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService"))
        via = re.findall(r'"(\w+)\.\$\{AWS::Region\}\.amazonaws\.com"', condition)
        if actions and not via:
            yield "may decrypt by itself"
        allowed |= {(service, action) for service in via for action in actions}
    for service in sorted({service for service, _ in needed - allowed}):
        yield f"lacks the key through {service}"
    for service in sorted({service for service, _ in allowed - needed}):
        yield f"has the key through {service} for nothing"


def _keeps(resources: Resources, arn: Any) -> bool:
    """Whether an ARN of a statement is of a resource of this template that keeps something."""
    if not isinstance(arn, dict):
        return bool(arn == "*")
    text = arn.get("Fn::Sub", "")
    logical = arn.get("Ref") or arn.get("Fn::GetAtt", [""])[0] or "".join(re.findall(r"\$\{(\w+)\.Arn\}", text))
    if logical:
        return resources[logical]["Type"] in _NAMED_IN
    if re.search(r":(ssm|secretsmanager):", text) or "AlertTopics" in str(arn):
        # What people keep there is theirs to encrypt, and this key is one that they can take.
        return True
    ends = [_end(one) for one in resources.values() if one["Type"] in _NAMED_IN and one["Type"] in _NAMES]
    return any(re.search(rf"\}}:{re.escape(end)}([/:]|$)", text) for end in ends)


def _end(resource: dict[str, Any]) -> str:
    """The end of a resource's ARN."""
    prefix, name = _NAMES[resource["Type"]]
    return prefix + str(resource["Properties"][name])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _key_policy(resources: Resources, statements: list[dict[str, Any]]) -> Iterator[str]:
    """It names every service that encrypts in its own name, for what is of this stack only, and no other service."""
    administrators = [one for one in statements if "AWS" in one["Principal"] and one["Action"] == "kms:*"]
    if [one["Principal"]["AWS"] for one in administrators] != [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    ]:
        yield "is not the account's to administer"
    served = {}
    for statement in statements:
        if statement in administrators:
            continue
        principal = statement["Principal"].get("Service", "everybody")
        service = (principal["Fn::Sub"] if isinstance(principal, dict) else principal).partition(".")[0]
        conditions = json.dumps(statement.get("Condition", {}))
        if service in ("events", "sns"):
            # Neither names a source that a key could hold it to; who may send is for the policies of queues and topics.
            if "Condition" in statement:
                yield "loses events without a word"
        elif "AWS::AccountId" not in conditions:
            yield f"serves strangers of {service}"
        served[service] = re.findall(r"\$\{AWS::AccountId\}:([^\"]+)", conditions)
        if not {"kms:Decrypt", "kms:GenerateDataKey"} <= set(statement["Action"]):
            yield f"does not let {service} encrypt"
        if any("*" in action for action in statement["Action"]):
            yield f"lets {service} do more than it needs"
    senders = _senders(resources)
    for service in sorted(senders.keys() | served.keys()):
        if service not in served:
            yield f"refuses {service}"
        elif service not in senders:
            yield f"serves {service} for nothing"
        elif service != "events":
            others = [end for end in senders[service] if not any(fnmatchcase(end, one) for one in served[service])]
            if others:
                yield f"refuses {', '.join(others)}"


def _senders(resources: Resources) -> dict[str, list[str]]:
    """The services that encrypt in their own name, and the ends of the ARNs of what they do it for."""
    found: dict[str, list[str]] = {}
    for resource in resources.values():
        kind, given = resource["Type"], resource["Properties"]
        if kind == "AWS::Logs::LogGroup":
            found.setdefault("logs", []).append(_end(resource))
        elif kind == "AWS::CloudWatch::Alarm" and {"Ref": "Alerts"} in given.get("AlarmActions", []):
            found.setdefault("cloudwatch", []).append(_end(resource))
        elif kind == "AWS::Events::Rule" and any("Fn::GetAtt" in target["Arn"] for target in given["Targets"]):
            found.setdefault("events", []).append(_end(resource))
        elif kind == "AWS::SQS::QueuePolicy" and "sns.amazonaws.com" in json.dumps(given["PolicyDocument"]):
            found.setdefault("sns", [])
        elif kind == "AWS::Scheduler::ScheduleGroup":
            # Its schedules, which are not in the template, have a dead-letter queue.
            found.setdefault("scheduler", [])
    return found
