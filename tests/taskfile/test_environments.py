"""Environments: one file, and what each environment makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestrator.errors import InvalidTaskFile
from orchestrator.taskfile.reader import load
from orchestrator.tasks.task import Task

FILE = """\
defaults:
  timeout: 2m
  retry: {attempts: 3, interval: 5s}
environments:
  prod:
    defaults:
      timeout: 4m
      retry: {attempts: 5}
    tasks:
      report:
        schedules: [rate(1 hour)]
        params: {size: large}
  dev:
    tasks:
      mail: {enabled: false}
  staging:
tasks:
  report:
    run: lambda/report
    schedule: rate(1 day)
    params: {size: small}
  mail:
    run: lambda/mail
"""


def tasks(folder: Path, environment: str, text: str = FILE) -> dict[str, Task]:
    file = folder / "tasks.yaml"
    file.write_text(text)
    return {task.id: task for task in load(file, today=date(2026, 12, 1), environment=environment)}


@pytest.mark.parametrize("environment", ["", "staging", "unheard-of"])
def test_without_overrides_a_task_is_as_it_is_declared(tmp_path: Path, environment: str) -> None:
    found = tasks(tmp_path, environment)
    assert found.keys() == {"report", "mail"}
    assert (found["report"].timeout_seconds, found["report"].params) == (120, {"size": "small"})


def test_an_environment_overrides_tasks_and_defaults(tmp_path: Path) -> None:
    report = tasks(tmp_path, "prod")["report"]
    assert [schedule.expression for schedule in report.schedules] == ["rate(1 hour)"]
    assert (report.params, report.timeout_seconds) == ({"size": "large"}, 240)
    assert (report.retry.max_attempts, report.retry.interval_seconds) == (5, 5)


def test_an_environment_leaves_a_task_out(tmp_path: Path) -> None:
    assert tasks(tmp_path, "dev").keys() == {"report"}


def test_a_mistake_in_an_override_stands_in_its_own_line(tmp_path: Path) -> None:
    text = FILE.replace("timeout: 4m", "timeout: 4m").replace("params: {size: large}", "timeout: soon")
    with pytest.raises(InvalidTaskFile, match=r"tasks\.yaml:12: tasks\.report\.timeout"):
        tasks(tmp_path, "prod", text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "      mail: {enabled: false}",
            "      mial: {enabled: false}",
            "environments.dev.tasks.mial: there is no such",
        ),
        ("      mail: {enabled: false}", "      mail: {enabled: 7}", "environments.dev.tasks.mail.enabled: expected"),
        ("      mail: {enabled: false}", "      mail: off", "environments.dev.tasks.mail: expected a mapping"),
        ("  staging:", "  staging: 1", "environments.staging: expected a mapping with alerts, defaults and tasks"),
        (
            "  staging:",
            "  staging: {taks: {}}",
            "staging.taks: unknown field; there is: alerts, defaults, tasks",
        ),
        ("  staging:", "  staging: {tasks: []}", "environments.staging.tasks: expected a mapping"),
    ],
)
def test_a_mistake_is_found_whichever_environment_is_deployed(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidTaskFile, match=said):
        tasks(tmp_path, "prod", FILE.replace(old, new))
