"""What is closed goes, so that the server does not grow with what it has done."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.common_models import BaseModel
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from orchestrator.local.aws import retention
from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines

KEPT = 20


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("EXECUTIONS", "CHANGES", "LOG_EVENTS", "METRIC_VALUES", "NOTIFICATIONS"):
        monkeypatch.setattr(retention, limit, KEPT)
    monkeypatch.setattr(retention, "_BETWEEN", 1)


@pytest.fixture
def machine(machines: Machines) -> str:
    return machines.make({"Answer": {"Type": "Succeed", "Output": "{% $states.input %}"}})


def run(machines: Machines, machine: str, count: int) -> list[str]:
    return [machines.end(machines.start(machine, {"number": number})).arn for number in range(count)]


def test_the_newest_executions_stay_and_the_others_are_as_if_they_had_never_been(
    machines: Machines, machine: str
) -> None:
    ended = run(machines, machine, KEPT + 5)
    listed = machines.states.list_executions(stateMachineArn=machine)["executions"]
    assert {one["executionArn"] for one in listed} == set(ended[5:])
    for ask in (machines.states.describe_execution, machines.states.get_execution_history):
        ask(executionArn=ended[5])
        with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
            ask(executionArn=ended[4])


def test_the_history_of_one_that_ended_long_ago_is_what_it_was(
    machines: Machines, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_HAND", 2)
    first = run(machines, machine, 1)[0]
    ask = machines.states.get_execution_history
    before = ask(executionArn=first)["events"]
    assert [event["type"] for event in before][:2] == ["ExecutionStarted", "SucceedStateEntered"]
    run(machines, machine, 5)
    assert not isinstance(machines.aws.execution(first).exec_worker, ExecutionWorker)
    assert ask(executionArn=first)["events"] == before
    described = machines.states.describe_execution(executionArn=first)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '{"number":0}')


def test_an_execution_that_goes_on_stays_however_many_end(machines: Machines, machine: str) -> None:
    waiting = machines.make({"Rest": {"Type": "Wait", "Seconds": 600, "End": True}}, name="waiting")
    going_on = machines.start(waiting)
    run(machines, machine, KEPT + 5)
    assert machines.states.describe_execution(executionArn=going_on)["status"] == "RUNNING"


@pytest.fixture
def changes(aws: EmbeddedAws) -> str:
    """The ARN of a stream with more changes than are kept."""
    client = aws.client("dynamodb")
    table = client.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    for number in range(KEPT + 5):
        client.put_item(TableName="t", Item={"id": {"N": str(number)}})
    return str(table["TableDescription"]["LatestStreamArn"])


def test_whoever_reads_a_stream_goes_on_where_it_was_unless_that_is_gone(
    aws: EmbeddedAws, machines: Machines, machine: str, changes: str
) -> None:
    streams: Any = aws.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=changes)["StreamDescription"]["Shards"][0]["ShardId"]

    def iterator(kind: str) -> str:
        found = streams.get_shard_iterator(StreamArn=changes, ShardId=shard, ShardIteratorType=kind)
        return str(found["ShardIterator"])

    def read(at: str) -> list[str]:
        return [one["dynamodb"]["NewImage"]["id"]["N"] for one in streams.get_records(ShardIterator=at)["Records"]]

    oldest, latest = iterator("TRIM_HORIZON"), iterator("LATEST")
    assert len(read(oldest)) == KEPT + 5
    run(machines, machine, 1)
    with pytest.raises(ClientError, match="TrimmedDataAccessException"):
        read(oldest)
    assert read(iterator("TRIM_HORIZON")) == [str(number) for number in range(5, KEPT + 5)]
    aws.client("dynamodb").put_item(TableName="t", Item={"id": {"N": "99"}})
    assert read(latest) == ["99"]


def test_logs_metrics_and_notifications_are_the_newest(aws: EmbeddedAws, machines: Machines, machine: str) -> None:
    logs, metrics, topics = aws.client("logs"), aws.client("cloudwatch"), aws.client("sns")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(aws.clock.now().timestamp() * 1000)
    topic = topics.create_topic(Name="t")["TopicArn"]
    for number in range(KEPT + 5):
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": str(number)}])
        metrics.put_metric_data(Namespace="n", MetricData=[{"MetricName": f"m{number}", "Value": 1}])
        topics.publish(TopicArn=topic, Message=str(number))
    run(machines, machine, 1)
    kept = [str(number) for number in range(5, KEPT + 5)]
    found = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in found] == kept
    assert {metric["MetricName"] for metric in metrics.list_metrics()["Metrics"]} == {f"m{number}" for number in kept}
    assert [one[1] for one in aws.backend("sns").topics[topic].sent_notifications] == kept


def test_nothing_stays_of_what_is_gone(machines: Machines, machine: str) -> None:
    def held() -> Counter[str]:
        gc.collect()
        return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, BaseModel))

    run(machines, machine, KEPT + 5)
    before = held()
    run(machines, machine, KEPT)
    assert {name: grown for name, count in held().items() if (grown := count - before[name]) > 5} == {}
