"""A rate from its creation on: every slot is there, and none is missed that nobody has promised."""

from __future__ import annotations

from tests.outside.running import running

TASKS = """
defaults: {timezone: UTC, timeout: 1m}
tasks:
  watchdog: {run: lambda/watchdog, schedule: rate(5 minutes), timeout: 4m}
  often: {run: lambda/act, schedule: rate(1 minute)}
"""


def test_no_slot_of_a_new_rate_is_missed() -> None:
    with running(TASKS, "--from", "2031-05-05T07:58:30Z", "--speed", "120") as stack:
        # Twelve minutes: the watchdog has looked twice at what the first of them held.
        stack.until(lambda: len(stack.runs("often")) >= 12, seconds=90)
        statuses = {run["status"] for run in stack.runs("often")}
        assert statuses <= {"SUCCEEDED", "RUNNING"}
        said = stack.orchestrator("ledger", "verify", "often", "--json")
        assert said.code == 0, said.out
        assert said.json[-1]["slots"] >= 5
