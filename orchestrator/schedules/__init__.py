"""When a task is due: EventBridge Scheduler's schedule expressions, and exactly when it fires them.

AWS has no API for this, and the libraries differ from its rules ("Schedule types on EventBridge Scheduler"): a local
time that does not exist is skipped, one that occurs twice is used once, the first; a rate counts elapsed time.
"""

from __future__ import annotations

from orchestrator.schedules.expressions import At, Cron, Expression, Rate, parse
from orchestrator.schedules.schedule import Schedule

__all__ = ["At", "Cron", "Expression", "Rate", "Schedule", "parse"]
