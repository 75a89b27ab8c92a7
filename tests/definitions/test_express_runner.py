"""TaskRunner's Express twin: delivered at least once, unnamed and unheard of when it dies, it has one effect a slot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

import definitions
from definitions.system.task_runner import claiming
from definitions.system.task_runner.record import RECORD
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions import executions, jsonata
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.execution_end import LOST
from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, Run, RunStatus, Trigger
from orchestrator.runs.task_state import Checkpoint
from orchestrator.stores.histories import Histories
from orchestrator.tasks.event_start import WhenAbsent
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.records import item_of
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from tests.testbed.reference import MOST, disagreements, expressions, never_evaluated
from tests.testbed.rounds import round_at
from tests.testbed.task_runner import COUNTING, SLOT, STACK, TaskRunner

ONCE = RetryPolicy(max_attempts=1)
TWICE = RetryPolicy(max_attempts=2, interval_seconds=10)
AT_ONCE = RetryPolicy(max_attempts=3, interval_seconds=0)
SHORT: dict[str, Any] = {"timeout_seconds": 60, "retry": AT_ONCE, "express": True}


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The machine, and what is left of its executions."""

    runner: TaskRunner

    @property
    def arn(self) -> str:
        return self.runner.applied.outputs["ExpressRunnerArn"]

    @property
    def backend(self) -> Any:
        """Of Step Functions: no request tells of an Express execution."""
        return stepfunctions_parser_backends[self.runner.aws.account][self.runner.aws.region]

    def register(self, task_id: str, target: str = "lambda/work", **fields: Any) -> str:
        return self.runner.register(task_id, target, **{**SHORT, **fields})

    def start(self, task_id: str, slot: str = SLOT, **more: Any) -> str:
        given = {"taskId": task_id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE, **more}
        client = self.runner.aws.client("stepfunctions")
        return str(
            client.start_execution(stateMachineArn=self.arn, name=task_id, input=json.dumps(given))["executionArn"]
        )

    def over(self, execution_arn: str) -> None:
        """Waits until nothing goes on in it."""
        assert self.runner.is_over(execution_arn)

    def run(self, task_id: str, slot: str = SLOT, **more: Any) -> Run | None:
        self.over(self.start(task_id, slot, **more))
        return self.runner.ledger.get(task_id, slot)

    def states(self, execution_arn: str) -> list[str]:
        """Its path, as `show` finds it."""
        aws = self.runner.aws
        visits = Histories(aws.client("stepfunctions"), aws.client("logs")).path(execution_arn)
        return [visit.state for visit in visits or ()]


@pytest.fixture(scope="module")
def twin(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[Twin]:
    handlers = ("system.follower", "system.failure_handler", "system.reporter", "system.watchdog")
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        yield Twin(runner=TaskRunner(embedded_aws, handlers=handlers))
        embedded_aws.reset()


def found(run: Run | None) -> Run:
    assert run is not None, "there is no row"
    return run


def test_it_is_an_express_machine_that_logs_every_state_and_no_data(twin: Twin) -> None:
    machine = twin.runner.aws.client("stepfunctions").describe_state_machine(stateMachineArn=twin.arn)
    assert machine["type"] == "EXPRESS"
    logging = machine["loggingConfiguration"]
    assert (logging["level"], logging["includeExecutionData"]) == ("ALL", False)


def test_no_state_waits_for_another_execution(twin: Twin) -> None:
    """Which Express machines may not ("Choosing workflow type in Step Functions")."""
    machine = definitions.ALL["ExpressRunner"](STACK).to_dict()
    resources = [state.get("Resource", "") for state in machine["States"].values()]
    assert not any(".sync" in one or ".waitForTaskToken" in one for one in resources)
    assert machine["TimeoutSeconds"] <= 300


def test_a_run_is_four_states_a_row_and_metrics(twin: Twin) -> None:
    arn = twin.start(twin.register("simple"))
    twin.over(arn)
    run = found(twin.runner.ledger.get("simple", SLOT))
    assert (run.status, run.attempts, run.trigger) == (RunStatus.SUCCEEDED, 1, Trigger.SCHEDULE)
    assert (run.execution_arn or "").startswith(f"{arn}#")
    assert twin.states(run.execution_arn or "") == ["LookupTask", "ClaimSlot", "InvokeLambda", "RecordOutcome"]
    assert set(twin.runner._metrics("simple")) == {"TaskExecution.SUCCEEDED", "TaskDuration", "StartDelay"}
    # An execution, a call and a delivery: its states cost nothing.
    assert run.dollars == Decimal("2.100001")
    record = twin.runner.registry.get("simple")
    assert record is not None
    assert (record.lease, record.last_status) == (None, RunStatus.SUCCEEDED)


def test_a_failure_is_retried_recorded_and_told(twin: Twin) -> None:
    run = found(twin.run(twin.register("fails", params={"succeedsAt": 9})))
    assert (run.status, run.attempts) == (RunStatus.FAILED, 3)
    assert twin.states(run.execution_arn or "")[-3:] == ["RetryOrGiveUp", "RecordFailure", "Failed"]
    assert run.dollars == Decimal("2.300001")
    assert len(twin.runner._alerts("fails")) == 1


def test_a_look_that_says_not_yet_says_what_it_has_cost(twin: Twin) -> None:
    run = found(twin.run(twin.register("not-yet", params={"notYet": 3600})))
    assert (run.status, run.dollars) == (RunStatus.WAITING, Decimal("2.100001"))


def test_a_task_without_the_prices_of_an_express_execution_runs_all_the_same(twin: Twin) -> None:
    of_standard = replace(COUNTING, express_run=None, express_skip=None, express_second=None)
    run = found(twin.run(twin.register("untold", price=of_standard)))
    assert (run.status, run.dollars) == (RunStatus.SUCCEEDED, None)


@pytest.mark.parametrize("at_once", [2, 8])
def test_deliveries_at_the_same_instant_have_one_effect(twin: Twin, at_once: int) -> None:
    task_id = twin.register(f"at-once-{at_once}", params={"seconds": 0.2})
    arns = [twin.start(task_id) for _ in range(at_once)]
    for arn in arns:
        twin.over(arn)
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert (run.status, run.attempts, run.duplicates) == (RunStatus.SUCCEEDED, 1, at_once - 1)
    assert sum("InvokeLambda" in twin.states(arn) for arn in arns) == 1


def test_one_execution_that_is_run_twice_has_one_effect(twin: Twin) -> None:
    """Step Functions may run one more than once: then even the ARN is the same."""
    task_id, aws = twin.register("same-arn"), twin.runner.aws
    backend = twin.backend
    machine = backend.describe_state_machine(twin.arn)
    given = {"taskId": task_id, "scheduledTime": SLOT, "trigger": Trigger.SCHEDULE}
    arn = f"{twin.arn.replace(':stateMachine:', ':express:')}:same:0000"
    both = [executions.begin(aws, backend, machine, arn, "same", json.dumps(given), None) for _ in range(2)]
    assert all(one.over.wait(30) for one in both)
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert (run.status, run.attempts, run.duplicates) == (RunStatus.SUCCEEDED, 1, 1)
    assert twin.states(arn).count("InvokeLambda") == 1


def test_a_delivery_that_comes_late_does_nothing_but_be_counted(twin: Twin) -> None:
    task_id = twin.register("late")
    first = found(twin.run(task_id))
    again = found(twin.run(task_id))
    assert replace(again, duplicates=0) == first
    assert again.duplicates == 1


def test_a_claim_whose_reply_was_lost_is_still_ones_own(twin: Twin) -> None:
    task_id = twin.register("lost-reply")
    role = twin.runner.aws.client("stepfunctions").describe_state_machine(stateMachineArn=twin.arn)["roleArn"]
    with twin.runner.faulty("dynamodb", "TransactWriteItems", applied=True, role=role) as lost:
        run = found(twin.run(task_id))
    assert lost == ["TransactWriteItems"]
    assert (run.status, run.duplicates) == (RunStatus.SUCCEEDED, 0)


# --- what is not for it


@pytest.mark.parametrize(
    ("name", "target", "fields"),
    [
        ("workflow", "workflow/nested", {}),
        ("long", "lambda/work", {"timeout_seconds": 100}),
        ("waits", "lambda/work", {"overlap": OverlapPolicy.BUFFER_ONE}),
        ("stops", "lambda/work", {"overlap": OverlapPolicy.CANCEL_OTHER}),
    ],
)
def test_what_is_not_for_it_is_handed_over_and_runs_in_task_runner(
    twin: Twin, name: str, target: str, fields: dict[str, Any]
) -> None:
    task_id = twin.register(f"other-{name}", target, **fields)
    arns = [twin.start(task_id), twin.start(task_id)]
    for arn in arns:
        twin.over(arn)
        # The second finds that TaskRunner has been started under this name, and that it goes on or has ended.
        states = twin.states(arn)
        assert "HandOver" in states
        assert states == ["LookupTask", "ClaimSlot", "Refused", "HandOver", "Ended"][: len(states)]
    twin.runner.until(lambda: (run := twin.runner.ledger.get(task_id, SLOT)) is not None and run.status == "SUCCEEDED")
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert f":execution:{STACK.task_runner}:{task_id}" in (run.execution_arn or "")
    assert run.attempts == 1


def test_a_backfill_that_somebody_starts_here_is_handed_over(twin: Twin) -> None:
    task_id = twin.register("backfilled")
    twin.run(task_id, trigger=Trigger.BACKFILL)
    twin.runner.until(lambda: (run := twin.runner.ledger.get(task_id, SLOT)) is not None and run.status == "SUCCEEDED")
    assert found(twin.runner.ledger.get(task_id, SLOT)).trigger is Trigger.BACKFILL


def test_a_refusal_that_cannot_be_recorded_is_left_to_task_runner_whose_failure_is_told(twin: Twin) -> None:
    role = twin.runner.aws.client("stepfunctions").describe_state_machine(stateMachineArn=twin.arn)["roleArn"]
    with twin.runner.faulty("dynamodb", "PutItem", applied=False, times=6, role=role):
        arn = twin.start("of-nobody")
        twin.over(arn)
    assert twin.states(arn)[-3:] == ["RecordRefusal", "Unrecorded", "HandOver"]
    twin.runner.until(lambda: twin.runner.ledger.get("of-nobody", SLOT) is not None)
    assert found(twin.runner.ledger.get("of-nobody", SLOT)).error == "TaskNotFound"


@pytest.mark.parametrize("kind", TargetKind)
@pytest.mark.parametrize("overlap", OverlapPolicy)
@pytest.mark.parametrize(
    ("timeout", "retry"),
    [
        (60, ONCE),
        (240, ONCE),
        (241, ONCE),
        (80, AT_ONCE),
        (81, AT_ONCE),
        (115, TWICE),
        (116, TWICE),
        (900, ONCE),
    ],
)
def test_the_machine_and_the_task_file_agree_on_what_is_for_it(
    kind: TargetKind, overlap: OverlapPolicy, timeout: int, retry: RetryPolicy
) -> None:
    task = Task(
        id="t", target=Target(kind=kind, name="x"), overlap=overlap, timeout_seconds=timeout, retry=retry, express=True
    )
    now = datetime(2026, 12, 1, tzinfo=UTC)
    states = {
        "result": {"Item": json.loads(json.dumps(item_of(task)))},
        "input": {"taskId": "t", "trigger": "schedule"},
    }
    states["context"] = {"Execution": {"Id": "arn:x", "StartTime": "2026-12-01T00:00:00.000Z"}}
    record = jsonata.evaluate(RECORD.removeprefix("{%").removesuffix("%}").strip(), {"states": states}, now)
    bindings = {"task": record, "trigger": Trigger.SCHEDULE.value}
    assert jsonata.evaluate(claiming.ELSEWHERE, bindings, now) is bool(list(obstacles(task)))


# --- death


def test_the_watchdog_closes_what_died_when_its_time_is_over(twin: Twin) -> None:
    """A death that leaves nothing behind but a row that says RUNNING: at any state after the claim."""
    task_id, client = twin.register("dies"), twin.runner.aws.client("stepfunctions")
    definition = json.loads(client.describe_state_machine(stateMachineArn=twin.arn)["definition"])
    mortal = json.loads(json.dumps(definition))
    mortal["States"]["InvokeLambda"]["Next"] = "Die"
    mortal["States"]["Die"] = {"Type": "Pass", "Output": "{% $error('it dies') %}", "Next": "RecordOutcome"}
    client.update_state_machine(stateMachineArn=twin.arn, definition=json.dumps(mortal))
    try:
        twin.over(twin.start(task_id))
    finally:
        client.update_state_machine(stateMachineArn=twin.arn, definition=json.dumps(definition))
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert run.status is RunStatus.RUNNING
    started = datetime.fromisoformat(run.started_at or "")
    assert round_at(twin.runner, started + timedelta(seconds=355))["closed"] == 0
    assert round_at(twin.runner, started + timedelta(seconds=365))["closed"] == 1
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert (run.status, run.error) == (RunStatus.ABORTED, LOST)
    assert run.dollars == Decimal("2.100001")
    record = twin.runner.registry.get(task_id)
    assert record is not None
    assert (record.lease, record.consecutive_failures) == (None, 1)
    assert len(twin.runner._alerts(task_id)) == 1
    # A delivery that comes after that does not run the slot once more.
    assert found(twin.run(task_id)).duplicates == 1


def well(twin: Twin, task_id: str, slot: str) -> list[str]:
    return [twin.start(task_id, slot)]


def badly(twin: Twin, task_id: str, slot: str) -> list[str]:
    return [twin.start(task_id, slot, params={"succeedsAt": 9})]


def twice(twin: Twin, task_id: str, slot: str) -> list[str]:
    return [twin.start(task_id, slot) for _ in range(2)]


def paused(twin: Twin, task_id: str, slot: str) -> list[str]:
    twin.runner.change(task_id, "SET pause = :pause", pause={"M": {"who": {"S": "ann"}}})
    return well(twin, task_id, slot)


def broken(twin: Twin, task_id: str, slot: str) -> list[str]:
    twin.runner.change(task_id, "SET target = :target", target={"S": "../x"})
    return well(twin, task_id, slot)


def elsewhere(twin: Twin, task_id: str, slot: str) -> list[str]:
    twin.runner.change(task_id, "SET overlap = :overlap", overlap={"S": OverlapPolicy.BUFFER_ONE})
    return well(twin, task_id, slot)


def robbed(twin: Twin, task_id: str, slot: str) -> list[str]:
    """Of its lease, while it is at work."""
    started = [twin.start(task_id, slot, params={"seconds": 0.4})]
    twin.runner.until(lambda: twin.runner.ledger.get(task_id, slot) is not None)
    twin.runner.change(task_id, "SET lease.executionArn = :other", other={"S": "arn:other"})
    return started


def not_yet(twin: Twin, task_id: str, slot: str) -> list[str]:
    return [twin.start(task_id, slot, params={"notYet": 80_000})]


#: What leads to each state. Of those that are not here the next two end an execution; the others take a fault of AWS.
DEATHS: dict[str, Callable[[Twin, str, str], list[str]]] = {
    "LookupTask": well,
    "ClaimSlot": well,
    "InvokeLambda": well,
    "RecordOutcome": well,
    "RecordOutcomeAlone": robbed,
    "RetryOrGiveUp": badly,
    "BackOff": badly,
    "RecordFailure": badly,
    "PostponeRun": not_yet,
    "ExplainRefusal": twice,
    "Refused": paused,
    "RecordDuplicate": twice,
    "RecordSkip": paused,
    "RecordRefusal": broken,
    "HandOver": elsewhere,
}
ENDS = {"Ended", "Failed"}
AFTER_FAULTS = {"ClaimAgain", "Unrecorded", "RecordFailureAlone", "PostponeRunAlone"}


@contextmanager
def dying_after(twin: Twin, state: str) -> Iterator[None]:
    """Wherever ``state`` leads to, the execution dies on the way: what the state has done is done."""
    client = twin.runner.aws.client("stepfunctions")
    sound = client.describe_state_machine(stateMachineArn=twin.arn)["definition"]
    mortal = json.loads(sound)
    left, targets = mortal["States"][state], list[str]()
    for one in (left, *left.get("Choices", ()), *left.get("Catch", ())):
        targets += [one[name] for name in ("Next", "Default") if name in one]
        one |= {name: "Die" for name in ("Next", "Default") if name in one}
    if left.pop("End", False):
        left["Next"] = "Die"
    deadly = "{% $error('it dies') %}"
    # A state that nothing leads to is refused.
    choices = [{"Condition": deadly, "Next": target} for target in targets]
    goes_on = {"Type": "Choice", "Choices": choices, "Default": "Ended"}
    mortal["States"]["Die"] = goes_on if targets else {"Type": "Pass", "Output": deadly, "Next": "Ended"}
    client.update_state_machine(stateMachineArn=twin.arn, definition=json.dumps(mortal))
    try:
        yield
    finally:
        client.update_state_machine(stateMachineArn=twin.arn, definition=sound)


def test_every_state_that_an_execution_can_die_after_is_among_the_deaths() -> None:
    states = definitions.ALL["ExpressRunner"](STACK).to_dict()["States"]
    assert set(DEATHS) | ENDS | AFTER_FAULTS == set(states)


@pytest.mark.parametrize(
    "state",
    [
        # In the suite: nothing claimed, nothing recorded, a second delivery.
        pytest.param(one, marks=[] if one in ("LookupTask", "RecordDuplicate") else pytest.mark.proof)
        for one in DEATHS
    ],
)
def test_whatever_state_it_dies_after_its_slot_is_explained_told_and_run_once(twin: Twin, state: str) -> None:
    runner, now = twin.runner, twin.runner.aws.clock.now()
    slot, task_id = key(now.replace(minute=0, second=0, microsecond=0)), twin.register(f"dies-after-{state}")
    record = runner.registry.get(task_id)
    assert record is not None
    hourly = replace(record.task, schedules=(TaskSchedule(expression="cron(0 * * * ? *)"),), grace_seconds=300)
    before = key(datetime.fromisoformat(slot) - timedelta(seconds=1))
    runner.registry.register(hourly, Checkpoint(checked_until=before, next_run=slot), anew=True)
    with dying_after(twin, state):
        arns = DEATHS[state](twin, task_id, slot)
        for arn in arns:
            twin.over(arn)
    died = runner.aws.clock.now()
    for minutes in (7, 13):
        round_at(runner, died + timedelta(minutes=minutes))
    assert runner.aws.event_sources.settled(60)
    if state == "HandOver":
        runner.until(lambda: (run := runner.ledger.get(task_id, slot)) is not None and run.status in TERMINAL)
    run = found(runner.ledger.get(task_id, slot))
    # A slot that waits is looked at again.
    assert run.status in TERMINAL or run.hold is not None, run
    assert run.status not in UNSUCCESSFUL or runner._alerts(task_id)
    if state != "RecordRefusal":
        record = runner.registry.get(task_id)
        assert record is not None
        assert record.lease is None or record.lease.execution_arn == "arn:other"
    # What comes after that runs it where nothing has, and else counts.
    late = twin.start(task_id, slot)
    twin.over(late)
    assert sum("InvokeLambda" in twin.states(arn) for arn in (*arns, late)) <= 1
    after = found(runner.ledger.get(task_id, slot))
    if run.status is RunStatus.MISSED:
        assert (after.status, after.attempts, [one.status for one in after.history]) == (
            RunStatus.SUCCEEDED, 1, [RunStatus.MISSED]
        )  # fmt: skip
    else:
        assert (after.status, after.attempts) == (run.status, run.attempts)
        # TaskRunner counts it where it has another name.
        assert after.duplicates == run.duplicates + (state != "HandOver")
    runner.registry.remove(task_id)


def test_an_execution_that_the_machines_own_time_ends_is_closed_by_the_watchdog(twin: Twin) -> None:
    client, task_id = twin.runner.aws.client("stepfunctions"), twin.register("out-of-time", params={"seconds": 1.6})
    sound = client.describe_state_machine(stateMachineArn=twin.arn)["definition"]
    short = json.loads(sound) | {"TimeoutSeconds": 1}
    client.update_state_machine(stateMachineArn=twin.arn, definition=json.dumps(short))
    try:
        arn = twin.start(task_id)
        twin.over(arn)
    finally:
        client.update_state_machine(stateMachineArn=twin.arn, definition=sound)
    assert twin.states(arn)[-1] == "InvokeLambda"
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert run.status is RunStatus.RUNNING
    round_at(twin.runner, datetime.fromisoformat(run.started_at or "") + timedelta(seconds=365))
    run = found(twin.runner.ledger.get(task_id, SLOT))
    assert (run.status, run.error) == (RunStatus.ABORTED, LOST)
    assert len(twin.runner._alerts(task_id)) == 1
    assert found(twin.run(task_id)).duplicates == 1


def test_an_event_that_is_skipped_keeps_the_params_that_nobody_could_ask_its_execution_for(twin: Twin) -> None:
    task_id = twin.register("skipped-event", when_absent=WhenAbsent.ALERT)
    twin.runner.change(task_id, "SET pause = :pause", pause={"M": {"who": {"S": "ann"}}})
    run = found(twin.run(task_id, trigger=Trigger.EVENT, params={"file": "a.csv"}))
    assert (run.status, run.reason, run.params) == (RunStatus.SKIPPED, "paused", '{"file":"a.csv"}')
    twin.runner.change(task_id, "REMOVE pause")
    later = "2026-11-23T09:00:00Z"
    run = found(twin.run(task_id, later))
    assert (run.status, run.started_at, run.params) == (RunStatus.MISSED, None, None)


@MOST
def test_every_expression_has_the_value_that_the_reference_gives_it(
    twin: Twin, evaluations: list[Evaluation], most: int | None
) -> None:
    twin.run("unknown-to-it")
    assert disagreements(definitions.ALL["ExpressRunner"](STACK), evaluations, most) == []
    of_both = set(expressions(definitions.ALL["TaskRunner"](STACK).to_dict()))
    assert never_evaluated(definitions.ALL["ExpressRunner"](STACK), evaluations) <= of_both
