"""CloudFormation where moto falls short of what a deployment needs.

moto lacks the type AWS::Scheduler::ScheduleGroup; makes state machines where its interpreter does not look; and a
change set that it executes leaves the stack without outputs and parameters, and an update of a stack without the new
ones; and deletes with a stack what RetainExceptOnCreate keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.core.common_models import CloudFormationModel
from moto.scheduler.models import ScheduleGroup, scheduler_backends
from moto.stepfunctions import models as states
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

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
    ScheduleGroup.physical_resource_id = property(lambda self: self.name)
    ScheduleGroup.is_created = lambda self: True
    ScheduleGroup.type = "AWS::Scheduler::ScheduleGroup"
    ScheduleGroup.get_cfn_attribute = lambda self, name: {"Arn": self.arn, "State": "ACTIVE"}[name]
    ResourceMap.delete = _delete_stack(ResourceMap.delete)
    CloudFormationBackend.execute_change_set = _execute_change_set
    states.stepfunctions_backends = stepfunctions_parser_backends
