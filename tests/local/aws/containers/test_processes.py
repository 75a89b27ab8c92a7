"""What runs in the place of a container: how it ends, what it is told, and how much of it is remembered."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orchestrator.local.aws.containers import processes
from orchestrator.local.aws.containers.processes import NOTHING_RUN, Container, Log, Program
from orchestrator.local.aws.server import EmbeddedAws


@pytest.fixture
def ecs(aws: EmbeddedAws) -> Any:
    """ECS, with a cluster and a task definition of two containers."""
    client: Any = aws.client("ecs")
    client.create_cluster(clusterName="jobs")
    client.register_task_definition(
        family="pair",
        containerDefinitions=[
            {"name": "first", "image": "i", "memory": 1, "environment": [{"name": "COLOUR", "value": "red"}]},
            {"name": "second", "image": "i", "memory": 1, "command": ["plain"]},
        ],
    )
    return client


def program(aws: EmbeddedAws, folder: Path, text: str) -> None:
    """What stands for the image."""
    aws.containers.programs["ecs/pair"] = Program(command=(sys.executable, "-c", text), folder=folder)


def run(aws: EmbeddedAws, ecs: Any, *, wait: bool = True, **more: Any) -> str:
    """Runs a task, and waits for its end."""
    task = str(ecs.run_task(cluster="jobs", taskDefinition="pair", **more)["tasks"][0]["taskArn"])
    if wait:
        assert aws.containers.of(task).over.wait(60)
    return task


def printed(aws: EmbeddedAws) -> list[str]:
    """Waits for the first line."""
    logs, end = aws.client("logs"), time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(logs.exceptions.ResourceNotFoundException):
            if events := logs.filter_log_events(logGroupName="/ecs/pair")["events"]:
                return [event["message"] for event in events]
    return []


def test_what_nothing_stands_for_says_so_in_its_log(aws: EmbeddedAws, ecs: Any) -> None:
    task = run(aws, ecs, launchType="EC2")
    (described,) = ecs.describe_tasks(cluster="jobs", tasks=[task])["tasks"]
    assert (described["lastStatus"], described["containers"][0]["exitCode"]) == ("STOPPED", 0)
    assert printed(aws) == [NOTHING_RUN]


def test_a_container_has_its_variables_and_this_aws_and_nothing_of_its_user_s(
    aws: EmbeddedAws, ecs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    program(aws, tmp_path, "import os; print(*map(os.environ.get, ('COLOUR', 'AWS_ENDPOINT_URL', 'AWS_PROFILE')))")
    run(aws, ecs)
    assert printed(aws) == [f"red {aws.endpoint} None"]


def test_an_override_is_of_the_container_that_it_names(aws: EmbeddedAws, ecs: Any, tmp_path: Path) -> None:
    program(aws, tmp_path, "import sys; print(sys.argv[1:])")
    run(aws, ecs, overrides={"containerOverrides": [{"name": "second"}]})
    run(aws, ecs, overrides={"containerOverrides": [{"name": "second", "command": ["other"]}]})
    assert printed(aws) == ["['plain']", "['other']"]
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="container named third is not a container"):
        run(aws, ecs, overrides={"containerOverrides": [{"name": "third"}]})


@pytest.mark.parametrize(
    "leaves", [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="/proc tells"))]
)
def test_what_a_program_has_begun_ends_with_it(aws: EmbeddedAws, ecs: Any, tmp_path: Path, leaves: bool) -> None:
    """What has left its session as well."""
    text = f"""
import subprocess, sys
sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
print(subprocess.Popen(sleeping, stdout=subprocess.DEVNULL, start_new_session={leaves}).pid)
"""
    program(aws, tmp_path, text)
    run(aws, ecs)
    found, end = printed(aws), time.monotonic() + 60
    # A zombie of init's is gone soon.
    status = Path(f"/proc/{found[0]}/status")
    while status.exists() and "Z (zombie)" not in status.read_text():
        assert time.monotonic() < end


def test_one_that_does_not_heed_is_killed(aws: EmbeddedAws, ecs: Any, tmp_path: Path) -> None:
    text = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    program(aws, tmp_path, text)
    task = run(aws, ecs, wait=False)
    assert printed(aws) == ["up"]
    container = aws.containers.of(task)
    container.stop("enough", grace=0.05)
    assert container.over.wait(60)
    assert container.exit_code == 128 + signal.SIGKILL


def test_one_that_is_stopped_while_it_is_begun_ends_at_once(aws: EmbeddedAws, tmp_path: Path) -> None:
    made = Container()
    made.stop("nobody wants it")
    sleeping = Program(command=(sys.executable, "-c", "import time; time.sleep(60)"), folder=tmp_path)
    assert made.start(aws, sleeping, [], {}, Log(group="/jobs", stream="one"))
    began = time.monotonic()
    made.wait()
    assert made.exit_code == 128 + signal.SIGTERM
    assert time.monotonic() - began < 20, "nobody waits until it would be killed"


def test_the_end_of_the_embedded_aws_is_that_of_its_containers(aws: EmbeddedAws, ecs: Any, tmp_path: Path) -> None:
    program(aws, tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    run(aws, ecs, wait=False)
    found = printed(aws)
    aws.reset()
    with pytest.raises(ProcessLookupError):
        os.kill(int(found[0]), 0)


def test_old_ones_are_forgotten(aws: EmbeddedAws, ecs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "REMEMBERED", 3)
    started = [run(aws, ecs) for _ in range(5)]
    assert set(ecs.list_tasks(cluster="jobs")["taskArns"]) == set(started[2:])
    with pytest.raises(KeyError):
        aws.containers.of(started[0])
