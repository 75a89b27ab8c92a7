"""Many starts at once, and stops in the middle of them: each slot has its effect once, and every answer comes."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.outside.running import Running

GOES_ON = ("RUNNING", "WAITING")

#: In seconds: 1,000 starts are work for minutes where others are at work, too.
PATIENCE = 900


def slots(number: int) -> list[str]:
    return [f"2026-05-05T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(number)]


@pytest.fixture(scope="module")
def start(real: Running) -> Callable[..., str]:
    """Starts a slot as its schedule does; the execution's ARN."""
    client, machine = real.client("stepfunctions"), real.task_runner

    def started(task: str, slot: str, **params: object) -> str:
        given = {"taskId": task, "scheduledTime": slot, "trigger": "schedule", "params": params}
        return str(client.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"])

    return started


def rows(stack: Running, task: str, wanted: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Of a task, by their slots, once those that are ``wanted`` are there and none goes on."""
    client = stack.client("dynamodb")
    query = {
        "TableName": "orchestrator-dev-TaskRuns",
        "KeyConditionExpression": "taskId = :task",
        "ExpressionAttributeValues": {":task": {"S": task}},
    }

    def ended() -> dict[str, dict[str, Any]]:
        found = [item for page in client.get_paginator("query").paginate(**query) for item in page["Items"]]
        items = {item["slot"]["S"]: item for item in found}
        going_on = any(item["status"]["S"] in GOES_ON for item in found)
        return {} if going_on or not set(wanted) <= items.keys() else items

    return stack.until(ended, seconds=PATIENCE)


@pytest.mark.proof
@pytest.mark.parametrize(("number", "apart"), [(8, 0.1), (20, 0.3)])
def test_slots_that_stop_each_other_never_fail(
    real: Running, start: Callable[..., str], number: int, apart: float
) -> None:
    tasks = ("cancelled", "terminated")
    for slot in slots(number):
        for task in tasks:
            start(task, slot, seconds=0.5)
        time.sleep(apart)
    for task in tasks:
        statuses = {slot: item["status"]["S"] for slot, item in rows(real, task, slots(number)).items()}
        assert set(statuses.values()) <= {"SUCCEEDED", "ABORTED", "SKIPPED"}
        assert statuses[slots(number)[-1]] == "SUCCEEDED"


@pytest.mark.parametrize("number", [24, pytest.param(140, marks=pytest.mark.proof)])
def test_a_run_that_is_stopped_calls_its_target_with_its_whole_event_or_not_at_all(
    real: Running, start: Callable[..., str], number: int
) -> None:
    client, chance = real.client("stepfunctions"), random.Random(number)

    def stopped(slot: str, seconds: float) -> None:
        arn = start("halted", slot)
        time.sleep(seconds)
        client.stop_execution(executionArn=arn, error="Stopped", cause="by hand")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(stopped, slots(number), [chance.uniform(0.02, 0.3) for _ in range(number)]))
    logs = real.client("logs")
    (group,) = (one for one in logs.describe_log_groups()["logGroups"] if one["logGroupName"].endswith("witness"))
    events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    lines = [one["message"] for one in events if "called with" in one["message"]]
    called = [json.loads(line[line.index("{") : line.rindex("}") + 1]) for line in lines]
    assert [
        event for event in called if event["taskId"] != "halted" or event["runKey"] != f"halted#{event['slot']}"
    ] == []
    ends = [(item["status"]["S"], item.get("error", {}).get("S")) for item in rows(real, "halted").values()]
    assert set(ends) <= {("SUCCEEDED", None), ("ABORTED", "Stopped")}
    assert ("ABORTED", "Stopped") in ends


# The two have no slot in common.
@pytest.mark.parametrize(
    ("asked", "times"),
    [(slots(10), 6), pytest.param(slots(110)[10:], 10, marks=pytest.mark.proof)],
    ids=["sample", "all"],
)
def test_of_many_starts_at_once_each_slot_runs_once_and_lists_stay_whole(
    real: Running, start: Callable[..., str], tmp_path: Path, asked: list[str], times: int
) -> None:
    file = tmp_path / "effects"
    client, machine = real.client("stepfunctions"), real.task_runner
    wanted = asked * times

    def listed() -> list[str]:
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=machine, PaginationConfig={"PageSize": 5}
        )
        return [one["executionArn"] for page in pages for one in page["executions"]]

    with ThreadPoolExecutor(len(wanted)) as pool:
        answers = [pool.submit(partial(start, "burst", slot, file=str(file))) for slot in wanted]
        lists = [listed()]
        while not all(answer.done() for answer in answers):
            lists.append(listed())
        lists.append(listed())
    started = {answer.result() for answer in answers}
    assert len(started) == len(wanted)
    assert [arn for one in lists for arn, often in Counter(one).items() if often > 1] == []
    assert started <= set(lists[-1])

    def counted() -> dict[str, int]:
        ended = rows(real, "burst", asked)
        found = {slot: int(ended[slot]["duplicates"]["N"]) for slot in asked}
        return found if sum(found.values()) >= len(wanted) - len(asked) else {}

    assert real.until(counted, seconds=PATIENCE) == dict.fromkeys(asked, times - 1)
    assert sorted(line.split()[1] for line in file.read_text().splitlines()) == asked
