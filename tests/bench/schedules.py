"""How fast fire times are found, and whether they are right where the clock is set: `make bench`.

Each library finds the next 10,000 of ``cron(0 8 ? * MON-FRI *)`` in America/New_York, in a process of its own that has
imported it and nothing more, in turns. The two changes of clock are those of 2027 and 2026, for a task at 02:30 and at
01:30: Scheduler leaves the first day out and uses the first occurrence on the other.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

COUNT = 10_000
ROUNDS = 5
ZONE = ZoneInfo("America/New_York")
BEGIN = datetime(2026, 1, 1, tzinfo=ZONE)
BEFORE_SPRING = datetime(2027, 3, 13, 12, tzinfo=ZONE)
BEFORE_AUTUMN = datetime(2026, 10, 31, 12, tzinfo=ZONE)

#: Unix cron's five fields, and a moment to begin after.
FireTimes = Callable[[str, datetime], Iterator[datetime]]


def aws_expression(fields: str) -> str:
    minute, hour, day, month, weekday = fields.split()
    return f"cron({minute} {hour} {'?' if weekday != '*' else day} {month} {'?' if weekday == '*' else weekday} *)"


def ours() -> FireTimes:
    from orchestrator.schedules import Schedule

    end = datetime(2199, 1, 1, tzinfo=UTC)
    return lambda fields, after: Schedule.of(aws_expression(fields), ZONE.key).between(after, end)


def cronsim() -> FireTimes:
    from cronsim import CronSim

    return lambda fields, after: iter(CronSim(fields, after))


def croniter() -> FireTimes:
    from croniter import croniter

    return lambda fields, after: iter(croniter(fields, after).all_next(datetime))


def pyawscron() -> FireTimes:
    """It takes UTC only, so local time goes through it as if it were UTC."""
    from pyawscron import AWSCron

    def fire_times(fields: str, after: datetime) -> Iterator[datetime]:
        schedule = AWSCron(aws_expression(fields).removeprefix("cron(").removesuffix(")"))
        local = after.replace(tzinfo=UTC)
        while local := schedule.occurrence(local).next():
            yield local.replace(tzinfo=ZONE)

    return fire_times


def apscheduler() -> FireTimes:
    from apscheduler.triggers.cron import CronTrigger

    def fire_times(fields: str, after: datetime) -> Iterator[datetime]:
        trigger, previous = CronTrigger.from_crontab(fields, timezone=ZONE), None
        while True:
            previous = trigger.get_next_fire_time(previous, previous or after)
            yield previous

    return fire_times


CONTESTANTS = {one.__name__: one for one in (ours, cronsim, croniter, pyawscron, apscheduler)}


def measure(fire_times: FireTimes) -> dict[str, Any]:
    """How many a second, and what comes where the clock is set, in UTC."""
    began = time.perf_counter()
    found = sum(1 for _ in islice(fire_times("0 8 * * MON-FRI", BEGIN), COUNT))
    seconds = time.perf_counter() - began
    spring, autumn = (
        [at.astimezone(UTC).strftime("%dT%H:%M") for at in islice(fire_times(fields, after), 2)]
        for fields, after in (("30 2 * * *", BEFORE_SPRING), ("30 1 * * *", BEFORE_AUTUMN))
    )
    return {
        "per_second": found / seconds,
        "spring": spring == ["15T06:30", "16T06:30"],
        "autumn": autumn == ["01T05:30", "02T06:30"],
    }


def main() -> None:
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(CONTESTANTS[sys.argv[1]]())))
        return
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, measured in found.items():
            command = [sys.executable, "-W", "ignore", "-m", "tests.bench.schedules", name]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            measured.append(json.loads(run.stdout))
    sys.stdout.write(f"Fire times, the next {COUNT} of 08:00 on weekdays in New York, median of {ROUNDS}\n")
    speeds = {name: statistics.median(one["per_second"] for one in measured) for name, measured in found.items()}
    for name, measured in found.items():
        right = {True: "right", False: "wrong"}
        sys.stdout.write(
            f"  {name:12}{speeds[name]:10,.0f} a second   ours is {speeds['ours'] / speeds[name]:.1f} times as fast"
            f"   set forward: {right[measured[0]['spring']]}   set back: {right[measured[0]['autumn']]}\n"
        )


if __name__ == "__main__":
    main()
