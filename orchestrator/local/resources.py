"""CloudFormation resource types that the template needs and moto lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.common_models import CloudFormationModel
from moto.scheduler.models import ScheduleGroup, scheduler_backends

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


def install(aws: EmbeddedAws) -> None:
    """moto finds the classes by themselves; what they make must say what Ref and Fn::GetAtt give."""
    ScheduleGroup.physical_resource_id = property(lambda self: self.name)
    ScheduleGroup.type = "AWS::Scheduler::ScheduleGroup"
    ScheduleGroup.get_cfn_attribute = lambda self, name: {"Arn": self.arn, "State": "ACTIVE"}[name]
