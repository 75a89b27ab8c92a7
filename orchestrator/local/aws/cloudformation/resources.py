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
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import ScheduleGroup, scheduler_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions import models as states
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.aws.cloudformation.resource_type import Made, Place, Properties, ResourceType
from orchestrator.local.aws.dynamodb import indexes
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces

#: What DeleteTable says of a protected table.
_PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)


class ScheduleGroupResource(ResourceType, CloudFormationModel):
    """AWS::Scheduler::ScheduleGroup."""

    type_name, name_property, attributes = "AWS::Scheduler::ScheduleGroup", "Name", frozenset({"Arn", "State"})

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        tags = properties.get("Tags", [])
        return place.backend(scheduler_backends).create_schedule_group(name=name, tags=tags)

    @classmethod
    def delete(cls, name: str, place: Place) -> None:
        place.backend(scheduler_backends).delete_schedule_group(name)


class AlarmResource(ResourceType, CloudFormationModel):
    """AWS::CloudWatch::Alarm on one metric."""

    type_name, name_property, attributes = "AWS::CloudWatch::Alarm", "AlarmName", frozenset({"Arn"})

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        return place.backend(cloudwatch_backends).put_metric_alarm(
            name=name,
            namespace=properties["Namespace"],
            metric_name=properties["MetricName"],
            comparison_operator=properties["ComparisonOperator"],
            evaluation_periods=properties["EvaluationPeriods"],
            period=properties["Period"],
            threshold=properties["Threshold"],
            statistic=properties["Statistic"],
            description=properties.get("AlarmDescription", ""),
            dimensions=properties.get("Dimensions", []),
            alarm_actions=properties.get("AlarmActions", []),
            treat_missing_data=properties.get("TreatMissingData"),
        )

    @classmethod
    def update(cls, resource: Any, name: str, properties: Properties, place: Place) -> Any:
        return cls.create(name, properties, place)

    @classmethod
    def delete(cls, name: str, place: Place) -> None:
        place.backend(cloudwatch_backends).delete_alarms([name])


class _Policy(ResourceType):
    """A policy of another resource, with which it is deleted; it has no name and no ARN."""

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        cls._attach(properties, json.dumps(properties["PolicyDocument"]), place)
        return Made("policy", cls.type_name)

    @classmethod
    def update(cls, resource: Any, name: str, properties: Properties, place: Place) -> Any:
        return cls.create(name, properties, place)

    @classmethod
    def _attach(cls, properties: Properties, document: str, place: Place) -> None:
        raise NotImplementedError


class QueuePolicyResource(_Policy, CloudFormationModel):
    """AWS::SQS::QueuePolicy."""

    type_name = "AWS::SQS::QueuePolicy"

    @classmethod
    def _attach(cls, properties: Properties, document: str, place: Place) -> None:
        for url in properties["Queues"]:
            place.backend(sqs_backends).set_queue_attributes(url.rsplit("/", 1)[-1], {"Policy": document})


class TopicPolicyResource(_Policy, CloudFormationModel):
    """AWS::SNS::TopicPolicy."""

    type_name = "AWS::SNS::TopicPolicy"

    @classmethod
    def _attach(cls, properties: Properties, document: str, place: Place) -> None:
        for arn in properties["Topics"]:
            place.backend(sns_backends).get_topic(arn).policy = document


class BucketPolicyResource(_Policy, CloudFormationModel):
    """AWS::S3::BucketPolicy."""

    type_name = "AWS::S3::BucketPolicy"

    @classmethod
    def _attach(cls, properties: Properties, document: str, place: Place) -> None:
        s3_backends[place.account]["aws"].put_bucket_policy(properties["Bucket"], document.encode())


def _update_table(original_resource: Any, cloudformation_json: dict[str, Any], **_: Any) -> Any:
    """A table's indexes, and its protection against deletion; of its other properties none has changed yet in any
    template of ours.
    """
    table, given = original_resource, cloudformation_json["Properties"]
    if updates := indexes.updates_to(table, given.get("GlobalSecondaryIndexes", [])):
        backend = dynamodb_backends[table.account_id][table.region_name]
        backend.update_table_global_indexes(table, updates)
        table.attr = given["AttributeDefinitions"]
    table.deletion_protection_enabled = bool(given.get("DeletionProtectionEnabled"))
    return table


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
    """Completes what Ref and Fn::GetAtt give of resources. moto finds the classes by itself."""
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
