"""Rates that can be written as cron expressions with the same slots."""

from __future__ import annotations

from orchestrator.schedules.expressions import Cron, Rate, parse

_HOUR = 60
_DAY = 24 * _HOUR


def as_cron(rate: Rate, phase_minutes: int = 0) -> Cron | None:
    """The cron expression, in UTC, with the slots of a rate that counts from 1970 and ``phase_minutes``.

    None for a rate that divides neither an hour nor, in whole hours, a day: no one expression names its slots.
    """
    period = int(rate.period.total_seconds()) // 60
    phase = phase_minutes % period
    hour, minute = divmod(phase, _HOUR)
    if _HOUR % period == 0:
        minutes = range(phase, _HOUR, period)
        return _cron("*" if period == 1 else ",".join(map(str, minutes)), "*")
    if period % _HOUR == 0 and _DAY % period == 0:
        hours = range(hour, 24, period // _HOUR)
        return _cron(str(minute), "*" if period == _HOUR else ",".join(map(str, hours)))
    return None


def _cron(minutes: str, hours: str) -> Cron:
    cron = parse(f"cron({minutes} {hours} * * ? *)")
    assert isinstance(cron, Cron)
    return cron
