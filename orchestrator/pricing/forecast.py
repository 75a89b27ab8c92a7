"""What the tasks of a file will do: how often each runs, when it is busiest, and how near that is to AWS's quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from orchestrator.pricing import ROUND_SECONDS, Expected
from orchestrator.tasks.slots import expected, times
from orchestrator.tasks.task import Task

#: "Quotas related to API action throttling" of Step Functions, in its largest Regions: so many StartExecution at once,
#: and so many more each second.
START_EXECUTION_BUCKET = 1300
START_EXECUTION_REFILL = 300

#: "Quotas for Amazon EventBridge Scheduler": invocations a second.
SCHEDULER_INVOCATIONS = 1000

#: Scheduler fires within the minute of a slot.
_SECONDS_OF_A_SLOT = 60

_HOUR_SECONDS = 3600

_INSTANT = timedelta(microseconds=1)

#: Minutes of a day.
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True)
class TaskForecast:
    """The expected runs of one task."""

    task: Task
    expected: Expected

    @property
    def events_are_known(self) -> bool:
        """Whether tasks.yaml says of each kind of event that starts the task how many are expected."""
        return all(start.per_day for start in self.task.starts)


@dataclass(frozen=True, kw_only=True)
class BusyMinute:
    """A minute, and how many runs begin in it."""

    at: datetime
    runs: int

    @property
    def share_of_start_execution(self) -> float:
        """The runs as a share of what StartExecution accepts in a minute from a full bucket; above 1 it throttles."""
        return self.runs / (START_EXECUTION_BUCKET + START_EXECUTION_REFILL * _SECONDS_OF_A_SLOT)

    @property
    def share_of_scheduler(self) -> float:
        """The runs as a share of what EventBridge Scheduler invokes in a minute; above 1 it is late."""
        return self.runs / (SCHEDULER_INVOCATIONS * _SECONDS_OF_A_SLOT)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The expected starts from ``begin`` on in so many days."""

    begin: datetime
    days: int
    tasks: tuple[TaskForecast, ...]
    #: Starts by the minute (UTC), skipped slots too: Scheduler fires them all the same.
    minutes: Counter[datetime]

    @property
    def runs(self) -> int:
        return sum(one.expected.runs for one in self.tasks)

    def busiest(self, count: int) -> list[BusyMinute]:
        """The minutes with the most starts, of equally busy ones the first."""
        ordered = sorted(self.minutes.items(), key=lambda one: (-one[1], one[0]))
        return [BusyMinute(at=at, runs=runs) for at, runs in ordered[:count]]

    def by_minute_of_day(self, zone: tzinfo) -> list[int]:
        """Counts the starts in each minute of the day, on the clock of a zone: 1,440 numbers."""
        minutes = [0] * DAY_MINUTES
        for at, runs in self.minutes.items():
            local = at.astimezone(zone)
            minutes[local.hour * 60 + local.minute] += runs
        return minutes


def forecast(tasks: Sequence[Task], begin: datetime, days: int) -> Forecast:
    """Collects every slot from ``begin`` on, before the end of the last day."""
    minutes: Counter[datetime] = Counter()
    forecasts = []
    for task in tasks:
        runs = skipped = hours = checks = 0
        hour = round_ = -1
        for at, is_skipped in _slots(task, begin, begin + timedelta(days=days)):
            minutes[at.replace(second=0)] += 1
            runs, skipped = runs + (not is_skipped), skipped + is_skipped
            seconds = int(at.timestamp())
            # Slots come in order, so each hour and each round is met once.
            if seconds // _HOUR_SECONDS != hour:
                hour, hours = seconds // _HOUR_SECONDS, hours + 1
            if seconds // ROUND_SECONDS != round_:
                round_, checks = seconds // ROUND_SECONDS, checks + 1
        by_events, events = _by_events(task, days)
        one = Expected(
            days=days,
            runs=runs + by_events,
            skipped=skipped,
            # Events come at any time.
            hours=max(hours, min(by_events, 24 * days)),
            checks=checks,
            by_events=by_events,
            events=events,
        )
        forecasts.append(TaskForecast(task=task, expected=one))
    return Forecast(begin=begin, days=days, tasks=tuple(forecasts), minutes=minutes)


def _by_events(task: Task, days: int) -> tuple[int, int]:
    """How many runs events start, and how many events come: as many as tasks.yaml expects."""
    runs = events = 0
    for start in task.starts:
        windows = days * 86_400 // start.within_seconds if start.within_seconds else start.per_day * days
        runs, events = runs + min(windows, start.per_day * days), events + start.per_day * days
    return runs, events


def _slots(task: Task, begin: datetime, end: datetime) -> Iterator[tuple[datetime, bool]]:
    if task.follows_scheduler and not task.closures and len(task.schedules) == 1:
        # The common case, many times as fast: there is nothing to leave out and nothing to bring together.
        yield from ((at, False) for at in times(task.schedules[0]).between(begin - _INSTANT, end - _INSTANT))
        return
    for slot in expected(task, begin - _INSTANT, end - _INSTANT):
        yield slot.at, slot.skipped is not None
