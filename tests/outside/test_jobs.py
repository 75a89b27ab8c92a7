"""A task that is a container: a program of this machine runs in its place, and is stopped with the run."""

from __future__ import annotations

import json
from typing import Any

from tests.outside.running import Running


def tasks(up: Running, status: str) -> list[dict[str, Any]]:
    """What ECS says of the tasks that are RUNNING, or STOPPED."""
    ecs = up.client("ecs")
    arns = ecs.list_tasks(cluster="jobs")["taskArns"]
    found = ecs.describe_tasks(cluster="jobs", tasks=arns)["tasks"] if arns else []
    return [task for task in found if task["lastStatus"] == status]


def test_a_container_runs_and_its_exit_code_is_in_the_row(real: Running) -> None:
    ran = real.orchestrator("--local", "start", "contained", "--wait", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.json[0]["result"])["exitCode"] == 0


def test_orchestrator_stop_ends_the_container(real: Running) -> None:
    started = real.orchestrator("--local", "start", "contained", "--param", "seconds=600", "--json")
    assert started.code == 0, started.err
    (task,) = real.until(lambda: tasks(real, "RUNNING"))
    ended = real.orchestrator("--local", "stop", "contained", real.runs("contained")[0]["slot"], "--json")
    assert (ended.code, ended.json[0]["status"]) == (0, "ABORTED"), ended.err
    stopped = real.until(lambda: [one for one in tasks(real, "STOPPED") if one["taskArn"] == task["taskArn"]])
    assert (stopped[0]["stopCode"], stopped[0]["containers"][0]["exitCode"]) == ("UserInitiated", 143)
