"""CloudFormation where moto falls short of what a deployment needs.

moto lacks the types AWS::Scheduler::ScheduleGroup, AWS::CloudWatch::Alarm, AWS::SQS::QueuePolicy,
AWS::SNS::TopicPolicy and AWS::S3::BucketPolicy; makes state machines where its interpreter does not look; and a
change set that it executes leaves the stack without outputs and parameters, and an update of a stack without the new
ones; deletes with a stack what RetainExceptOnCreate keeps; and makes a second stack of the same name where a change set
that was to create the first has never been executed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import ScheduleGroup, scheduler_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions import models as states
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.replacements import adds, replaces

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws


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


def _create_change_set(create: Callable[..., Any]) -> Callable[..., Any]:
    """A stack that waits for its first change set to be executed is there for the next one."""

    def create_change_set(self: Any, *, stack_name: str, change_set_type: str, **request: Any) -> Any:
        waiting = [
            stack_id
            for stack_id, stack in self.stacks.items()
            if stack.name == stack_name and stack.status == "REVIEW_IN_PROGRESS"
        ]
        if change_set_type == "CREATE":
            for stack_id in waiting:
                del self.stacks[stack_id]
        return create(self, stack_name=stack_name, change_set_type=change_set_type, **request)

    return create_change_set


def _execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    """Creates or updates the stack as CreateStack and UpdateStack do."""
    change_set = next(
        candidate
        for arn, candidate in self.change_sets.items()
        if arn == change_set_name
        or (candidate.change_set_name == change_set_name and stack_name in (candidate.stack_name, candidate.stack_id))
    )
    stack = self.stacks[change_set.stack_id]
    if change_set.change_set_type == "CREATE":
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack.output_map = stack._create_output_map()
        stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        stack.resource_map.create(stack.template_dict)
        stack.mark_creation_complete()
    else:
        stack.update(change_set.template, parameters=change_set.parameters)
    change_set.execution_status = "EXECUTE_COMPLETE"


def _delete_stack(delete: Callable[[Any], None]) -> Callable[[Any], None]:
    """``delete`` knows the policy Retain alone, and the other keeps as much once a resource is there."""

    def delete_resources(self: Any) -> None:
        for resource in self._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        delete(self)

    return delete_resources


def install(aws: EmbeddedAws) -> None:
    """Moto finds the classes by themselves; what they make must say what Ref and Fn::GetAtt give."""
    adds(ScheduleGroup, "physical_resource_id")(property(lambda self: self.name))
    adds(ScheduleGroup, "is_created")(lambda self: True)
    adds(ScheduleGroup, "type")("AWS::Scheduler::ScheduleGroup")
    adds(ScheduleGroup, "get_cfn_attribute")(lambda self, name: {"Arn": self.arn, "State": "ACTIVE"}[name])
    replaces(ResourceMap, "delete", digest="cc56351f63bb")(_delete_stack(ResourceMap.delete))
    # moto ignores the conditions of a bucket's policy, and so would refuse everything for want of TLS.
    replaces(FakeBucket, "get_permission", digest="70bd76af5133")(
        lambda self, action, resource: PermissionResult.NEUTRAL
    )
    adds(Alarm, "physical_resource_id")(property(lambda self: self.name))
    adds(Alarm, "is_created")(lambda self: True)
    adds(Alarm, "type")("AWS::CloudWatch::Alarm")
    adds(Alarm, "get_cfn_attribute")(lambda self, name: {"Arn": self.alarm_arn}[name])
    backend = CloudFormationBackend
    replaces(backend, "create_change_set", digest="e44fe7cb620a")(_create_change_set(backend.create_change_set))
    replaces(backend, "execute_change_set", digest="d5f8da2b97ff")(_execute_change_set)
    replaces(states, "stepfunctions_backends", digest="d4bd6f3eb080")(stepfunctions_parser_backends)
