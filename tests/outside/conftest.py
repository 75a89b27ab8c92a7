"""Two running products that the scripts of this folder share: a process each, started when the first asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.running import Running, running

#: Each script has tasks of its own, so that none disturbs another.
REAL = """
defaults: {timezone: UTC, timeout: 1m, retry: {attempts: 1}}
tasks:
  watchdog: {run: lambda/watchdog, schedule: rate(5 minutes), timeout: 4m}
  daily: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  pause-over: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  never-due: {run: lambda/act}
  refused: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  by-hand: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  digits: {run: lambda/act}
  forking: {run: lambda/forking, retry: false}
  hopeless: {run: lambda/raising, retry: {attempts: 3, interval: 1s}, params: {error: hopeless}}
  namesake: {run: lambda/raising, retry: false, params: {error: namesake}}
  late-failure: {run: lambda/act, overlap: allow_all}
  failed-rerun: {run: lambda/act}
  ahead: {run: lambda/act}
  hung: {run: lambda/act, maxDuration: 1s}
  odd: {run: lambda/act}
  edited: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  cancelled: {run: lambda/act, overlap: cancel_other}
  terminated: {run: lambda/act, overlap: terminate_other}
  halted: {run: lambda/witness, overlap: allow_all, retry: false}
  burst: {run: lambda/act, overlap: allow_all}
  warm: {run: lambda/warm, retry: false}
  binary: {run: lambda/act}
  delivered-late: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  kept: {run: lambda/warm, schedule: cron(0 8 * * ? *)}
  lost: {run: lambda/act, params: {seconds: 200}, timeout: 5m}
  slow: {run: lambda/act, params: {seconds: 3}, retry: false}
  greeting: {run: lambda/greeting, params: {name: Ann}}
  contained: {run: ecs/contained, retry: false, params: {seconds: 0}}
"""

#: Nothing is due before eight, so that time stands still enough for a test to think.
_VIRTUAL = """
defaults: {timezone: UTC, timeout: 1m, retry: {attempts: 1}}
tasks:
  watchdog: {run: lambda/watchdog, schedule: rate(5 minutes), timeout: 4m}
  daily: {run: lambda/act, schedule: cron(0 8 * * ? *)}
  paused: {run: lambda/act, schedule: cron(0 8 * * ? *)}
"""

#: Far from the time of any machine that runs this.
BEGIN = "2021-05-05T07:30:00Z"


@pytest.fixture(scope="session")
def real() -> Iterator[Running]:
    """`orchestrator local --state state` on the time of this machine."""
    with running(REAL, "--state", "state") as found:
        yield found


@pytest.fixture(scope="session")
def virtual() -> Iterator[Running]:
    """`orchestrator local --from 2021-05-05T07:30:00Z`: a virtual clock that goes as fast as a real one."""
    with running(_VIRTUAL, "--from", BEGIN) as found:
        yield found
