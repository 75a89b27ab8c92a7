"""A rate from its creation on: every slot is there, and none is missed that nobody has promised."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.outside.running import Running, running

TASKS = """
defaults: {timezone: UTC, timeout: 1m}
tasks:
  watchdog: {run: lambda/watchdog, schedule: rate(5 minutes), timeout: 4m}
  often: {run: lambda/act, schedule: rate(1 minute)}
"""
SPEED = 120

# In the suite, tests/test_delivery_of_slots.py has rates from their creation on, and
# tests/local/aws/scheduler/test_firing.py has a machine that slept.
pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    with running(TASKS, "--from", "2031-05-05T07:58:30Z", "--speed", str(SPEED)) as found:
        yield found


def test_no_slot_of_a_new_rate_is_missed(stack: Running) -> None:
    # Twelve minutes: the watchdog has looked twice at what the first of them held.
    stack.until(lambda: len(stack.statuses("often")) >= 12, seconds=90)
    statuses = {run["status"] for run in stack.runs("often")}
    assert statuses <= {"SUCCEEDED", "RUNNING"}
    said = stack.orchestrator("ledger", "verify", "often", "--json")
    assert said.code == 0, said.out
    assert said.json[-1]["slots"] >= 5


def test_a_machine_that_sleeps_for_three_minutes_and_wakes_has_lost_no_slot(stack: Running) -> None:
    stack.process.send_signal(signal.SIGSTOP)
    time.sleep(180 / SPEED)
    stack.process.send_signal(signal.SIGCONT)
    woken = len(stack.statuses("often"))
    stack.until(lambda: len(stack.statuses("often")) >= woken + 4, seconds=90)
    found = stack.runs("often")
    assert {run["status"] for run in found} <= {"SUCCEEDED", "RUNNING"}
    minutes = [int(run["slot"][11:13]) * 60 + int(run["slot"][14:16]) for run in found]
    assert {earlier - later for earlier, later in pairwise(minutes)} == {1}
    assert [item for item in stack.items("Incidents") if item["severity"]["S"] == "missed"] == []
