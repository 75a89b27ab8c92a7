"""The bill, line by line, as Markdown: what docs/explanation/cost.md says is made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orchestrator.pricing.prices import PRICES, SOURCES
from orchestrator.pricing.runs import ASSUMED_SECONDS, ROUND_SECONDS, Billed, Expected, check_lines, monthly, run_lines
from orchestrator.pricing.stack import fixed_lines, watchdog_line
from orchestrator.pricing.usage import Line, total
from orchestrator.tasks.task import Target, TargetKind, Task

_MILLION = Decimal(1_000_000)

#: The run that the first table counts: a function with the default memory that works for a tenth of a second.
_SECONDS = Decimal("0.1")
SIMPLE = Task(id="simple", target=Target(kind=TargetKind.LAMBDA, name="simple"))
SIMPLE_MEMORY_MB = 256

#: How often, runs a day, and in how many hours of it.
_OFTEN = {
    "once a day": (1, 1),
    "every hour": (24, 24),
    "every five minutes": (288, 24),
    "every minute": (1440, 24),
}

#: What CloudWatch's free tier takes off the bill of an account that uses it for nothing else.
_FREE = "ten alarms and three dashboards"

_NAMES = {
    "state_transition": "transitions",
    "express_request": "Express requests",
    "express_gb_second": "Express GB-seconds",
    "lambda_request": "calls",
    "lambda_gb_second": "GB-seconds",
    "write_unit": "write units",
    "read_unit": "read units",
    "stored_gb": "GB-months",
    "recoverable_gb": "GB-months recoverable",
    "scheduler_invocation": "invocations",
    "metric_hour": "metric-hours",
    "log_gb": "GB written",
    "kept_log_gb": "GB-months kept",
    "trace": "traces",
    "queue_request": "SQS requests",
    "custom_event": "events",
    "alarm": "alarms",
    "dashboard": "dashboards",
    "key": "keys",
    "key_request": "KMS requests",
}


def cost_tables(billed: Billed, template: Mapping[str, Any]) -> str:
    """Four tables: a million runs in Standard executions and in Express ones, a task by how often it runs, and the
    stack itself; then the pages of the prices.
    """
    simple = replace(billed, memory_mb={**billed.memory_mb, SIMPLE.target.name: SIMPLE_MEMORY_MB})
    parts = (
        _million(simple, SIMPLE),
        _million(simple, replace(SIMPLE, express=True)),
        _by_frequency(simple),
        _fixed(billed, template),
        _sources(),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _million(billed: Billed, task: Task) -> Iterator[str]:
    lines = [*run_lines(task, billed, seconds=_SECONDS), *check_lines(task)]
    said = "The same in Express executions" if task.express else "A million runs of a task"
    work = f"whose function has {SIMPLE_MEMORY_MB} MB and works for {_SECONDS} s"
    yield f"{said}:" if task.express else f"{said} {work}:"
    yield ""
    yield from _table("a run", lines, times=_MILLION)


def _by_frequency(billed: Billed) -> Iterator[str]:
    yield f"Such a task that works for {ASSUMED_SECONDS} s, with its metrics, a month:"
    yield ""
    yield "| It runs | runs a month | $ a month | with `express: true` |"
    yield "| --- | ---: | ---: | ---: |"
    for often, (runs, hours) in _OFTEN.items():
        checks = min(runs, 24 * 3600 // ROUND_SECONDS)
        expected = Expected(days=1, runs=runs, hours=hours, checks=checks)
        usage, short = (monthly(replace(SIMPLE, express=express), billed, expected) for express in (False, True))
        yield f"| {often} | {usage.scheduler_invocation:,.0f} | {usage.dollars():.2f} | {short.dollars():.2f} |"


def _fixed(billed: Billed, template: Mapping[str, Any]) -> Iterator[str]:
    yield f"The stack itself, a month, whatever else runs (CloudWatch's free tier, {_FREE}, is not taken off):"
    yield ""
    yield from _table("a month", [*fixed_lines(template), watchdog_line(billed)])


def _table(unit: str, lines: Sequence[Line], *, times: Decimal = Decimal(1)) -> Iterator[str]:
    yield f"| Line | {unit} | $ |"
    yield "| --- | --- | ---: |"
    for line in lines:
        if line.usage.parts():
            yield f"| {line.what} | {_amounts(line)} | {(line.usage * times).dollars():.2f} |"
    yield f"| **sum** | | **{(total(lines) * times).dollars():.2f}** |"


def _amounts(line: Line) -> str:
    parts = line.usage.parts()
    # A whole run holds a bit of everything, which the first table says.
    return ", ".join(_amount(used, _NAMES[name]) for name, used in parts.items()) if len(parts) < 5 else "as above"


def _amount(used: Decimal, unit: str) -> str:
    """Writes an amount with its significant digits and its unit."""
    if unit.startswith("GB") and used < Decimal("0.001"):
        return f"{used * 2**20:,.1f} K{unit.removeprefix('G')}"
    number = f"{used:,.0f}" if used >= 100 or used == used.to_integral_value() else f"{float(used):.3g}"
    return f"{number} {unit.removesuffix('s') if used == 1 else unit}"


def _sources() -> Iterable[str]:
    yield f"Prices of {PRICES.region} as of {PRICES.as_of}, at list price, from these pages:"
    yield ""
    yield from (f"- [{page}]({address})" for page, address in SOURCES.items())
