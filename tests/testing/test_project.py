"""A user's project is tested as a whole: in its own process, without this repository's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orchestrator.scaffold.project import create

#: What a user adds to a new project.
TASKS = """
  greeting: {run: lambda/greeting, schedule: cron(0 9 * * ? *), params: {name: Ann}}
  failing: {run: lambda/greeting, retry: false}
  reminding: {run: lambda/reminding, retry: false}
"""
FILES = {
    "lambdas/greeting.py": """
def handler(event, context):
    return {"said": f"Hello, {event['params']['name']}!", "left": context.get_remaining_time_in_millis() > 0}
""",
    "lambdas/reminding.py": """
from datetime import UTC, datetime, timedelta

from orchestrator.handlers import client, stack
from orchestrator.stores.one_time_runs import OneTimeRuns


def handler(event, context):
    at = datetime.fromisoformat(event["params"]["at"])
    return OneTimeRuns.of(client, stack(), lambda: at - timedelta(minutes=1)).schedule("greeting", at, {"name": "Zoe"})
""",
    "lambdas/reminding.yaml": """
permissions:
  - {actions: scheduler:CreateSchedule, resources: one-time-runs}
""",
    "tests/test_greeting.py": """
from datetime import timedelta

import boto3

from lambdas.greeting import handler
from orchestrator.stores.one_time_runs import OneTimeRuns
from orchestrator.testing import event


def test_alone(lambda_context):
    assert handler(event(name="Bob"), lambda_context) == {"said": "Hello, Bob!", "left": True}


def test_a_task(orchestrator_deployed):
    run = orchestrator_deployed.run("greeting", params={"name": "Eve"})
    assert run.status == "SUCCEEDED"
    assert "Hello, Eve!" in run.result


def test_a_failure(orchestrator_deployed):
    run = orchestrator_deployed.run("failing")
    assert (run.status, run.error) == ("FAILED", "KeyError")


def test_a_run_that_was_asked_for_at_run_time(orchestrator_deployed):
    aws, stack = orchestrator_deployed.aws, orchestrator_deployed.stack
    once = OneTimeRuns.of(aws.client, stack, aws.clock.now)
    at = aws.clock.now().replace(microsecond=0) + timedelta(hours=1)
    slot = once.schedule("greeting", at, {"name": "nobody"})
    assert once.schedule("greeting", at, {"name": "Zoe"}) == slot
    assert once.schedule("greeting", at + timedelta(hours=1))
    assert once.cancel("greeting", at + timedelta(hours=1))
    assert not once.cancel("greeting", at + timedelta(hours=2))
    orchestrator_deployed.pass_time(timedelta(hours=3))
    (run,) = [run for run in orchestrator_deployed.runs("greeting") if run.trigger == "schedule"]
    assert (run.slot, run.status, "Hello, Zoe!" in run.result) == (slot, "SUCCEEDED", True)
    assert aws.client("scheduler").list_schedules(GroupName=stack.one_time_group)["Schedules"] == []


def test_a_run_that_a_function_asks_for_with_the_permission_beside_it(orchestrator_deployed):
    at = orchestrator_deployed.aws.clock.now().replace(microsecond=0) + timedelta(hours=1)
    asked = orchestrator_deployed.run("reminding", params={"at": at.isoformat()})
    assert asked.status == "SUCCEEDED", asked.cause
    orchestrator_deployed.pass_time(timedelta(hours=2))
    (run,) = [run for run in orchestrator_deployed.runs("greeting") if run.slot in asked.result]
    assert (run.status, run.trigger) == ("SUCCEEDED", "schedule")


def test_schedules_fire_as_time_passes(orchestrator_deployed):
    orchestrator_deployed.pass_time(timedelta(days=2))
    slots = [run.slot for run in orchestrator_deployed.runs("greeting") if run.trigger == "schedule"]
    assert [slot for slot in slots if "T09:00:00Z" in slot] == ["2026-12-02T09:00:00Z", "2026-12-01T09:00:00Z"]
""",
    "tests/test_aws.py": """
import boto3


def test_clients_find_the_aws_of_the_test(orchestrator_aws):
    boto3.client("s3").create_bucket(Bucket="mine")


def test_which_is_empty_again(orchestrator_aws):
    assert boto3.client("s3").list_buckets()["Buckets"] == []
""",
}


def test_the_tests_of_a_project_pass_those_it_is_begun_with_and_a_users_own(tmp_path: Path) -> None:
    create(tmp_path / "shop", python=False)
    tasks = tmp_path / "shop" / "tasks.yaml"
    # Days pass, of which a few runs are enough.
    begun = tasks.read_text().replace("rate(5 minutes)", "rate(3 days)").replace("rate(6 hours)", "rate(3 days)")
    tasks.write_text(begun + TASKS)
    for name, text in FILES.items():
        (tmp_path / "shop" / name).write_text(text)
    # As the entry point loads it, whether or not this installation has been made since there is one.
    plugin = ["-p", "no:orchestrator", "-p", "orchestrator.testing.plugin"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist", *plugin],
        cwd=tmp_path / "shop",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "10 passed" in ran.stdout, ran.stdout + ran.stderr
