"""``alerts:`` of tasks.yaml: who is told, and what is wrong with what somebody has written there."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.errors import InvalidTaskFile
from orchestrator.runs.destinations import Destination, Format, Kind
from orchestrator.taskfile.reader import read
from orchestrator.taskfile.schema import schema

TODAY = date(2026, 11, 23)
SECRET = "https://hooks.slack.com/services/T0/B0/verysecret"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:told"

HEAD = "defaults: {owner: data-platform}\nalerts:\n  to:\n"
TAIL = """
environments:
  prod: {alerts: {to: [{mail: oncall@example.com}]}}
  dev: {tasks: {billing: {enabled: false}}, alerts: {to: [{mail: dev@example.com, tasks: billing}]}}
  quiet: {alerts: {to: []}}
tasks:
  report: {run: lambda/report}
  billing: {run: workflow/billing, owner: finance}
"""

RIGHT = f"""
    - mail: operations@example.com
    - {{mail: finance@example.com, owners: finance, severities: [failed, too long]}}
    - {{sqs: '{QUEUE}', tasks: [report, billing]}}
    - {{webhook: '{SECRET}', format: slack, severities: alarm}}
    - {{sns: 'arn:aws:sns:eu-west-1:123456789012:others', severities: [failed, alarm]}}
    - {{webhook: 'secret:teams', format: teams}}
    - webhook: https://events.pagerduty.com/v2/enqueue
      format: pagerduty
      routingKey: ssm:pagerduty
    - {{webhook: 'http://127.0.0.1:8080/told', format: json}}
"""


def destinations(folder: Path, entries: str, environment: str = "") -> tuple[Destination, ...]:
    file = folder / "tasks.yaml"
    file.write_text(HEAD + entries + TAIL)
    return read(file, today=TODAY, environment=environment).destinations


def problems(folder: Path, entries: str, environment: str = "") -> list[str]:
    with pytest.raises(InvalidTaskFile) as caught:
        destinations(folder, entries, environment)
    return caught.value.problems


def test_each_entry_is_a_destination(tmp_path: Path) -> None:
    assert destinations(tmp_path, RIGHT) == (
        Destination(kind=Kind.MAIL, address="operations@example.com"),
        Destination(
            kind=Kind.MAIL, address="finance@example.com", owners=("finance",), severities=("failed", "too long")
        ),
        Destination(kind=Kind.SQS, address=QUEUE, tasks=("report", "billing")),
        Destination(kind=Kind.WEBHOOK, address=SECRET, format=Format.SLACK, severities=("alarm",)),
        Destination(kind=Kind.SNS, address="arn:aws:sns:eu-west-1:123456789012:others", severities=("failed", "alarm")),
        Destination(kind=Kind.WEBHOOK, address="secret:teams", format=Format.TEAMS),
        Destination(
            kind=Kind.WEBHOOK,
            address="https://events.pagerduty.com/v2/enqueue",
            format=Format.PAGERDUTY,
            routing_key="ssm:pagerduty",
        ),
        Destination(kind=Kind.WEBHOOK, address="http://127.0.0.1:8080/told", format=Format.JSON),
    )


def test_what_is_right_fits_the_schema_that_editors_use() -> None:
    jsonschema.validate(yaml.safe_load(HEAD + RIGHT + TAIL), json.loads(schema()))


@pytest.mark.parametrize("wrong", ["- {mial: a@example.com}", "- {mail: a@example.com, severities: [never]}"])
def test_what_is_wrong_does_not(wrong: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(HEAD + f"    {wrong}\n" + TAIL), json.loads(schema()))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("", ["operations@example.com"]),
        ("staging", ["operations@example.com"]),
        ("prod", ["oncall@example.com"]),
        # The task that it names is there, if not in this environment.
        ("dev", ["dev@example.com"]),
        ("quiet", []),
    ],
)
def test_an_environment_that_names_anybody_names_all(tmp_path: Path, environment: str, told: list[str]) -> None:
    found = destinations(tmp_path, "    - mail: operations@example.com\n", environment)
    assert [one.address for one in found] == told


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{mail: nobody}", "alerts.to[0].mail: expected a mail address like you@example.com, found 'nobody'"),
        ("{mial: a@example.com}", "alerts.to[0].mial: unknown field; did you mean 'mail'?"),
        ("{owners: finance}", "alerts.to[0]: expected one of mail, webhook, sns, sqs, found none"),
        (f"{{mail: a@example.com, sqs: '{QUEUE}'}}", "alerts.to[0]: expected one of"),
        (f"'{SECRET}'", "alerts.to[0]: expected a mapping"),
        ("{mail: a@example.com, format: slack}", "format: only a webhook has one"),
        (f"{{webhook: '{SECRET}'}}", "expected a format beside webhook: slack, teams, pagerduty, json"),
        (f"{{webhook: '{SECRET}', format: slak}}", "alerts.to[0].format: "),
        ("{webhook: 'http://hooks.example.com/verysecret', format: slack}", "alerts.to[0].webhook: expected https://"),
        ("{webhook: 'ssm:no/path', format: slack}", "alerts.to[0].webhook: expected https://"),
        ("{webhook: 'https://', format: slack}", "alerts.to[0].webhook: expected https://"),
        ("{webhook: 'https://[', format: slack}", "alerts.to[0].webhook: expected https://"),
        (f"{{webhook: '{SECRET}', format: pagerduty}}", "expected a routingKey"),
        (f"{{webhook: '{SECRET}', format: slack, routingKey: 'ssm:key'}}", "routingKey: only the format pagerduty"),
        (
            f"{{webhook: '{SECRET}', format: pagerduty, routingKey: verysecret}}",
            "alerts.to[0].routingKey: expected ssm",
        ),
        (
            f"{{webhook: '{SECRET}', format: pagerduty, routingKey: {'1' * 32}}}",
            "alerts.to[0].routingKey: expected text",
        ),
        ("{sqs: 'arn:aws:sqs:eu-west-1:1:x'}", "alerts.to[0].sqs: expected a queue's ARN"),
        ("{sns: 'arn:aws:sns:eu-west-1:123456789012:x.fifo'}", "alerts.to[0].sns: expected a topic's ARN"),
        (f"{{sqs: '{QUEUE}.fifo'}}", "alerts.to[0].sqs: expected a standard queue"),
        (
            "{mail: a@example.com, tasks: reprot}",
            "alerts.to[0].tasks: there is no task 'reprot'; did you mean 'report'?",
        ),
        ("{mail: a@example.com, owners: x}", "alerts.to[0].owners: no task has the owner 'x'; there is: data-platform"),
        ("{mail: a@example.com, severities: [fatal]}", "alerts.to[0].severities[0]: expected failed, missed, late,"),
        ("{mail: a@example.com, severities: [alarm]}", "severities: SNS cannot tell alarms from the rest"),
        (
            f"{{webhook: '{SECRET}', format: json, tasks: report, severities: [alarm]}}",
            "an alarm has neither owner nor",
        ),
    ],
)
def test_a_mistake_says_its_line_its_field_and_what_was_expected(tmp_path: Path, entry: str, said: str) -> None:
    (found,) = problems(tmp_path, f"    - {entry}\n")
    assert found.startswith("tasks.yaml:4: alerts.to[0]")
    assert said in found
    for secret in ("verysecret", "11111111"):
        assert secret not in found


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "    - {mail: a}\n    - {mail: a@example.com}\n    - {mail: a@example.com}\n")
    assert [one.partition(": expected")[0] for one in found] == [
        "tasks.yaml:4: alerts.to[0].mail",
        "tasks.yaml:6: alerts.to[2].mail: the same mail as alerts.to[1]: one entry says all that it is told",
    ]


def test_a_mistake_of_an_environment_stands_in_its_own_line(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(HEAD + "    - mail: a@example.com\n" + TAIL.replace("oncall@example.com", "oncall"))
    with pytest.raises(InvalidTaskFile, match=r"tasks\.yaml:7: alerts\.to\[0\]\.mail: expected a mail address"):
        read(file, today=TODAY, environment="prod")


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ("alerts: 1", "alerts: expected a mapping"),
        ("alerts: {to: {mail: a@example.com}}", "alerts.to: expected a list"),
        ("alerts: {too: []}", "alerts.too: unknown field; did you mean 'to'?"),
        ("alerts: [{mail: a@example.com}]", "alerts: expected a mapping"),
    ],
)
def test_what_is_no_list_of_entries_says_so(tmp_path: Path, alerts: str, said: str) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(f"{alerts}\ntasks: {{report: {{run: lambda/report}}}}\n")
    with pytest.raises(InvalidTaskFile) as caught:
        read(file, today=TODAY)
    assert said in caught.value.problems[0]


def test_what_sns_could_not_filter_is_refused(tmp_path: Path) -> None:
    tasks = "\n".join(f"  t{number}: {{run: lambda/report}}" for number in range(51))
    file = tmp_path / "tasks.yaml"
    named = ", ".join(f"t{number}" for number in range(51))
    entry = f"{{mail: a@example.com, tasks: [{named}], severities: [failed, missed, late]}}"
    file.write_text(f"alerts: {{to: [{entry}]}}\ntasks:\n{tasks}\n")
    with pytest.raises(InvalidTaskFile, match="make 153 combinations, and SNS filters by 150 at most"):
        read(file, today=TODAY)


def test_nobody_is_told_where_nothing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text("alerts:\ntasks: {report: {run: lambda/report}}\n")
    assert read(file, today=TODAY).destinations == ()
