"""TaskRunner on the real interpreter: whatever happens to a run, its row, its metrics and its alert say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import definitions
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.schedules.calendars import Closure
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import OverlapPolicy
from tests.testbed.reference import MOST, OF_HOLDING, OF_OVERLAP, OF_POOLS, disagreements, never_evaluated
from tests.testbed.task_runner import SLOT, STACK, Outcome, TaskRunner

AT_ONCE = RetryPolicy(max_attempts=3, interval_seconds=0)
ONCE = RetryPolicy(max_attempts=1)

Scenario = Callable[[TaskRunner], Outcome]
SCENARIOS: dict[str, Scenario] = {}


def scenario(run: Scenario) -> Scenario:
    """Registers what happens; a test asks for it by name, and it happens once."""
    SCENARIOS[run.__name__] = run
    return run


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    # Waits between retries pass quickly; what runs takes the time it takes.
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        yield TaskRunner(embedded_aws)
        embedded_aws.reset()


@pytest.fixture(scope="module")
def happened(runner: TaskRunner) -> Callable[[Scenario], Outcome]:
    outcomes: dict[str, Outcome] = {}

    def outcome(of: Scenario) -> Outcome:
        if of.__name__ not in outcomes:
            outcomes[of.__name__] = of(runner)
        return outcomes[of.__name__]

    return outcome


Happened = Callable[[Scenario], Outcome]


def row(outcome: Outcome) -> Run:
    assert outcome.run is not None
    return outcome.run


# --- success


@scenario
def success(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("success", params={"colour": "blue"}))


def test_a_simple_run_costs_four_transitions(happened: Happened) -> None:
    assert happened(success).states == ["LookupTask", "ClaimSlot", "InvokeLambda", "RecordOutcome"]


def test_a_run_that_succeeds_is_a_row_metrics_and_no_alert(happened: Happened) -> None:
    outcome = happened(success)
    run = row(outcome)
    assert outcome.status == "SUCCEEDED"
    assert outcome.output == {"taskId": "success", "slot": SLOT, "status": "SUCCEEDED"}
    assert (run.status, run.trigger, run.attempts, run.error) == (RunStatus.SUCCEEDED, Trigger.SCHEDULE, 1, None)
    assert run.duration_seconds is not None
    assert run.start_delay_seconds is not None
    assert outcome.metrics == {
        "TaskExecution.SUCCEEDED": (1, 1),
        "TaskDuration": (1, run.duration_seconds),
        "StartDelay": (1, run.start_delay_seconds),
    }
    assert outcome.alerts == []


def test_duration_is_from_start_to_end_and_start_delay_from_slot_to_start(happened: Happened) -> None:
    run = row(happened(success))
    slot, start, end = (datetime.fromisoformat(str(moment)) for moment in (run.slot, run.started_at, run.ended_at))
    assert run.duration_seconds == (end - start).total_seconds()
    assert run.start_delay_seconds == (start - slot).total_seconds()


def test_the_target_gets_what_it_needs_to_know(happened: Happened) -> None:
    result = row(happened(success)).result
    assert result is not None
    assert json.loads(result)["event"] == {
        "taskId": "success",
        "slot": SLOT,
        "scheduledTime": SLOT,
        "timezone": "UTC",
        "attempt": 1,
        "runKey": f"success#{SLOT}",
        "params": {"colour": "blue"},
    }


def test_the_lease_is_gone_when_the_run_has_ended(happened: Happened) -> None:
    record = happened(success).record
    assert "lease" not in record
    assert (record["lastStatus"], record["lastSlot"]) == ({"S": "SUCCEEDED"}, {"S": SLOT})
    assert record["consecutiveFailures"] == {"N": "0"}


@scenario
def silent(runner: TaskRunner) -> Outcome:
    """Its first attempt gives no sign of life, long before its timeout."""
    return runner.run(runner.register("silent", heartbeat_seconds=1, retry=AT_ONCE, params={"silentUntil": 2}))


def test_a_handler_that_hangs_is_ended_early_and_tried_again(happened: Happened) -> None:
    outcome = happened(silent)
    assert (row(outcome).status, row(outcome).attempts) == (RunStatus.SUCCEEDED, 2)
    assert json.loads(row(outcome).result or "")["event"]["heartbeatSeconds"] == 1


@scenario
def postponed(runner: TaskRunner) -> Outcome:
    """Its handler says "not yet": test_not_yet.py has more."""
    return runner.run(runner.register("postponed", params={"notYet": 80_000}))


@scenario
def postponed_backfill(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("postponed-backfill", params={"notYet": 80_000}), trigger=Trigger.BACKFILL)


def test_a_slot_that_waits_costs_four_transitions(happened: Happened) -> None:
    assert happened(postponed).states == ["LookupTask", "ClaimSlot", "InvokeLambda", "PostponeRun"]
    assert happened(postponed_backfill).states[-2:] == ["PostponeRun", "PostponeRunAlone"]


@scenario
def ad_hoc(runner: TaskRunner) -> Outcome:
    runner.register("ad-hoc", params={"colour": "blue", "size": 1})
    return runner.end(runner.start({"taskId": "ad-hoc", "params": {"colour": "red"}}), "ad-hoc")


def test_an_ad_hoc_run_is_under_the_moment_it_started_and_has_no_start_delay(happened: Happened) -> None:
    outcome = happened(ad_hoc)
    run = row(outcome)
    assert (run.trigger, run.start_delay_seconds, run.slot) == (Trigger.AD_HOC, None, run.started_at)
    assert "StartDelay" not in outcome.metrics
    assert run.result is not None
    event = json.loads(run.result)["event"]
    assert (event["params"], event["scheduledTime"]) == ({"colour": "red", "size": 1}, None)


# --- failure and retry


@scenario
def retry_then_success(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("retry-then-success", params={"succeedsAt": 3}, retry=AT_ONCE))


def test_a_run_is_retried_until_it_succeeds(happened: Happened) -> None:
    outcome = happened(retry_then_success)
    assert (outcome.status, row(outcome).attempts) == ("SUCCEEDED", 3)
    assert outcome.states.count("InvokeLambda") == 3
    assert outcome.metrics["TaskExecution.SUCCEEDED"] == (1, 1)
    assert outcome.alerts == []


@scenario
def give_up(runner: TaskRunner) -> Outcome:
    runner.register("give-up", params={"succeedsAt": 9}, retry=AT_ONCE, owner="data-platform", runbook="look at it")
    return runner.run("give-up")


@pytest.mark.parametrize(("which", "calls"), [(success, 1), (retry_then_success, 3), (give_up, 3)])
def test_the_row_says_what_lambda_calls_each_call(happened: Happened, which: Scenario, calls: int) -> None:
    ids = row(happened(which)).request_ids
    assert len(set(ids)) == len(ids) == calls
    assert None not in ids


def test_a_run_that_never_succeeds_is_recorded_measured_told_and_failed(happened: Happened) -> None:
    outcome = happened(give_up)
    run = row(outcome)
    assert (outcome.status, outcome.error) == ("FAILED", "ValueError")
    assert outcome.states[-3:] == ["RetryOrGiveUp", "RecordFailure", "Failed"]
    assert (run.status, run.error, run.attempts) == (RunStatus.FAILED, "ValueError", 3)
    assert outcome.metrics["TaskExecution.FAILED"] == (1, 1)
    assert outcome.metrics["TaskDuration"] == (1, run.duration_seconds)
    (alert,) = outcome.alerts
    for line in (
        "slot:      2026-11-23T08:00:00Z (schedule)",
        "owner:     data-platform",
        "runbook:   look at it",
        "rerun:     orchestrator --stack orchestrator-test rerun give-up 2026-11-23T08:00:00Z",
    ):
        assert line in alert
    assert outcome.record["consecutiveFailures"] == {"N": "1"}
    assert "lease" not in outcome.record


def test_a_cause_is_one_line_of_bounded_length(happened: Happened) -> None:
    cause = row(happened(give_up)).cause
    assert cause is not None
    assert "attempt 3 of give-up" in cause
    assert "\n" not in cause
    assert len(cause) <= 1000


@scenario
def never_retried(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("never-retried", params={"refuse": True}, retry=AT_ONCE))


def test_an_error_that_no_retry_can_mend_is_not_retried(happened: Happened) -> None:
    outcome = happened(never_retried)
    assert (row(outcome).error, row(outcome).attempts) == ("InvalidParameters", 1)
    assert "RetryOrGiveUp" not in outcome.states
    assert len(outcome.alerts) == 1


@scenario
def never_on(runner: TaskRunner) -> Outcome:
    policy = RetryPolicy(max_attempts=3, interval_seconds=0, never_on=("ValueError",))
    return runner.run(runner.register("never-on", params={"succeedsAt": 2}, retry=policy))


def test_an_error_that_the_policy_names_is_not_retried(happened: Happened) -> None:
    assert (row(happened(never_on)).status, row(happened(never_on)).attempts) == (RunStatus.FAILED, 1)


@scenario
def task_times_out(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("task-times-out", params={"seconds": 1.9}, timeout_seconds=1, retry=AT_ONCE))


@scenario
def function_times_out(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("function-times-out", params={"seconds": 9}, timeout_seconds=30, retry=AT_ONCE))


@pytest.mark.parametrize(
    ("which", "error", "failed_with"),
    [
        (task_times_out, "States.Timeout", "Task.Timeout"),
        (function_times_out, "Sandbox.Timedout", "Sandbox.Timedout"),
    ],
)
def test_a_timeout_is_a_status_and_an_alert_and_not_retried_unless_the_task_is_idempotent(
    happened: Happened, which: Scenario, error: str, failed_with: str
) -> None:
    outcome = happened(which)
    assert (outcome.status, outcome.error) == ("FAILED", failed_with)
    assert (row(outcome).status, row(outcome).error, row(outcome).attempts) == (RunStatus.TIMED_OUT, error, 1)
    assert outcome.metrics["TaskExecution.TIMED_OUT"] == (1, 1)
    assert len(outcome.alerts) == 1


def test_of_a_call_that_lambda_ended_itself_the_row_has_the_id_and_of_one_that_nobody_waited_for_none(
    happened: Happened,
) -> None:
    assert row(happened(task_times_out)).request_ids == (None,)
    (ended,) = row(happened(function_times_out)).request_ids
    assert ended is not None


@scenario
def idempotent_task_times_out(runner: TaskRunner) -> Outcome:
    policy = RetryPolicy(max_attempts=2, interval_seconds=0)
    fields: dict[str, Any] = {"timeout_seconds": 1, "retry": policy, "idempotent": True}
    return runner.run(runner.register("idempotent", params={"seconds": 1.5}, **fields))


def test_an_idempotent_task_is_retried_after_a_timeout(happened: Happened) -> None:
    assert row(happened(idempotent_task_times_out)).attempts == 2


# --- what may have had its effect is not repeated


@scenario
def reply_lost(runner: TaskRunner) -> Outcome:
    runner.register("reply-lost", retry=AT_ONCE)
    with runner.faulty("lambda", "Invoke", applied=True, times=9, error="ServiceException") as lost:
        outcome = runner.run("reply-lost")
    assert lost == ["Invoke"]
    return outcome


def test_a_task_that_is_not_idempotent_runs_once_when_lambdas_reply_is_a_fault_of_its_own(happened: Happened) -> None:
    outcome = happened(reply_lost)
    assert outcome.states.count("InvokeLambda") == 1
    assert (row(outcome).status, row(outcome).error) == (RunStatus.FAILED, "Lambda.ServiceException")
    assert (row(outcome).attempts, len(outcome.alerts)) == (1, 1)


@scenario
def idempotent_reply_lost(runner: TaskRunner) -> Outcome:
    runner.register("idempotent-reply-lost", retry=ONCE, idempotent=True)
    with runner.faulty("lambda", "Invoke", applied=True, times=2, error="ServiceException"):
        return runner.run("idempotent-reply-lost")


def test_a_task_that_is_idempotent_is_called_again_and_every_call_is_counted(happened: Happened) -> None:
    outcome = happened(idempotent_reply_lost)
    assert (row(outcome).status, row(outcome).attempts) == (RunStatus.SUCCEEDED, 3)
    assert json.loads(row(outcome).result or "")["event"]["attempt"] == 3


@scenario
def throttled(runner: TaskRunner) -> Outcome:
    runner.register("throttled", retry=ONCE)
    with runner.faulty("lambda", "Invoke", applied=False, times=2, error="TooManyRequestsException", status=429):
        return runner.run("throttled")


def test_a_call_that_lambda_has_not_taken_is_made_again_and_counted(happened: Happened) -> None:
    outcome = happened(throttled)
    assert (row(outcome).status, row(outcome).attempts) == (RunStatus.SUCCEEDED, 3)
    assert "RetryOrGiveUp" in outcome.states


@scenario
def raises_a_services_name(runner: TaskRunner) -> Outcome:
    for name in ("Lambda.TooManyRequestsException", "Lambda.ServiceException"):
        task_id = f"raises-{name.split('.')[1]}"
        outcome = runner.run(runner.register(task_id, params={"raises": name}, retry=ONCE, idempotent=True))
        assert (row(outcome).error, row(outcome).attempts) == (name, 1)
    return outcome


def test_a_handler_whose_error_is_called_like_a_services_is_retried_as_its_policy_says(happened: Happened) -> None:
    assert happened(raises_a_services_name).states.count("InvokeLambda") == 1


@scenario
def out_of_memory(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("out-of-memory", params={"raises": "Runtime.OutOfMemory"}, retry=AT_ONCE))


def test_a_handler_that_ran_out_of_memory_is_not_repeated_unless_it_is_idempotent(happened: Happened) -> None:
    assert (row(happened(out_of_memory)).error, row(happened(out_of_memory)).attempts) == ("Runtime.OutOfMemory", 1)


@scenario
def no_such_function(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("no-such-function", target="lambda/gone", retry=ONCE))


def test_a_function_that_is_not_there_is_a_failure(happened: Happened) -> None:
    assert row(happened(no_such_function)).error == "Lambda.ResourceNotFoundException"


@scenario
def large_result(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("large-result", params={"bytes": 300_000}, retry=AT_ONCE))


def test_a_result_of_300_kb_is_a_failure_with_a_row_and_an_alert(happened: Happened) -> None:
    outcome = happened(large_result)
    assert (outcome.status, outcome.error) == ("FAILED", "Task.DataLimitExceeded")
    assert (row(outcome).status, row(outcome).error) == (RunStatus.FAILED, "States.DataLimitExceeded")
    assert (row(outcome).attempts, len(outcome.alerts)) == (1, 1)


@scenario
def longish_result(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("longish-result", params={"bytes": 200_000}))


def test_of_a_long_result_the_row_keeps_a_part(happened: Happened) -> None:
    outcome = happened(longish_result)
    assert outcome.status == "SUCCEEDED"
    assert len(row(outcome).result or "") == 2000


# --- not started


@scenario
def unknown_task(runner: TaskRunner) -> Outcome:
    return runner.run("unknown-task")


def test_an_unknown_task_is_a_failure_under_its_own_name(happened: Happened) -> None:
    outcome = happened(unknown_task)
    assert (outcome.status, outcome.error) == ("FAILED", "TaskNotFound")
    assert outcome.states == ["LookupTask", "ClaimSlot", "Refused", "RecordRefusal", "Failed"]
    assert (row(outcome).status, row(outcome).error, row(outcome).attempts) == (RunStatus.FAILED, "TaskNotFound", 0)
    assert outcome.metrics["TaskExecution.FAILED"] == (1, 1)
    assert "TaskDuration" not in outcome.metrics
    assert len(outcome.alerts) == 1
    assert "rerun:" not in outcome.alerts[0]
    assert outcome.record == {}


@scenario
def unknown_task_again(runner: TaskRunner) -> Outcome:
    runner.run("unknown-again")
    return runner.run("unknown-again")


def test_a_second_delivery_for_an_unknown_task_alerts_nobody_again(happened: Happened) -> None:
    outcome = happened(unknown_task_again)
    assert outcome.output == {"taskId": "unknown-again", "slot": SLOT, "status": "DUPLICATE"}
    assert (row(outcome).error, row(outcome).duplicates, outcome.alerts) == ("TaskNotFound", 1, [])


@scenario
def paused(runner: TaskRunner) -> Outcome:
    runner.register("paused")
    runner.change("paused", "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}, "why": {"S": "because"}}})
    return runner.run("paused")


def test_a_paused_task_is_skipped_and_the_row_says_why(happened: Happened) -> None:
    outcome = happened(paused)
    assert (outcome.status, outcome.alerts) == ("SUCCEEDED", [])
    assert outcome.states == ["LookupTask", "ClaimSlot", "ExplainRefusal", "Refused", "RecordSkip"]
    assert (row(outcome).status, row(outcome).reason) == (RunStatus.SKIPPED, "paused")
    assert outcome.metrics == {"TaskExecution.SKIPPED": (1, 1), "StartDelay": outcome.metrics["StartDelay"]}
    assert "lease" not in outcome.record


HOLIDAY = Closure(since=datetime(2026, 11, 23, tzinfo=UTC), until=datetime(2026, 11, 24, tzinfo=UTC), why="holidays")


@scenario
def closed(runner: TaskRunner) -> Outcome:
    runner.register("closed", closures=(replace(HOLIDAY, since=HOLIDAY.since - timedelta(days=9)), HOLIDAY))
    return runner.run("closed")


def test_a_slot_on_a_closed_day_is_skipped_without_asking_why_and_the_row_names_the_calendar(
    happened: Happened,
) -> None:
    outcome = happened(closed)
    assert (outcome.status, outcome.alerts) == ("SUCCEEDED", [])
    assert outcome.states == ["LookupTask", "ClaimSlot", "Refused", "RecordSkip"]
    assert (row(outcome).status, row(outcome).reason) == (RunStatus.SKIPPED, "closed")
    assert row(outcome).cause == "holidays"
    assert "lease" not in outcome.record


@scenario
def closed_duplicate(runner: TaskRunner) -> Outcome:
    runner.register("closed-duplicate", closures=(HOLIDAY,))
    runner.run("closed-duplicate")
    return runner.run("closed-duplicate")


def test_a_duplicate_on_a_closed_day_is_counted_too(happened: Happened) -> None:
    outcome = happened(closed_duplicate)
    assert (row(outcome).status, row(outcome).duplicates) == (RunStatus.SKIPPED, 1)


@scenario
def open_again(runner: TaskRunner) -> Outcome:
    runner.register("open-again", closures=(HOLIDAY,))
    return runner.run("open-again", slot="2026-11-24T00:00:00Z")


def test_a_slot_at_the_end_of_a_closure_runs(happened: Happened) -> None:
    assert row(happened(open_again)).status is RunStatus.SUCCEEDED


@scenario
def closed_by_hand(runner: TaskRunner) -> Outcome:
    runner.register("closed-by-hand", closures=(HOLIDAY,))
    return runner.run("closed-by-hand", trigger="ad hoc")


def test_a_person_may_run_a_task_on_a_closed_day(happened: Happened) -> None:
    assert row(happened(closed_by_hand)).status is RunStatus.SUCCEEDED


@scenario
def duplicate(runner: TaskRunner) -> Outcome:
    runner.register("duplicate")
    runner.run("duplicate")
    return runner.run("duplicate")


def test_a_duplicate_delivery_runs_nothing_and_is_counted(happened: Happened) -> None:
    outcome = happened(duplicate)
    assert outcome.output == {"taskId": "duplicate", "slot": SLOT, "status": "DUPLICATE"}
    assert "InvokeLambda" not in outcome.states
    assert (row(outcome).status, row(outcome).duplicates) == (RunStatus.SUCCEEDED, 1)
    assert outcome.metrics["TaskExecution.SUCCEEDED"] == (1, 1)
    assert outcome.metrics["TaskExecution.DUPLICATE"] == (1, 1)
    assert outcome.alerts == []


@scenario
def overlap(runner: TaskRunner) -> Outcome:
    runner.register("overlap", params={"seconds": 1})
    first = runner.start({"taskId": "overlap", "scheduledTime": "2026-11-23T07:00:00Z"})
    runner.until(lambda: runner.ledger.get("overlap", "2026-11-23T07:00:00Z") is not None)
    second = runner.run("overlap")
    assert runner.end(first, "overlap", "2026-11-23T07:00:00Z").status == "SUCCEEDED"
    return second


def test_a_slot_that_comes_while_the_last_run_goes_on_is_skipped(happened: Happened) -> None:
    outcome = happened(overlap)
    assert (outcome.status, row(outcome).status, row(outcome).reason) == ("SUCCEEDED", RunStatus.SKIPPED, "overlap")
    assert outcome.record["lease"]["M"]["executionArn"]["S"] != row(outcome).execution_arn


@scenario
def allow_all(runner: TaskRunner) -> Outcome:
    runner.register("allow-all", params={"seconds": 0.5}, overlap=OverlapPolicy.ALLOW_ALL)
    first = runner.start({"taskId": "allow-all", "scheduledTime": "2026-11-23T07:00:00Z"})
    runner.until(lambda: runner.ledger.get("allow-all", "2026-11-23T07:00:00Z") is not None)
    second = runner.run("allow-all")
    assert runner.end(first, "allow-all", "2026-11-23T07:00:00Z").status == "SUCCEEDED"
    return second


def test_both_run_if_the_task_allows_it(happened: Happened) -> None:
    assert row(happened(allow_all)).status is RunStatus.SUCCEEDED


@scenario
def expired_lease(runner: TaskRunner) -> Outcome:
    runner.register("expired-lease")
    lease = {"M": {"executionArn": {"S": "arn:of-the-dead"}, "expiresAt": {"N": "1"}}}
    runner.change("expired-lease", "SET lease = :lease", lease=lease)
    return runner.run("expired-lease")


def test_a_holder_that_died_blocks_nobody_beyond_its_lease(happened: Happened) -> None:
    assert row(happened(expired_lease)).status is RunStatus.SUCCEEDED
    assert "lease" not in happened(expired_lease).record


BROKEN = {
    "timeoutSeconds": ("SET timeoutSeconds = :broken", {"S": "soon"}),
    "target": ("SET target = :broken", {"S": "work:PROD"}),
    "params or closures": ("SET params = :broken", {"S": "{not JSON"}),
    "kind": ("SET kind = :broken", {"S": "ecs"}),
    "overlap": ("REMOVE overlap", None),
    "maxAttempts": ("REMOVE retry.maxAttempts", None),
}


@scenario
def bad_record(runner: TaskRunner) -> Outcome:
    """The last of them; each is asserted by the test that breaks it."""
    for field, (expression, value) in BROKEN.items():
        task_id = runner.register(f"bad-record-{field.split()[0]}")
        runner.change(task_id, expression, **({"broken": value} if value else {}))
        outcome = runner.run(task_id)
        assert (outcome.status, outcome.error) == ("FAILED", "InvalidTask")
        assert row(outcome).cause == f"missing or wrong in the record: {field}"
        assert len(outcome.alerts) == 1
    return outcome


def test_a_record_with_a_missing_or_wrong_field_is_refused_by_the_name_of_the_field(happened: Happened) -> None:
    assert (row(happened(bad_record)).status, row(happened(bad_record)).attempts) == (RunStatus.FAILED, 0)


@scenario
def bad_input(runner: TaskRunner) -> Outcome:
    wrong: list[Any] = [{}, {"taskId": "a:b"}, {"taskId": 7}, {"taskId": "x", "scheduledTime": "soon"}, [], "x"]
    wrong += [{"taskId": "x", "params": [1]}, {"taskId": "x", "trigger": "magic"}]
    for execution_input in wrong:
        outcome = runner.end(runner.start(execution_input), "_invalid")
        assert (outcome.status, outcome.error) == ("FAILED", "InvalidInput")
        assert len(outcome.alerts) == 1
    return outcome


def test_an_input_that_names_no_task_is_refused_and_kept(happened: Happened) -> None:
    assert (row(happened(bad_input)).error, row(happened(bad_input)).task_id) == ("InvalidInput", "_invalid")


@scenario
def refused_before(runner: TaskRunner) -> Outcome:
    """Starts of a slot that its task refuses, then Scheduler's own delivery of it."""
    runner.register("refused-before")
    wrong: list[dict[str, Any]] = [{"params": None}, {"replaces": 7}, {"trigger": None}]
    for one in wrong:
        given = {"taskId": "refused-before", "scheduledTime": SLOT, **one}
        outcome = runner.end(runner.start(given), "_invalid")
        assert (row(outcome).error, runner.ledger.get("refused-before", SLOT)) == ("InvalidInput", None)
    runner.change("refused-before", "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}}})
    skipped = runner.end(runner.start({"taskId": "refused-before", "scheduledTime": SLOT}), "refused-before")
    assert (row(skipped).trigger, row(skipped).reason) == (Trigger.AD_HOC, "paused")
    runner.change("refused-before", "REMOVE pause SET overlap = :none", none={"S": "none"})
    refused = runner.end(runner.start({"taskId": "refused-before", "scheduledTime": SLOT}), "refused-before")
    assert (row(refused).trigger, row(refused).error) == (Trigger.AD_HOC, "InvalidTask")
    runner.change("refused-before", "SET overlap = :skip", skip={"S": "skip"})
    return runner.run("refused-before")


def test_a_start_that_was_refused_leaves_its_slot_to_the_schedule(happened: Happened) -> None:
    run = row(happened(refused_before))
    assert (run.status, run.trigger, run.duplicates) == (RunStatus.SUCCEEDED, Trigger.SCHEDULE, 0)


@scenario
def by_hand(runner: TaskRunner) -> Outcome:
    runner.register("by-hand")
    asked = {"taskId": "by-hand", "scheduledTime": SLOT, "startedBy": "user/anna\x1b[1m" + "x" * 300}
    return runner.end(runner.start(asked), "by-hand", SLOT)


def test_a_start_by_hand_for_a_slot_is_recorded_as_such(happened: Happened) -> None:
    run = row(happened(by_hand))
    assert (run.status, run.trigger, run.start_delay_seconds) == (RunStatus.SUCCEEDED, Trigger.AD_HOC, None)


def test_the_row_names_whoever_says_to_have_started_it(happened: Happened) -> None:
    assert row(happened(by_hand)).started_by == "user/anna [1m" + "x" * 187
    assert row(happened(success)).started_by is None


@pytest.mark.parametrize(
    "slot",
    [
        "٢٠٢٧-05-02T00:00:00Z",
        "2027-05-02T00:00:00Z\n",
        "2027-02-29T00:00:00Z",
        *(pytest.param(one, marks=pytest.mark.proof) for one in ("2027-13-01T00:00:00Z", "2027-05-02T24:00:00Z")),
    ],
)
@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.AD_HOC])
def test_a_slot_that_is_no_moment_gets_no_row(runner: TaskRunner, slot: str, trigger: Trigger) -> None:
    runner.register("no-moment")
    given = {"taskId": "no-moment", "scheduledTime": slot, "trigger": trigger}
    outcome = runner.end(runner.start(given), "_invalid")
    assert (row(outcome).error, runner.ledger.get("no-moment", slot)) == ("InvalidInput", None)


# --- nested workflows


@scenario
def workflow_succeeds(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("workflow-succeeds", target="workflow/nested", params={"a": 1}))


def test_a_workflow_is_waited_for_and_its_execution_is_in_the_row(happened: Happened) -> None:
    outcome = happened(workflow_succeeds)
    run = row(outcome)
    assert (outcome.status, run.status) == ("SUCCEEDED", RunStatus.SUCCEEDED)
    assert outcome.states[2:] == ["InvokeLambda", "RouteTask", "StartWorkflow", "RecordOutcome"]
    assert json.loads(run.result or "") == {"answer": 42, "params": {"a": 1}}
    assert run.child_execution_arn is not None
    name = run.child_execution_arn.rsplit(":", 1)[1]
    assert name.startswith("workflow-succeeds-20261123T080000Z-")
    assert name.endswith("-1")


@scenario
def workflow_fails(runner: TaskRunner) -> Outcome:
    return runner.run(runner.register("workflow-fails", target="workflow/nested", params={"fail": True}, retry=ONCE))


def test_a_workflow_that_fails_fails_its_task(happened: Happened) -> None:
    outcome = happened(workflow_fails)
    assert (outcome.status, row(outcome).error) == ("FAILED", "States.TaskFailed")
    assert "OutOfPaper" in (row(outcome).cause or "")
    assert (row(outcome).child_execution_arn or "").endswith("-1")
    assert len(outcome.alerts) == 1


@scenario
def workflow_times_out(runner: TaskRunner) -> Outcome:
    fields: dict[str, Any] = {"params": {"pause": 30}, "timeout_seconds": 1, "retry": ONCE}
    return runner.run(runner.register("workflow-times-out", target="workflow/nested", **fields))


def test_a_workflow_that_takes_too_long_is_stopped(runner: TaskRunner, happened: Happened) -> None:
    outcome = happened(workflow_times_out)
    assert (row(outcome).status, row(outcome).error) == (RunStatus.TIMED_OUT, "States.Timeout")
    nested = f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK.workflow_prefix}nested"
    client = runner.aws.client("stepfunctions")

    def children() -> list[str]:
        listed = client.list_executions(stateMachineArn=nested)["executions"]
        return [one["status"] for one in listed if one["name"].startswith("workflow-times-out")]

    runner.until(lambda: children() == ["ABORTED"])


# --- AWS at fault


@scenario
def lost_acknowledgement(runner: TaskRunner) -> Outcome:
    runner.register("lost-acknowledgement")
    with runner.faulty("dynamodb", "TransactWriteItems", applied=True) as lost:
        outcome = runner.run("lost-acknowledgement")
    assert lost == ["TransactWriteItems"]
    return outcome


def test_a_claim_whose_reply_was_lost_is_still_ones_own(happened: Happened) -> None:
    outcome = happened(lost_acknowledgement)
    assert (outcome.status, row(outcome).status, row(outcome).duplicates) == ("SUCCEEDED", RunStatus.SUCCEEDED, 0)
    assert outcome.states.count("InvokeLambda") == 1


@scenario
def passing_faults(runner: TaskRunner) -> Outcome:
    runner.register("passing-faults")
    with (
        runner.faulty("dynamodb", "GetItem", applied=False),
        runner.faulty("dynamodb", "TransactWriteItems", applied=False),
    ):
        return runner.run("passing-faults")


def test_faults_of_aws_that_pass_are_retried(happened: Happened) -> None:
    assert (happened(passing_faults).status, len(happened(passing_faults).states)) == ("SUCCEEDED", 4)


@scenario
def lease_lost(runner: TaskRunner) -> Outcome:
    runner.register("lease-lost", params={"seconds": 1})
    arn = runner.start({"taskId": "lease-lost", "scheduledTime": SLOT})
    runner.until(lambda: runner.ledger.get("lease-lost", SLOT) is not None)
    lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": "99999999999"}}}
    runner.change("lease-lost", "SET lease = :lease", lease=lease)
    return runner.end(arn, "lease-lost", SLOT)


def test_a_run_that_lost_its_lease_still_ends_its_row_and_leaves_the_lease_to_the_other(happened: Happened) -> None:
    outcome = happened(lease_lost)
    assert "RecordOutcomeAlone" in outcome.states
    assert (outcome.status, row(outcome).status) == ("SUCCEEDED", RunStatus.SUCCEEDED)
    assert outcome.record["lease"]["M"]["executionArn"] == {"S": "arn:of-another"}


@scenario
def registry_down(runner: TaskRunner) -> Outcome:
    runner.register("registry-down")
    with runner.faulty("dynamodb", "GetItem", applied=False, times=6):
        return runner.run("registry-down")


def test_a_registry_that_stays_down_is_a_failure_with_a_row_and_an_alert(happened: Happened) -> None:
    outcome = happened(registry_down)
    assert (outcome.status, row(outcome).status, len(outcome.alerts)) == ("FAILED", RunStatus.FAILED, 1)
    assert (row(outcome).slot, row(outcome).attempts) == (SLOT, 0)


@scenario
def claim_down(runner: TaskRunner) -> Outcome:
    runner.register("claim-down")
    with runner.faulty("dynamodb", "TransactWriteItems", applied=False, times=6):
        return runner.run("claim-down")


def test_a_claim_that_cannot_be_made_is_a_failure_with_a_row_and_an_alert(happened: Happened) -> None:
    outcome = happened(claim_down)
    assert (outcome.status, row(outcome).status, len(outcome.alerts)) == ("FAILED", RunStatus.FAILED, 1)


@scenario
def contended(runner: TaskRunner) -> Outcome:
    """The lease is in the way at the claim, and gone when the records are read."""
    runner.register("contended")
    lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": "99999999999"}}}
    runner.change("contended", "SET lease = :lease", lease=lease)
    with runner.just_before("dynamodb", "BatchGetItem", lambda: runner.change("contended", "REMOVE lease")):
        return runner.run("contended")


def test_a_claim_that_lost_to_a_passing_transaction_is_tried_again(happened: Happened) -> None:
    outcome = happened(contended)
    assert "ClaimAgain" in outcome.states
    assert row(outcome).status is RunStatus.SUCCEEDED


@scenario
def many_conflicts(runner: TaskRunner) -> Outcome:
    """Other transactions are in the way of the claim, eight times one after the other."""
    runner.register("many-conflicts")
    conflict: dict[str, Any] = {"error": "TransactionCanceledException", "status": 400}
    with runner.faulty("dynamodb", "TransactWriteItems", applied=False, times=8, **conflict):
        return runner.run("many-conflicts")


def test_a_claim_that_others_are_in_the_way_of_for_a_while_is_made_in_the_end(happened: Happened) -> None:
    outcome = happened(many_conflicts)
    assert (row(outcome).status, outcome.states.count("ClaimSlot")) == (RunStatus.SUCCEEDED, 9)


# --- independent proof


@MOST
def test_every_published_expression_has_the_same_value_in_the_reference_jsonata(
    happened: Happened, evaluations: list[Evaluation], most: int | None
) -> None:
    for run in SCENARIOS.values():
        happened(run)
    task_runner = definitions.ALL["TaskRunner"](STACK)
    assert never_evaluated(task_runner, evaluations, besides=OF_HOLDING | OF_OVERLAP | OF_POOLS) == set()
    assert disagreements(task_runner, evaluations, most) == []
