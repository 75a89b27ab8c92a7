"""When alarms go off, by CloudWatch's own arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.deployment import alarms
from orchestrator.stack import Stack

#: Where data is missing, CloudWatch looks back two periods further than it evaluates, in the examples of "Configuring
#: how CloudWatch alarms treat missing data".
FURTHER = 2


def goes_off_after(alarm: dict[str, Any], beat: int) -> int:
    """Seconds from the last beat, ``beat`` seconds after a period began, to the first evaluation that is an alarm.

    Periods lie on the clock, and a period is evaluated when it is over; one with a beat in it is above the threshold.
    """
    period = int(alarm["Period"])
    looked_at = int(alarm["EvaluationPeriods"]) + FURTHER
    with_beat = beat // period
    for now in range(with_beat + 1, 100):
        seen = range(now - looked_at, now)
        if with_beat not in seen:
            assert alarm["TreatMissingData"] == "breaching"
            return now * period - beat
    raise AssertionError("it never goes off")


@pytest.mark.parametrize("beat", [0, 1, 150, 299])
def test_a_dead_watchdog_is_an_alarm_within_25_minutes(beat: int) -> None:
    alarm = alarms.heartbeat(Stack())["Properties"]
    assert 15 * 60 < goes_off_after(alarm, beat) <= 25 * 60


def test_a_watchdog_that_is_late_by_one_round_is_none() -> None:
    """Two beats may be ten minutes apart."""
    alarm = alarms.heartbeat(Stack())["Properties"]
    assert all(goes_off_after(alarm, beat) > 10 * 60 for beat in range(0, 300, 7))
