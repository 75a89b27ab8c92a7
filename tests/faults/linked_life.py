"""The life of tasks that wait: for each other, for places in a pool, for people, for windows of events, for the world.

What must hold whatever fails or dies, in whatever order: no slot runs before what it waits for has succeeded, unless
its task allows it; no more runs are at work than the pool has places; a slot's target is called once, and once more
for each rerun; and no slot waits for ever, or is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.errors import AnsweredAlready, NothingAsked
from orchestrator.instants import of_slot, to_second, window_end
from orchestrator.operations import pausing, starting
from orchestrator.operations.approving import Approving
from orchestrator.operations.chains import Chains
from orchestrator.operations.releasing import Releasing
from orchestrator.runs.approval import Answer
from orchestrator.runs.missed_slots import first_checkpoint
from orchestrator.runs.run import TERMINAL, EarlierRun, Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Pause
from orchestrator.runs.verification import verify
from orchestrator.schedules.calendars import Closure
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.dependencies import upstream_slots
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import expected, key
from orchestrator.tasks.task import CatchUp, OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import OnDeadline, OnFailure, SlotOf, Upstream
from tests.faults.injection import Call, Fault, Injected, State
from tests.faults.world import World
from tests.testbed.task_runner import STACK

_ANY = st.integers(min_value=0, max_value=99)
_LAMBDA, _WORKFLOW = Target(kind=TargetKind.LAMBDA, name="work"), Target(kind=TargetKind.WORKFLOW, name="nested")

#: Whichever target it is, it fails.
_FAILING = {"refuse": True, "fail": True}

#: Where an execution dies, before or after the call had its effect.
_STATES = ("LookupTask", "ClaimSlot", "HoldSlot", "InvokeLambda", "StartWorkflow", "PostponeRun", "RecordOutcome")

#: What the follower and the watchdog do about slots that wait.
_CALLS = (
    ("states:StartExecution", "*"),
    ("scheduler:CreateSchedule", "*"),
    ("dynamodb:GetItem", f"*/{STACK.runs_table}"),
    ("dynamodb:UpdateItem", f"*/{STACK.runs_table}"),
    ("dynamodb:GetItem", f"*/{STACK.tasks_table}"),
    ("dynamodb:Query", "*"),
    ("dynamodb:PutItem", f"*/{STACK.limits_table}"),
    ("dynamodb:GetItem", f"*/{STACK.limits_table}"),
    ("dynamodb:UpdateItem", f"*/{STACK.limits_table}"),
)

#: A slot waits so long for those before it, or for a person.
_PATIENCE = timedelta(minutes=90)
_WINDOW_SECONDS = 300

#: Rounds of the watchdog until everything is explained.
_ROUNDS = 30

_numbers = count(1)


class LinkedLife(RuleBasedStateMachine):
    """Of five tasks in the ``world`` that a subclass gives it.

    ``load`` waits for ``extract`` and ``report`` for ``load``, events start ``feed``, and ``poll`` says "not yet"; all
    but the first share a pool.
    """

    world: World

    @initialize(
        edge=st.sampled_from((SlotOf.SAME, SlotOf.PREVIOUS, SlotOf.LATEST_BEFORE)),
        on_failure=st.sampled_from(OnFailure),
        on_deadline=st.sampled_from(OnDeadline),
        overlap=st.sampled_from((OverlapPolicy.SKIP, OverlapPolicy.BUFFER_ALL, OverlapPolicy.ALLOW_ALL)),
        at_once=st.sampled_from((1, 2)),
        asks=st.booleans(),
        closed=st.booleans(),
    )
    def register(
        self,
        edge: SlotOf,
        on_failure: OnFailure,
        on_deadline: OnDeadline,
        overlap: OverlapPolicy,
        at_once: int,
        asks: bool,
        closed: bool,
    ) -> None:
        now = self.world.clock.now()
        self.begin = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.world.clock.pass_until(self.begin)
        number = next(_numbers)
        self.limit = Limit(name=f"pool-{number}", at_once=at_once)
        extract, load, report, feed, poll = (
            f"{name}-{number}" for name in ("extract", "load", "report", "feed", "poll")
        )
        waits: Any = {"deadline": str(int(_PATIENCE.total_seconds())), "pool": self.limit}
        waits |= {"on_upstream_failure": on_failure, "on_deadline": on_deadline}
        maintained = Closure(
            since=self.begin + timedelta(hours=3),
            until=self.begin + timedelta(hours=4),
            why="upgrade",
            maintenance=True,
        )
        self.tasks = {
            task.id: task
            for task in (
                _task(extract, 5, downstream=(load,), params={"pause": 30}, overlap=OverlapPolicy.ALLOW_ALL),
                _task(
                    load,
                    10,
                    **waits,
                    after=(Upstream(task_id=extract, slot=edge),),
                    downstream=(report,),
                    params={"pause": 60},
                    overlap=overlap,
                    closures=(maintained,) if closed else (),
                ),
                _task(
                    report,
                    10,
                    **waits,
                    after=(Upstream(task_id=load),),
                    priority=5,
                    params={"pause": 60},
                    approval_seconds=3600 if asks else 0,
                ),
                _task(
                    feed,
                    None,
                    target=_LAMBDA,
                    starts=(EventStart(within_seconds=_WINDOW_SECONDS),),
                    pool=self.limit,
                    at_once=1,
                    overlap=OverlapPolicy.ALLOW_ALL,
                ),
                _task(
                    poll,
                    15,
                    target=_LAMBDA,
                    params={"notYet": 600},
                    not_yet_seconds=3600,
                    pool=self.limit,
                    overlap=OverlapPolicy.ALLOW_ALL,
                ),
            )
        }
        self.extract, self.load, self.report, self.feed, self.poll = (extract, load, report, feed, poll)
        runner, dynamodb = self.world.runner, self.world.runner.aws.client("dynamodb")
        self.registry, self.ledger = runner.registry, runner.ledger
        self.recorder, self.pools = Recorder(dynamodb, STACK), Pools(dynamodb, STACK)
        for task in self.tasks.values():
            self.registry.register(task, first_checkpoint(task, self.begin))
        self.known_until = self.begin
        #: In flight: delivered in whatever order, or never.
        self.deliveries: list[tuple[str, str]] = []
        self.delivered: list[tuple[str, str]] = []
        self.windows: set[str] = set()
        self.reruns: Counter[tuple[str, str]] = Counter()
        self.is_paused = False
        self.calls_before = len(self.world.faults.calls)
        self.time_passes(150)

    # --- time, and what Scheduler and the bus make of it

    @rule(minutes=st.sampled_from([3, 20, 60, 60, 150]))
    def time_passes(self, minutes: int) -> None:
        self._pass(timedelta(minutes=minutes))
        now = self.world.clock.now()
        self.deliveries += [
            (task.id, key(slot.at)) for task in self.tasks.values() for slot in expected(task, self.known_until, now)
        ]
        self.known_until = now

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY, well=st.sampled_from((True, True, False)))
    def a_slot_is_delivered(self, which: int, well: bool) -> None:
        self._start(*self._take(which), params={} if well else _FAILING)
        self.world.rest()

    @precondition(lambda self: self.deliveries)
    @rule()
    def all_slots_are_delivered(self) -> None:
        while self.deliveries:
            self._start(*self._take(0))
        self._pass(timedelta(minutes=10))

    @precondition(lambda self: self.delivered)
    @rule(which=_ANY)
    def a_delivery_is_repeated(self, which: int) -> None:
        self._start(*self.delivered[which % len(self.delivered)])
        self.world.rest()

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_delivery_is_lost(self, which: int) -> None:
        self._take(which)

    @rule(times=st.integers(min_value=1, max_value=3), well=st.booleans())
    def events_come(self, times: int, well: bool) -> None:
        """Of one window; EventBridge delivers each at least once."""
        for _ in range(times):
            self.windows.add(self._event({} if well else _FAILING))
        self.world.rest()

    @rule(state=st.sampled_from(_STATES), done=st.booleans(), heard=st.booleans(), minutes=st.sampled_from((1, 10)))
    def executions_die(self, state: str, done: bool, heard: bool, minutes: int) -> None:
        """Those that come to a state, delivered or released."""
        fault = Fault.REPLY_LOST if done else Fault.TIMED_OUT
        injected = [Injected(where=State(name=state, task_id=id_), fault=fault, times=1) for id_ in self.tasks]
        with self.world.faults.injected(*injected):
            for _ in range(min(3, len(self.deliveries))):
                self._start(*self._take(0))
            self._event({})
            self._pass(timedelta(minutes=minutes))
            if heard:
                self._stop_all()
            else:
                with self.world.unheard():
                    self._stop_all()
        self.world.rest()

    @rule(call=st.sampled_from(_CALLS), fault=st.sampled_from(Fault), times=st.sampled_from((1, 3, 20)))
    def calls_of_the_follower_fail(self, call: tuple[str, str], fault: Fault, times: int) -> None:
        where = Call(role=self._role(STACK.function("follower", is_task=False)), action=call[0], resource=call[1])
        with self.world.faults.injected(Injected(where=where, fault=fault, times=times)):
            self._something_happens()

    @rule()
    def the_stream_forgets(self) -> None:
        with self.world.forgotten():
            self._something_happens()

    @rule(call=st.sampled_from(_CALLS), fault=st.sampled_from(Fault))
    def calls_of_the_watchdog_fail(self, call: tuple[str, str], fault: Fault) -> None:
        where = Call(role=self._role(STACK.function("watchdog")), action=call[0], resource=call[1])
        with self.world.faults.injected(Injected(where=where, fault=fault, times=2)):
            self.the_watchdog_looks()

    @rule()
    def the_machine_sleeps(self) -> None:
        self.world.clock.jump(timedelta(minutes=3))
        self.world.rest()

    @rule()
    def the_watchdog_looks(self) -> None:
        self.world.look()
        self.world.rest()

    # --- what people, and the world, do

    @rule()
    def what_a_handler_waits_for_comes(self) -> None:
        self._declare(replace(self.tasks[self.poll], params={}))

    @rule(well=st.booleans())
    def somebody_answers(self, well: bool) -> None:
        asked = [run for run in self._held() if run.hold and run.hold.kind is HoldKind.APPROVAL]
        for run in asked[:1]:
            answer = Answer.APPROVED if well else Answer.REFUSED
            try:
                self._approving().answer(
                    run.task_id, run.slot, answer, who="ann", reason="x", now=self.world.clock.now()
                )
            except (AnsweredAlready, NothingAsked):
                continue
            self.world.rest()

    @precondition(lambda self: not self.is_paused)
    @rule(on_resume=st.sampled_from(CatchUp))
    def load_is_paused(self, on_resume: CatchUp) -> None:
        self.is_paused = True
        since = key(self.world.clock.now())
        self.registry.pause(self.load, Pause(who="ann", why="migration", since=since, on_resume=on_resume))

    @precondition(lambda self: self.is_paused)
    @rule()
    def load_is_resumed(self) -> None:
        self.is_paused = False
        record = self.registry.get(self.load)
        assert record is not None
        assert record.pause is not None
        now = self.world.clock.now()
        pausing.resume(self.registry, self.ledger, self.world.starter, self.load, record.pause, now)
        self._pass(timedelta(minutes=1))

    @rule(which=_ANY, downstream=st.booleans(), well=st.booleans())
    def a_slot_is_run_again(self, which: int, downstream: bool, well: bool) -> None:
        ended = [run for run in self._rows() if run.status in TERMINAL and run.task_id != self.poll]
        if not ended:
            return
        run, now = ended[which % len(ended)], self.world.clock.now()
        if downstream:
            chains = Chains(registry=self.registry, ledger=self.ledger)
            chain = chains.downstream([(run.task_id, run.slot)], now)
            for held in chains.hold(self.recorder, chain, now):
                self.reruns[held.task_id, held.slot] += 1
        self.reruns[run.task_id, run.slot] += 1
        params = {} if well else _FAILING
        self.world.starter.start(run.task_id, params=params, slot=run.slot, now=now, replaced=run)
        self.world.rest()

    @rule(which=_ANY)
    def a_wait_is_ended(self, which: int) -> None:
        held = self._held()
        if held:
            run = held[which % len(held)]
            starting.stop(self.world.starter, self.recorder, run, "ann", self.world.clock.now())
            self.world.rest()

    # --- what holds at all times, and at the end

    @invariant()
    def the_pool_holds_no_more_than_it_has_places_for(self) -> None:
        if hasattr(self, "tasks"):
            assert len(self.pools.get(self.limit).holders) <= self.limit.at_once

    def teardown(self) -> None:
        if not hasattr(self, "tasks"):
            return
        self.deliveries.clear()
        until = self.world.clock.now()
        if self.is_paused:
            self.load_is_resumed()
        for _ in range(_ROUNDS):
            self._pass(timedelta(minutes=15))
            self.the_watchdog_looks()
            self._end_what_waits_for_a_week()
            if self._is_checked(until) and not self._unfinished(until):
                break
        self._check(until)
        for task_id in self.tasks:
            self.registry.remove(task_id)

    def _end_what_waits_for_a_week(self) -> None:
        """A slot that comes when its deadline has passed, or that is run again, has a week."""
        tomorrow = key(self.world.clock.now() + timedelta(days=1))
        for run in self._held():
            if run.hold and run.hold.deadline and run.hold.deadline > tomorrow:
                starting.stop(self.world.starter, self.recorder, run, "ann", self.world.clock.now())

    def _is_checked(self, until: datetime) -> bool:
        records = [self.registry.get(task.id) for task in self.tasks.values() if task.schedules]
        return all(one and one.checkpoint and one.checkpoint.checked_until >= key(until) for one in records)

    def _check(self, until: datetime) -> None:
        now, rows = self.world.clock.now(), self._rows()
        waiting = [(one.task_id, one.slot, one.status, one.hold) for one in self._unfinished(until)]
        assert waiting == [], waiting
        for task in self.tasks.values():
            runs = [run for run in rows if run.task_id == task.id and of_slot(run.slot) <= until]
            if task.schedules:
                findings = verify(task, runs, self.begin, until, now).findings
                assert findings == (), findings
        calls = self.world.faults.calls[self.calls_before :]
        mine = [one for one in calls if one[0] in self.tasks]
        # What a handler that says "not yet" is asked again is no second effect.
        often = Counter((task_id, slot) for task_id, slot, _ in mine if task_id != self.poll)
        often = Counter({one: n for one, n in often.items() if n > 1 + self.reruns[one]})
        assert not often, often
        lost = {slot for slot in self.windows if of_slot(slot) <= until} - {
            one.slot for one in rows if one.task_id == self.feed
        }
        assert lost == set()
        for task_id, slot, at in mine:
            if not self.reruns[task_id, slot]:
                too_early = list(self._violated(self.tasks[task_id], slot, at))
                assert too_early == [], (task_id, slot, at, too_early)
        too_many = next(self._too_many_at_once(mine, rows), None)
        assert too_many is None, too_many
        holders = self.pools.get(self.limit).living(now.timestamp()).holders
        assert holders == (), holders

    def _violated(self, task: Task, slot: str, at: datetime) -> Iterator[object]:
        """The slots that the slot should have waited for when it ran."""
        due = of_slot(slot)
        if task.on_deadline is OnDeadline.RUN and at >= due + _PATIENCE:
            return
        for edge in task.after:
            for upstream in upstream_slots(edge, task, self.tasks[edge.task_id], due):
                row = self.ledger.get(edge.task_id, key(upstream))
                if row is None or row.reason in (SkipReason.CLOSED, SkipReason.NONEXISTENT):
                    if upstream > self.begin:
                        yield row
                    continue
                runs: list[Run | EarlierRun] = [row, *row.history]
                runs = [one for one in runs if one.status in TERMINAL and _ended(one) <= at]
                may = task.on_upstream_failure is OnFailure.RUN
                if not any(may or one.status is RunStatus.SUCCEEDED for one in runs):
                    yield row

    def _too_many_at_once(
        self, calls: list[tuple[str, str, datetime]], rows: list[Run]
    ) -> Iterator[list[tuple[datetime, datetime, str, str]]]:
        """The runs that were at work at once, from the call of the target on, where they were more than the pool has
        places. Of those that died nobody knows until when they were at work.
        """
        known: dict[tuple[str, str], tuple[Run | EarlierRun, ...]] = {
            (run.task_id, run.slot): (run, *run.history) for run in rows
        }
        spans = [
            (at, _ended(one), task_id, slot)
            for task_id, slot, at in calls
            for one in known.get((task_id, slot), ())
            if self.tasks[task_id].pool is not None
            and one.status in (RunStatus.SUCCEEDED, RunStatus.FAILED)
            and one.started_at
            and datetime.fromisoformat(one.started_at) <= at <= _ended(one)
        ]
        for span in spans:
            inside = [one for one in spans if one[0] <= span[0] < one[1]]
            if len(inside) > self.limit.at_once:
                yield inside

    # --- how

    def _something_happens(self) -> None:
        for _ in range(min(2, len(self.deliveries))):
            self._start(*self._take(0))
        self.windows.add(self._event({}))
        self._pass(timedelta(minutes=10))

    def _event(self, params: dict[str, Any]) -> str:
        """Starts what a rule of EventBridge starts; the slot, which is the end of the window."""
        now = self.world.clock.now()
        given = {"taskId": self.feed, "scheduledTime": to_second(now), "trigger": Trigger.EVENT, "params": params}
        self.world.runner.start(given | {"within": _WINDOW_SECONDS})
        return window_end(now, _WINDOW_SECONDS)

    def _declare(self, task: Task) -> None:
        self.tasks[task.id] = task
        self.registry.register(task, first_checkpoint(task, self.world.clock.now()))

    def _take(self, which: int) -> tuple[str, str]:
        return self.deliveries.pop(which % len(self.deliveries))

    def _start(self, task_id: str, slot: str, **more: object) -> None:
        self.delivered.append((task_id, slot))
        self.world.runner.start({"taskId": task_id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE} | more)

    def _stop_all(self) -> None:
        client = self.world.runner.aws.client("stepfunctions")
        for execution in self.world.going_on():
            client.stop_execution(executionArn=execution)

    def _pass(self, span: timedelta) -> None:
        self.world.clock.pass_until(self.world.clock.now() + span)
        self.world.rest()

    def _rows(self) -> list[Run]:
        return [run for task_id in self.tasks for run in self.ledger.between(task_id, "0", "~")]

    def _held(self) -> list[Run]:
        return [run for run in self._rows() if run.hold is not None and run.status is RunStatus.WAITING]

    def _unfinished(self, until: datetime) -> list[Run]:
        return [run for run in self._rows() if run.status not in TERMINAL and of_slot(run.slot) <= until]

    def _role(self, function: str) -> str:
        configured = self.world.runner.aws.client("lambda").get_function_configuration(FunctionName=function)
        return str(configured["Role"].rpartition("/")[2])

    def _approving(self) -> Approving:
        releasing = Releasing(
            registry=self.registry,
            ledger=self.ledger,
            recorder=self.recorder,
            runner=self.world.starter,
            pools=self.pools,
        )
        states = self.world.runner.aws.client
        return Approving(
            ledger=self.ledger, recorder=self.recorder, releasing=releasing, states=lambda: states("stepfunctions")
        )


def _task(task_id: str, minute: int | None, *, target: Target = _WORKFLOW, **fields: Any) -> Task:
    schedules = () if minute is None else (TaskSchedule(expression=f"cron({minute} * * * ? *)"),)
    return Task(
        id=task_id,
        target=target,
        schedules=schedules,
        timeout_seconds=120,
        retry=RetryPolicy(max_attempts=1),
        grace_seconds=300,
        **fields,
    )


def _ended(run: Run | EarlierRun) -> datetime:
    """What nobody has started has ended when it was written."""
    return datetime.fromisoformat(run.ended_at) if run.ended_at else datetime.min.replace(tzinfo=UTC)
