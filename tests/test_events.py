"""Events start tasks, each once: AWS's own command line puts them, against the embedded AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import definitions
from orchestrator import deployment
from orchestrator.cli.main import main
from orchestrator.deployment import Application, Applied
from orchestrator.errors import NotReplayable
from orchestrator.functions import Function
from orchestrator.instants import of_slot, to_second, window_end
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.operations import pausing, replaying
from orchestrator.operations.releasing import Release, Releasing
from orchestrator.runs.dead_letter import DeadLetter
from orchestrator.runs.run import TERMINAL, Run, RunStatus, Trigger
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack
from orchestrator.stores.dead_letters import DeadLetterRecord, DeadLetterStatus
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.taskfile.reader import load
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.rule_names import rule_name
from orchestrator.tasks.task import CatchUp, Task
from tests.testbed import LAMBDAS
from tests.testbed.waiting import soon

STACK = Stack(name="shop-test")

TASKS = """
tasks:
  daily-report:
    run: lambda/work
    schedule: cron(0 8 * * ? *)
    on:
      pattern: {source: [shop], detail-type: [Day closed]}
      slot: "{$.detail.date}T08:00:00Z"
      params: {orders: $.detail.orders, file: "reports/{$.detail.date}<1>.csv"}
  skipping:
    run: lambda/work
    schedule: cron(0 8 * * ? *)
    whenAbsent: skip
    on: {pattern: {source: [shop], detail-type: [Day skipped]}, slot: "{$.detail.date}T08:00:00Z"}
  alerting:
    run: lambda/work
    schedule: cron(0 8 * * ? *)
    whenAbsent: alert
    on: {pattern: {source: [shop], detail-type: [Day missed]}, slot: "{$.detail.date}T08:00:00Z"}
  own-slots:
    run: lambda/work
    on: {pattern: {source: [shop], detail-type: [Order placed]}}
  by-day:
    run: lambda/work
    on: {pattern: {source: [shop], detail-type: [Day closed, Strange]}, slot: $.detail.date}
  batches:
    run: lambda/work
    on: {pattern: {source: [shop], detail-type: [Stock changed]}, within: 5m, params: {first: $.detail.item}}
  large:
    run: lambda/work
    on: {pattern: {source: [shop], detail-type: [Large]}, params: {one: $.detail, two: $.detail}}
  imports:
    run: lambda/work
    express: true
    timeout: 20
    on: {s3: {bucket: exports, prefix: in/}}
"""


def tasks(folder: Path, text: str = TASKS) -> list[Task]:
    file = folder / "tasks.yaml"
    file.write_text(text)
    return list(load(file, today=date(2026, 11, 25)))


def application() -> Application:
    return Application(
        stack=STACK,
        definitions={name: definitions.ALL[name](STACK) for name in ("TaskRunner", "ExpressRunner")},
        functions=(Function(name="work", module="work"),),
        lambdas=LAMBDAS,
        buckets=("exports",),
    )


def apply(aws: EmbeddedAws, wanted: list[Task]) -> Applied:
    deployer = deployment.Deployer(sleep=lambda seconds: None)
    return deployment.apply(aws.client, application(), wanted, deployer=deployer)


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in embedded_aws.environment.items():
            patch.setenv(name, value)
        yield apply(embedded_aws, tasks(tmp_path_factory.mktemp("project")))
    embedded_aws.reset()


@pytest.fixture
def ledger(embedded_aws: EmbeddedAws, stack: Applied) -> Ledger:
    return Ledger(embedded_aws.client("dynamodb"), STACK)


def cli(*arguments: str) -> Any:
    command = [sys.executable, "-W", "ignore", "-m", "awscli", *arguments, "--output", "json"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout) if run.stdout else None


def put(aws: EmbeddedAws, kind: str, detail: dict[str, Any], source: str = "shop") -> str:
    entry: Any = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
    (answer,) = aws.client("events").put_events(Entries=[entry])["Entries"]
    return str(answer["EventId"])


def ended(ledger: Ledger, task_id: str, slot: str, duplicates: int = 0) -> Run:
    def find() -> Run | None:
        run = ledger.get(task_id, slot)
        is_over = run is not None and run.status in TERMINAL and run.duplicates == duplicates
        return run if is_over else None

    found: Run = soon(find)
    return found


def test_three_events_of_one_key_and_the_tick_are_one_run(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger
) -> None:
    detail = json.dumps({"date": "2026-12-01", "orders": 7})
    entry = {"Source": "shop", "DetailType": "Day closed", "Detail": detail}
    for _ in range(3):
        assert cli("events", "put-events", "--entries", json.dumps([entry]))["FailedEntryCount"] == 0
    slot = "2026-12-01T08:00:00Z"
    first = ended(ledger, "daily-report", slot, duplicates=2)
    runner = Runner(embedded_aws.client("stepfunctions"), stack.outputs["TaskRunnerArn"])
    runner.start("daily-report", params={}, slot=slot, now=embedded_aws.clock.now(), trigger=Trigger.SCHEDULE)
    run = ended(ledger, "daily-report", slot, duplicates=3)
    assert (run.status, run.trigger, run.execution_arn) == (RunStatus.SUCCEEDED, Trigger.EVENT, first.execution_arn)
    assert runner.params(run) == {"orders": 7, "file": "reports/2026-12-01<1>.csv"}
    assert ended(ledger, "by-day", "2026-12-01T00:00:00Z", duplicates=2).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("task_id", "kind", "absent", "late"),
    [
        ("skipping", "Day skipped", (RunStatus.SKIPPED, "absent"), (RunStatus.SKIPPED, 2)),
        ("alerting", "Day missed", (RunStatus.MISSED, "absent"), (RunStatus.SUCCEEDED, 0)),
    ],
)
def test_the_clock_skips_or_misses_a_slot_whose_event_has_not_come(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger, task_id: str, kind: str, absent: Any, late: Any
) -> None:
    runner = Runner(embedded_aws.client("stepfunctions"), stack.outputs["TaskRunnerArn"])

    def tick(slot: str) -> None:
        runner.start(task_id, params={}, slot=slot, now=embedded_aws.clock.now(), trigger=Trigger.SCHEDULE)

    put(embedded_aws, kind, {"date": "2026-12-01"})
    ended(ledger, task_id, "2026-12-01T08:00:00Z")
    tick("2026-12-01T08:00:00Z")
    assert ended(ledger, task_id, "2026-12-01T08:00:00Z", duplicates=1).status is RunStatus.SUCCEEDED

    slot = "2026-12-02T08:00:00Z"
    tick(slot)
    run = ended(ledger, task_id, slot)
    assert (run.status, run.reason) == absent
    tick(slot)
    ended(ledger, task_id, slot, duplicates=1)
    put(embedded_aws, kind, {"date": "2026-12-02"})
    status, duplicates = late
    run = soon(
        lambda: (one := ledger.get(task_id, slot)) and one.status is status and one.duplicates == duplicates and one
    )
    assert run.trigger is (Trigger.SCHEDULE if status is RunStatus.SKIPPED else Trigger.EVENT)


def all_three(runs: Sequence[Run]) -> Sequence[Run]:
    """The runs, if they are of three events."""
    return runs if sum(run.duplicates + 1 for run in runs) == 3 else []


def test_all_events_of_a_window_are_one_run_at_its_end(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger
) -> None:
    dynamodb, begin = embedded_aws.client("dynamodb"), embedded_aws.clock.now()
    for item in ("a", "b", "c"):
        put(embedded_aws, "Stock changed", {"item": item})
    held = soon(lambda: all_three(ledger.runs("batches", limit=9)))
    # The three may lie at the end of one window and the beginning of the next.
    assert {one.slot for one in held} <= {window_end(begin + timedelta(seconds=s), 300) for s in (0, 60)}
    for run in held:
        assert (run.status, run.hold.kind, run.hold.wake_at) == (
            RunStatus.WAITING,
            HoldKind.TIME,
            int(of_slot(run.slot).timestamp()),
        )
        releasing = Releasing(
            registry=Registry(dynamodb, STACK),
            ledger=ledger,
            recorder=Recorder(dynamodb, STACK),
            pools=Pools(dynamodb, STACK),
            runner=Runner(embedded_aws.client("stepfunctions"), stack.outputs["TaskRunnerArn"]),
        )
        end = of_slot(run.slot)
        assert releasing.consider("batches", run.slot, end - timedelta(seconds=1)) is Release.WAITS
        assert releasing.consider("batches", run.slot, end) is Release.STARTED
        after = ended(ledger, "batches", run.slot, duplicates=run.duplicates)
        assert (after.status, after.trigger, after.hold) == (RunStatus.SUCCEEDED, Trigger.EVENT, None)
        assert json.loads(after.result or "")["event"]["params"] == json.loads(run.hold.params)


def test_an_upload_starts_its_task_with_bucket_and_key(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "1.csv"
    file.write_text("a,b\n")
    bucket = f"{STACK.name}-exports-{embedded_aws.account}-{embedded_aws.region}"
    for key in ("in/1.csv", "out/1.csv"):
        cli("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", str(file))
    (run,) = soon(lambda: [one for one in ledger.runs("imports", limit=9) if one.status is RunStatus.SUCCEEDED])
    assert run.trigger is Trigger.EVENT
    assert "#" in run.slot
    assert (
        json.loads(run.params or "")
        == json.loads(run.result or "")["event"]["params"]
        == {"bucket": bucket, "key": "in/1.csv"}
    )


def test_events_without_a_slot_of_their_own_are_runs_of_their_own(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger
) -> None:
    ids = {put(embedded_aws, "Order placed", {}) for _ in range(2)}
    runs = soon(lambda: len(found := ledger.runs("own-slots", limit=9)) == 2 and found)
    assert {run.slot.partition("#")[2] for run in runs} == ids


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"date": "soon"},
        {"date": "2026-02-30"},
        {"date": "2026-12-01T08:00:00Z#" + "x" * 200},
        {"date": "2026-12-01\u2028T08:00:00Z"},
        {"date": "<script>alert(1)</script>"},
        {"date": '","taskId":"own-slots","x":"'},
        {"date": 7},
    ],
    ids=["missing", "no moment", "no day", "long", "control", "markup", "quotes", "a number"],
)
def test_an_event_that_names_no_slot_is_a_refusal_of_its_task_that_takes_no_slot(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger, detail: dict[str, Any]
) -> None:
    before = {run.slot for run in ledger.runs("by-day", limit=99)}
    put(embedded_aws, "Strange", detail)
    (run,) = soon(lambda: [run for run in ledger.runs("by-day", limit=99) if run.slot not in before])
    assert (run.status, run.error, run.trigger) == (RunStatus.FAILED, "InvalidInput", Trigger.EVENT)
    assert run.slot == run.started_at


def test_an_event_too_large_for_an_execution_is_a_dead_letter_that_names_its_task(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger
) -> None:
    # What an event may have at most, twice in the params.
    put(embedded_aws, "Day closed", {"date": "2027-03-01", "orders": "x" * 150_000, "more": "y" * 100_000})
    put(embedded_aws, "Large", {"text": "x" * 200_000})
    sqs = embedded_aws.client("sqs")
    url = sqs.get_queue_url(QueueName=STACK.scheduler_dlq)["QueueUrl"]
    asked: Any = {"QueueUrl": url, "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10}
    (message,) = soon(lambda: sqs.receive_message(**asked).get("Messages"))
    attributes = {name: {"stringValue": value["StringValue"]} for name, value in message["MessageAttributes"].items()}
    letter = DeadLetter.read({"messageId": "m", "body": message["Body"], "messageAttributes": attributes})
    assert (letter.task_id, letter.slot) == ("large", None)
    assert "InvalidExecutionInput" in letter.error_code or "262144" in letter.error_message
    assert ended(ledger, "daily-report", "2027-03-01T08:00:00Z").status is RunStatus.SUCCEEDED


def test_an_event_that_came_during_a_pause_runs_at_its_end_with_its_params_whatever_its_slot(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger
) -> None:
    registry, slot = Registry(embedded_aws.client("dynamodb"), STACK), "2020-05-01T08:00:00Z"
    since = to_second(embedded_aws.clock.now() - timedelta(seconds=2))
    pause = Pause(who="ann", since=since, on_resume=CatchUp.ALL)
    registry.change_pause("daily-report", lambda before: pause)
    put(embedded_aws, "Day closed", {"date": "2020-05-01", "orders": 4})
    assert ended(ledger, "daily-report", slot).reason == "paused"
    runner = Runner(embedded_aws.client("stepfunctions"), stack.outputs["TaskRunnerArn"])
    assert pausing.resume(registry, ledger, runner, "daily-report", pause, embedded_aws.clock.now()) == [slot]
    run = soon(lambda: (one := ledger.get("daily-report", slot)) and one.status is RunStatus.SUCCEEDED and one)
    assert json.loads(run.result)["event"]["params"]["orders"] == 4


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (
            ["--detail-type", "Day closed", "--detail", '{"date": "2026-12-09"}', "--dry-run"],
            ["by-day", "daily-report"],
            0,
        ),
        (["--detail-type", "Strange", "--dry-run"], ["by-day refuses it"], 0),
        (["--detail-type", "Unheard"], ["no task of shop-test hears it"], 1),
        (["--detail-type", "Day closed", "--detail", "[]"], ["expected a JSON object"], 2),
    ],
    ids=["heard", "refused", "unheard", "no object"],
)
def test_who_sends_an_event_by_hand_is_told_what_it_starts(
    stack: Applied,
    ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: list[str],
    code: int,
) -> None:
    assert main(["--stack", STACK.name, "emit", "--source", "shop", *options]) == code
    printed = capsys.readouterr()
    assert all(one in printed.out + printed.err for one in said), printed
    assert ledger.get("by-day", "2026-12-09T00:00:00Z") is None


def test_what_is_deployed_is_not_written_again_and_what_is_gone_goes(
    embedded_aws: EmbeddedAws, stack: Applied, tmp_path: Path
) -> None:
    wanted = tasks(tmp_path)
    plan = deployment.plan(embedded_aws.client, application(), wanted, now=embedded_aws.clock.now())
    assert plan.is_empty
    names = [one["Name"] for one in rules(embedded_aws)]
    assert len(names) == 8
    (by_day,) = [name for name in names if ".by-day." in name]
    embedded_aws.client("events").disable_rule(Name=by_day)
    changed = tasks(tmp_path, TASKS.replace("Order placed", "Order paid").replace("express: true", "express: false"))
    applied = apply(embedded_aws, changed)
    said = [str(change).split(":")[0].split(".")[0] for change in applied.plan.rules.changes]
    assert sorted(said) == sorted(
        ["update rule shop-test-on", *["create rule shop-test-on"] * 2, *["delete rule shop-test-on"] * 2]
    )
    assert all(one["State"] == "ENABLED" for one in rules(embedded_aws))
    apply(embedded_aws, [])
    assert rules(embedded_aws) == []
    apply(embedded_aws, wanted)


def rules(aws: EmbeddedAws) -> list[Any]:
    return list(aws.client("events").list_rules(NamePrefix=STACK.rule_prefix)["Rules"])


def test_an_event_that_was_not_delivered_is_replayed_for_the_slot_that_it_names(
    embedded_aws: EmbeddedAws, stack: Applied, ledger: Ledger, tmp_path: Path
) -> None:
    (task,) = [task for task in tasks(tmp_path) if task.id == "daily-report"]
    name = rule_name(STACK, task.id, task.starts[0], express=False)
    event = {"detail": {"date": "2027-01-31", "orders": 3}, "detail-type": "Day closed"}
    letter = DeadLetterRecord(
        message_id="m",
        status=DeadLetterStatus.NEEDS_INVESTIGATION,
        failed_at="2026-12-01T00:00:00Z",
        error_code="NO_PERMISSIONS",
        error_message="",
        task_id=task.id,
        rule_arn=f"arn:aws:events:us-east-1:123456789012:rule/{name}",
        payload=json.dumps(event),
    )
    runner = Runner(embedded_aws.client("stepfunctions"), stack.outputs["TaskRunnerArn"])
    registry, now = Registry(embedded_aws.client("dynamodb"), STACK), embedded_aws.clock.now()
    replaying.replay(letter, registry, ledger, runner, now)
    run = ended(ledger, task.id, "2027-01-31T08:00:00Z")
    assert (run.trigger, runner.params(run)["orders"]) == (Trigger.EVENT, 3)
    for payload, said in (('{"detail', "too long"), ("{}", "names no slot")):
        with pytest.raises(NotReplayable, match=said):
            replaying.replay(replace(letter, payload=payload), registry, ledger, runner, now)
