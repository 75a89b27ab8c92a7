"""One real execution, counted by hand, and one real round of the watchdog: the model says the same."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from deploy import PROJECT
from lambdas.system.watchdog.round import Round
from orchestrator.deployment import Applied, billed
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.pricing import logs, runs, stack
from orchestrator.pricing.actual import run_usage
from orchestrator.pricing.items import item_bytes, write_units
from orchestrator.pricing.paths import happy_path
from orchestrator.pricing.usage import total
from orchestrator.runs.measures import measures
from orchestrator.schedules.calendars import Closure
from orchestrator.stores.budget_looks import BudgetLooks
from orchestrator.stores.due_tasks import DueTasks
from orchestrator.stores.executions import Runner
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import key, next_run
from orchestrator.tasks.task import TargetKind
from tests.testbed.deployed import STACK, deployed, tasks

TASK = tasks()[0]

#: Of its function.
MEMORY_MB = 256

#: Of an event's details, what is not logged where data are left out.
_DATA = {
    "input",
    "inputDetails",
    "output",
    "outputDetails",
    "parameters",
    "assignedVariables",
    "assignedVariablesDetails",
}
BILLED = billed(PROJECT.application(STACK))
USED = total(runs.run_lines(TASK, BILLED))
PATH = happy_path(BILLED.task_runner, TargetKind.LAMBDA)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was left of an execution."""

    applied: Applied
    slot: datetime
    history: Sequence[Mapping[str, Any]]
    row: dict[str, Any]
    record: dict[str, Any]
    function_log: list[str]

    def called(self, resource: str) -> list[dict[str, Any]]:
        """The parameters of each call."""
        scheduled = [event["taskScheduledEventDetails"] for event in self.history if event["type"] == "TaskScheduled"]
        return [json.loads(one["parameters"]) for one in scheduled if one["resource"] == resource]


@pytest.fixture(scope="module")
def counted(embedded_aws: EmbeddedAws) -> Iterator[Counted]:
    """An execution of TaskRunner with the name that Scheduler gives it, for the task's next slot."""
    with deployed(embedded_aws) as applied:
        client, dynamodb = embedded_aws.client("stepfunctions"), embedded_aws.client("dynamodb")
        slot = next_run(TASK, datetime.now(UTC))
        assert slot is not None
        execution = client.start_execution(
            stateMachineArn=applied.outputs["TaskRunnerArn"],
            name="daily-sales-report-d32c5kddcf5bb8c3",
            input=json.dumps({"taskId": TASK.id, "scheduledTime": key(slot), "trigger": "schedule"}),
        )["executionArn"]
        assert embedded_aws.execution(execution).over.wait(30)
        group = f"/aws/lambda/{STACK.function_prefix}work"
        printed = embedded_aws.client("logs").filter_log_events(logGroupName=group)["events"]
        task, run = {"taskId": {"S": TASK.id}}, {"taskId": {"S": TASK.id}, "slot": {"S": key(slot)}}
        yield Counted(
            applied=applied,
            slot=slot,
            history=client.get_execution_history(executionArn=execution, maxResults=1000)["events"],
            row=dynamodb.get_item(TableName=STACK.runs_table, Key=run)["Item"],
            record=dynamodb.get_item(TableName=STACK.tasks_table, Key=task)["Item"],
            function_log=[one["message"] for one in printed],
        )


def test_each_state_that_was_entered_is_a_transition(counted: Counted) -> None:
    entered = [
        event["stateEnteredEventDetails"]["name"] for event in counted.history if "stateEnteredEventDetails" in event
    ]
    assert [step.name for step in PATH] == entered
    assert USED.state_transition == len(entered)


def test_the_row_says_what_all_that_was_counted_costs(counted: Counted) -> None:
    facts = replace(BILLED, memory_mb={"work": MEMORY_MB})
    seconds = Decimal(counted.row["durationSeconds"]["N"])
    used = total(runs.run_lines(TASK, facts, seconds=seconds))
    entered = sum("stateEnteredEventDetails" in event for event in counted.history)
    calls = len(counted.called("invoke"))
    by_hand = replace(used, state_transition=Decimal(entered), lambda_request=used.lambda_request - 1 + calls)
    assert float(counted.row["dollars"]["N"]) == pytest.approx(float(by_hand.dollars()), rel=0.002)
    # It takes no write unit more.
    assert write_units(item_bytes(counted.row)) == 1


#: What the index of who is due holds of a record that may change.
INDEXED = {"shard", "nextRun"}


def test_each_write_was_counted_in_the_table_twice_and_in_its_index(counted: Counted) -> None:
    writes = [item for call in counted.called("transactWriteItems") for item in call["TransactItems"]]
    row, record = write_units(item_bytes(counted.row)), write_units(_held(counted))
    by_hand = 0
    for write in writes:
        ((operation, request),) = write.items()
        if request["TableName"] == STACK.tasks_table:
            # The index of who is due holds none but keys, and the record stays where it is.
            assert not INDEXED & set(request["ExpressionAttributeNames"].values())
            by_hand += record * 2
        else:
            # The row comes into the index of statuses when it is put, and moves there when it has ended.
            by_hand += row * (2 + (1 if operation == "Put" else 2))
    assert Counter(request["TableName"] for write in writes for request in write.values()) == {
        STACK.runs_table: 2,
        STACK.tasks_table: 2,
    }
    assert USED.write_unit == by_hand


def test_the_record_is_read_once_as_it_is_now(counted: Counted) -> None:
    (call,) = counted.called("getItem")
    assert call["ConsistentRead"] is True
    assert USED.read_unit == 1


def test_items_are_as_large_as_is_assumed(counted: Counted) -> None:
    assert pytest.approx(item_bytes(counted.row), rel=0.2) == runs.ROW_BYTES
    assert runs.record_bytes(TASK) == pytest.approx(_held(counted), rel=0.1)


def test_the_metrics_of_a_run_are_a_line_of_a_log_and_no_request(counted: Counted) -> None:
    assert counted.called("putMetricData") == []
    (line,) = measures(STACK, {}, counted.row, 1_795_600_406_000)
    assert sum(len(one["Metrics"]) for one in line["_aws"]["CloudWatchMetrics"]) == runs.METRICS
    printed = len(json.dumps(line, separators=(",", ":"))) + logs.EVENT_BYTES
    assert printed == pytest.approx(logs.MEASURES_BYTES, rel=0.1)


def test_each_event_of_the_history_is_a_line_of_the_log(counted: Counted) -> None:
    modelled = list(logs.events(PATH, STACK.task_runner))
    assert [kind for kind, _ in modelled] == [event["type"] for event in counted.history]
    written = sum(
        len(logs.log_line(event["id"], event["type"], _without_data(event), STACK.task_runner)) + logs.EVENT_BYTES
        for event in counted.history
    )
    assert logs.execution_bytes(PATH, STACK.task_runner, "ALL") == pytest.approx(written, rel=0.02)


def test_an_express_execution_takes_the_same_states_and_logs_what_is_counted(
    counted: Counted, embedded_aws: EmbeddedAws
) -> None:
    short = replace(TASK, id="short", express=True, timeout_seconds=60, retry=RetryPolicy(max_attempts=1))
    Registry(embedded_aws.client("dynamodb"), STACK).register(short)
    slot, ledger = key(counted.slot), Ledger(embedded_aws.client("dynamodb"), STACK)
    arn = embedded_aws.client("stepfunctions").start_execution(
        stateMachineArn=counted.applied.outputs["ExpressRunnerArn"],
        name="daily-sales-report-d32c5kddcf5bb8c3",
        input=json.dumps({"taskId": "short", "scheduledTime": slot, "trigger": "schedule"}),
    )["executionArn"]
    group = f"/aws/vendedlogs/states/{STACK.express_runner}"

    def logged() -> list[dict[str, Any]]:
        events = embedded_aws.client("logs").filter_log_events(logGroupName=group)["events"]
        return [found for event in events if (found := json.loads(event["message"]))["execution_arn"] == arn]

    end = time.monotonic() + 30
    while not logged():
        assert time.monotonic() < end
        time.sleep(0.02)
    path = happy_path(BILLED.express_runner, TargetKind.LAMBDA)
    lines = logged()
    assert [step.name for step in path] == [one["details"]["name"] for one in lines if one["type"].endswith("Entered")]
    row = ledger.get("short", slot)
    assert row is not None
    used, standard = run_usage(row, short, BILLED), run_usage(replace(row, execution_arn="arn:x"), short, BILLED)
    assert (int(used.state_transition), int(used.express_request), int(standard.state_transition)) == (0, 1, 4)
    assert used.write_unit == standard.write_unit
    # Without what this AWS writes and AWS leaves out: what calls are given, and what variables hold.
    for one in lines:
        one["details"] = {name: value for name, value in one["details"].items() if name not in _DATA}
    written = sum(len(json.dumps(one, separators=(",", ":"))) + logs.EVENT_BYTES for one in lines)
    modelled = logs.execution_bytes(path, STACK.express_runner, "ALL", express=True)
    assert modelled == pytest.approx(written, rel=0.1)


def test_a_function_writes_no_more_than_is_assumed(counted: Counted) -> None:
    written = sum(len(message) + logs.EVENT_BYTES for message in counted.function_log)
    assert logs.FUNCTION_BYTES / 3 < written < logs.FUNCTION_BYTES


def test_a_check_by_the_watchdog_is_two_reads_and_a_write_that_moves_the_task(
    counted: Counted, embedded_aws: EmbeddedAws
) -> None:
    requests: Counter[str] = Counter()
    session = boto3.Session()
    session.events.register("before-call.dynamodb", lambda model, **_: requests.update([model.name]))
    environment = {"region_name": embedded_aws.region, "endpoint_url": embedded_aws.endpoint}
    dynamodb, client = session.client("dynamodb", **environment), session.client("stepfunctions", **environment)
    before = counted.record["nextRun"]["S"]
    looks, now = BudgetLooks(dynamodb, STACK), counted.slot + timedelta(minutes=10)
    looks.done(now)
    due = DueTasks(dynamodb, STACK)
    list(due.ids(now))
    requests.clear()
    tally = Round(
        stack=STACK,
        registry=Registry(dynamodb, STACK),
        due=due,
        ledger=Ledger(dynamodb, STACK),
        recorder=Recorder(dynamodb, STACK),
        runner=Runner(client, counted.applied.outputs["TaskRunnerArn"]),
        mutes=Mutes(dynamodb, STACK),
        pools=Pools(dynamodb, STACK),
        looks=looks,
        incidents=Incidents(dynamodb, STACK),
        publish=lambda subject, text, about: None,
        report=lambda fault: None,
        now=now,
        goes_on=lambda: True,
    ).make()
    assert (tally.explained, tally.faults) == (0, [])
    record = Registry(embedded_aws.client("dynamodb"), STACK).get(TASK.id)
    assert record is not None
    assert record.checkpoint is not None
    assert record.checkpoint.next_run != before
    used = total(runs.check_lines(TASK))
    assert (used.read_unit, used.write_unit) == (Decimal(1 + 1), Decimal(1 + 2))
    # Beside the record, its rows and its step, what a round asks whatever it finds.
    of_round = sum(line.usage.read_unit for line in stack.fixed_lines({"Resources": {}})) * 2 / stack.ROUNDS
    assert requests["UpdateItem"] == 1
    assert sum(requests[name] for name in ("GetItem", "Query", "Scan")) == of_round + 2


def test_a_slot_on_a_closed_day_takes_the_way_that_is_counted(counted: Counted, embedded_aws: EmbeddedAws) -> None:
    slot = key(counted.slot)
    day = timedelta(days=1)
    closed = Closure(since=counted.slot - day, until=counted.slot + day, why="stocktaking")
    Registry(embedded_aws.client("dynamodb"), STACK).register(replace(TASK, id="closed", closures=(closed,)))
    client = embedded_aws.client("stepfunctions")
    execution = client.start_execution(
        stateMachineArn=counted.applied.outputs["TaskRunnerArn"],
        input=json.dumps({"taskId": "closed", "scheduledTime": slot, "trigger": "schedule"}),
    )["executionArn"]
    assert embedded_aws.execution(execution).over.wait(30)
    history = client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    used = total(runs.skip_lines(TASK, BILLED))
    assert used.state_transition == len(entered)
    # A row that is put, and its place in the index.
    assert used.write_unit == Decimal(2)


def _held(counted: Counted) -> int:
    """The size of the record while a run holds the lease: the larger of before and after is what counts."""
    claim = counted.called("transactWriteItems")[0]["TransactItems"][1]["Update"]
    lease = next(
        value for value in claim["ExpressionAttributeValues"].values() if "M" in value and "expiresAt" in value["M"]
    )
    return item_bytes(counted.record | {"lease": lease})


def _without_data(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's details as they are logged where data are left out."""
    details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return {name: value for name, value in details.items() if name not in _DATA}
