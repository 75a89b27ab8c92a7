"""What a task's handler does to its process, and which row its run leaves: whatever else runs at the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

import definitions
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.deployment.discovery import discover
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from tests.testbed.conduct import CASES, source

STACK = Stack(name="orchestrator-targets")

#: Not tried again without a task's leave: nobody knows how far the run came.
AMBIGUOUS = {"Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout"}

SHARED = """
from orchestrator import errors
from orchestrator.errors import NonRetryableError as Fatal

class Unknown(Fatal): pass
class NoSuchCustomer(Unknown): pass
class Gone(ValueError, errors.NonRetryableError): pass
class Busy(errors.OrchestratorError): pass
"""

#: A handler without anything of ours but the class.
PLAIN = """
import lambdas._shared as shared
from orchestrator.errors import InvalidParameters, NonRetryableError

class Own(NonRetryableError): pass

def handler(event, context):
    name = event["params"]["raises"]
    if name == "InvalidParameters":
        raise InvalidParameters("lambda/plain", ["none"])
    raise (globals().get(name) or getattr(shared, name))("as told")
"""

#: How often a task with two attempts is tried after each.
RAISES = {"Own": 1, "Unknown": 1, "NoSuchCustomer": 1, "Gone": 1, "InvalidParameters": 1, "Busy": 2}

NAMES = {f"case-{number:02}": name for number, name in enumerate(CASES)}

TASK = "  {id}: {{run: lambda/{function}, retry: {{attempts: 2, interval: 0}}, params: {params}}}\n"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    aws: EmbeddedAws
    runner: str

    def row(self, task_id: str, *, hour: int = 8) -> tuple[str, str | None, int | None]:
        """Runs a slot of the task: status, error and number of attempts of its row."""
        slot = f"2026-11-23T{hour:02}:00:00Z"
        execution = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.runner, input=json.dumps({"taskId": task_id, "scheduledTime": slot})
        )
        assert self.aws.execution(execution["executionArn"]).over.wait(60)
        run = Ledger(self.aws.client("dynamodb"), STACK).get(task_id, slot)
        assert run is not None
        return str(run.status), run.error, run.attempts


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("project") / "lambdas"
    folder.mkdir()
    dispatch = source().replace("event['case']", "event['params']['case']").replace("'case' in event", "True")
    for name, text in {"__init__": "", "_shared": SHARED, "plain": PLAIN, "target": dispatch}.items():
        (folder / f"{name}.py").write_text(text)
    file = folder.parent / "tasks.yaml"
    tasks = [TASK.format(id=id_, function="target", params=json.dumps({"case": name})) for id_, name in NAMES.items()]
    tasks += [TASK.format(id=name, function="plain", params=json.dumps({"raises": name})) for name in RAISES]
    file.write_text("tasks:\n" + "".join(tasks))
    application = Application(
        stack=STACK,
        definitions={"TaskRunner": definitions.ALL["TaskRunner"](STACK)},
        functions=tuple(replace(one, timeout_seconds=3) for one in discover(folder, {})),
        lambdas=folder,
    )
    loaded = application.load_tasks(file, datetime.now(UTC).date())
    applied = deployment.apply(
        embedded_aws.client, application, loaded, deployer=deployment.Deployer(sleep=lambda seconds: None)
    )
    yield Deployed(aws=embedded_aws, runner=applied.outputs["TaskRunnerArn"])
    embedded_aws.reset()


def expected(name: str) -> tuple[str, str | None, int]:
    case = CASES[name]
    if case.error is None and len(json.dumps(case.result)) > 262_144:
        return RunStatus.FAILED, "States.DataLimitExceeded", 1
    if case.error is None:
        return RunStatus.SUCCEEDED, None, 1
    status = RunStatus.TIMED_OUT if case.error == "Sandbox.Timedout" else RunStatus.FAILED
    return status, case.error, 1 if case.error in AMBIGUOUS else 2


@pytest.mark.parametrize("one_in", [6, pytest.param(1, marks=pytest.mark.proof)], ids=["sample", "all"])
def test_every_handler_leaves_the_row_that_it_would_leave_alone(deployed: Deployed, one_in: int) -> None:
    # Of another slot for each: what has run once is not run again.
    names = dict(list(NAMES.items())[::one_in])
    with ThreadPoolExecutor(8) as pool:
        rows = dict(
            zip(names.values(), pool.map(lambda task_id: deployed.row(task_id, hour=one_in), names), strict=True)
        )
    assert rows == {name: expected(name) for name in names.values()}


@pytest.mark.parametrize("name", RAISES)
def test_an_error_of_a_handlers_own_ends_the_run_at_once_if_its_class_says_so(deployed: Deployed, name: str) -> None:
    assert deployed.row(name) == (RunStatus.FAILED, name, RAISES[name])
