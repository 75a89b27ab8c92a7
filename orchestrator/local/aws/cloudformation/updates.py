"""What a template says of roles, state machines and functions, and moto leaves out.

moto changes nothing of a role when its policies are changed, although the stack says UPDATE_COMPLETE, and makes a state
machine without its type, its log and its traces. It leaves a function's traces as they were, and whatever depends on a
parameter by way of a condition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.cloudformation.parsing import ResourceMap
from moto.iam.models import Role
from moto.stepfunctions.models import StateMachine

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def _camel(value: Any) -> Any:
    """Properties of a template in the casing of Step Functions' API."""
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: _camel(inner) for name, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


def _set(machine: Any, properties: Mapping[str, Any]) -> Any:
    """A machine as its properties say."""
    logging = {"level": "OFF", "includeExecutionData": False, **_camel(properties.get("LoggingConfiguration", {}))}
    machine.loggingConfiguration = {
        **logging,
        "includeExecutionData": logging["includeExecutionData"] in (True, "true"),
    }
    machine.tracingConfiguration = {"enabled": False, **_camel(properties.get("TracingConfiguration", {}))}
    machine.type = properties.get("StateMachineType", "STANDARD")
    return machine


def _with_text(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A machine of a template whose definition is an object ("AWS::StepFunctions::StateMachine", Definition)."""
    properties = resource["Properties"]
    if "Definition" not in properties:
        return dict(resource)
    return {**resource, "Properties": {**properties, "DefinitionString": json.dumps(properties["Definition"])}}


def _conditional(resource: Any) -> set[str]:
    """The conditions that a resource, or a part of one, names."""
    if isinstance(resource, Mapping):
        own = {resource["Fn::If"][0]} if "Fn::If" in resource else set()
        return own.union(*map(_conditional, resource.values()))
    return set().union(*map(_conditional, resource)) if isinstance(resource, list) else set()


def install(aws: Aws) -> None:
    """Lets a stack's roles, state machines and functions be as its template says."""
    update_configuration, difference = LambdaFunction.update_configuration, ResourceMap.build_resource_diff

    @replaces(LambdaFunction, "update_configuration", digest="87ba13fae675")
    def update_function(self: Any, config_updates: dict[str, Any]) -> Any:
        self.tracing_config = config_updates.get("TracingConfig") or self.tracing_config
        return update_configuration(self, config_updates)

    @replaces(ResourceMap, "build_resource_diff", digest="025c712b8af0")
    def build_resource_diff(self: Any, other_template: Any, parameters: Any = None) -> Any:
        changes = difference(self, other_template, parameters)
        changed = [name for name in parameters or {} if self.input_parameters.get(name) != parameters[name]]
        moved = {
            name
            for name, condition in other_template.get("Conditions", {}).items()
            if any(f"'Ref': '{parameter}'" in repr(condition) for parameter in changed)
        }
        named = {name for name, one in other_template["Resources"].items() if moved & _conditional(one)}
        changes["Modify"] += sorted(named - {*changes["Modify"], *changes["Add"]})
        return changes

    create_machine, update_machine = (
        StateMachine.create_from_cloudformation_json,
        StateMachine.update_from_cloudformation_json,
    )
    update_role = Role.update_from_cloudformation_json

    @replaces(StateMachine, "create_from_cloudformation_json", digest="d07b70075821")
    def create(resource_name: str, cloudformation_json: Any, *arguments: Any, **named: Any) -> Any:
        made = create_machine(resource_name, _with_text(cloudformation_json), *arguments, **named)
        return _set(made, cloudformation_json["Properties"])

    @replaces(StateMachine, "update_from_cloudformation_json", digest="ad29a33b211d")
    def update(original_resource: Any, new_resource_name: str, cloudformation_json: Any, **where: str) -> Any:
        updated = update_machine(original_resource, new_resource_name, _with_text(cloudformation_json), **where)
        return _set(updated, cloudformation_json["Properties"])

    @replaces(Role, "update_from_cloudformation_json", digest="36f88af71ece")
    def update_policies(original_resource: Any, new_resource_name: str, cloudformation_json: Any, **where: str) -> Any:
        role = update_role(original_resource, new_resource_name, cloudformation_json, **where)
        properties = cloudformation_json["Properties"]
        wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
        for name in set(role.policies) - set(wanted):
            role.delete_policy(name)
        for name, document in wanted.items():
            role.put_policy(name, document)
        trust = properties["AssumeRolePolicyDocument"]
        role.assume_role_policy_document = trust if isinstance(trust, str) else json.dumps(trust, default=str)
        return role
