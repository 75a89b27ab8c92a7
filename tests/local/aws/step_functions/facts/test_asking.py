"""Each task asks, is answered and fails as on AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts import asking
from tests.local.aws.step_functions.facts.asking import caught
from tests.local.aws.step_functions.facts.executions import assert_as_on_aws, ended
from tests.local.aws.step_functions.facts.fact import ANY, Fact


@pytest.fixture(scope="module", autouse=True)
def services(world: Machines) -> None:
    """What the facts ask for."""
    dynamodb, s3 = world.aws.client("dynamodb"), world.aws.client("s3")
    dynamodb.create_table(
        TableName="facts",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="facts", Item={"id": {"S": "id1"}, "data": {"S": "HelloWorld"}})
    s3.create_bucket(Bucket="facts-of-aws")
    s3.put_object(Bucket="facts-of-aws", Key="text", Body=b"text data")
    world.make({"A": {"Type": "Succeed"}}, name="facts")


@pytest.mark.parametrize("fact", asking.FACTS, ids=lambda fact: fact.name)
def test_an_integration_is_as_on_aws(world: Machines, fact: Fact) -> None:
    assert_as_on_aws(world, fact)


@pytest.mark.parametrize(("resource", "arguments", "error", "cause", "source"), asking.ERRORS)
def test_an_error_is_named_as_on_aws_and_caught(
    world: Machines, resource: str, arguments: Any, error: str, cause: str, source: str
) -> None:
    found = ended(world, Fact(name=error, source=source, states=caught(resource, arguments)))
    assert found.status == "SUCCEEDED", found.cause
    assert found.output == {"Error": error, "Cause": ANY}
    assert found.output["Cause"].startswith(cause), found.output["Cause"]


@pytest.mark.parametrize(("resource", "arguments", "field"), asking.REFUSED)
def test_a_field_that_step_functions_does_not_know_fails_the_execution(
    world: Machines, resource: str, arguments: Any, field: str
) -> None:
    states = caught(resource, "{% $states.input %}")
    found = ended(world, Fact(name=field, source=asking._REFUSED, states=states, given=arguments))
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    given = json.dumps(arguments, separators=(",", ":"))
    assert found.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). The Arguments "
        f"'{given}' could not be used to start the Task: [The field \"{field}\" is not supported by Step Functions]"
    )
    assert found.types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_where_states_speak_jsonpath_the_field_is_called_parameters(world: Machines) -> None:
    parameters = {"TableName": "facts", "Item.$": "$"}
    state = {"Type": "Task", "Resource": f"{asking.SDK}dynamodb:putItem", "Parameters": parameters, "End": True}
    given = {"id": {"S": "a"}, "a": {"NULL": True}}
    fact = Fact(name="", source=asking._REFUSED, states={"A": state}, given=given, query_language="JSONPath")
    found = ended(world, fact)
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    assert found.cause is not None
    assert "The Parameters '{" in found.cause
    assert 'The field "NULL" is not supported by Step Functions' in found.cause


SDK_REFUSED = [one for one in asking.REFUSED if ":aws-sdk:" in one[0]]


@pytest.mark.parametrize(("resource", "arguments", "field"), SDK_REFUSED)
@pytest.mark.parametrize(("language", "name"), [("JSONata", "Arguments"), ("JSONPath", "Parameters")])
def test_a_literal_field_that_the_service_does_not_have_is_refused_at_creation(
    world: Machines, resource: str, arguments: Any, field: str, language: str, name: str
) -> None:
    """As reported: aws/aws-cdk#29968."""
    state = {"Type": "Task", "Resource": resource, name: arguments, "End": True}
    with pytest.raises(ClientError) as refused:
        world.make({"A": state}, name="refused", QueryLanguage=language)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidDefinition",
        f'Invalid State Machine Definition: \'SCHEMA_VALIDATION_FAILED: The field "{field}" is not supported by Step '
        f"Functions at /States/A/{name}'",
    )
