"""What the template has in addition where outcomes are published, and that it has nothing of it otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.runs.outcomes import Kind
from orchestrator.stack import Stack
from tests.testbed import ours

PLAIN = ours.application()


def with_(told: OutcomeEvents) -> dict[str, Any]:
    return replace(PLAIN, outcome_events=told).template


def changed(template: dict[str, Any]) -> set[str]:
    before: dict[str, Any] = PLAIN.template["Resources"]
    return {name for name, one in template["Resources"].items() if one != before.get(name)}


def test_a_stack_that_publishes_nothing_has_nothing_of_it() -> None:
    assert "PutEvents" not in json.dumps(PLAIN.template)
    assert "StreamSpecification" not in PLAIN.template["Resources"]["ScheduledTasks"]["Properties"]


def test_only_the_reporter_the_bus_and_the_stream_of_pauses_are_added() -> None:
    template = with_(OutcomeEvents())
    assert changed(template) == {
        "Outcomes",
        "ReporterFunction",
        "ReporterFunctionFromScheduledTasks",
        "ReporterFunctionFromTaskRuns",
        "ReporterFunctionRole",
        "ScheduledTasks",
    }
    assert template["Outputs"]["OutcomesBus"] == {"Value": Stack().outcomes_bus}
    mapping = template["Resources"]["ReporterFunctionFromTaskRuns"]["Properties"]
    # As long as the stream remembers, and shortly before it forgets told to whoever looks after failures.
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (-1, 82_800)
    assert "OnFailure" in mapping["DestinationConfig"]


def test_without_pauses_the_registry_tells_nothing() -> None:
    template = with_(OutcomeEvents(bus="company", kinds=(Kind.FAILED, Kind.MISSED)))
    assert changed(template) == {"ReporterFunction", "ReporterFunctionFromTaskRuns", "ReporterFunctionRole"}
    role = json.dumps(template["Resources"]["ReporterFunctionRole"])
    assert ":event-bus/company" in role
    patterns = json.dumps(template["Resources"]["ReporterFunctionFromTaskRuns"]["Properties"]["FilterCriteria"])
    assert "RUNNING" not in patterns


def test_a_bus_of_another_account_is_not_asked_whether_it_is_there() -> None:
    bus = "arn:aws:events:eu-central-1:123456789012:event-bus/company"
    statements = json.dumps(with_(OutcomeEvents(bus=bus))["Resources"]["ReporterFunctionRole"])
    assert bus in statements
    assert "DescribeEventBus" not in statements
