"""`ecs/NAME`, `batch/NAME`, `glue/NAME`: stack.yaml declares a job, a task runs it, and its role may run no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Project
from orchestrator.deployment.job_targets import batch_job, container, glue_job
from orchestrator.errors import InvalidDefinition, InvalidProject
from orchestrator.local import stand_ins
from orchestrator.local.aws.containers.processes import NOTHING_RUN, Program
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.operations import starting
from orchestrator.runs.explanation import why
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.executions import Runner
from orchestrator.stores.recorder import Recorder
from orchestrator.taskfile.job_models import BatchModel, EcsModel, GlueModel
from orchestrator.tasks.retries import RetryPolicy
from tests.testbed import ROOT
from tests.testbed.linters import LINTERS, complaints
from tests.testbed.task_runner import PATIENCE, SLOT, STACK, TaskRunner

#: Does as its variables say, and prints what it knows of its run.
PROGRAM = """
import os, sys, time
print(*sys.argv[1:], *(os.environ[name] for name in ("TASK_ID", "SLOT", "RUN_KEY", "ATTEMPT", "MODE")), flush=True)
time.sleep(float(os.environ["PAUSE"]))
sys.exit(int(os.environ["CODE"]))
"""

REBUILD = EcsModel.model_validate(
    {
        "cluster": "jobs",
        "taskDefinition": "rebuild",
        "container": "main",
        "subnets": ["subnet-0123456789abcdef0"],
        "command": ["--day", "{% $substring($states.input.slot, 0, 10) %}"],
        "environment": {
            "MODE": "fast",
            "CODE": "{% $states.input.params.code %}",
            "PAUSE": "{% $states.input.params.pause %}",
        },
        "roles": ["ecsTaskExecutionRole", "service/rebuild"],
    }
)
CRUNCH = BatchModel.model_validate(
    {
        "jobQueue": "nightly",
        "jobDefinition": "crunch",
        "parameters": {"day": "{% $substring($states.input.slot, 0, 10) %}"},
        "environment": REBUILD.environment,
    }
)

LOAD = GlueModel.model_validate(
    {
        "job": "nightly load",
        "arguments": {"--pause": "{% $states.input.params.pause %}", "--code": "{% $states.input.params.code %}"},
        "timeout": 90,
    }
)

#: The script of a job of Glue.
SCRIPT = """
import sys, time
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(given["--TASK_ID"], given["--RUN_KEY"], given["--ATTEMPT"], flush=True)
time.sleep(float(given["--pause"]))
sys.exit(int(given["--code"]))
"""

#: Nobody waits between attempts.
TWICE, ONCE = (RetryPolicy(max_attempts=times, interval_seconds=0) for times in (2, 1))

NOTHING = EcsModel.model_validate(
    {"cluster": "jobs", "taskDefinition": "nothing:2", "container": "main", "launchType": "EC2"}
)

EVENT = {
    "taskId": "t",
    "slot": SLOT,
    "runKey": f"t#{SLOT}",
    "attempt": 1,
    "params": {"code": 0, "pause": 0},
}


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskRunner]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "rebuild.py").write_text(PROGRAM)
    local = {"local": ["python", "rebuild.py"]}
    (folder / "load.py").write_text(SCRIPT)
    load = LOAD.model_copy(update={"local": ["python", "load.py"]})
    jobs = (REBUILD.model_copy(update=local), CRUNCH.model_copy(update=local), load, NOTHING)
    stand_ins.make(embedded_aws, jobs, folder)
    whole = container("rebuild", REBUILD)
    without = tuple(one for one in whole.permissions if "ecs:RunTask" not in one.actions)
    machines: dict[str, Any] = {
        "ecs-rebuild": whole,
        "batch-crunch": batch_job("crunch", CRUNCH),
        "glue-load": glue_job("load", LOAD),
        "ecs-nothing": container("nothing", NOTHING),
        "ecs-denied": replace(whole, permissions=without),
    }
    yield TaskRunner(embedded_aws, **machines)
    embedded_aws.reset()


def tasks(aws: EmbeddedAws, family: str = "rebuild") -> list[dict[str, Any]]:
    """What ECS says of the tasks of a definition, those that ended too."""
    ecs: Any = aws.client("ecs")
    arns = ecs.list_tasks(cluster="jobs", family=family)["taskArns"]
    return list(ecs.describe_tasks(cluster="jobs", tasks=arns)["tasks"]) if arns else []


def newest(aws: EmbeddedAws) -> dict[str, Any]:
    return tasks(aws)[-1]


def test_a_task_runs_its_container_and_its_row_has_the_exit_code(runner: TaskRunner) -> None:
    runner.register("well", "workflow/ecs-rebuild", params={"code": 0, "pause": 0})
    outcome = runner.run("well")
    assert outcome.run
    assert outcome.run.status is RunStatus.SUCCEEDED, outcome.run.cause
    result = json.loads(outcome.run.result or "")
    assert (result["exitCode"], result["taskArn"]) == (0, newest(runner.aws)["taskArn"])
    events = runner.aws.client("logs").filter_log_events(logGroupName="/ecs/rebuild")["events"]
    assert [event["message"] for event in events] == [f"--day 2026-11-23 well {SLOT} well#{SLOT} 1 fast"]


def test_a_container_that_fails_is_run_again_as_the_policy_says_and_its_exit_code_is_the_reason(
    runner: TaskRunner,
) -> None:
    before = len(tasks(runner.aws))
    runner.register("ill", "workflow/ecs-rebuild", params={"code": 3, "pause": 0}, retry=TWICE)
    outcome = runner.run("ill")
    assert outcome.run
    assert (outcome.run.status, outcome.run.attempts) == (RunStatus.FAILED, 2)
    assert len(tasks(runner.aws)) == before + 2
    assert why(outcome.run) == "ECS.TaskFailed: exit code 3: Essential container in task exited"


def test_a_container_is_stopped_when_the_task_s_time_is_up(runner: TaskRunner) -> None:
    runner.register("slow", "workflow/ecs-rebuild", params={"code": 0, "pause": 600}, timeout_seconds=1)
    outcome = runner.run("slow")
    assert outcome.run
    assert outcome.run.status is RunStatus.TIMED_OUT
    runner.until(lambda: bool(newest(runner.aws)["lastStatus"] == "STOPPED"))
    stopped = newest(runner.aws)
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("UserInitiated", 143)


def test_a_container_is_stopped_with_its_run_by_orchestrator_stop(runner: TaskRunner) -> None:
    runner.register("endless", "workflow/ecs-rebuild", params={"code": 0, "pause": 600})
    before = len(tasks(runner.aws))
    runner.start({"taskId": "endless", "scheduledTime": SLOT})
    runner.until(lambda: len(tasks(runner.aws)) > before)
    assert newest(runner.aws)["lastStatus"] == "RUNNING"
    executions = Runner(runner.aws.client("stepfunctions"), runner.applied.outputs["TaskRunnerArn"])
    recorder = Recorder(runner.aws.client("dynamodb"), STACK)
    going_on = starting.stoppable(runner.ledger, "endless", SLOT)
    starting.stop(executions, recorder, going_on, "somebody", datetime.now(UTC))
    assert runner.aws.containers.of(newest(runner.aws)["taskArn"]).over.wait(PATIENCE)
    assert "which was managing this resource was aborted" in newest(runner.aws)["stoppedReason"]


def test_what_nothing_stands_for_succeeds_at_once_and_says_that_nothing_was_run(runner: TaskRunner) -> None:
    runner.register("nothing", "workflow/ecs-nothing")
    outcome = runner.run("nothing")
    assert outcome.run
    assert outcome.run.status is RunStatus.SUCCEEDED, outcome.run.cause
    assert json.loads(outcome.run.result or "")["stoppedReason"] == NOTHING_RUN
    (task,) = tasks(runner.aws, "nothing")
    assert (task["launchType"], task["taskDefinitionArn"].rpartition("/")[2]) == ("EC2", "nothing:2")


def test_a_program_that_cannot_be_started_is_a_task_that_failed_to_start(runner: TaskRunner, tmp_path: Path) -> None:
    before = dict(runner.aws.containers.programs)
    runner.aws.containers.programs["ecs/nothing"] = Program(command=("no-such-program",), folder=tmp_path)
    try:
        runner.register("absent", "workflow/ecs-nothing", retry=ONCE)
        outcome = runner.run("absent")
    finally:
        runner.aws.containers.programs.clear()
        runner.aws.containers.programs.update(before)
    assert outcome.run
    assert "ECS.TaskFailed: CannotStartContainerError: [Errno 2]" in why(outcome.run)


def test_a_role_that_may_not_run_it_runs_nothing(runner: TaskRunner) -> None:
    before = len(tasks(runner.aws))
    runner.register("denied", "workflow/ecs-denied", params={"code": 0, "pause": 0}, retry=ONCE)
    outcome = runner.run("denied")
    assert outcome.run
    assert outcome.run.status is RunStatus.FAILED
    assert re.match(r"ECS\.AccessDeniedException: .* is not authorized to perform: ecs:RunTask", why(outcome.run))
    assert len(tasks(runner.aws)) == before


def test_all_that_its_role_may_do_is_asked_for(runner: TaskRunner) -> None:
    used = {
        (one.permission.action, one.permission.resource.split(":", 5)[5].rpartition("/")[0])
        for one in roles.used()
        if "EcsRebuildWorkflowRole" in one.role
    }
    assert used == {
        ("ecs:RunTask", "task-definition"),
        ("ecs:DescribeTasks", "task/jobs"),
        ("ecs:StopTask", "task/jobs"),
        ("iam:PassRole", "role"),
        ("iam:PassRole", "role/service"),
    }


def batch_jobs(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """What Batch says of its jobs, the oldest first."""
    batch: Any = aws.client("batch")
    return list(batch.describe_jobs(jobs=[])["jobs"])


def test_a_task_runs_a_job_of_batch_and_its_row_has_the_exit_code(runner: TaskRunner) -> None:
    runner.register("counted", "workflow/batch-crunch", params={"code": 0, "pause": 0})
    outcome = runner.run("counted")
    assert outcome.run
    assert outcome.run.status is RunStatus.SUCCEEDED, outcome.run.cause
    job = batch_jobs(runner.aws)[-1]
    assert json.loads(outcome.run.result or "") == {
        "jobId": job["jobId"],
        "exitCode": 0,
        "statusReason": "Essential container in task exited",
    }
    assert job["timeout"] == {"attemptDurationSeconds": 86400}
    events = runner.aws.client("logs").filter_log_events(logGroupName="/aws/batch/job")["events"]
    assert [event["message"] for event in events] == [f"--day 2026-11-23 counted {SLOT} counted#{SLOT} 1 fast"]


def test_a_job_of_batch_that_fails_has_its_exit_code_for_a_reason(runner: TaskRunner) -> None:
    runner.register("miscounted", "workflow/batch-crunch", params={"code": 4, "pause": 0}, retry=ONCE)
    outcome = runner.run("miscounted")
    assert outcome.run
    assert why(outcome.run) == "Batch.TaskFailed: exit code 4: Essential container in task exited"


def test_a_job_of_batch_is_stopped_with_its_run(runner: TaskRunner) -> None:
    runner.register("uncounted", "workflow/batch-crunch", params={"code": 0, "pause": 600})
    before = len(batch_jobs(runner.aws))
    execution = runner.start({"taskId": "uncounted", "scheduledTime": SLOT})
    runner.until(lambda: len(batch_jobs(runner.aws)) > before)
    runner.aws.client("stepfunctions").stop_execution(executionArn=execution)
    job = batch_jobs(runner.aws)[-1]
    assert runner.aws.containers.of(job["jobId"]).over.wait(PATIENCE)
    stopped = batch_jobs(runner.aws)[-1]
    assert (stopped["status"], stopped["container"]["exitCode"]) == ("FAILED", 143)
    assert "which was managing this resource was aborted" in stopped["statusReason"]


def test_all_that_the_role_of_a_job_of_batch_may_do_is_asked_for(runner: TaskRunner) -> None:
    used = {
        (one.permission.action, one.permission.resource.rpartition(":")[2].rpartition("/")[0])
        for one in roles.used()
        if "BatchCrunchWorkflowRole" in one.role
    }
    assert used == {
        # Of the definition its revision is left.
        ("batch:SubmitJob", ""),
        ("batch:SubmitJob", "job-queue"),
        ("batch:DescribeJobs", ""),
        ("batch:TerminateJob", "job"),
    }


def job_runs(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """What Glue says of the runs of its job, the oldest first."""
    glue: Any = aws.client("glue")
    return list(glue.get_job_runs(JobName=LOAD.job)["JobRuns"])


def test_a_task_runs_a_job_of_glue(runner: TaskRunner) -> None:
    runner.register("loaded", "workflow/glue-load", params={"code": 0, "pause": 0})
    outcome = runner.run("loaded")
    assert outcome.run
    assert outcome.run.status is RunStatus.SUCCEEDED, outcome.run.cause
    run = job_runs(runner.aws)[-1]
    assert json.loads(outcome.run.result or "") == {"jobRunId": run["Id"], "state": "SUCCEEDED"}
    assert run["Timeout"] == 2
    events = runner.aws.client("logs").filter_log_events(logGroupName="/aws-glue/jobs/output")["events"]
    assert [event["message"] for event in events] == [f"loaded loaded#{SLOT} 1"]


def test_a_job_of_glue_that_fails_has_glue_s_message_for_a_reason(runner: TaskRunner) -> None:
    runner.register("unloaded", "workflow/glue-load", params={"code": 5, "pause": 0}, retry=ONCE)
    outcome = runner.run("unloaded")
    assert outcome.run
    assert why(outcome.run) == "Glue.TaskFailed: FAILED: Command failed with exit code 5"


def begun(runner: TaskRunner, task_id: str) -> tuple[str, str]:
    """The execution of a run whose job of Glue goes on, and the id of that job run."""
    runner.register(task_id, "workflow/glue-load", params={"code": 0, "pause": 600}, retry=ONCE)
    before = len(job_runs(runner.aws))
    execution = runner.start({"taskId": task_id, "scheduledTime": SLOT})
    runner.until(lambda: len(job_runs(runner.aws)) > before)
    return execution, job_runs(runner.aws)[-1]["Id"]


def test_a_job_of_glue_is_stopped_with_its_run(runner: TaskRunner) -> None:
    execution, job_run = begun(runner, "halted")
    runner.aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert runner.aws.containers.of(job_run).over.wait(PATIENCE)
    assert job_runs(runner.aws)[-1]["JobRunState"] == "STOPPED"


def test_a_job_of_glue_that_somebody_stops_is_no_success(runner: TaskRunner) -> None:
    execution, job_run = begun(runner, "interrupted")
    glue: Any = runner.aws.client("glue")
    stopped = glue.batch_stop_job_run(JobName=LOAD.job, JobRunIds=[job_run, "jr_none"])
    assert [one["JobRunId"] for one in stopped["SuccessfulSubmissions"]] == [job_run]
    assert [one["JobRunId"] for one in stopped["Errors"]] == ["jr_none"]
    outcome = runner.end(execution, "interrupted", SLOT)
    assert outcome.run
    assert outcome.run.status is RunStatus.FAILED
    assert why(outcome.run) == f"Glue.Stopped: {job_run} is STOPPED"


def test_all_that_the_role_of_a_job_of_glue_may_do_is_asked_for(runner: TaskRunner) -> None:
    used = {one.permission for one in roles.used() if "GlueLoadWorkflowRole" in one.role}
    assert {one.resource.rpartition(":")[2] for one in used} == {"job/nightly load"}
    # AWS's page has GetJobRuns, too, which Step Functions may look with.
    assert {one.action for one in used} == {"glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"}


def test_its_definition_is_sound_for_independent_linters() -> None:
    built = {"ecs": container("rebuild", REBUILD), "batch": batch_job("crunch", CRUNCH), "glue": glue_job("load", LOAD)}
    for definition in built.values():
        definition.validate()
    for linter in LINTERS:
        found = complaints(linter, {name: definition.to_json() for name, definition in built.items()})
        assert not any(found.values()), found


def test_what_several_containers_did_is_the_first_that_failed(embedded_aws: EmbeddedAws) -> None:
    run = container("rebuild", REBUILD).to_dict()["States"]["Run"]
    described = {"Containers": [{"ExitCode": 0}, {"ExitCode": 137, "Reason": 'OutOfMemoryError: "killed"'}]}
    answer = embedded_aws.client("stepfunctions").test_state(
        definition=json.dumps({"QueryLanguage": "JSONata", **run}),
        roleArn="arn:aws:iam::123456789012:role/any",
        input=json.dumps(EVENT),
        mock={"errorOutput": {"error": "States.TaskFailed", "cause": json.dumps(described)}},
    )
    assert json.loads(answer["output"]) == {
        "error": "ECS.TaskFailed",
        "cause": 'exit code 137: OutOfMemoryError: \\"killed\\"',
    }


def project(folder: Path, ecs: str, run: str = "ecs/rebuild") -> Project:
    (folder / "tasks.yaml").write_text(f"tasks:\n  sync:\n    run: {run}\n    schedule: rate(1 hour)\n")
    (folder / "stack.yaml").write_text(f"ecs:\n  rebuild: {ecs}\n")
    return Project(root=folder)


BARE = "cluster: jobs, taskDefinition: rebuild, container: main"


@pytest.mark.parametrize(
    ("ecs", "said"),
    [
        ("{}", "stack.yaml:2: ecs.rebuild.cluster: Field required"),
        (f"{{{BARE}}}", "stack.yaml:2: ecs.rebuild: subnets: Fargate needs one at least, found none"),
        (
            "{cluster: 'arn:aws:ecs:eu-central-1:123456789012:cluster/jobs', taskDefinition: a, container: b}",
            "ecs.rebuild.cluster: expected the name of a cluster in the stack's account and region, found"
            " 'arn:aws:ecs:eu-central-1:123456789012:cluster/jobs': write what follows its last '/'",
        ),
        (f"{{{BARE}, launchType: EC2, capacityProviders: {{mine: 1}}}}", "launchType or capacityProviders, found both"),
        (f"{{{BARE}, launchType: EC2, environment: {{SLOT: a}}}}", "SLOT is what the run itself says"),
        (f"{{{BARE}, launchType: EC2, environment: {{a-b: a}}}}", "names of variables like DAY, found 'a-b'"),
        (f"{{{BARE}, launchType: SPOT}}", "ecs.rebuild.launchType"),
        (f"{{{BARE}, launchType: EC2, subnets: [s], publicIp: true}}", "publicIp: only Fargate gives one"),
        (f"{{{BARE}, launchType: EC2, securityGroups: [s]}}", "expected one at least beside securityGroups"),
        (f"{{{BARE}, capacityProviders: {{FARGATE_SPOT: 1}}}}", "Fargate needs one at least"),
        (f"{{{BARE}, launchType: EC2, timeout: 2d}}", "ecs.rebuild.timeout"),
    ],
)
def test_what_a_container_lacks_is_said(tmp_path: Path, ecs: str, said: str) -> None:
    with pytest.raises(InvalidProject, match=re.escape(said)):
        project(tmp_path, ecs).application(Stack())


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("batch", "{jobQueue: nightly}", "batch.crunch.jobDefinition: Field required"),
        ("batch", "{jobQueue: a/b, jobDefinition: c}", "expected the name of a job queue in the stack's account"),
        ("glue", "{job: nightly, arguments: {day: one}}", "names of arguments like --day, found 'day'"),
        ("glue", "{job: nightly, arguments: {--SLOT: one}}", "--SLOT is what the run itself says"),
    ],
)
def test_what_a_job_lacks_is_said(tmp_path: Path, kind: str, wrong: str, said: str) -> None:
    made = project(tmp_path, f"{{{BARE}, launchType: EC2}}")
    (tmp_path / "stack.yaml").write_text(f"{kind}:\n  crunch: {wrong}\n")
    with pytest.raises(InvalidProject, match=re.escape(said)):
        made.application(Stack())


def test_a_container_may_run_where_capacity_providers_say() -> None:
    spot = REBUILD.model_copy(update={"capacity_providers": {"FARGATE_SPOT": 2}, "public_ip": True})
    arguments = container("rebuild", spot).to_dict()["States"]["Run"]["Arguments"]
    assert arguments["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE_SPOT", "Weight": 2}]
    assert "LaunchType" not in arguments
    assert arguments["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "Subnets": REBUILD.subnets,
        "AssignPublicIp": "ENABLED",
    }


def test_an_expression_that_is_none_is_said(tmp_path: Path) -> None:
    wrong = f"{{{BARE}, launchType: EC2, command: ['{{% 1 + %}}']}}"
    with pytest.raises(InvalidDefinition, match=r"Command\[0\]: this is not JSONata"):
        project(tmp_path, wrong).application(Stack()).validate()


def test_names_that_two_declare_are_said(tmp_path: Path) -> None:
    made = project(tmp_path, f"{{{BARE}, launchType: EC2}}")
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "ecs_rebuild.asl.yaml").write_text("{}")
    said = "ecs.rebuild: definitions/ecs_rebuild.asl.yaml is the workflow 'ecs-rebuild' already"
    with pytest.raises(InvalidProject, match=re.escape(said)):
        made.application(Stack())


@pytest.mark.proof
def test_the_test_of_the_page_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "run-a-job.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml|python)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names = ("stack.yaml", "tasks.yaml", "jobs/rebuild.py", "stack.yaml", "stack.yaml", "tests/test_rebuild.py")
    for name, block in zip(names, blocks, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with (tmp_path / name).open("a") as file:
            file.write(block)
    # A process of its own, since there is one embedded AWS in each.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
