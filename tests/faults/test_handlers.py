"""Every AWS call of the failure handler, the follower and the watchdog, failing in every way until it has failed often
enough for more than one attempt.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.runs.mutes import Mute, Note
from orchestrator.runs.pools import Waiter
from orchestrator.runs.run import TERMINAL, RunEnd, RunStatus, Trigger
from orchestrator.stack import HEARTBEAT_METRIC, METRICS_NAMESPACE
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp, OverlapPolicy
from orchestrator.tasks.upstream import SlotOf, Upstream
from tests.faults.injection import Call, Fault, Faults, Injected
from tests.faults.scenarios import GRACE, Cell
from tests.faults.verdicts import LOST, table, told, verdict
from tests.faults.world import MovedClock
from tests.testbed.rounds import dead_letter, messages
from tests.testbed.task_runner import STACK, TaskRunner

#: So many requests fail, one in each attempt.
_TIMES = 3

#: A function's own calls are of these services. What Lambda does in its name to find its events is not: a poll that
#: fails is made again.
_SERVICES = ("cloudwatch:", "dynamodb:", "scheduler:", "sns:", "states:")
_POLLING = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")

#: A call, and how it fails.
Key = tuple[str, Fault]


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    with embedded_aws.on(MovedClock(datetime.now(UTC))):
        # What the SDK tries again by itself would only make it last longer.
        environment = {"AWS_MAX_ATTEMPTS": "1"}
        runner = TaskRunner(
            embedded_aws,
            handlers=("system.follower", "system.failure_handler", "system.watchdog"),
            environment=environment,
            timeout_seconds=60,
        )
        queues = embedded_aws.client("sqs")
        for name in (STACK.scheduler_dlq, STACK.execution_failures):
            url = queues.get_queue_url(QueueName=name)["QueueUrl"]
            queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
        yield runner
        embedded_aws.reset()


def calls(runner: TaskRunner, function: str) -> dict[str, Call]:
    """What the deployed function's role lets it do."""
    configured = runner.aws.client("lambda").get_function_configuration(FunctionName=function)
    role = configured["Role"].rpartition("/")[2]
    may = [
        Call(role=role, action=action, resource=statement["Resource"])
        for statement in roles.statements(role)
        for action in statement["Action"]
        if action.startswith(_SERVICES) and not action.endswith(_POLLING)
    ]
    return {_label(call): call for call in may}


def _label(call: Call) -> str:
    what = call.resource.rpartition("/")[2].rpartition(":")[2].removeprefix(f"{STACK.name}-")
    return f"{call.action} {what}".removesuffix(" *")


def every(runner: TaskRunner, prefix: str, labels: Sequence[str], *, third: bool = False) -> dict[Key, Cell]:
    """A task for each call and each fault, or for every third of them, which meets all calls and all faults."""
    at = (runner.aws.clock.now() - timedelta(minutes=10)).replace(second=0, microsecond=0)
    keys = enumerate([*product(labels, Fault)][:: 3 if third else 1])
    return {key: Cell(runner=runner, task_id=f"{prefix}-{number:02}", at=at) for number, key in keys}


def injected(
    known: Mapping[str, Call],
    cells: Mapping[tuple[str, Fault], Cell],
    marks: Callable[[Cell], tuple[str, ...]] = lambda cell: (cell.task_id,),
    times: int = _TIMES,
) -> dict[tuple[str, Fault], Injected]:
    return {
        (label, fault): Injected(
            where=Call(
                role=known[label].role,
                action=known[label].action,
                resource=known[label].resource,
                marks=marks(cell),
            ),
            fault=fault,
            times=times,
        )
        for (label, fault), cell in cells.items()
    }


def at_once(play: Callable[[tuple[str, Fault], Cell], None], cells: Mapping[tuple[str, Fault], Cell]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(play, cells.keys(), cells.values()))


def show(title: str, found: Mapping[tuple[str, Fault], str]) -> None:
    sys.stdout.write(f"\n{table(title, found)}\n")


# --- the failure handler

#: For each call, whether it is made for a slot that was not delivered; else for an execution that died.
FAILURE_HANDLER = {
    "dynamodb:PutItem FailedTasks": True,
    "dynamodb:PutItem TaskRuns": True,
    "dynamodb:UpdateItem TaskRuns": False,
    "dynamodb:UpdateItem ScheduledTasks": False,
}


def _undelivered(cell: Cell) -> None:
    cell.register()
    dead_letter(cell.runner, cell.task_id, cell.slot)


def _died(cell: Cell) -> None:
    cell.register("workflow/nested", params={"pause": 200})
    execution = cell.start()
    cell.is_(RunStatus.RUNNING)
    cell.runner.aws.client("stepfunctions").stop_execution(executionArn=execution)


@pytest.mark.parametrize("third", [True, pytest.param(False, marks=pytest.mark.proof)], ids=["sample", "all"])
def test_whatever_call_of_the_failure_handler_fails_no_slot_is_silent(
    runner: TaskRunner, faults: Faults, third: bool
) -> None:
    known = calls(runner, STACK.function("failure-handler", is_task=False))
    assert sorted(known) == sorted(FAILURE_HANDLER)
    cells = every(runner, f"failure-handler-{third}", list(FAILURE_HANDLER), third=third)
    struck = injected(known, cells)

    def play(key: tuple[str, Fault], cell: Cell) -> None:
        (_undelivered if FAILURE_HANDLER[key[0]] else _died)(cell)

    with faults.injected(*struck.values()):
        at_once(play, cells)

        def over() -> bool:
            runs = (runner.ledger.get(cell.task_id, cell.slot) for cell in cells.values())
            return all(one.hits > _TIMES for one in struck.values()) and all(
                run is not None and run.status is not RunStatus.RUNNING for run in runs
            )

        runner.until(over)
        assert runner.aws.event_sources.settled(60)
    whom = told(runner)
    found = {
        key: verdict(runner.ledger.get(cell.task_id, cell.slot), cell.task_id, whom) for key, cell in cells.items()
    }
    show("the failure handler", found)
    assert [key for key, what in found.items() if what == LOST] == []


# --- the follower

#: What it does of rows that cannot be read alone, of which nothing is told.
ONLY_COUNTED = "cloudwatch:PutMetricData"

FOLLOWER = (
    "dynamodb:Query TaskRuns",
    "dynamodb:GetItem ScheduledTasks",
    "dynamodb:UpdateItem ScheduledTasks",
    "dynamodb:UpdateItem Incidents",
    "dynamodb:DeleteItem Incidents",
    "dynamodb:Query Limits",
    "dynamodb:UpdateItem Limits",
    "sns:Publish Alerts",
)

#: What it does of held slots alone.
OF_HELD = ("dynamodb:GetItem TaskRuns", "dynamodb:UpdateItem TaskRuns", "states:StartExecution TaskRunner")


@pytest.mark.proof
def test_whatever_call_fails_a_held_slot_is_woken_and_runs_once(runner: TaskRunner, faults: Faults) -> None:
    known = calls(runner, STACK.function("follower", is_task=False))
    cells = every(runner, "held", OF_HELD)
    struck = injected(known, cells)

    def hold(_: tuple[str, Fault], cell: Cell) -> None:
        cell.register(after=(Upstream(task_id=cell.task_id, slot=SlotOf.LATEST_BEFORE),), downstream=(cell.task_id,))
        cell.run()

    def wake(_: tuple[str, Fault], cell: Cell) -> None:
        cell.run(key(cell.at - timedelta(days=1)), trigger=Trigger.RERUN)

    with faults.injected(*struck.values()):
        at_once(hold, cells)
        assert runner.aws.event_sources.settled(60)
        at_once(wake, cells)
        runner.until(lambda: all((run := cell.row()) and run.status in TERMINAL for cell in cells.values()))
        assert runner.aws.event_sources.settled(60)
    assert [key for key, one in struck.items() if not one.hits] == []
    assert {cell.row().status for cell in cells.values()} == {RunStatus.SUCCEEDED}  # type: ignore[union-attr] # see above
    assert {cell.row().attempts for cell in cells.values()} == {1}  # type: ignore[union-attr] # see above


#: What it does of slots that wait for a moment alone.
OF_TIMED = ("scheduler:CreateSchedule",)


def test_whatever_call_fails_a_slot_that_waits_for_a_moment_has_its_alarm_clock(
    runner: TaskRunner, faults: Faults
) -> None:
    known = calls(runner, STACK.function("follower", is_task=False))
    cells = every(runner, "timed", OF_TIMED)
    struck = injected(known, cells)

    def hold(_: tuple[str, Fault], cell: Cell) -> None:
        cell.register(params={"notYet": 80_000})
        cell.run()

    scheduler = runner.aws.client("scheduler")

    def alarms(cell: Cell) -> int:
        prefix = f"{cell.task_id}."
        return len(scheduler.list_schedules(GroupName=STACK.one_time_group, NamePrefix=prefix)["Schedules"])

    with faults.injected(*struck.values()):
        at_once(hold, cells)
        runner.until(lambda: all(one.hits > _TIMES for one in struck.values()))
        assert runner.aws.event_sources.settled(60)
    assert {key: alarms(cell) for key, cell in cells.items()} == dict.fromkeys(cells, 1)
    assert {cell.row().status for cell in cells.values()} == {RunStatus.WAITING}  # type: ignore[union-attr] # it ran


#: What it does of pools alone, beside OF_MUTED.
OF_POOL = ("dynamodb:DeleteItem Limits", "dynamodb:GetItem Limits", "dynamodb:PutItem Limits")


def _pooled(cell: Cell) -> Limit:
    """A task of which one run may be at work at once."""
    limit = Limit(name=cell.task_id, at_once=1)
    cell.register(pool=limit, overlap=OverlapPolicy.ALLOW_ALL)
    return limit


@pytest.mark.proof
def test_whatever_call_fails_a_slot_is_let_into_its_pool_and_gives_back_its_place(
    runner: TaskRunner, faults: Faults
) -> None:
    known, pools = calls(runner, STACK.function("follower", is_task=False)), Pools(runner.aws.client("dynamodb"), STACK)
    cells = every(runner, "pooled", (*OF_POOL, OF_MUTED))
    struck = injected(known, cells)

    def play(_: tuple[str, Fault], cell: Cell) -> None:
        _pooled(cell)
        cell.run(cell.earlier)
        cell.run()

    with faults.injected(*struck.values()):
        at_once(play, cells)
        both = [(cell.task_id, slot) for cell in cells.values() for slot in (cell.earlier, cell.slot)]
        runner.until(lambda: all((run := runner.ledger.get(*one)) and run.status in TERMINAL for one in both))
        assert runner.aws.event_sources.settled(60)
    assert [key for key, one in struck.items() if not one.hits] == []
    rows = [runner.ledger.get(*one) for one in both]
    assert {(run.status, run.attempts) for run in rows if run} == {(RunStatus.SUCCEEDED, 1)}
    assert [cell.task_id for cell in cells.values() if pools.get(_pooled(cell)).holders] == []


#: It asks this about all tasks, and this of one that is muted.
MUTES, OF_MUTED = "dynamodb:Query Limits", "dynamodb:UpdateItem Limits"


@pytest.mark.proof
def test_whatever_call_of_the_follower_fails_people_are_told(runner: TaskRunner, faults: Faults) -> None:
    known = calls(runner, STACK.function("follower", is_task=False))
    assert sorted(known) == sorted((*FOLLOWER, *OF_HELD, *OF_TIMED, *OF_POOL, ONLY_COUNTED))
    cells = every(runner, "follower", FOLLOWER)
    recorder = Recorder(runner.aws.client("dynamodb"), STACK)

    mutes = Mutes(runner.aws.client("dynamodb"), STACK)

    def marks(cell: Cell) -> tuple[str, ...]:
        return cell.task_id, _cause(cell).incident

    def struck() -> dict[tuple[str, Fault], Injected]:
        of_all = {key: cells[key] for key in cells if key[0] == MUTES}
        return injected(known, cells, marks) | injected(known, of_all, lambda cell: ("",))

    def fail(which: tuple[str, Fault], cell: Cell) -> None:
        cell.register(pause_after_failures=1)
        if which[0] == OF_MUTED:
            mutes.begin(_mute(cell))
        runner.change(cell.task_id, "SET consecutiveFailures = :one", one={"N": "1"})
        now = runner.aws.clock.now()
        recorder.record(
            cell.task_id, cell.earlier, RunEnd(status=RunStatus.FAILED, error=cell.task_id, cause="as told"), now=now
        )

    def recover(_: tuple[str, Fault], cell: Cell) -> None:
        runner.registry.resume(cell.task_id)
        cell.run()

    messages(runner)
    failing, recovering = struck(), struck()
    with faults.injected(*failing.values()):
        at_once(fail, cells)
        assert runner.aws.event_sources.settled(60)
    paused = {key: bool((record := runner.registry.get(cell.task_id)) and record.pause) for key, cell in cells.items()}
    with faults.injected(*recovering.values()):
        at_once(recover, cells)
        assert runner.aws.event_sources.settled(60)
    said = "\n".join([*messages(runner), *(f"{line}\n" for mute in mutes.all() for line in mute.notes)])
    found = {}
    for which, cell in cells.items():
        first, last = f"task:      {cell.task_id}\n", f"recovered: {cell.task_id}, slot {cell.slot}"
        if which[0] == OF_MUTED:
            first, last = (f"{cell.task_id}  {what}: {_cause(cell).title}\n" for what in ("failed", "recovered"))
        is_paused = "paused" if paused[which] else LOST
        found[which] = ", ".join([_so_often("told", said.count(first)), is_paused, _so_often("over", said.count(last))])
    show("the follower", found)
    assert [key for key in cells if not failing[key].hits + recovering[key].hits] == []
    assert [key for key, what in found.items() if LOST in what] == []
    # Rather twice than never: of a mail whose reply is lost nobody knows that it was sent.
    for mute in mutes.all():
        mutes.end(mute)
    repeated = {call for call, fault in found if found[call, fault] != "told, paused, over"}
    assert repeated <= {"dynamodb:DeleteItem Incidents", "sns:Publish Alerts"}
    assert told(runner) & {cell.task_id for cell in cells.values()} == set()


def test_a_row_that_cannot_be_read_holds_up_no_other_even_where_it_cannot_be_counted(
    runner: TaskRunner, faults: Faults
) -> None:
    count = calls(runner, STACK.function("follower", is_task=False))[ONLY_COUNTED]
    dynamodb, slot = runner.aws.client("dynamodb"), key(runner.aws.clock.now())
    odd = {"taskId": "odd", "slot": slot, "status": RunStatus.FAILED, "trigger": "rocket"}
    well = odd | {"taskId": "not-odd", "trigger": "schedule", "error": "AfterAnOddOne"}
    for fault in Fault:
        messages(runner)
        with faults.injected(denied := Injected(where=count, fault=fault)):
            for row in (odd, well):
                item = {name: {"S": text} for name, text in (row | {"startedAt": slot, "cause": fault}).items()}
                dynamodb.put_item(TableName=STACK.runs_table, Item=item)
            assert runner.aws.event_sources.settled(60)
        assert denied.hits == 1
        assert sum("AfterAnOddOne" in text for text in messages(runner)) == 1
        incident = Cause(severity=Severity.FAILED, title="AfterAnOddOne of delivery to TaskRunner").incident
        dynamodb.delete_item(TableName=STACK.incidents_table, Key={"incident": {"S": incident}})
        for row in (odd, well):
            one = {name: {"S": row[name]} for name in ("taskId", "slot")}
            dynamodb.delete_item(TableName=STACK.runs_table, Key=one)


def _so_often(what: str, times: int) -> str:
    return LOST if not times else what if times == 1 else f"{what} {times} times"


# --- the watchdog

#: For each call, what it is made for: a slot that was ``missed``, is ``held`` or is to be ``caught up``, the run of an
#: execution that ``died``, an ``incident`` that has grown since it was told or that is ``over`` with its month, or the
#: whole ``round``. The first is what it does once a day, in a round in which nothing of it fails.
WATCHDOG = {
    "dynamodb:Scan ScheduledTasks": "round",
    "dynamodb:DeleteItem Incidents": "over",
    "dynamodb:Query DueIndex": "round",
    "dynamodb:GetItem ScheduledTasks": "missed",
    "dynamodb:UpdateItem ScheduledTasks": "missed",
    "dynamodb:Query StatusIndex": "round",
    "dynamodb:Query TaskRuns": "missed",
    "dynamodb:PutItem TaskRuns": "missed",
    "dynamodb:UpdateItem TaskRuns": "died",
    "dynamodb:GetItem TaskRuns": "held",
    "dynamodb:Scan Incidents": "round",
    "dynamodb:UpdateItem Incidents": "incident",
    "dynamodb:Query Limits": "round",
    "dynamodb:DeleteItem Limits": "mute",
    "dynamodb:GetItem Limits": "pooled",
    "dynamodb:PutItem Limits": "joins",
    "dynamodb:UpdateItem Limits": "pooled",
    "states:StartExecution TaskRunner": "caught up",
    "states:DescribeExecution": "died",
    "sns:Publish Alerts": "incident",
}


def _cause(cell: Cell) -> Cause:
    return Cause(severity=Severity.FAILED, title=f"{cell.task_id} of delivery to TaskRunner")


def _overrun(cell: Cell) -> Cause:
    return Cause(severity=Severity.OVER_BUDGET, title=f"{cell.task_id}: more than $1.00 in 2020-01")


def _mute(cell: Cell) -> Mute:
    """For some minutes, in which a round may be made as of a later moment."""
    now = datetime.now(UTC)
    scope = Scope(kind=ScopeKind.TASK, name=cell.task_id)
    return Mute(scope=scope, who="ann", why="x", since=key(now), until=key(now + timedelta(minutes=10)))


class Prepared:
    """What the watchdog has to find in each cell, and what is in its requests about it."""

    def __init__(self, cells: Mapping[tuple[str, Fault], Cell]) -> None:
        self._cells = cells
        self.marks: dict[str, tuple[str, ...]] = {}

    def prepare(self, key: tuple[str, Fault], cell: Cell) -> None:
        what = WATCHDOG[key[0]]
        marks: tuple[str, ...] = (cell.task_id,)
        if what == "died":
            marks = (*marks, self._died(cell))
        elif what == "incident":
            marks = (*marks, self._incident(cell))
        elif what == "over":
            marks = (*marks, self._over(cell))
        elif what == "held":
            self._held(cell)
        elif what == "pooled":
            self._haunted(cell)
        elif what == "joins":
            # It has waited for something else, and nobody has heard that it does not any more.
            self._held(cell)
            _pooled(cell)
        elif what == "mute":
            mutes, mute = Mutes(cell.runner.aws.client("dynamodb"), STACK), _mute(cell)
            mutes.begin(mute)
            mutes.note(mute, Note(line="a line", task_id=cell.task_id, owner="", severity=Severity.FAILED))
        else:
            cell.register(catch_up=CatchUp.LATEST if what == "caught up" else CatchUp.NONE)
        self.marks[cell.task_id] = marks

    def _died(self, cell: Cell) -> str:
        cell.register("workflow/nested", params={"pause": 200})
        execution = cell.start()
        cell.is_(RunStatus.RUNNING)
        cell.runner.aws.client("stepfunctions").stop_execution(executionArn=execution)
        return execution

    def _held(self, cell: Cell) -> None:
        """And what it waits for has gone well unheard."""
        cell.register(after=(Upstream(task_id=cell.task_id, slot=SlotOf.LATEST_BEFORE),))
        cell.run()
        cell.runner.until(lambda: bool((run := cell.row()) and run.hold and run.hold.why))
        cell.has_ended(RunStatus.SUCCEEDED, key(cell.at - timedelta(days=1)))

    def _haunted(self, cell: Cell) -> None:
        """In its pool is one that nobody knows any more."""
        dynamodb, now = cell.runner.aws.client("dynamodb"), datetime.now(UTC)
        ghost = Waiter(task_id="ghost", slot=cell.slot, version="x", since=now.timestamp(), lease_seconds=10**7)
        Pools(dynamodb, STACK).enter(_pooled(cell), ghost, now)
        cell.run()
        cell.runner.until(lambda: bool((run := cell.row()) and run.hold and run.hold.why))

    def _over(self, cell: Cell) -> str:
        """Of a budget, in a month of long ago."""
        incidents = Incidents(cell.runner.aws.client("dynamodb"), STACK)
        return incidents.begin(_overrun(cell), datetime.now(UTC), owner="", tasks=[cell.task_id]).id

    def _incident(self, cell: Cell) -> str:
        """Told of one task, and now it has hit another one."""
        incidents, now = Incidents(cell.runner.aws.client("dynamodb"), STACK), datetime.now(UTC)
        incident = incidents.hit(_cause(cell), "another-task", now)
        incidents.tell(incident, "its row", not_since="", now=now)
        incidents.told(incident, "its row")
        incidents.hit(_cause(cell), cell.task_id, now)
        return incident.id


def _round(runner: TaskRunner, now: datetime) -> str | None:
    """Makes a round of the watchdog; the name of the error that it ended with."""
    event = {"taskId": "watchdog", "slot": key(now), "scheduledTime": key(now), "runKey": "w", "params": {}}
    answer = runner.aws.client("lambda").invoke(
        FunctionName=f"{STACK.function_prefix}watchdog", Payload=json.dumps(event)
    )
    result = json.loads(answer["Payload"].read())
    return str(result["errorType"]) if "FunctionError" in answer else None


def _heartbeats(runner: TaskRunner) -> float:
    now = datetime.now(UTC)
    points = runner.aws.client("cloudwatch").get_metric_statistics(
        Namespace=METRICS_NAMESPACE,
        MetricName=HEARTBEAT_METRIC,
        Dimensions=[{"Name": "Stack", "Value": STACK.name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=12),
        Period=86_400,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


@pytest.mark.proof
def test_whatever_call_of_the_watchdog_fails_a_later_round_makes_up_for_it(runner: TaskRunner, faults: Faults) -> None:
    known = calls(runner, STACK.function("watchdog"))
    assert sorted(known) == sorted((*WATCHDOG, ONLY_COUNTED))
    cells = every(runner, "watchdog", list(WATCHDOG))
    prepared = Prepared(cells)
    runner.aws.client("events").disable_rule(Name=STACK.execution_failures)
    messages(runner)
    at_once(prepared.prepare, cells)
    begin = runner.aws.clock.now() + GRACE + timedelta(minutes=10)
    struck = injected(known, cells, lambda cell: prepared.marks[cell.task_id])
    struck |= injected(known, {key: cells[key] for key in cells if WATCHDOG[key[0]] == "round"}, lambda cell: ("",))
    whole = [key for key in cells if WATCHDOG[key[0]] == "round"]
    of_one = [one for key, one in struck.items() if key not in whole]
    # A round of which one call fails altogether fails, too, and says so; what it could not do is done by the next.
    for number, which in enumerate(whole):
        one = struck[which]
        before = _heartbeats(runner)
        with faults.injected(*of_one, one):
            assert _round(runner, begin + number * timedelta(seconds=10)) is not None
        assert _heartbeats(runner) == before
    before = _heartbeats(runner)
    for minutes in (5, 10, 15):
        with faults.injected(*of_one):
            _round(runner, begin + timedelta(minutes=minutes))
    assert runner.aws.event_sources.settled(60)
    assert _heartbeats(runner) > before
    whom, said = told(runner), "\n".join(messages(runner))
    still_open = {incident.id for incident in Incidents(runner.aws.client("dynamodb"), STACK).open()}

    def judged(key: tuple[str, Fault], cell: Cell) -> str:
        if WATCHDOG[key[0]] == "incident":
            return _so_often("told", said.count(f"An incident goes on: {_cause(cell).title}."))
        if WATCHDOG[key[0]] == "over":
            return LOST if _overrun(cell).incident in still_open else "over"
        if WATCHDOG[key[0]] == "mute":
            return _so_often("told", said.count(f"A mute is over: {cell.task_id}."))
        return verdict(runner.ledger.get(cell.task_id, cell.slot), cell.task_id, whom)

    found = {key: judged(key, cell) for key, cell in cells.items()}
    show("the watchdog", found)
    assert [key for key, one in struck.items() if not one.hits] == []
    assert [key for key, what in found.items() if what == LOST] == []
