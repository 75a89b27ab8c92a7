"""What is said of an event is what an input transformer can do, and means the same in Python."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InvalidTaskFile
from orchestrator.local.aws.events.templates import NoJson, text_of
from orchestrator.runs.run import Trigger
from orchestrator.stack import Stack
from orchestrator.taskfile.reader import load
from orchestrator.tasks.event_start import EventStart, input_of, transformer
from orchestrator.tasks.inbound import Scheme, Webhook
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.rule_names import rule_name, task_of_rule
from orchestrator.tasks.task import OverlapPolicy, Task

RULE = "arn:aws:events:us-east-1:123456789012:rule/shop-dev-on.report.1f2e3d"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "4f0c",
    "detail-type": "Day closed",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-12-01T20:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"date": "2026-12-01", "lines": [{"id": 7}], "open": True, "none": None},
}


def delivered(start: EventStart, event: dict[str, Any]) -> Any:
    target = {"InputTransformer": transformer("report", start, Trigger.EVENT)}
    return json.loads(text_of(event, target, RULE))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (EventStart(), {"scheduledTime": "2026-12-01T20:00:00Z#4f0c"}),
        (EventStart(slot="{$.detail.date}T08:00:00Z"), {"scheduledTime": "2026-12-01T08:00:00Z"}),
        (EventStart(within_seconds=300), {"scheduledTime": "2026-12-01T20:00:00Z", "within": 300}),
        (
            EventStart(
                slot="{$.detail.missing}",
                params={
                    "a": "$.detail.lines[0].id",
                    "b": {"of": ["$.detail.open", 1.5, None, "<c>"]},
                    "d": "x/{$.detail.date}/{$.detail.lines[0].id}.csv",
                    "e": "$.detail.missing",
                    "f": "{no path}",
                },
            ),
            {
                "scheduledTime": "",
                "params": {
                    "a": 7,
                    "b": {"of": [True, 1.5, None, "<c>"]},
                    "d": "x/2026-12-01/7.csv",
                    "e": "",
                    "f": "{no path}",
                },
            },
        ),
    ],
    ids=["own", "slot", "window", "params"],
)
def test_taskrunners_input_is_made_of_an_event(start: EventStart, expected: dict[str, Any]) -> None:
    whole = {"taskId": "report", "trigger": "event", **expected}
    assert delivered(start, EVENT) == whole
    assert input_of("report", start, EVENT, Trigger.EVENT) == whole


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b-c"]), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.fixed_dictionaries({}, optional={"date": st.text(max_size=12), "a": _json}),
    st.dictionaries(
        st.text(max_size=4),
        st.sampled_from(["$.detail.a", "$.detail.a[1].b-c", "x<{$.detail.date}>", "<p0>", "{", "$.id"]),
        max_size=3,
    ),
)
def test_python_makes_the_same_of_any_event(detail: dict[str, Any], params: dict[str, Any]) -> None:
    start = EventStart(slot="{$.detail.date}", params=params)
    event = {**EVENT, "detail": detail}
    try:
        found = delivered(start, event)
    except NoJson:
        # An object between quotes.
        return
    assert found == input_of("report", start, event, Trigger.EVENT)


def test_a_rules_name_says_whose_it_is_and_changes_with_what_starts_the_task() -> None:
    one, other = EventStart(per_day=7), EventStart(bus="orders")
    expected = EventStart()
    names = {
        rule_name(Stack(name="shop-dev"), "report", start, express=express)
        for start, express in ((one, False), (one, True), (other, False))
    }
    assert len(names) == 3
    assert rule_name(Stack(name="shop-dev"), "report", expected, express=False) in names
    assert {task_of_rule(name) for name in names} == {"report"}
    assert task_of_rule("shop-dev-ExecutionFailures") == ""


def read(folder: Path, *tasks: str) -> tuple[Task, ...]:
    file = folder / "tasks.yaml"
    file.write_text(
        "tasks:\n" + "".join(f"  t{number}: {{run: lambda/x, {one}}}\n" for number, one in enumerate(tasks))
    )
    return load(file, today=date(2026, 11, 25))


def test_shorthands_are_patterns(tmp_path: Path) -> None:
    objects, outcome, others = read(
        tmp_path,
        "on: {s3: {bucket: exports, prefix: in/, suffix: .csv}}",
        "on: {task: t0, outcome: [Failed, Missed]}",
        "on: [{task: extract, stack: other-prod}], schedule: rate(1 hour)",
    )
    (start,) = objects.starts
    assert start.pattern["detail"] == {
        "bucket": {"name": ["${bucket:exports}"]},
        "object": {"key": [{"wildcard": "in/*.csv"}]},
    }
    assert start.params == {"bucket": "$.detail.bucket.name", "key": "$.detail.object.key"}
    (start,) = outcome.starts
    assert (start.bus, start.slot) == ("${outcomes}", "{$.detail.slot}")
    assert start.pattern["detail-type"] == ["Task Failed", "Task Missed"]
    assert others.starts[0].bus == "other-prod-Outcomes"
    # No event is skipped because another one is at work, where no clock is.
    assert (objects.overlap, others.overlap) == (OverlapPolicy.ALLOW_ALL, OverlapPolicy.SKIP)
    assert all(task_of(item_of(task)) == task for task in (objects, outcome, others))


def test_webhooks_and_queues_are_events_of_the_stacks_own(tmp_path: Path) -> None:
    github = "{webhook: {secret: secret:git, scheme: github, name: git}, filter: {body: {ref: [main]}}}"
    alone, several, queue = read(
        tmp_path,
        "on: {webhook: ssm:shop}",
        f"on: [{github}, {{webhook: ssm:a}}]",
        "on: {queue: orders, slot: $.detail.body.day, filter: {attributes: {kind: [order]}}}",
    )
    (start,) = alone.starts
    assert start.pattern == {
        "source": ["scheduled-tasks"],
        "detail-type": ["Webhook Received"],
        "detail": {"stack": ["${stack}"], "webhook": ["t0"]},
    }
    assert (start.slot, start.webhook) == ("{$.time}#{$.detail.id}", Webhook(secret="ssm:shop"))
    assert [str(one) for one in several.starts] == ["webhook t1/git", "webhook t1"]
    assert several.starts[0].webhook == Webhook(secret="secret:git", scheme=Scheme.GITHUB, name="git")
    assert several.starts[0].pattern["detail"]["body"] == {"ref": ["main"]}
    (start,) = queue.starts
    assert start.pattern["detail"] == {
        "stack": ["${stack}"],
        "queue": ["${queue:orders}"],
        "attributes": {"kind": ["order"]},
    }
    assert (str(start), start.slot) == ("messages of orders", "{$.detail.body.day}")
    assert all(task_of(item_of(task)) == task for task in (alone, several, queue))
    # How a request is signed is nothing that the rule knows.
    (changed,) = read(tmp_path, "on: {webhook: {secret: ssm:other, scheme: github}}")
    names = {rule_name(Stack(), "t0", one.starts[0], express=False) for one in (alone, changed)}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("on: {slot: $.time}", "on[0]: expected one of pattern, s3, task, webhook and queue, found none"),
        ("on: {webhook: s3cret}", "on[0].webhook.secret: expected where the secret is kept: ssm:NAME"),
        ("on: {webhook: {scheme: github}}", "on[0].webhook.secret: expected this field, found none"),
        (
            "on: {webhook: {secret: ssm:a, scheme: stripe}}",
            "on[0].webhook.scheme: Input should be 'standard', 'github'",
        ),
        ("on: {webhook: {secret: ssm:a, name: a/b}}", "on[0].webhook.name"),
        ("on: {webhook: ssm:a, bus: others}", "is on the default bus"),
        (
            "on: {webhook: ssm:a, filter: {boddy: {a: [1]}}}",
            "filter: expected body and headers, found 'boddy'; did you",
        ),
        ("on: {webhook: ssm:a, filter: {body: {a: 1}}}", "filter: body.a: expected a list of values, found 1"),
        ("on: {queue: orders, filter: {headers: {a: [b]}}}", "filter: expected attributes and body, found 'headers'"),
        ("on: {pattern: {source: [a]}, filter: {body: {a: [1]}}}", "expected it beside webhook or queue"),
        ("on: [{webhook: ssm:a}, {webhook: ssm:b}]", "expected a name for each webhook but one"),
        ("on: {queue: 'arn:aws:sns:us-east-1:123456789012:orders'}", "expected a name or an ARN of stack.yaml, which"),
        ("on: {pattern: {}}", "on[0].pattern: expected a mapping like"),
        ("on: {pattern: {source: shop}}", "on[0].pattern: source: expected a list of values, found 'shop'"),
        ("on: {pattern: {sauce: [shop]}}", "found 'sauce'"),
        ("on: {pattern: {source: [a]}, slot: $.date}", "did you mean $.detail.date?"),
        ("on: {pattern: {source: [a]}, slot: '2026-12-01T08:00:00Z'}", "the same for all events"),
        ("on: {pattern: {source: [a]}, slot: 'at {$.time}'}", "a slot is like 2026-12-01T08:00:00Z"),
        ("on: {pattern: {source: [a]}, params: {a: '$.detail[''x'']'}}", "EventBridge takes paths like"),
        ("on: {pattern: {source: [a]}, slot: $.time, within: 5m}", "the slot of a window is its end"),
        (f"on: {{pattern: {{source: [a]}}, params: {{a: {'x' * 9000}}}}}", "EventBridge takes 8192 characters"),
        ("on: [{pattern: {source: [a]}, within: 1m}, {pattern: {source: [b]}}]", "expected within of all or of none"),
        ("on: {pattern: {source: [a]}, within: 2d}", "at most a day"),
        ("on: {task: t0}", "a task cannot start itself"),
        ("on: {task: nobody}", "there is no task 'nobody'; there is: t0"),
        ("on: {task: t00}", "there is no task 't00'; did you mean 't0'?"),
        ("whenAbsent: skip, on: {pattern: {source: [a]}}", "found no schedule"),
        (
            "whenAbsent: skip, schedule: rate(1 day), on: {pattern: {source: [a]}}",
            "no event names a slot of the schedule",
        ),
    ],
)
def test_what_no_rule_could_do_is_refused(tmp_path: Path, said: str, expected: str) -> None:
    with pytest.raises(InvalidTaskFile) as refused:
        read(tmp_path, said)
    assert expected in str(refused.value)
