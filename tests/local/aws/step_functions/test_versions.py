"""moto can neither publish a version nor start one by an alias."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Machines


def publish(machines: Machines, machine: str) -> str:
    return str(machines.states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"])


def change(machines: Machines, machine: str, old: str, new: str) -> None:
    definition = machines.states.describe_state_machine(stateMachineArn=machine)["definition"].replace(old, new)
    machines.states.update_state_machine(stateMachineArn=machine, definition=definition)


def point(machines: Machines, version: str) -> str:
    """Makes the alias "live" of a version; its ARN."""
    route: Any = [{"stateMachineVersionArn": version, "weight": 100}]
    return str(
        machines.states.create_state_machine_alias(name="live", routingConfiguration=route)["stateMachineAliasArn"]
    )


def test_an_alias_starts_the_version_that_it_points_to(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed", "Output": "first"}})
    version = publish(machines, machine)
    alias = point(machines, version)
    change(machines, machine, "first", "second")
    ended = [machines.end(machines.start(arn)) for arn in (alias, version, machine)]
    assert [one.output for one in ended] == ["first", "first", "second"]
    assert len(machines.states.list_executions(stateMachineArn=machine)["executions"]) == 3


def test_an_alias_can_be_pointed_back(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed", "Output": "first"}})
    first = publish(machines, machine)
    change(machines, machine, "first", "second")
    alias = point(machines, publish(machines, machine))
    assert machines.end(machines.start(alias)).output == "second"
    route: Any = [{"stateMachineVersionArn": first, "weight": 100}]
    machines.states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=route)
    assert machines.end(machines.start(alias)).output == "first"


def test_an_alias_or_version_that_is_not_there_starts_nothing(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed"}})
    for qualifier in ("live", "7"):
        with pytest.raises(ClientError) as caught:
            machines.start(f"{machine}:{qualifier}")
        assert caught.value.response["Error"]["Code"] == "StateMachineDoesNotExist"


def test_one_revision_is_published_once(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed", "Output": "first"}})
    assert publish(machines, machine) == publish(machines, machine) == f"{machine}:1"
    change(machines, machine, "first", "second")
    assert publish(machines, machine) == f"{machine}:2"
    listed = machines.states.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [f"{machine}:2", f"{machine}:1"]


def test_a_version_that_an_alias_points_to_is_kept(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed"}})
    version = publish(machines, machine)
    alias = point(machines, version)
    with pytest.raises(ClientError) as caught:
        machines.states.delete_state_machine_version(stateMachineVersionArn=version)
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    machines.states.delete_state_machine_alias(stateMachineAliasArn=alias)
    machines.states.delete_state_machine_version(stateMachineVersionArn=version)
    assert machines.states.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"] == []


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ([(":1", 70), (":2", 29)], "Sum of routing configuration weights must equal 100. Received: [70, 29]"),
        ([(":1", 70), (":2", 31)], "Sum of routing configuration weights must equal 100. Received: [70, 31]"),
        (
            [(":1", 50), (":1", 50)],
            "Routing configuration must contain distinct state machine version ARNs. Received: [{0}:1, {0}:1]",
        ),
        ([("", 100)], "Routing configuration must contain state machine version ARNs. Received: [{0}]"),
    ],
)
def test_a_route_that_aws_refuses_is_refused(machines: Machines, route: list[tuple[str, int]], message: str) -> None:
    """Recorded: test_error_create_alias_invalid_router_configs, 2025-04-09."""
    machine = machines.make({"End": {"Type": "Succeed", "Output": "first"}})
    publish(machines, machine)
    change(machines, machine, "first", "second")
    publish(machines, machine)
    asked: Any = [{"stateMachineVersionArn": f"{machine}{version}", "weight": weight} for version, weight in route]
    with pytest.raises(ClientError) as refused:
        machines.states.create_state_machine_alias(name="live", routingConfiguration=asked)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", message.format(machine))


def test_an_alias_of_two_versions_starts_the_one_that_has_all_the_weight(machines: Machines) -> None:
    """Source: "Aliases for Step Functions workflows"."""
    machine = machines.make({"End": {"Type": "Succeed", "Output": "first"}})
    first = publish(machines, machine)
    change(machines, machine, "first", "second")
    second = publish(machines, machine)
    route: Any = [{"stateMachineVersionArn": first, "weight": 0}, {"stateMachineVersionArn": second, "weight": 100}]
    made = machines.states.create_state_machine_alias(name="live", routingConfiguration=route)
    outputs = [machines.end(machines.start(made["stateMachineAliasArn"])).output for _ in range(4)]
    assert outputs == ["second"] * 4
