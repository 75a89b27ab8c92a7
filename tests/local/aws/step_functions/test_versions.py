"""moto can neither publish a version nor start one by an alias."""

from __future__ import annotations

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
    route = [{"stateMachineVersionArn": version, "weight": 100}]
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
    route = [{"stateMachineVersionArn": first, "weight": 100}]
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
