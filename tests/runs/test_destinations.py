"""Who is told of what: what a destination asks for, and what a message says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.sns.utils import FilterPolicyMatcher

from orchestrator.runs.alerts import Incident, Severity
from orchestrator.runs.destinations import (
    ALARM,
    SEVERITIES,
    Destination,
    Format,
    Kind,
    News,
    about,
    attributes,
    reference,
    said,
    silences,
)
from orchestrator.tasks.task import Target, TargetKind, Task

if TYPE_CHECKING:
    from types_boto3_sns.type_defs import MessageAttributeValueTypeDef

URL = "https://hooks.example.com/services/very/secret"


def mail(**restricted: Any) -> Destination:
    return Destination(kind=Kind.MAIL, address="operations@example.com", **restricted)


def webhook(address: str = URL, **more: Any) -> Destination:
    return Destination(kind=Kind.WEBHOOK, address=address, **more)


def delivered(message: dict[str, MessageAttributeValueTypeDef]) -> dict[str, dict[str, str]]:
    """The attributes as SNS hands them on."""
    return {name: {"Type": one["DataType"], "Value": one["StringValue"]} for name, one in message.items()}


def task(task_id: str, owner: str = "") -> Task:
    return Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), owner=owner)


# --- what is heard


@pytest.mark.parametrize(
    ("restricted", "hears"),
    [
        ({}, True),
        ({"owners": ("a",)}, True),
        ({"owners": ("b",)}, False),
        ({"tasks": ("t", "u")}, True),
        ({"tasks": ("u",)}, False),
        ({"severities": ("failed", "late")}, True),
        ({"severities": ("late",)}, False),
        ({"owners": ("a",), "severities": ("late",)}, False),
        ({"owners": ("a",), "tasks": ("t",), "severities": ("failed",)}, True),
    ],
)
def test_a_destination_hears_what_meets_all_that_it_asks_for(restricted: dict[str, Any], hears: bool) -> None:
    message = attributes(News.TOLD, severities=["failed"], tasks=["t"], owners=["a"])
    assert mail(**restricted).hears(said(delivered(message))) is hears


@pytest.mark.parametrize(
    ("one", "hears"),
    [
        (mail(), True),
        (mail(severities=("failed",)), False),
        (mail(owners=("a",)), False),
        (webhook(), True),
        (webhook(severities=("failed", ALARM)), True),
        (webhook(severities=("failed",)), False),
    ],
)
def test_an_alarm_has_no_attributes_and_is_for_whoever_hears_all_or_asks_for_alarms(
    one: Destination, hears: bool
) -> None:
    assert one.hears({}) is hears


_words = st.lists(st.sampled_from(["a", "b", "c d", "é", "1"]), max_size=3, unique=True)
_severities = st.lists(st.sampled_from([str(one) for one in Severity]), max_size=3, unique=True)


@given(_words, _words, _severities, _words, _words, _severities)
def test_the_courier_and_sns_let_through_the_same(
    owners: list[str],
    tasks: list[str],
    severities: list[str],
    about_owners: Sequence[str],
    about_tasks: Sequence[str],
    about_severities: Sequence[str],
) -> None:
    one = mail(owners=tuple(owners), tasks=tuple(tasks), severities=tuple(severities))
    message = delivered(attributes(News.SUMMARY, severities=about_severities, tasks=about_tasks, owners=about_owners))
    sns = FilterPolicyMatcher(one.filter_policy(), "MessageAttributes").matches(message, "text")
    assert one.hears(said(message)) is sns


def test_a_message_about_several_tasks_is_for_whoever_wants_one_of_them() -> None:
    incident = Incident(
        id="i", severity=Severity.FAILED, title="x", since="", tasks=("b",), affected=("a", "b"), owners=("x", "y")
    )
    message = said(delivered(about(News.RECOVERED, incident)))
    assert message == {
        "kind": ("recovered",),
        "severity": ("failed",),
        "taskId": ("a", "b"),
        "owner": ("x", "y"),
        "incident": ("i",),
    }
    assert mail(tasks=("a",)).hears(message)


def test_a_message_says_nothing_of_what_there_is_none_of() -> None:
    assert attributes(News.TOLD, severities=["late"], tasks=["t"], owners=[""]) == {
        "kind": {"DataType": "String", "StringValue": "told"},
        "severity": {"DataType": "String", "StringValue": "late"},
        "taskId": {"DataType": "String", "StringValue": "t"},
    }


def test_what_is_about_very_many_tasks_still_fits_into_a_message() -> None:
    message = attributes(News.SUMMARY, tasks=[f"{number:048}" for number in range(4000)], owners=["x" * 200] * 4000)
    assert sum(len(one["StringValue"].encode()) for one in message.values()) < 100_000


# --- what is shown and kept


def test_of_a_url_only_its_host_is_shown() -> None:
    one = webhook(format=Format.PAGERDUTY, routing_key="R" * 32, severities=("failed",))
    assert str(one) == "pagerduty webhook hooks.example.com (severities failed)"
    for text in (str(one), repr(one), one.key):
        assert "secret" not in text
        assert "RRR" not in text
    assert str(webhook("ssm:slack-url", format=Format.SLACK)) == "slack webhook ssm:slack-url"


def test_a_destination_is_known_by_where_it_is_and_not_by_what_it_asks_for() -> None:
    assert mail().key == mail(severities=("failed",)).key
    assert webhook(routing_key="a").key != webhook(routing_key="b").key != webhook().key


@pytest.mark.parametrize(
    "one", [mail(), webhook(routing_key="k", owners=("a",), tasks=("t",), severities=SEVERITIES, format=Format.TEAMS)]
)
def test_what_is_recorded_is_read_again(one: Destination) -> None:
    assert Destination.from_value(one.to_value()) == one


@pytest.mark.parametrize("text", ["ssm:", "ssm:a/b", "secret:a b", "vault:x", URL, "ssm:" + "x" * 65])
def test_only_a_name_in_a_store_that_is_known_is_a_reference(text: str) -> None:
    assert reference(text) is None


# --- what nobody would hear


@pytest.mark.parametrize(
    ("destinations", "warnings"),
    [
        ([], ["nobody is told when a task fails: add `alerts: {to: [{mail: you@example.com}]}`"]),
        ([mail()], []),
        (
            [mail(owners=("x",))],
            ["nobody is told when b fails: add an entry", "nobody hears the stack's alarms"],
        ),
        (
            [mail(severities=("late",))],
            ["nobody is told when a, b fails: add an entry", "nobody hears the stack's alarms"],
        ),
        ([mail(tasks=("a", "b")), webhook(severities=(ALARM,))], []),
        ([mail(owners=("x",)), webhook(tasks=("b",))], ["nobody hears the stack's alarms"]),
    ],
)
def test_what_nobody_would_hear_is_said_with_what_to_do(destinations: list[Destination], warnings: list[str]) -> None:
    found = list(silences([task("a", "x"), task("b")], destinations))
    assert [text[: len(warning)] for text, warning in zip(found, warnings, strict=True)] == warnings


def test_of_very_many_tasks_a_few_are_named() -> None:
    (said_, _) = silences([task(f"t{number}") for number in range(9)], [mail(tasks=("other",))])
    assert said_.startswith("nobody is told when t0, t1, t2, t3, t4 and 4 more fails:")
