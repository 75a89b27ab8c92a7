"""State machines by the API: as LocalStack has recorded AWS's answers (test_sfn_api and its neighbours)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.step_functions.variable_references import references
from tests.local.aws.conftest import Machines

PASS = {"A": {"Type": "Pass", "End": True}}


def definition(comment: str) -> str:
    return json.dumps({"StartAt": "A", "States": PASS, "Comment": comment})


def refusal(request: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        request()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def make(machines: Machines, text: str, **more: Any) -> str:
    made = machines.states.create_state_machine(name="m", definition=text, roleArn=machines.role, **more)
    return str(made["stateMachineArn"])


def test_a_name_has_one_definition(machines: Machines) -> None:
    arn = make(machines, definition("one"))
    assert make(machines, definition("one")) == arn
    told = ("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    assert refusal(lambda: make(machines, definition("two"))) == told
    assert refusal(lambda: make(machines, json.dumps(json.loads(definition("one")), indent=4))) == told


def test_a_change_is_a_revision_and_no_change_is_none(machines: Machines) -> None:
    arn = make(machines, definition("one"))
    states = machines.states
    assert "revisionId" not in states.describe_state_machine(stateMachineArn=arn)
    first = states.update_state_machine(stateMachineArn=arn, definition=definition("two"))["revisionId"]
    assert states.update_state_machine(stateMachineArn=arn, definition=definition("two"))["revisionId"] == first
    second = states.update_state_machine(stateMachineArn=arn, definition=definition("three"))["revisionId"]
    assert second != first
    assert states.describe_state_machine(stateMachineArn=arn)["revisionId"] == second
    code, message = refusal(lambda: states.publish_state_machine_version(stateMachineArn=arn, revisionId=first))
    assert code == "ConflictException"
    assert message == (
        f"Failed to publish the State Machine version for revision {first}. The current State Machine revision is "
        f"{second}."
    )
    assert refusal(lambda: states.update_state_machine(stateMachineArn=arn))[0] == "MissingRequiredParameter"


def test_publishing_with_an_update_that_changes_nothing_gives_the_version_that_is_there(machines: Machines) -> None:
    arn = make(machines, definition("one"), publish=True)
    again = machines.states.update_state_machine(stateMachineArn=arn, definition=definition("one"), publish=True)
    assert again["stateMachineVersionArn"] == f"{arn}:1"


def test_a_machine_logs_to_one_group_that_is_there(machines: Machines) -> None:
    machines.aws.client("logs").create_log_group(logGroupName="runs")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:runs:*"
    gone = {"cloudWatchLogsLogGroup": {"logGroupArn": group.replace("runs", "gone")}}
    there = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}

    def logging(level: str, *destinations: Any) -> Callable[[], Any]:
        asked = {"level": level, "destinations": list(destinations)}
        return lambda: make(machines, definition("one"), loggingConfiguration=asked)

    one = ("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
    assert refusal(logging("ALL")) == one
    assert refusal(logging("ALL", there, gone)) == one
    assert refusal(logging("ALL", gone)) == (one[0], "Invalid Logging Configuration: Log Destination not found.")
    arn = logging("ALL", there)()
    described = machines.states.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"]
    assert described == {"level": "ALL", "includeExecutionData": False, "destinations": [there]}


def test_an_execution_tells_of_the_machine_as_it_was_then(machines: Machines) -> None:
    arn = make(machines, definition("one"))
    execution = machines.start(arn)
    machines.end(execution)
    machines.states.update_state_machine(stateMachineArn=arn, definition=definition("two"))
    then = machines.states.describe_state_machine_for_execution(executionArn=execution)
    assert then["definition"] == definition("one")
    assert then["stateMachineArn"] == arn


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("describe_state_machine", {"stateMachineArn": "m"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: m'"),
        ("describe_execution", {"executionArn": "m"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: m'"),
        (
            "list_state_machines",
            {"maxResults": 1001},
            "ValidationException",
            "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have "
            "value less than or equal to 1000",
        ),
        ("list_state_machines", {"nextToken": "no"}, "InvalidToken", "Invalid Token: 'Invalid token'"),
        (
            "create_activity",
            {"name": "a"},
            "ValidationException",
            "The embedded AWS has no activities; a task '.waitForTaskToken' waits, too",
        ),
    ],
)
def test_what_is_refused(machines: Machines, operation: str, request_: Any, code: str, message: str) -> None:
    assert refusal(lambda: getattr(machines.states, operation)(**request_)) == (code, message)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "not JSON",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
            "'false')",
        ),
        ("", "Invalid execution input."),
    ],
)
def test_an_input_that_is_no_json_starts_nothing(machines: Machines, text: str, why: str) -> None:
    arn = make(machines, definition("one"))
    told = ("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")
    assert refusal(lambda: machines.states.start_execution(stateMachineArn=arn, input=text)) == told


def test_a_page_of_nothing_has_the_usual_size(machines: Machines) -> None:
    arn = make(machines, definition("one"))
    (listed,) = machines.states.list_state_machines(maxResults=0)["stateMachines"]
    assert listed["stateMachineArn"] == arn


def test_versions_come_in_pages_and_their_numbers_are_not_given_again(machines: Machines) -> None:
    arn = make(machines, definition("0"))
    for number in range(1, 4):
        machines.states.update_state_machine(stateMachineArn=arn, definition=definition(str(number)), publish=True)
    first = machines.states.list_state_machine_versions(stateMachineArn=arn, maxResults=2)
    rest = machines.states.list_state_machine_versions(stateMachineArn=arn, nextToken=first["nextToken"])
    listed = [one["stateMachineVersionArn"] for page in (first, rest) for one in page["stateMachineVersions"]]
    assert listed == [f"{arn}:{number}" for number in (3, 2, 1)]
    assert "nextToken" not in rest
    machines.states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:3")
    published = machines.states.publish_state_machine_version(stateMachineArn=arn)
    assert published["stateMachineVersionArn"] == f"{arn}:4"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((101,), "Value '101' at 'routingConfiguration.1.member.weight'"),
        ((70, 29), "Sum of routing configuration weights must equal 100. Received: [70, 29]"),
    ],
)
def test_the_weights_of_an_alias_are_a_hundred(machines: Machines, weights: tuple[int, ...], message: str) -> None:
    arn = make(machines, definition("1"), publish=True)
    machines.states.update_state_machine(stateMachineArn=arn, definition=definition("2"), publish=True)
    routes: Any = [{"stateMachineVersionArn": f"{arn}:{at}", "weight": weight} for at, weight in enumerate(weights, 1)]
    create = machines.states.create_state_machine_alias
    code, told = refusal(lambda: create(name="live", routingConfiguration=routes))
    assert code == "ValidationException"
    assert message in told


def test_an_alias_is_what_it_was_made_as(machines: Machines) -> None:
    arn = make(machines, definition("1"), publish=True)
    routes: Any = [{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    create = machines.states.create_state_machine_alias
    made = create(name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    assert create(name="live", routingConfiguration=routes)["stateMachineAliasArn"] == made
    other = refusal(lambda: create(name="live", routingConfiguration=routes, description="other"))
    assert other[0] == "ConflictException"
    assert "pattern" in refusal(lambda: create(name="123", routingConfiguration=routes))[1]
    machines.states.delete_state_machine_alias(stateMachineAliasArn=made)
    machines.states.delete_state_machine_alias(stateMachineAliasArn=made)
    update = machines.states.update_state_machine_alias
    assert refusal(lambda: update(stateMachineAliasArn=made, description="d"))[0] == "ResourceNotFound"


def test_the_variables_that_a_state_reads_are_named() -> None:
    inner = {"StartAt": "B", "States": {"B": {"Type": "Pass", "InputPath": "$bias", "End": True}}}
    states = {
        "A": {
            "Type": "Map",
            "ItemsPath": "$order.lines",
            "ItemSelector": {"a.$": "States.Format('$text {}', $who)", "b.$": "$$.Execution.Id", "c": "$literal"},
            "ItemProcessor": inner,
            "End": True,
        }
    }
    assert references(json.dumps({"StartAt": "A", "States": states})) == {"A": ["order", "who"], "B": ["bias"]}
    spoken = {"A": {"Type": "Pass", "Output": "{% $who %}", "End": True}}
    assert references(json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": spoken})) == {}


def test_state_machines_are_listed_by_name(machines: Machines) -> None:
    """Source: recorded test_list_sms_pagination."""
    for name in ("m-2", "m-10", "m-1"):
        machines.make({"A": {"Type": "Succeed"}}, name=name)
    pages = machines.states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
    assert [one["name"] for page in pages for one in page["stateMachines"]] == ["m-1", "m-10", "m-2"]


def test_a_map_run_that_is_not_there_is_not_found(machines: Machines) -> None:
    """Source: DescribeMapRun and UpdateMapRun, Errors; the sentence is not confirmed."""
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:machine/a:b"
    for ask in (machines.states.describe_map_run, machines.states.update_map_run):
        with pytest.raises(ClientError) as refused:
            ask(mapRunArn=arn)
        assert refused.value.response["Error"] == {
            "Code": "ResourceNotFound",
            "Message": f"Resource not found: '{arn}'",
        }
