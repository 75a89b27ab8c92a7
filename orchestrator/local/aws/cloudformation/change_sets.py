"""CloudFormation executes change sets, and rolls back what fails.

On AWS ExecuteChangeSet succeeds whatever follows: what failed is an event, all that the operation made is deleted
again, what it changed gets its old properties, and the stack's status says so ("Stack failure options", "Stack status
codes"). A table that is protected against deletion is not deleted: CloudFormation does not lift the protection. In
moto the request fails and half of the resources stay; a change set that was executed leaves the stack without outputs
and parameters, an update without the new ones. Moto also makes a second stack of the same name where a change set that
was to create the first has never been executed, loses an updated resource of a type that it cannot update, deletes
with a stack what RetainExceptOnCreate keeps, and reads JSON slowly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Event, Stack
from moto.cloudformation.parsing import OutputMap, ResourceMap

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: "Stack status codes": a stack in these cannot be updated.
_NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


class _Failure(Exception):  # it never leaves this module
    """A resource could not be created or updated."""

    def __init__(self, logical_id: str, status: str, reason: BaseException) -> None:
        super().__init__(f"The following resource(s) failed: [{logical_id}]. ")
        self.logical_id = logical_id
        self.status = status
        self.reason = _words(reason)


def _create_change_set(create: Callable[..., Any]) -> Callable[..., Any]:
    """A stack that waits for its first change set to be executed is there for the next one."""

    def create_change_set(
        self: Any, *, stack_name: str, change_set_name: str, change_set_type: str, **request: Any
    ) -> Any:
        for stack_id, stack in list(self.stacks.items()):
            if stack_name not in (stack.name, stack_id):
                continue
            if change_set_type == "CREATE" and stack.status == "REVIEW_IN_PROGRESS":
                del self.stacks[stack_id]
            elif change_set_type == "CREATE":
                again = f"cannot be created again with the changeSet [{change_set_name}]"
                raise ValidationError(message=f"Stack [{stack_name}] already exists and {again}")
            elif stack.status in _NEVER_CREATED:
                raise ValidationError(message=f"Stack:{stack_id} is in {stack.status} state and can not be updated.")
        return create(
            self, stack_name=stack_name, change_set_name=change_set_name, change_set_type=change_set_type, **request
        )

    return create_change_set


def _execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    """Creates or updates the stack, or leaves it as it was."""
    change_set = next(
        candidate
        for arn, candidate in self.change_sets.items()
        if arn == change_set_name
        or (candidate.change_set_name == change_set_name and stack_name in (candidate.stack_name, candidate.stack_id))
    )
    stack = self.stacks[change_set.stack_id]
    change_set.execution_status = "EXECUTE_COMPLETE"
    if change_set.change_set_type == "CREATE":
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        stack.create_resources()
    else:
        stack.update(change_set.template, parameters=change_set.parameters)


def _create(stack: Any) -> None:
    """Creates the resources of the template, or deletes those that it has created."""
    try:
        stack.resource_map.create(stack.template_dict)
    except _Failure as failure:
        template = stack.template_dict
        _tell(stack, template, failure.logical_id, failure.status, failure.reason)
        stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=str(failure))
        left = _delete(stack, template, template["Resources"])
        # Neither outputs nor resources: moto would create what they name.
        stack.resource_map._resource_json_map = {name: template["Resources"][name] for name in left}
        stack.output_map = OutputMap(stack.resource_map, {}, stack.stack_id)
        _end(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE")
    else:
        stack.output_map = stack._create_output_map()
        stack.mark_creation_complete()


def _update(stack: Any, template: str, role_arn: str | None = None, parameters: Any = None, tags: Any = None) -> None:
    """Makes the resources what the template says, or what they were."""
    resources, old, before = stack.resource_map, stack.template_dict, stack.parameters
    new, after = stack.parse_template(template), before if parameters is None else parameters
    stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
    diff = resources.build_resource_diff(new, after)
    _declare(resources, new, after)
    try:
        for name in diff["Add"]:
            _ = resources[name]
        _modify(resources, diff["Modify"])
    except _Failure as failure:
        _tell(stack, new, failure.logical_id, failure.status, failure.reason)
        stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", resource_status_reason=str(failure))
        _declare(resources, old, before)
        _modify(resources, diff["Modify"])
        stack._add_stack_event("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for left in _delete(stack, new, diff["Add"]):
            # It is the stack's no longer, and in the way of whatever is to have its name.
            del resources._parsed_resources[left]
        _end(stack, "UPDATE_ROLLBACK_COMPLETE")
    else:
        stack.template, stack.template_dict, stack.parameters = template, new, after
        stack.role_arn, stack.tags = role_arn, stack.tags if tags is None else tags
        stack.output_map = stack._create_output_map()
        kept = [name for name in diff["Remove"] if str(old["Resources"][name].get("DeletionPolicy")).startswith("Ret")]
        _delete(stack, old, [name for name in diff["Remove"] if name not in kept])
        _end(stack, "UPDATE_COMPLETE")


def _declare(resources: Any, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """The resources are to be what a template says; nothing is done to them yet."""
    resources._template, resources._resource_json_map = template, template["Resources"]
    resources.input_parameters, resources.resolved_parameters = parameters, {}
    resources.load_mapping()
    resources.load_parameters()
    resources.load_conditions()


def _modify(resources: Any, names: Iterable[str]) -> None:
    """Updates them, again while that gets further: one can be in the way of another."""
    left, failure = list(names), None
    while left:
        failed = []
        for name in left:
            try:
                changed = parsing.parse_and_update_resource(
                    name,
                    resources._resource_json_map[name],
                    resources,
                    account_id=resources._account_id,
                    region_name=resources._region_name,
                )
            except Exception as fault:
                failure = _Failure(name, "UPDATE_FAILED", fault)
                failed.append(name)
            else:
                resources._parsed_resources[name] = changed or resources._parsed_resources[name]
        if failure and len(failed) == len(left):
            raise failure
        left = failed


def _delete(stack: Any, template: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Deletes those of them that were created, the newest first; which are left."""
    made: dict[str, Any] = stack.resource_map._parsed_resources
    wanted, left = set(names), []
    for name in reversed([name for name in made if name in wanted]):
        resource, declared = made.pop(name), template["Resources"][name]
        if declared.get("DeletionPolicy") == "Retain":
            _tell(stack, template, name, "DELETE_SKIPPED")
            continue
        try:
            stack.resource_map._delete_resource(resource, declared)
        except Exception as fault:
            made[name] = resource
            left.append(name)
            _tell(stack, template, name, "DELETE_FAILED", _words(fault))
        else:
            _tell(stack, template, name, "DELETE_COMPLETE")
    return left


def _end(stack: Any, status: str) -> None:
    stack.status = status
    stack._add_stack_event(status)


def _tell(stack: Any, template: Mapping[str, Any], name: str, status: str, reason: str | None = None) -> None:
    resource = stack.resource_map._parsed_resources.get(name)
    event = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=name,
        physical_resource_id=str(getattr(resource, "physical_resource_id", "")),
        resource_type=template["Resources"][name]["Type"],
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=None,
    )
    stack.events.append(event)


def _words(fault: BaseException) -> str:
    return f"Resource handler returned message: {getattr(fault, 'message', None) or fault!r}"


def _parsed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Moto reads JSON as YAML, which takes a hundred times as long, several times for each change set."""
    return lambda text: json.loads(text) if text.lstrip().startswith("{") else parse(text)


def _parse_template(self: Any) -> None:
    self.template_dict = Stack.parse_template(self.template)


def _create_resource(create: Callable[..., Any]) -> Callable[..., Any]:
    """Names the resource that failed, even when it failed while another one was created."""

    def create_resource(logical_id: str, *arguments: Any, **named: Any) -> Any:
        try:
            return create(logical_id, *arguments, **named)
        except _Failure:
            raise
        except Exception as fault:
            raise _Failure(logical_id, "CREATE_FAILED", fault) from fault

    return create_resource


def _delete_stack(delete: Callable[[Any], None]) -> Callable[[Any], None]:
    """``delete`` knows the policy Retain alone, and the other keeps as much once a resource is there."""

    def delete_resources(self: Any) -> None:
        for resource in self._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        delete(self)

    return delete_resources


def install(aws: Aws) -> None:
    """Creates, updates and rolls back the resources of every stack."""
    backend = CloudFormationBackend
    replaces(ResourceMap, "delete", digest="cc56351f63bb")(_delete_stack(ResourceMap.delete))
    create_resource = parsing.parse_and_create_resource
    replaces(parsing, "parse_and_create_resource", digest="f07d3c49044a")(_create_resource(create_resource))
    replaces(backend, "create_change_set", digest="e44fe7cb620a")(_create_change_set(backend.create_change_set))
    replaces(backend, "execute_change_set", digest="d5f8da2b97ff")(_execute_change_set)
    replaces(Stack, "create_resources", digest="7c830906e784")(_create)
    replaces(Stack, "update", digest="5441b44ae83b")(_update)
    replaces(Stack, "parse_template", digest="f6a6a6afe8c4")(staticmethod(_parsed(Stack.parse_template)))
    replaces(ChangeSet, "_parse_template", digest="e7b4ec9c0fe2")(_parse_template)
