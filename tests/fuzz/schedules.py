"""A million random texts as schedule expressions: `make fuzz`. Each is refused, or has its next slot found.

It prints how many were which, and the slowest; it fails if one raised anything else or took longer than 10 ms. The same
texts, fewer of them and without a watch, are in the tests.
"""

from __future__ import annotations

import gc
import sys
import time
from datetime import UTC, datetime
from itertools import islice

from orchestrator.errors import InvalidSchedule
from orchestrator.schedules import Schedule
from tests.schedules.texts import texts

COUNT = 1_000_000
LIMIT_SECONDS = 0.01
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def took(text: str) -> tuple[float, bool]:
    """How many seconds it took in this process, other processes' not counted, and whether it was refused."""
    began = time.process_time()
    try:
        Schedule.of(text, "America/New_York").next_after(NOW)
    except InvalidSchedule:
        return time.process_time() - began, True
    return time.process_time() - began, False


def main(seed: int = 1) -> int:
    print(f"seed {seed}", flush=True)  # noqa: T201
    took("cron(0 0 ? 2 MON#5 *)")  # what a process does once: the zone is read, and its changes of clock are found
    gc.disable()
    refused, slowest, slowest_text = 0, 0.0, ""
    for number, text in enumerate(islice(texts(seed), COUNT), start=1):
        seconds, was_refused = took(text)
        refused += was_refused
        if seconds > slowest and (seconds := min(seconds, *(took(text)[0] for _ in range(3)))) > slowest:
            slowest, slowest_text = seconds, text
        if number % 100_000 == 0:
            gc.collect()
            print(f"{number} texts: {refused} refused; slowest {slowest * 1000:.2f} ms", flush=True)  # noqa: T201
    print(f"slowest: {slowest_text!r}")  # noqa: T201
    return int(slowest > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
