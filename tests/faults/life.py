"""The life of a task, whose deliveries, deaths and time hypothesis decides on.

What must hold whatever happens, in whatever order: a slot's target is called once, and once more for each rerun; every
slot has one row, which says how it ended; nobody who is dead holds the task; of each run that has gone wrong people are
told, once, or of the incident that it is part of; and of nothing else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.operations import pausing
from orchestrator.runs.missed_slots import first_checkpoint
from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, Attention, Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Lease, Pause, Record
from orchestrator.runs.verification import verify
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.schedule_group import MAXIMUM_EVENT_AGE_SECONDS
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import expected, key, upcoming
from orchestrator.tasks.task import Alerting, CatchUp, OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from tests.faults.hearing import Hearing
from tests.faults.injection import Fault, Injected, State
from tests.faults.world import World
from tests.testbed.rounds import dead_letter, round_at
from tests.testbed.task_runner import STACK

_TARGETS = (Target(kind=TargetKind.LAMBDA, name="work"), Target(kind=TargetKind.WORKFLOW, name="nested"))
_ANY = st.integers(min_value=0, max_value=99)

#: States that every run comes through: where an execution dies, before or after the call had its effect.
_STATES = ("LookupTask", "ClaimSlot", "InvokeLambda", "StartWorkflow", "RecordOutcome")

#: Rounds of the watchdog until everything is explained.
_ROUNDS = 12

#: Nobody is reminded of what they have been told; or whatever happens is told.
_FOR_GOOD, _EVERYTHING = 10 * 366 * 86_400, 0

#: Whichever target it is, it fails.
_FAILING = {"refuse": True, "fail": True}

#: A run that does not answer goes on for longer.
_MAX_DURATION = timedelta(seconds=60)

#: What texts that tell of a run call what has gone wrong with it.
_TITLES = {Attention.LATE: "late", Attention.TOO_LONG: "too long", Attention.TOO_SHORT: "too short"}

_numbers = count(1)


class Life(RuleBasedStateMachine):
    """Of one task in the ``world`` that a subclass gives it."""

    world: World

    @initialize(
        runs=st.sampled_from(_TARGETS),
        overlap=st.sampled_from(OverlapPolicy),
        catch_up=st.sampled_from(CatchUp),
        quiet=st.sampled_from((_FOR_GOOD, _EVERYTHING)),
    )
    def register(self, runs: Target, overlap: OverlapPolicy, catch_up: CatchUp, quiet: int) -> None:
        # At the full hour: so the same numbers make the same life.
        now = self.world.clock.now()
        self.begin = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.world.clock.pass_until(self.begin)
        self.task = Task(
            id=f"life-{next(_numbers)}",
            target=runs,
            schedules=(TaskSchedule(expression="cron(5 * * * ? *)"),),
            params={"pause": 30} if runs.kind is TargetKind.WORKFLOW else {},
            timeout_seconds=120,
            retry=RetryPolicy(max_attempts=1),
            max_duration_seconds=int(_MAX_DURATION.total_seconds()),
            grace_seconds=300,
            overlap=overlap,
            catch_up=catch_up,
            alerts=Alerting(quiet_seconds=quiet),
        )
        self.registry, self.ledger = self.world.runner.registry, self.world.runner.ledger
        self.registry.register(self.task, first_checkpoint(self.task, self.begin))
        self.known_until = self.begin
        self.slots: list[str] = []
        #: In flight: delivered in whatever order, or never.
        self.deliveries: list[str] = []
        self.executions: list[str] = []
        #: Those whose end nobody was told.
        self.unheard: set[str] = set()
        self.reruns: Counter[str] = Counter()
        self.is_paused = False
        #: Slots that a pause has skipped and that are to run now that it is over.
        self.promised: list[str] = []
        #: Every slot that a pause has ever skipped.
        self.once_skipped: set[str] = set()
        self._forget_incidents()
        self.read = len(self.world.published())
        self.hearing = Hearing(self.task.id, repeated=quiet == _EVERYTHING)
        #: By slot and title, how often something has gone wrong.
        self.wrong: Counter[tuple[str, str]] = Counter()
        self.judged: set[tuple[str, str, str]] = set()
        # Something to decide on.
        self.time_passes(150)

    # --- time, and what Scheduler makes of it

    @rule(minutes=st.sampled_from([3, 20, 60, 60, 150]))
    def time_passes(self, minutes: int) -> None:
        self._pass(timedelta(minutes=minutes))
        self._fall_due()

    def _fall_due(self) -> None:
        now = self.world.clock.now()
        due = [key(slot.at) for slot in expected(self.task, self.known_until, now)]
        self.known_until = now
        self.slots += due
        self.deliveries += due

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_slot_is_delivered(self, which: int) -> None:
        slot = self._take(which)
        is_first = self.ledger.get(self.task.id, slot) is None
        self._start(slot)
        self.world.rest()
        run = self.ledger.get(self.task.id, slot)
        # Whoever waits until another has stopped has no row yet.
        assert run is None or not is_first or run.status not in UNSUCCESSFUL

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY, times=st.integers(min_value=1, max_value=2), well=st.booleans())
    def a_slot_is_delivered_to_the_express_twin(self, which: int, times: int, well: bool) -> None:
        """Once, or twice at the same instant. What is not for the twin it hands over to TaskRunner."""
        slot = self._take(which)
        for _ in range(times):
            self._start(slot, machine="ExpressRunner", **({} if well else {"params": _FAILING}))
        self.world.rest()
        # Of what was handed over, whoever waits until another has stopped has no row yet.
        assert list(obstacles(self.task)) or self.ledger.get(self.task.id, slot) is not None

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY, state=st.sampled_from(_STATES), done=st.booleans(), heard=st.booleans())
    def a_slot_is_delivered_and_its_execution_dies(self, which: int, state: str, done: bool, heard: bool) -> None:
        slot = self._take(which)
        where = State(name=state, task_id=self.task.id, slot=slot)
        fault = Injected(where=where, fault=Fault.REPLY_LOST if done else Fault.TIMED_OUT, times=1)
        with self.world.faults.injected(fault):
            execution = self._start(slot)
            self._until(lambda: bool(fault.lost) or self._rests(execution))
            if heard:
                self._stop(execution)
            else:
                self.unheard.add(execution)
                with self.world.unheard():
                    self._stop(execution)
        self.world.rest()

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_slots_target_does_not_answer(self, which: int) -> None:
        """For as long as the run may take."""
        slot = self._take(which)
        faults = [
            Injected(where=State(name=state, task_id=self.task.id, slot=slot), fault=Fault.REPLY_LOST)
            for state in ("InvokeLambda", "StartWorkflow")
        ]
        with self.world.faults.injected(*faults):
            self._start(slot)
            self.world.rest()

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_slots_target_fails(self, which: int) -> None:
        self._start(self._take(which), params=_FAILING)
        self.world.rest()

    @precondition(lambda self: len(self.deliveries) > 1)
    @rule(well=st.booleans())
    def a_slot_is_overtaken_and_fails(self, well: bool) -> None:
        """By one that is due later and, unless all is ``well``, fails before it."""
        self.deliveries.sort()
        for slot, params in ((self._take(-1), {} if well else _FAILING), (self._take(0), _FAILING)):
            self._start(slot, params=params)
            self._pass(timedelta(minutes=1))

    @precondition(lambda self: self.deliveries and not self.is_paused)
    @rule(which=_ANY, ends_well=st.booleans())
    def a_run_goes_on_for_too_long(self, which: int, ends_well: bool) -> None:
        """And the watchdog looks while it does."""
        slot = self._take(which)
        slow = ends_well and self.task.target.kind is TargetKind.WORKFLOW
        hung = [State(name=state, task_id=self.task.id, slot=slot) for state in ("InvokeLambda", "StartWorkflow")]
        faults = [] if slow else [Injected(where=one, fault=Fault.REPLY_LOST) for one in hung]
        with self.world.faults.injected(*faults):
            execution = self._start(slot, params={"pause": 90})
            self.world.rest()
            begun = self._running(slot, execution)
            self._pass(_MAX_DURATION + timedelta(seconds=10))
            self.the_watchdog_looks()
            goes_on = begun and self._running(slot, execution)
            run = self.ledger.get(self.task.id, slot)
            assert not goes_on or (run is not None and Attention.TOO_LONG in run.attention)
            self.whoever_should_know_has_been_told()
            self._pass(timedelta(minutes=2))

    @rule()
    def the_machine_sleeps(self) -> None:
        self.world.clock.jump(timedelta(minutes=3))
        self.world.rest()
        self._fall_due()

    @precondition(lambda self: self.slots)
    @rule(which=_ANY)
    def a_delivery_is_repeated(self, which: int) -> None:
        self.deliveries.append(self.slots[which % len(self.slots)])

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_delivery_is_lost(self, which: int) -> None:
        self._take(which)

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY)
    def a_delivery_ends_in_the_dead_letter_queue(self, which: int) -> None:
        dead_letter(self.world.runner, self.task.id, self._take(which))
        self.world.rest()

    # --- what people do

    @precondition(lambda self: not self.is_paused)
    @rule(on_resume=st.sampled_from(CatchUp))
    def it_is_paused(self, on_resume: CatchUp) -> None:
        now = key(self.world.clock.now())
        self.is_paused, self.promised = True, []
        self.registry.pause(self.task.id, Pause(who="ann", why="migration", since=now, on_resume=on_resume))

    @precondition(lambda self: not self.is_paused)
    @rule(
        on_resume=st.sampled_from((CatchUp.LATEST, CatchUp.ALL)),
        hours=st.integers(min_value=1, max_value=2),
        well=st.booleans(),
    )
    def it_is_paused_for_hours(self, on_resume: CatchUp, hours: int, well: bool) -> None:
        """In which everything is delivered, and none of it runs until they are over."""
        self.it_is_paused(on_resume)
        for _ in range(hours):
            self.time_passes(60)
            while self.deliveries:
                self.a_slot_is_delivered(0)
        self.it_is_resumed(well)

    @precondition(lambda self: self.is_paused)
    @rule(well=st.booleans())
    def it_is_resumed(self, well: bool) -> None:
        """And what it has promised comes to nothing, unless all is well."""
        self.is_paused = False
        pause = self._record().pause
        assert pause is not None
        now = self.world.clock.now()
        # Scheduler gives up on whatever is older than that.
        oldest = datetime.fromisoformat(pause.since) - timedelta(seconds=MAXIMUM_EVENT_AGE_SECONDS)
        waiting = [slot for slot in self._skipped_by_pause(pause.since) if slot >= key(oldest)]
        self.promised = {CatchUp.NONE: [], CatchUp.LATEST: waiting[-1:], CatchUp.ALL: waiting}[pause.on_resume]
        lookups = [State(name="LookupTask", task_id=self.task.id, slot=slot) for slot in self.promised if not well]
        with self.world.faults.injected(*(Injected(where=one, fault=Fault.DENIED) for one in lookups)):
            pausing.resume(self.registry, self.ledger, self.world.starter, self.task.id, pause, now)
            # For as long as they are tried again, or are in each other's way.
            self._pass(timedelta(minutes=10 if lookups else 1))
        assert self._unkept() == set()

    @rule(overlap=st.sampled_from(OverlapPolicy), catch_up=st.sampled_from(CatchUp))
    def it_is_deployed(self, overlap: OverlapPolicy, catch_up: CatchUp) -> None:
        self.task = replace(self.task, overlap=overlap, catch_up=catch_up)
        self.registry.register(self.task, first_checkpoint(self.task, self.world.clock.now()))

    @rule(well=st.booleans())
    def it_is_started_by_hand(self, well: bool) -> None:
        params = {} if well else _FAILING
        self.world.starter.start(self.task.id, params=params, slot=None, now=self.world.clock.now())
        self.world.rest()

    @rule(which=st.integers(min_value=0, max_value=2), well=st.booleans())
    def a_slot_to_come_is_started_by_hand(self, which: int, well: bool) -> None:
        """Before Scheduler delivers it."""
        now = self.world.clock.now()
        slot = key(next(islice(upcoming(self.task, now), which, None)).at)
        self.world.starter.start(self.task.id, params={} if well else _FAILING, slot=slot, now=now)
        self.world.rest()

    @precondition(lambda self: self.deliveries)
    @rule(which=_ANY, wrong=st.sampled_from(({"params": None}, {"trigger": "rocket"}, {"replaces": 1})))
    def an_input_for_a_slot_is_refused(self, which: int, wrong: dict[str, object]) -> None:
        """It takes nothing from whoever comes with a right one."""
        slot = self.deliveries[which % len(self.deliveries)]
        before = self.ledger.get(self.task.id, slot)
        self.world.runner.start({"taskId": self.task.id, "scheduledTime": slot, "trigger": "schedule"} | wrong)
        self.world.rest()
        assert self.ledger.get(self.task.id, slot) == before

    @rule(trigger=st.sampled_from(("rocket", "schedule")), arn=st.sampled_from(("arn:x", "")))
    def somebody_writes_nonsense(self, trigger: str, arn: str) -> None:
        """Into a row of another task, which keeps the watchdog from nothing."""
        dynamodb, at = self.world.runner.aws.client("dynamodb"), key(self.begin)
        row = {"taskId": "nonsense", "slot": at, "status": "RUNNING", "trigger": trigger, "startedAt": at}
        item = {name: {"S": text} for name, text in (row | ({"executionArn": arn} if arn else {})).items()}
        dynamodb.put_item(TableName=STACK.runs_table, Item=item)
        try:
            self.the_watchdog_looks()
        finally:
            dynamodb.delete_item(TableName=STACK.runs_table, Key={name: item[name] for name in ("taskId", "slot")})

    @precondition(lambda self: self.slots)
    @rule(which=_ANY, well=st.booleans())
    def a_slot_is_run_again(self, which: int, well: bool) -> None:
        ended = self._ended()
        if not ended:
            return
        run = ended[which % len(ended)]
        self.reruns[run.slot] += 1
        now = self.world.clock.now()
        params = {} if well else _FAILING
        self.world.starter.start(self.task.id, params=params, slot=run.slot, now=now, replaced=run)
        self.world.rest()
        again = self.ledger.get(self.task.id, run.slot)
        assert again is not None
        assert again.execution_arn == run.execution_arn or len(again.history) == len(run.history) + 1

    @precondition(lambda self: self.deliveries and not self.is_paused)
    @rule(which=_ANY)
    def its_holder_dies_unheard_and_its_lease_expires(self, which: int) -> None:
        target = "StartWorkflow" if self.task.target.kind is TargetKind.WORKFLOW else "InvokeLambda"
        self.a_slot_is_delivered_and_its_execution_dies(which, target, done=True, heard=False)
        self.time_passes(60)
        self.its_lease_expires()

    @precondition(lambda self: self.executions)
    @rule()
    def its_lease_expires(self) -> None:
        lease = self._record().lease
        if lease is None:
            return
        self._pass(datetime.fromtimestamp(lease.expires_at, UTC) - self.world.clock.now() + timedelta(seconds=1))
        self._fall_due()
        fresh = [slot for slot in self.deliveries if self.ledger.get(self.task.id, slot) is None]
        waiting = [run for run in self._unfinished(self.world.clock.now()) if run.status is RunStatus.WAITING]
        if fresh and not waiting:
            self.deliveries.remove(fresh[0])
            self._start(fresh[0])
            self.world.rest()
            run = self.ledger.get(self.task.id, fresh[0])
            assert run is not None
            # Whoever held it is in nobody's way any more.
            assert run.status is not RunStatus.WAITING
            assert run.reason != SkipReason.OVERLAP

    @rule()
    def the_watchdog_looks(self) -> None:
        round_at(self.world.runner, self.world.clock.now())
        self.world.rest()

    # --- what holds at all times, and at the end

    @invariant()
    def nobody_holds_the_task_who_is_known_to_have_ended(self) -> None:
        lease = self._record().lease if hasattr(self, "task") else None
        # Who has stopped another is about to take its lease.
        assert lease is None or self._died_unknown(lease) or self.world.at_work(self.task.id)

    @invariant()
    def whoever_should_know_has_been_told(self) -> None:
        """Each cause is told when it begins, and not again before it is over; or, where nothing is quiet, each run."""
        if not hasattr(self, "task"):
            return
        self.world.rest()
        known, told = self._hear(), self.hearing.told
        for run in self.ledger.between(self.task.id, "0", "~"):
            if run.reason == SkipReason.PAUSED:
                self.once_skipped.add(run.slot)
            for title in self._gone_wrong(run):
                if (run.slot, run.version, title) not in self.judged:
                    self.judged.add((run.slot, run.version, title))
                    self.wrong[run.slot, title] += 1
                    assert title in known, (title, run, known)
        assert told.keys() <= self.wrong.keys(), (told, self.wrong)
        if self.task.alerts.quiet_seconds == _EVERYTHING:
            assert told == self.wrong, (told, self.wrong)

    def _hear(self) -> set[str]:
        """Titles of the incidents that people have known of since the last time."""
        published = self.world.published()
        since, self.read = published[self.read :], len(published)
        return self.hearing.hear(since)

    def _gone_wrong(self, run: Run) -> list[str]:
        """Titles of the incidents that a row must be part of."""
        if run.status in (RunStatus.MISSED, RunStatus.EXPIRED):
            return ["slots were not delivered"]
        if run.reason == SkipReason.OVERLAP:
            return []
        if run.status in UNSUCCESSFUL:
            return [
                f"{run.error or run.status} of {self.task.target if run.execution_arn else 'delivery to TaskRunner'}"
            ]
        # What a pause has skipped was delivered, and is no missed slot if it runs later.
        caught_up = run.trigger is Trigger.CATCH_UP and run.status is RunStatus.SUCCEEDED
        missed = ["slots were not delivered"] if caught_up and run.slot not in self.once_skipped else []
        return missed + [f"{self.task.id} {_TITLES[one]}" for one in run.attention if one in _TITLES]

    def _running(self, slot: str, execution: str) -> bool:
        run = self.ledger.get(self.task.id, slot)
        return run is not None and run.status is RunStatus.RUNNING and run.execution_arn == execution

    def teardown(self) -> None:
        if not hasattr(self, "task"):
            return
        self.deliveries.clear()
        until = self.world.clock.now()
        # What waits has waited long enough, and what does not answer is timed out.
        self._pass(timedelta(hours=1))
        for _ in range(_ROUNDS):
            self.the_watchdog_looks()
            self._pass(timedelta(minutes=6))
            self.whoever_should_know_has_been_told()
            checkpoint = self._record().checkpoint
            if checkpoint and checkpoint.checked_until >= key(until) and not self._unfinished(until):
                break
        self._check(until)
        self.registry.remove(self.task.id)

    def _check(self, until: datetime) -> None:
        runs, now = self._runs(until), self.world.clock.now()
        assert verify(self.task, runs, self.begin, until, now).findings == ()
        assert self._unfinished(until) == []
        # A start by hand for no slot has none that could be run twice.
        every = self.world.faults.effects.items()
        effects = {slot: n for (task_id, slot), n in every if task_id == self.task.id and slot}
        history = {run.slot: len(run.history) for run in runs}
        assert {slot: n for slot, n in effects.items() if n > 1 + self.reruns[slot]} == {}
        assert {slot: n for slot, n in effects.items() if slot in history and n > 1 + history[slot]} == {}
        assert self._unkept() == set()
        lease = self._record().lease
        assert lease is None or self._goes_on(lease.execution_arn) or lease.expires_at < now.timestamp()

    # --- how

    def _forget_incidents(self) -> None:
        """Of the life before this one, whose causes were the same."""
        dynamodb = self.world.runner.aws.client("dynamodb")
        for incident in Incidents(dynamodb, STACK).open():
            dynamodb.delete_item(TableName=STACK.incidents_table, Key={"incident": {"S": incident.id}})

    def _take(self, which: int) -> str:
        return self.deliveries.pop(which % len(self.deliveries))

    def _start(self, slot: str, *, machine: str = "TaskRunner", **more: object) -> str:
        given = {"taskId": self.task.id, "scheduledTime": slot, "trigger": "schedule"}
        execution = self.world.runner.start(given | more, machine=machine)
        if machine == "TaskRunner":
            # Nobody can ask for another, or stop it.
            self.executions.append(execution)
        return execution

    def _stop(self, execution: str) -> None:
        self.world.runner.aws.client("stepfunctions").stop_execution(executionArn=execution)

    def _goes_on(self, execution: str) -> bool:
        return not self.world.runner.aws.execution(execution).over.is_set()

    def _died_unknown(self, lease: Lease) -> bool:
        """Whether nobody heard of the holder's death; or another run had stopped it, and died before it took over."""
        runs = (run for run in self._runs(self.world.clock.now()) if run.execution_arn == lease.execution_arn)
        return lease.execution_arn in self.unheard or any(run.reason == SkipReason.OVERLAP for run in runs)

    def _rests(self, execution: str) -> bool:
        return not self._goes_on(execution) or self.world.clock.nobody_is_busy

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def _pass(self, span: timedelta) -> None:
        self.world.clock.pass_until(self.world.clock.now() + span)
        self.world.rest()

    def _record(self) -> Record:
        record = self.registry.get(self.task.id)
        assert record is not None
        return record

    def _runs(self, until: datetime) -> list[Run]:
        return list(self.ledger.between(self.task.id, key(self.begin), key(until)))

    def _ended(self) -> list[Run]:
        runs = self._runs(self.world.clock.now())
        return [run for run in runs if run.status in TERMINAL and run.trigger is Trigger.SCHEDULE]

    def _skipped_by_pause(self, since: str = "") -> list[str]:
        runs = [run for run in self._runs(self.world.clock.now()) if run.reason == SkipReason.PAUSED]
        return sorted(run.slot for run in runs if run.slot >= since or (run.started_at or "") >= since)

    def _unkept(self) -> set[str]:
        return set(self.promised) & set(self._skipped_by_pause())

    def _unfinished(self, until: datetime) -> list[Run]:
        return [run for run in self._runs(until) if run.status not in TERMINAL]
