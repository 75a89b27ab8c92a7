"""Types of CloudFormation where moto falls short of what a deployment needs.

moto lacks the types AWS::Scheduler::ScheduleGroup, AWS::CloudWatch::Alarm, AWS::SQS::QueuePolicy,
AWS::SNS::TopicPolicy and AWS::S3::BucketPolicy; cannot update AWS::DynamoDB::Table; makes state machines where its
interpreter does not look; refuses to delete a protected table in other words than DynamoDB; and deletes a table that
is being updated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.exceptions import DeletionProtectedException, MockValidationException, ResourceInUseException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import ScheduleGroup, scheduler_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions import models as states
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces

#: What DeleteTable says of a protected table.
_PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)


class ScheduleGroupResource(CloudFormationModel):
    """AWS::Scheduler::ScheduleGroup."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Scheduler::ScheduleGroup"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in {"Arn", "State"}

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        tags = cloudformation_json.get("Properties", {}).get("Tags", [])
        return scheduler_backends[account_id][region_name].create_schedule_group(name=resource_name, tags=tags)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        scheduler_backends[account_id][region_name].delete_schedule_group(resource_name)


class AlarmResource(CloudFormationModel):
    """AWS::CloudWatch::Alarm on one metric."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return "AlarmName"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::Alarm"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        given = cloudformation_json["Properties"]
        return cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=resource_name,
            namespace=given["Namespace"],
            metric_name=given["MetricName"],
            comparison_operator=given["ComparisonOperator"],
            evaluation_periods=given["EvaluationPeriods"],
            period=given["Period"],
            threshold=given["Threshold"],
            statistic=given["Statistic"],
            description=given.get("AlarmDescription", ""),
            dimensions=given.get("Dimensions", []),
            alarm_actions=given.get("AlarmActions", []),
            treat_missing_data=given.get("TreatMissingData"),
        )

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        cloudwatch_backends[account_id][region_name].delete_alarms([resource_name])


class _Policy:
    """A policy that stands on another resource; it has no name and no ARN.

    No base of moto's, which looks at the classes directly below its own.
    """

    physical_resource_id = "policy"

    def __init__(self, kind: str) -> None:
        self.type = kind

    def is_created(self) -> bool:
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        raise NotImplementedError

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        given = cloudformation_json["Properties"]
        cls._attach(given, json.dumps(given["PolicyDocument"]), account_id, region_name)
        return cls(cls.cloudformation_type())

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """It goes with what it stands on."""

    @classmethod
    def _attach(cls, given: dict[str, Any], document: str, account_id: str, region_name: str) -> None:
        raise NotImplementedError


class QueuePolicyResource(_Policy, CloudFormationModel):
    """AWS::SQS::QueuePolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SQS::QueuePolicy"

    @classmethod
    def _attach(cls, given: dict[str, Any], document: str, account_id: str, region_name: str) -> None:
        backend = sqs_backends[account_id][region_name]
        for url in given["Queues"]:
            backend.set_queue_attributes(url.rsplit("/", 1)[-1], {"Policy": document})


class TopicPolicyResource(_Policy, CloudFormationModel):
    """AWS::SNS::TopicPolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::TopicPolicy"

    @classmethod
    def _attach(cls, given: dict[str, Any], document: str, account_id: str, region_name: str) -> None:
        for arn in given["Topics"]:
            sns_backends[account_id][region_name].get_topic(arn).policy = document


class BucketPolicyResource(_Policy, CloudFormationModel):
    """AWS::S3::BucketPolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::S3::BucketPolicy"

    @classmethod
    def _attach(cls, given: dict[str, Any], document: str, account_id: str, region_name: str) -> None:
        s3_backends[account_id]["aws"].put_bucket_policy(given["Bucket"], document.encode())


def _update_table(original_resource: Any, cloudformation_json: dict[str, Any], **_: Any) -> Any:
    """A table's protection against deletion; of its other properties none has changed yet in any template of ours."""
    given = cloudformation_json["Properties"]
    original_resource.deletion_protection_enabled = bool(given.get("DeletionProtectionEnabled"))
    return original_resource


def _being_updated(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_table(self: Any, name: str, *arguments: Any, **named: Any) -> Any:
        table = update(self, name, *arguments, **named)
        table.updating = True
        return table

    return update_table


def _described(describe: Callable[..., Any]) -> Callable[..., Any]:
    """A table that was updated says so once, and is ACTIVE then."""

    def describe_table(self: Any, name: str) -> Any:
        described = describe(self, name)
        table = self.get_table(name)
        if getattr(table, "updating", False):
            table.updating = False
            described["Table"]["TableStatus"] = "UPDATING"
        return described

    return describe_table


def _deleted(delete: Callable[..., Any]) -> Callable[..., Any]:
    def delete_table(self: Any, name: str) -> Any:
        if getattr(self.tables.get(name), "updating", False):
            in_use = f"Attempt to change a resource which is still in use: Table is being updated: {name}"
            raise ResourceInUseException(in_use)
        return delete(self, name)

    return delete_table


def _protected(self: Any, table_name: str) -> None:
    MockValidationException.__init__(self, _PROTECTED)


def install(aws: Aws) -> None:
    """Moto finds the classes by themselves; what they make must say what Ref and Fn::GetAtt give."""
    adds(ScheduleGroup, "physical_resource_id")(property(lambda self: self.name))
    adds(ScheduleGroup, "is_created")(lambda self: True)
    adds(ScheduleGroup, "type")("AWS::Scheduler::ScheduleGroup")
    adds(ScheduleGroup, "get_cfn_attribute")(lambda self, name: {"Arn": self.arn, "State": "ACTIVE"}[name])
    # moto ignores the conditions of a bucket's policy, and so would refuse everything for want of TLS.
    replaces(FakeBucket, "get_permission", digest="70bd76af5133")(
        lambda self, action, resource: PermissionResult.NEUTRAL
    )
    adds(Alarm, "physical_resource_id")(property(lambda self: self.name))
    adds(Alarm, "is_created")(lambda self: True)
    adds(Alarm, "type")("AWS::CloudWatch::Alarm")
    adds(Alarm, "get_cfn_attribute")(lambda self, name: {"Arn": self.alarm_arn}[name])
    replaces(Table, "update_from_cloudformation_json", digest="ed9a4410caaa")(_update_table)
    backend = DynamoDBBackend
    replaces(backend, "update_table", digest="ef27e9f4f53a")(_being_updated(backend.update_table))
    replaces(backend, "describe_table", digest="c98118adb16b")(_described(backend.describe_table))
    replaces(backend, "delete_table", digest="d15d396a25aa")(_deleted(backend.delete_table))
    replaces(DeletionProtectedException, "__init__", digest="6ab16bc01559")(_protected)
    replaces(states, "stepfunctions_backends", digest="d4bd6f3eb080")(stepfunctions_parser_backends)
