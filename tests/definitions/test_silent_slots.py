"""Whatever goes wrong around TaskRunner, the slot gets its row and people are told: on the real handlers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.runs.mutes import Mute
from orchestrator.runs.run import Attention, Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Checkpoint, Pause
from orchestrator.stack import HEARTBEAT_METRIC, METRICS_NAMESPACE, UNREADABLE_METRIC
from orchestrator.stores.dead_letters import DeadLetters
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.mutes import Mutes
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Alerting, CatchUp, OverlapPolicy, TaskSchedule
from tests.testbed.rounds import dead_letter, messages, round_at, rounds
from tests.testbed.task_runner import PATIENCE, SLOT, STACK, TaskRunner

HOURLY = TaskSchedule(expression="cron(0 * * * ? *)")
PATIENT = RetryPolicy(max_attempts=9, interval_seconds=0, backoff_rate=1, max_delay_seconds=0)
ONCE = RetryPolicy(max_attempts=1)

#: How an execution dies without asking a catcher, and what its row says then.
DEATHS = {
    "runtime": (RunStatus.FAILED, "States.QueryEvaluationError"),
    "too-much": (RunStatus.FAILED, "States.DataLimitExceeded"),
    "too-long": (RunStatus.TIMED_OUT, "ExecutionTimedOut"),
    "stopped": (RunStatus.ABORTED, "ExecutionAborted"),
}

#: What is known to have been used by whoever dies at work: three states and a call, and nobody has delivered it.
AT_LEAST = Decimal("3.1")


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    yield TaskRunner(
        embedded_aws, handlers=("system.follower", "system.failure_handler", "system.reporter", "system.watchdog")
    )
    embedded_aws.reset()


@pytest.fixture
def mortal(runner: TaskRunner, task_id: str) -> Iterator[TaskRunner]:
    """TaskRunner with states that die of the tasks that are called so."""
    client, arn = runner.aws.client("stepfunctions"), runner.applied.outputs["TaskRunnerArn"]
    definition = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    mortal = json.loads(json.dumps(definition))
    mortal["TimeoutSeconds"] = 2 if task_id == "too-long" else 60
    give_up = mortal["States"]["RetryOrGiveUp"]
    sound = give_up["Choices"][0]["Condition"].removeprefix("{%").removesuffix("%}")
    give_up["Choices"][0]["Condition"] = f"{{% $taskId = 'runtime' ? $error('as it was told to') : ({sound}) %}}"
    give_up["Choices"][1]["Output"] = "{% $taskId = 'too-much' ? $pad('', 300000, 'x') : $states.input %}"
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(mortal))
    yield runner
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))


@pytest.fixture
def dropped(runner: TaskRunner) -> Iterator[None]:
    """No event of an execution's end arrives."""
    runner.aws.client("events").disable_rule(Name=STACK.execution_failures)
    yield
    runner.aws.client("events").enable_rule(Name=STACK.execution_failures)


def die(runner: TaskRunner, task_id: str, slot: str) -> None:
    """Runs the task until it is dead."""
    runner.register(
        task_id, params={"seconds": 1.4 if task_id in ("too-long", "stopped") else 0, "succeedsAt": 9}, retry=PATIENT
    )
    arn = runner.start({"taskId": task_id, "scheduledTime": slot})
    if task_id == "stopped":
        runner.until(lambda: runner.ledger.get(task_id, slot) is not None)
        runner.aws.client("stepfunctions").stop_execution(executionArn=arn)
    assert runner.aws.execution(arn).over.wait(PATIENCE)


def ended(runner: TaskRunner, task_id: str, slot: str) -> Run:
    def found() -> Run | None:
        return runner.ledger.get(task_id, slot)

    runner.until(lambda: (run := found()) is not None and run.status not in (RunStatus.RUNNING, RunStatus.WAITING))
    run = found()
    assert run is not None
    return run


def told(runner: TaskRunner, task_id: str) -> list[str]:
    return runner._alerts(task_id)


# --- executions that die


@pytest.mark.parametrize("task_id", DEATHS)
def test_an_execution_that_dies_is_recorded_through_the_status_rule(mortal: TaskRunner, task_id: str) -> None:
    die(mortal, task_id, SLOT)
    run = ended(mortal, task_id, SLOT)
    assert (run.status, run.error) == DEATHS[task_id]
    assert run.dollars == AT_LEAST
    record = mortal.registry.get(task_id)
    assert record is not None
    assert (record.lease, record.consecutive_failures, record.last_status) == (None, 1, run.status)
    assert len(told(mortal, task_id)) == 1


# Whatever it has died of, the watchdog asks for its status alone: one that failed, and one that was stopped.
@pytest.mark.parametrize(
    "task_id",
    [pytest.param(one, marks=[pytest.mark.proof] if one in ("too-much", "too-long") else []) for one in DEATHS],
)
def test_an_execution_whose_end_nobody_hears_of_is_recorded_by_the_watchdog(
    mortal: TaskRunner, dropped: None, task_id: str
) -> None:
    slot = "2026-11-23T09:00:00Z"
    die(mortal, task_id, slot)
    run = mortal.ledger.get(task_id, slot)
    assert run is not None
    assert run.status is RunStatus.RUNNING
    round_at(mortal, datetime.now(UTC) + timedelta(minutes=6))
    run = ended(mortal, task_id, slot)
    assert (run.status, run.error) == DEATHS[task_id]
    assert run.dollars == AT_LEAST
    record = mortal.registry.get(task_id)
    assert record is not None
    assert record.lease is None
    assert len(told(mortal, task_id)) == 1


def test_a_dead_run_whose_record_cannot_be_read_is_closed_and_the_record_is_reported(
    runner: TaskRunner, dropped: None
) -> None:
    slot = "2026-11-23T10:00:00Z"
    die(runner, "stopped", slot)
    runner.change("stopped", "REMOVE retry")
    tally = round_at(runner, datetime.now(UTC) + timedelta(minutes=6))
    assert (tally["closed"], tally["unreadable"]) == (1, 1)
    run = ended(runner, "stopped", slot)
    assert (run.status, run.dollars) == (RunStatus.ABORTED, None)
    runner.registry.remove("stopped")
    told(runner, "stopped")


def test_a_run_that_goes_on_is_left_alone(runner: TaskRunner) -> None:
    runner.register("goes-on", params={"seconds": 1.5})
    arn = runner.start({"taskId": "goes-on", "scheduledTime": SLOT})
    runner.until(lambda: runner.ledger.get("goes-on", SLOT) is not None)
    round_at(runner, datetime.now(UTC) + timedelta(minutes=6))
    outcome = runner.end(arn, "goes-on", SLOT)
    assert (outcome.run and outcome.run.status, outcome.alerts) == (RunStatus.SUCCEEDED, [])


def test_a_failure_that_recorded_itself_is_told_once_and_counted_once(runner: TaskRunner) -> None:
    runner.register("fails", params={"refuse": True}, retry=ONCE)
    outcome = runner.run("fails")
    assert len(outcome.alerts) == 1
    assert told(runner, "fails") == []
    assert outcome.record["consecutiveFailures"] == {"N": "1"}


# --- slots that nobody started


def test_a_slot_that_could_not_be_started_is_a_failed_task_a_row_and_an_alert(runner: TaskRunner) -> None:
    runner.register("undelivered", owner="data-platform")
    dead_letter(runner, "undelivered", SLOT)
    run = ended(runner, "undelivered", SLOT)
    assert (run.status, run.error) == (RunStatus.FAILED, "AccessDeniedException")
    assert run.cause == "not delivered: the role may not; Scheduler tried once"
    (alert,) = told(runner, "undelivered")
    assert "owner:     data-platform" in alert
    found = {one.task_id: one for one in DeadLetters(runner.aws.client("dynamodb"), STACK).all()}
    assert (found["undelivered"].slot, found["undelivered"].error_code) == (SLOT, "AccessDeniedException")


@pytest.mark.proof
def test_two_hundred_tasks_with_one_cause_are_one_alert_and_then_a_summary(runner: TaskRunner) -> None:
    tasks = [f"revoked-{number:03}" for number in range(200)]
    for task_id in tasks:
        dead_letter(runner, task_id, SLOT)
    for task_id in tasks:
        ended(runner, task_id, SLOT)
    runner.until(lambda: runner.aws.event_sources.settled(1))
    sent = messages(runner)
    assert len(sent) == 1
    assert round_at(runner, datetime.now(UTC) + timedelta(minutes=16))["told"] == 1
    (summary,) = messages(runner)
    assert "An incident goes on: AccessDeniedException of delivery to TaskRunner." in summary
    assert "and 190 more" in summary
    assert round_at(runner, datetime.now(UTC) + timedelta(minutes=32))["told"] == 0
    told(runner, "")


def test_an_incident_that_is_about_to_be_told_is_not_summed_up(runner: TaskRunner) -> None:
    cause = Cause(severity=Severity.FAILED, title="ValueError of lambda/work")
    Incidents(runner.aws.client("dynamodb"), STACK).hit(cause, "being-told", datetime.now(UTC))
    assert round_at(runner, datetime.now(UTC) + timedelta(hours=1))["told"] == 0
    assert told(runner, "being-told") == []


def test_a_slot_that_was_started_after_all_is_no_failure(runner: TaskRunner) -> None:
    outcome = runner.run(runner.register("started-before"))
    dead_letter(runner, "started-before", SLOT, error="ExecutionAlreadyExists")
    dead_letter(runner, "never-heard-of", SLOT)
    ended(runner, "never-heard-of", SLOT)
    assert runner.ledger.get("started-before", SLOT) == outcome.run
    assert told(runner, "started-before") == []


# --- budgets


def test_a_budget_that_a_month_has_passed_is_told_once_and_its_incident_stands_until_another_month(
    runner: TaskRunner,
) -> None:
    dollar = Rates(**{field.name: Decimal(1) for field in dataclasses.fields(Rates)})
    # Rows that say nothing: the rates are all that there is.
    known: dict[str, Any] = {"owner": "ann", "owners_budget": Decimal(30), "rates": dollar, "price": None}
    for task_id, budget in (("dear", "1.5"), ("cheap", "30")):
        runner.register(task_id, budget=Decimal(budget), **known)
        runner.run(task_id)
    runner.run("dear", "2026-11-22T08:00:00Z")
    incidents = Incidents(runner.aws.client("dynamodb"), STACK)

    def open_() -> list[str]:
        return [one.title for one in incidents.open() if one.severity is Severity.OVER_BUDGET]

    day = datetime(2026, 11, 24, tzinfo=UTC)
    assert round_at(runner, day)["told"] == 1
    (alert,) = messages(runner)
    assert "dear: more was spent than the budget allows." in alert
    assert "budget:    $1.50" in alert
    for later in (timedelta(minutes=5), timedelta(days=1), timedelta(days=2)):
        assert (round_at(runner, day + later)["told"], messages(runner)) == (0, [])
    assert open_() == ["dear: cost more than $1.50 in 2026-11"]
    record = runner.registry.get("dear")
    assert record is not None
    assert record.spending is not None
    # Of each run: itself, its second or less, its hour and the check of its slot.
    assert (record.spending.month, record.spending.day) == ("2026-11", "2026-11-26")
    assert 6 <= record.spending.settled == record.spending.dollars <= 8
    assert round_at(runner, datetime(2026, 12, 3, tzinfo=UTC))["told"] == 0
    assert open_() == []
    for task_id in ("dear", "cheap"):
        runner.registry.remove(task_id)


# --- slots that nobody delivered

BEGIN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NINE = "2026-11-20T09:00:00Z"


def watched(runner: TaskRunner, task_id: str, **fields: Any) -> str:
    fields = {"grace_seconds": 300} | fields
    runner.register(task_id, schedules=(HOURLY,), **fields)
    record = runner.registry.get(task_id)
    assert record is not None
    runner.registry.register(record.task, Checkpoint(checked_until=key(BEGIN), next_run=NINE), anew=True)
    return task_id


def test_a_slot_that_nobody_delivered_is_missed_and_told(runner: TaskRunner) -> None:
    task_id = watched(runner, "missed")
    round_at(runner, BEGIN + timedelta(minutes=35))
    assert runner.ledger.get(task_id, NINE) is None
    round_at(runner, BEGIN + timedelta(minutes=40))
    assert ended(runner, task_id, NINE).status is RunStatus.MISSED
    (alert,) = told(runner, task_id)
    assert "A scheduled task was missed: nobody delivered its slot." in alert
    assert f"rerun:     orchestrator --stack orchestrator-test rerun missed {NINE}" in alert
    runner.registry.remove(task_id)


def test_a_missed_slot_is_started_under_its_own_key_and_a_late_original_is_a_duplicate(runner: TaskRunner) -> None:
    task_id = watched(runner, "caught-up", catch_up=CatchUp.LATEST, catch_up_window_seconds=10**7)
    rounds(runner, BEGIN + timedelta(minutes=35), 2)
    run = ended(runner, task_id, NINE)
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, Trigger.CATCH_UP)
    late = runner.run(task_id, NINE)
    assert late.output == {"taskId": task_id, "slot": NINE, "status": "DUPLICATE"}
    (alert,) = late.alerts
    assert f"slot:      {NINE} (catch up)" in alert
    round_at(runner, BEGIN + timedelta(minutes=45))
    record = runner.registry.get(task_id)
    assert record is not None
    assert record.checkpoint == Checkpoint(checked_until="2026-11-20T09:10:00Z", next_run="2026-11-20T10:00:00Z")
    runner.registry.remove(task_id)


def test_a_pause_that_is_over_is_gone_and_what_it_skipped_runs_as_it_says(runner: TaskRunner) -> None:
    task_id = watched(runner, "resumed")
    until = "2026-11-20T11:30:00Z"
    pause = Pause(who="ann", why="migration", since=key(BEGIN), until="", on_resume=CatchUp.LATEST)
    runner.registry.pause(task_id, pause)
    for hour in (9, 10, 11):
        run = runner.run(task_id, f"2026-11-20T{hour:02}:00:00Z").run
        assert run is not None
        assert (run.status, run.reason) == (RunStatus.SKIPPED, SkipReason.PAUSED)
    runner.registry.pause(task_id, Pause(**{**vars(pause), "until": until}), next_run=until)
    assert round_at(runner, datetime(2026, 11, 20, 11, 31, tzinfo=UTC))["resumed"] == 1
    assert ended(runner, task_id, "2026-11-20T11:00:00Z").trigger in (Trigger.RESUME, Trigger.SCHEDULE)
    runner.until(lambda: (run := runner.ledger.get(task_id, "2026-11-20T11:00:00Z")) is not None and not run.reason)
    assert ended(runner, task_id, "2026-11-20T11:00:00Z").status is RunStatus.SUCCEEDED
    skipped = runner.ledger.get(task_id, "2026-11-20T10:00:00Z")
    assert skipped is not None
    assert skipped.status is RunStatus.SKIPPED
    # Everything was delivered, and ran when it was to: there is nothing to tell.
    assert told(runner, task_id) == []
    record = runner.registry.get(task_id)
    assert record is not None
    assert record.pause is None
    runner.registry.remove(task_id)


def test_a_slot_that_a_pause_has_skipped_is_a_failure_if_its_catch_up_dies_unclaimed(runner: TaskRunner) -> None:
    task_id = runner.register("never-caught-up")
    pause = Pause(who="ann", why="migration", since="2026-11-23T00:00:00Z")
    runner.registry.pause(task_id, pause)
    runner.run(task_id)
    skipped = ended(runner, task_id, SLOT)
    assert skipped.reason == SkipReason.PAUSED
    runner.registry.resume(task_id)
    runner.change(task_id, "REMOVE timeoutSeconds")
    runner.start({"taskId": task_id, "scheduledTime": SLOT, "trigger": Trigger.RESUME, "replaces": skipped.version})
    runner.until(lambda: ended(runner, task_id, SLOT).status is RunStatus.FAILED)
    run = ended(runner, task_id, SLOT)
    assert (run.error, run.trigger, run.reason) == ("InvalidTask", Trigger.RESUME, None)
    assert [(one.status, one.started_at) for one in run.history] == [(RunStatus.SKIPPED, skipped.started_at)]
    assert len(told(runner, task_id)) == 1


def test_a_start_by_hand_that_dies_before_its_claim_leaves_the_slot_to_the_schedule(runner: TaskRunner) -> None:
    task_id = runner.register("dies-unclaimed")
    client, machine = runner.aws.client("stepfunctions"), runner.applied.outputs["TaskRunnerArn"]

    def stop() -> None:
        for one in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            client.stop_execution(executionArn=one["executionArn"])

    with runner.just_before("dynamodb", "GetItem", stop):
        arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
        assert runner.aws.execution(arn).over.wait(PATIENCE)
    runner.until(lambda: bool(runner.ledger.runs(task_id, limit=9)))
    (died,) = runner.ledger.runs(task_id, limit=9)
    assert (died.status, died.trigger, died.slot == SLOT) == (RunStatus.ABORTED, Trigger.AD_HOC, False)
    run = runner.run(task_id).run
    assert run is not None
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, Trigger.SCHEDULE)


def test_a_start_by_hand_for_a_slot_that_fails_is_one_row(runner: TaskRunner) -> None:
    task_id = runner.register("by-hand", params={"refuse": True})
    arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
    assert runner.aws.execution(arn).over.wait(PATIENCE)
    assert runner.aws.event_sources.settled(PATIENCE)
    assert [run.slot for run in runner.ledger.runs(task_id, limit=9)] == [SLOT]
    assert len(told(runner, task_id)) == 1


def test_a_round_is_a_heartbeat(runner: TaskRunner) -> None:
    round_at(runner, datetime.now(UTC))
    metrics = runner.aws.client("cloudwatch").list_metrics(MetricName="WatchdogHeartbeat")["Metrics"]
    assert [metric["Dimensions"] for metric in metrics] == [[{"Name": "Stack", "Value": STACK.name}]]


def counted(runner: TaskRunner, metric: str) -> float:
    """The sum of a metric of the stack."""
    assert runner.aws.event_sources.settled(PATIENCE)
    now = datetime.now(UTC)
    points = runner.aws.client("cloudwatch").get_metric_statistics(
        Namespace=METRICS_NAMESPACE,
        MetricName=metric,
        Dimensions=[{"Name": "Stack", "Value": STACK.name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=86_400,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def put_row(runner: TaskRunner, task_id: str, slot: str, **texts: str) -> None:
    """A row of somebody's own making."""
    item = {"taskId": task_id, "slot": slot, "startedAt": slot} | texts
    runner.aws.client("dynamodb").put_item(
        TableName=STACK.runs_table, Item={name: {"S": text} for name, text in item.items()}
    )


def test_a_record_that_cannot_be_read_is_counted_and_leaves_the_others_theirs(runner: TaskRunner) -> None:
    watched(runner, "unreadable")
    other = watched(runner, "readable")
    runner.change("unreadable", "REMOVE retry")
    before = [counted(runner, name) for name in (HEARTBEAT_METRIC, UNREADABLE_METRIC)]
    for minutes in (35, 40):
        assert round_at(runner, BEGIN + timedelta(minutes=minutes))["unreadable"] == 1
    assert ended(runner, other, NINE).status is RunStatus.MISSED
    after = [counted(runner, name) for name in (HEARTBEAT_METRIC, UNREADABLE_METRIC)]
    assert [late - early for late, early in zip(after, before, strict=True)] == [2, 2]
    for task_id in ("unreadable", "readable"):
        runner.registry.remove(task_id)


ODD: dict[str, dict[str, str]] = {
    "trigger": {"status": "RUNNING", "trigger": "rocket", "executionArn": "arn:x"},
    "attention": {"status": "RUNNING", "attention": "pretty", "executionArn": "arn:x"},
    "moment": {"status": "WAITING", "startedAt": "yesterday", "executionArn": "arn:x"},
    "no-execution": {"status": "RUNNING"},
}


def test_odd_rows_keep_nobody_else_from_being_looked_after(runner: TaskRunner, dropped: None) -> None:
    for name, texts in ODD.items():
        put_row(runner, name, SLOT, **texts)
    # One of them is worth telling, and the follower has come across it.
    assert runner.aws.event_sources.settled(PATIENCE)
    task_id = runner.register("among-odd-ones", params={"seconds": 1.4})
    arn = runner.start({"taskId": task_id, "scheduledTime": "2026-11-23T07:00:00Z"})
    runner.until(lambda: runner.ledger.get(task_id, "2026-11-23T07:00:00Z") is not None)
    runner.aws.client("stepfunctions").stop_execution(executionArn=arn)
    before = [counted(runner, name) for name in (HEARTBEAT_METRIC, UNREADABLE_METRIC)]
    tally = round_at(runner, datetime.now(UTC) + timedelta(minutes=6))
    assert (tally["unreadable"], tally["closed"]) == (len(ODD), 1)
    assert ended(runner, task_id, "2026-11-23T07:00:00Z").status is RunStatus.ABORTED
    after = [counted(runner, name) for name in (HEARTBEAT_METRIC, UNREADABLE_METRIC)]
    assert [late - early for late, early in zip(after, before, strict=True)] == [1, len(ODD)]
    for name in ODD:
        remove_row(runner, name, SLOT)


def test_an_odd_incident_keeps_no_other_from_being_told(runner: TaskRunner) -> None:
    dynamodb, now = runner.aws.client("dynamodb"), datetime.now(UTC)
    odd = {"incident": {"S": "odd"}, "severity": {"S": "terrible"}, "count": {"S": "some"}, "untold": {"S": "all"}}
    dynamodb.put_item(TableName=STACK.incidents_table, Item=odd)
    incidents = Incidents(dynamodb, STACK)
    cause = Cause(severity=Severity.FAILED, title="AmongOddOnes of lambda/work")
    incidents.tell(incidents.hit(cause, "one", now), "one", not_since="0", now=now)
    incidents.hit(cause, "another", now)
    assert round_at(runner, now + timedelta(hours=1))["told"] == 1
    assert any(cause.title in text for text in messages(runner))
    for incident in ("odd", cause.incident):
        dynamodb.delete_item(TableName=STACK.incidents_table, Key={"incident": {"S": incident}})


def test_nobody_is_told_of_muted_tasks_until_the_mute_ends_and_then_of_all_that_happened(runner: TaskRunner) -> None:
    now = datetime.now(UTC)
    muted = runner.register("muted", params={"refuse": True}, tags=("etl",), owner="data", retry=ONCE)
    heard = runner.register("not-muted", params={"refuse": True}, tags=("web",), retry=ONCE)
    mutes = Mutes(runner.aws.client("dynamodb"), STACK)
    mute = Mute(
        scope=Scope(kind=ScopeKind.TAG, name="etl"), who="ann", why="x", since=key(now), until="2099-01-01T00:00:00Z"
    )
    mutes.begin(mute)
    # No incident of another test is open: its quiet period would keep this one from being told.
    told(runner, heard)
    for task_id in (muted, heard):
        arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
        assert runner.aws.execution(arn).over.wait(PATIENCE)
    assert runner.aws.event_sources.settled(PATIENCE)
    assert [heard in text for text in messages(runner)] == [True]
    # What has gone wrong is kept as ever, and what goes well is not told either.
    assert (ended(runner, muted, SLOT).status, ended(runner, heard, SLOT).status) == (RunStatus.FAILED,) * 2
    record = runner.registry.get(muted)
    assert record is not None
    assert len(record.incidents) == 1
    (noted,) = mutes.all()
    (line,) = noted.notes
    assert line.startswith(f"{SLOT}  {muted}  failed: ")
    assert (noted.tasks, noted.owners, noted.severities) == ((muted,), ("data",), ("failed",))
    round_at(runner, now + timedelta(minutes=5))
    assert messages(runner) == []
    mutes.cut_short(noted, key(now + timedelta(minutes=6)))
    assert round_at(runner, now + timedelta(minutes=10))["told"] == 1
    (text,) = messages(runner)
    assert text.startswith("A mute is over: all tasks with the tag etl.")
    assert f"  {line}\n" in text
    assert mutes.all() == []
    assert round_at(runner, now + timedelta(minutes=15))["told"] == 0
    for task_id in (muted, heard):
        runner.start({"taskId": task_id, "scheduledTime": NINE, "params": {"refuse": False}})
        assert ended(runner, task_id, NINE).status is RunStatus.SUCCEEDED
        runner.registry.remove(task_id)
    assert runner.aws.event_sources.settled(PATIENCE)
    messages(runner)


def remove_row(runner: TaskRunner, task_id: str, slot: str) -> None:
    key = {"taskId": {"S": task_id}, "slot": {"S": slot}}
    runner.aws.client("dynamodb").delete_item(TableName=STACK.runs_table, Key=key)


@pytest.mark.parametrize(
    "arn",
    [
        "garbage",
        "arn:aws:states:us-east-1:123456789012:execution:somebody-elses:x",
        "arn:aws:states:us-east-1:123456789012:execution:orchestrator-test-TaskRunner:there is none",
    ],
)
def test_a_row_that_names_no_execution_of_ours_is_closed_and_told(runner: TaskRunner, arn: str) -> None:
    task_id = runner.register("no-execution")
    put_row(runner, task_id, SLOT, status="RUNNING", executionArn=arn)
    assert round_at(runner, datetime.now(UTC) + timedelta(minutes=6))["closed"] == 1
    run = ended(runner, task_id, SLOT)
    assert (run.status, run.error) == (RunStatus.ABORTED, "ExecutionLost")
    assert len(told(runner, task_id)) == 1


def test_a_change_of_a_row_that_can_never_be_read_is_counted_and_does_not_hold_up_the_next(runner: TaskRunner) -> None:
    before = counted(runner, UNREADABLE_METRIC)
    put_row(runner, "odd", SLOT, status="FAILED", trigger="rocket")
    runner.register("after-an-odd-one", params={"refuse": True}, retry=ONCE)
    assert len(runner.run("after-an-odd-one").alerts) == 1
    assert counted(runner, UNREADABLE_METRIC) == before + 1
    remove_row(runner, "odd", SLOT)


# --- which failures are told


def failing(runner: TaskRunner, task_id: str, **fields: Any) -> str:
    return runner.register(task_id, params={"refuse": True}, retry=ONCE, **fields)


def test_a_failure_is_told_although_a_later_slot_has_succeeded_before(runner: TaskRunner) -> None:
    failing(runner, "overtaken", overlap=OverlapPolicy.ALLOW_ALL)
    assert runner.run("overtaken", "2026-11-23T02:01:00Z", params={"refuse": False}).status == "SUCCEEDED"
    assert len(runner.run("overtaken", "2026-11-23T02:00:00Z").alerts) == 1


@pytest.mark.parametrize(
    "kind", ["target", "undelivered", *(pytest.param(one, marks=pytest.mark.proof) for one in ("stopped", "contended"))]
)
def test_whatever_has_run_for_a_slot_to_come_failures_of_today_are_told(runner: TaskRunner, kind: str) -> None:
    """However often somebody has run slots to come."""
    task_id = failing(runner, f"from-the-future-{kind}", timeout_seconds=2)
    for year in range(2030, 2033):
        assert runner.run(task_id, f"{year}-01-01T00:00:00Z", params={"refuse": False}).status == "SUCCEEDED"
    match kind:
        case "target":
            runner.start({"taskId": task_id, "scheduledTime": SLOT})
        case "undelivered":
            dead_letter(runner, task_id, SLOT)
        case "stopped":
            arn = runner.start({"taskId": task_id, "scheduledTime": SLOT, "params": {"refuse": False, "seconds": 1.5}})
            runner.until(lambda: runner.ledger.get(task_id, SLOT) is not None)
            runner.aws.client("stepfunctions").stop_execution(executionArn=arn)
        case "contended":
            put_row(runner, task_id, SLOT, status="FAILED", error="ClaimContended", executionArn="arn:x")
    assert ended(runner, task_id, SLOT).status in (RunStatus.FAILED, RunStatus.ABORTED)
    assert len(told(runner, task_id)) == 1


def test_a_rerun_of_an_old_slot_that_fails_is_told(runner: TaskRunner) -> None:
    task_id = runner.register("run-again", retry=ONCE)
    old = runner.run(task_id, "2026-11-20T08:00:00Z").run
    assert old is not None
    for day in (21, 22, 23):
        runner.run(task_id, f"2026-11-{day}T08:00:00Z")
    rerun = {"trigger": Trigger.RERUN, "replaces": old.version, "params": {"refuse": True}}
    outcome = runner.run(task_id, old.slot, **rerun)
    assert (outcome.run and outcome.run.status, len(outcome.alerts)) == (RunStatus.FAILED, 1)


def test_the_alarm_of_failures_watches_what_the_meter_counts(runner: TaskRunner) -> None:
    """By the dimensions of the deployed alarm: those of an execution of an alias are nowhere promised."""
    (alarm,) = runner.aws.client("cloudwatch").describe_alarms(AlarmNames=[STACK.failure_alarm])["MetricAlarms"]
    assert alarm["Namespace"] == METRICS_NAMESPACE
    assert alarm["Dimensions"] == [{"Name": "Stack", "Value": STACK.name}]
    before = counted(runner, alarm["MetricName"])
    runner.run(failing(runner, "fails-for-the-alarm"))
    runner.run(runner.register("times-out", params={"seconds": 2.5}, timeout_seconds=1, retry=ONCE))
    runner.run(runner.register("well"))
    assert counted(runner, alarm["MetricName"]) == before + 2


# --- runs that go on for too long

#: No incident is silent because it was told before.
LOUD = Alerting(quiet_seconds=0)


def test_a_run_that_goes_on_for_too_long_is_told_while_it_does_and_once(runner: TaskRunner) -> None:
    task_id = runner.register("hangs", "workflow/nested", params={"pause": 3600}, max_duration_seconds=600, alerts=LOUD)
    arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
    runner.until(lambda: (run := runner.ledger.get(task_id, SLOT)) is not None and run.status is RunStatus.RUNNING)
    begin = datetime.now(UTC)
    tallies = [round_at(runner, begin + timedelta(minutes=minutes))["tooLong"] for minutes in (5, 9, 11, 15, 20)]
    assert tallies == [0, 0, 1, 0, 0]
    (alert,) = told(runner, task_id)
    assert alert.startswith("A scheduled task goes on for longer than it should.")
    # What became of it is told; not once more that it took long.
    runner.aws.client("stepfunctions").stop_execution(executionArn=arn)
    assert ended(runner, task_id, SLOT).status is RunStatus.ABORTED
    (alert,) = told(runner, task_id)
    assert alert.startswith("A scheduled task failed.")


def test_a_run_that_was_told_of_is_not_told_again_at_its_end(runner: TaskRunner) -> None:
    task_id = runner.register("slow", params={"seconds": 1.7}, max_duration_seconds=1, alerts=LOUD)
    arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
    runner.until(lambda: runner.ledger.get(task_id, SLOT) is not None)
    assert round_at(runner, datetime.now(UTC) + timedelta(minutes=2))["tooLong"] == 1
    assert len(told(runner, task_id)) == 1
    outcome = runner.end(arn, task_id, SLOT)
    assert (outcome.run and outcome.run.attention, outcome.alerts) == ((Attention.TOO_LONG,), [])


def test_a_run_that_is_too_long_between_two_looks_is_told_at_its_end(runner: TaskRunner) -> None:
    runner.register("a-little-slow", params={"seconds": 1.2}, max_duration_seconds=1)
    (alert,) = runner.run("a-little-slow").alerts
    assert alert.startswith("A scheduled task took longer than it should.")


# --- alerts that people can live with


def test_a_failure_that_the_task_tolerates_is_not_told(runner: TaskRunner) -> None:
    task_id = runner.register("tolerant", retry=ONCE, alerts=Alerting(failures=2, of=3))
    slots = [f"2026-11-20T{hour:02}:00:00Z" for hour in (9, 10, 11)]
    alerts = [len(runner.run(task_id, slot, params={"refuse": slot != slots[1]}).alerts) for slot in slots]
    assert alerts == [0, 0, 1]


def test_failures_one_after_the_other_pause_the_task_that_says_so(runner: TaskRunner) -> None:
    task_id = runner.register("gives-up", params={"refuse": True}, retry=ONCE, pause_after_failures=2)
    for hour in (9, 10):
        runner.run(task_id, f"2026-11-20T{hour:02}:00:00Z")
    record = runner.registry.get(task_id)
    assert record is not None
    assert record.pause is not None
    assert record.pause.who == "pauseAfterFailures"
    assert record.pause.why == "2 failures one after the other, the last of slot 2026-11-20T10:00:00Z"
    skipped = runner.run(task_id, "2026-11-20T11:00:00Z").run
    assert skipped is not None
    assert skipped.reason == SkipReason.PAUSED
