"""Who is told, from tasks.yaml to what arrives: mail, queues, and webhooks at a real HTTP server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import definitions
from orchestrator import deployment
from orchestrator.cli.main import orchestrator
from orchestrator.deployment import Application
from orchestrator.functions import Function
from orchestrator.local.aws import subscribers
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import News, attributes
from tests.testbed import LAMBDAS, queues
from tests.testbed.handlers import folder_with, functions
from tests.testbed.listener import Listener, listening
from tests.testbed.queues import drained
from tests.testbed.task_runner import STACK

SLOT = "2026-11-23T08:00:00Z"
TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
ROUTING_KEY = "R0123456789ABCDEF0123456789ABCDE"

TASKS = """\
defaults: {owner: data-platform, grace: 10d, retry: false}
alerts:
  to:
    - mail: operations@example.com
    - {mail: billing@example.com, owners: billing}
    - {sqs: 'arn:aws:sqs:us-east-1:123456789012:late', severities: [late]}
    - {webhook: 'ssm:slack-url', format: slack}
    - {webhook: LISTENER/teams, format: teams, tasks: [ours]}
    - {webhook: LISTENER/pagerduty, format: pagerduty, routingKey: 'secret:pagerduty-key', severities: [failed, alarm]}
    - {sns: 'arn:aws:sns:us-east-1:123456789012:others', severities: [missed, alarm]}
    - {webhook: LISTENER/json, format: json, owners: billing}
tasks:
  ours: {run: lambda/work, params: {refuse: true}}
  theirs: {run: lambda/work, params: {refuse: true}, owner: billing}
"""

#: The same, with nobody to tell.
TASKLESS = TASKS[: TASKS.index("alerts:")] + TASKS[TASKS.index("tasks:\n") :]


@dataclass(frozen=True, kw_only=True)
class Told:
    """A stack that tells, and those who listen."""

    aws: EmbeddedAws
    application: Application
    applied: deployment.Applied
    listener: Listener
    file: Path

    @property
    def topic(self) -> str:
        return self.applied.outputs["AlertsTopicArn"]

    def apply(self, text: str) -> deployment.Applied:
        self.file.write_text(text)
        return _apply(self.aws, self.application, self.file)

    def run(self, task_id: str, **params: Any) -> None:
        client = self.aws.client("stepfunctions")
        given = {"taskId": task_id, "scheduledTime": SLOT if not params else "2026-11-24T08:00:00Z", "params": params}
        arn = client.start_execution(stateMachineArn=self.applied.outputs["TaskRunnerArn"], input=json.dumps(given))[
            "executionArn"
        ]
        assert self.aws.execution(arn).over.wait(30)
        self.settle()

    def settle(self) -> None:
        assert self.aws.event_sources.settled(30)

    def logs(self) -> str:
        """All that any function has logged."""
        logs = self.aws.client("logs")
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        events = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
        return "\n".join(event["message"] for event in events)


def _apply(aws: EmbeddedAws, application: Application, file: Path) -> deployment.Applied:
    declared = application.load(file, TODAY)
    return deployment.apply(
        aws.client,
        application,
        declared.tasks,
        destinations=declared.destinations,
        deployer=deployment.Deployer(sleep=lambda seconds: None),
    )


@pytest.fixture(scope="module")
def told(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    aws, folder = embedded_aws, tmp_path_factory.mktemp("told")
    work = Function(name="work", module="work")
    lambdas = folder_with(LAMBDAS, folder / "lambdas", ("system.follower", "system.courier"))
    application = Application(
        stack=STACK,
        definitions={"TaskRunner": definitions.ALL["TaskRunner"](STACK)},
        functions=(work, *functions("system.follower", "system.courier", environment={})),
        lambdas=lambdas,
    )
    with listening() as listener:
        aws.client("ssm").put_parameter(
            Name=f"/{STACK.name}/secrets/slack-url", Value=f"{listener.url}/slack", Type="SecureString"
        )
        aws.client("secretsmanager").create_secret(Name=f"{STACK.name}/pagerduty-key", SecretString=ROUTING_KEY)
        file = folder / "tasks.yaml"
        file.write_text(TASKS.replace("LISTENER", listener.url))
        applied = _apply(aws, application, file)
        yield Told(aws=aws, application=application, applied=applied, listener=listener, file=file)
    aws.reset()
    shutil.rmtree(folder)


def subscriptions(told: Told) -> dict[str, str]:
    """Each endpoint's ARN."""
    found = told.aws.client("sns").list_subscriptions_by_topic(TopicArn=told.topic)["Subscriptions"]
    return {one["Endpoint"]: one["SubscriptionArn"] for one in found}


def attributes_of(told: Told, arn: str) -> dict[str, str]:
    return dict(told.aws.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"])


def confirm(told: Told, address: str) -> None:
    """What following the link in AWS's mail does."""
    token = subscribers.mails(told.aws, address)[0].rpartition(" ")[2]
    told.aws.client("sns").confirm_subscription(TopicArn=told.topic, Token=token)


def arn_of(told: Told, name: str) -> str:
    return f"arn:aws:sqs:{told.aws.region}:{told.aws.account}:{name}"


# --- what is subscribed


def test_each_destination_is_subscribed_and_the_courier_for_all_webhooks(told: Told) -> None:
    found = subscriptions(told)
    assert sorted(found) == [
        arn_of(told, "late"),
        arn_of(told, f"{STACK.name}-Courier"),
        "billing@example.com",
        "operations@example.com",
    ]
    assert found["operations@example.com"] == "PendingConfirmation"


def test_a_subscription_lets_through_what_its_destination_asks_for(told: Told) -> None:
    found = subscriptions(told)
    late, courier = (attributes_of(told, found[arn_of(told, name)]) for name in ("late", f"{STACK.name}-Courier"))
    assert json.loads(late["FilterPolicy"]) == {"severity": ["late"]}
    assert late["FilterPolicyScope"] == "MessageAttributes"
    # Alarms have no attributes, and no filter policy would let them through.
    assert "FilterPolicy" not in courier
    for one in (late, courier):
        assert json.loads(one["RedrivePolicy"])["deadLetterTargetArn"] == arn_of(told, STACK.handler_failures)


def test_apply_says_who_must_confirm(told: Told) -> None:
    assert [note.partition(":")[0] for note in told.applied.plan.alerts.notes()] == [
        "operations@example.com hears nothing yet",
        "billing@example.com hears nothing yet",
    ]


def test_the_next_apply_and_the_plan_have_nothing_to_do(told: Told) -> None:
    assert not told.apply(told.file.read_text()).changed
    declared = told.application.load(told.file, TODAY)
    planned = deployment.plan(
        told.aws.client, told.application, declared.tasks, now=NOW, destinations=declared.destinations
    )
    assert planned.is_empty
    assert [line.partition(" hears")[0] for line in deployment.plan_notes(planned)] == [
        "note: operations@example.com",
        "note: billing@example.com",
    ]


# --- what arrives


def test_a_failure_reaches_those_who_asked_and_its_end_too(told: Told) -> None:
    confirm(told, "operations@example.com")
    told.run("ours")
    (slack,), (teams,), (trigger,) = (told.listener.heard[path] for path in ("/slack", "/teams", "/pagerduty"))
    assert slack["text"] == "[orchestrator-test] scheduled task failed: ours"
    assert teams["attachments"][0]["content"]["body"][0]["text"] == slack["text"]
    assert (trigger["event_action"], trigger["routing_key"]) == ("trigger", ROUTING_KEY)
    # These hear of the tasks of another owner alone.
    assert told.listener.heard["/json"] == []
    assert len(subscribers.mails(told.aws, "billing@example.com")) == 1
    assert "task:      ours\n" in subscribers.mails(told.aws, "operations@example.com")[-1]

    told.run("ours", refuse=False)
    resolve = told.listener.heard["/pagerduty"][-1]
    assert resolve == {"routing_key": ROUTING_KEY, "event_action": "resolve", "dedup_key": trigger["dedup_key"]}
    assert [len(told.listener.heard[path]) for path in ("/slack", "/teams", "/json")] == [2, 2, 0]


def test_the_owner_of_a_task_is_told_of_it(told: Told) -> None:
    told.run("theirs")
    (heard,) = told.listener.heard["/json"]
    assert (heard["kind"], heard["tasks"], heard["owners"]) == ("told", ["theirs"], ["billing"])
    assert len(told.listener.heard["/teams"]) == 2


def test_an_alarm_reaches_those_who_are_told_everything_and_webhooks_that_ask_for_alarms(told: Told) -> None:
    before = {path: len(told.listener.heard[path]) for path in ("/slack", "/teams", "/pagerduty", "/json")}
    alarm = {
        "AlarmName": f"{STACK.name}-Heartbeat",
        "AlarmDescription": "The watchdog is silent.",
        "NewStateValue": "ALARM",
        "NewStateReason": "no data",
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{STACK.name}-Heartbeat",
    }
    told.aws.client("sns").publish(TopicArn=told.topic, Subject="ALARM", Message=json.dumps(alarm))
    told.settle()
    more = {path: len(told.listener.heard[path]) - count for path, count in before.items()}
    assert more == {"/slack": 1, "/teams": 0, "/pagerduty": 1, "/json": 0}
    assert told.listener.heard["/pagerduty"][-1]["dedup_key"] == alarm["AlarmArn"]
    assert json.loads(subscribers.mails(told.aws, "operations@example.com")[-1]) == alarm


def test_a_test_message_reaches_every_destination(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in told.aws.environment.items():
        monkeypatch.setenv(name, value)
    before = {path: len(told.listener.heard[path]) for path in ("/slack", "/teams", "/pagerduty", "/json")}
    answer = CliRunner().invoke(orchestrator, ["--stack", STACK.name, "alerts", "test"], catch_exceptions=False)
    told.settle()
    assert {path: len(told.listener.heard[path]) - count for path, count in before.items()} == dict.fromkeys(before, 1)
    assert "Sent to mail operations@example.com\n" in answer.output
    assert "Not sent to mail billing@example.com (owners billing): its owner has not confirmed yet" in answer.output
    assert "Sent to slack webhook ssm:slack-url\n" in answer.output


def test_another_topic_gets_the_same_message_once(told: Told) -> None:
    sns, others = told.aws.client("sns"), "arn:aws:sns:us-east-1:123456789012:others"
    sns.create_topic(Name="others")
    heard = queues.listening(told.aws, others, "heard-by-others")
    # Whose own stack tells ours: the two would go on for ever.
    sns.subscribe(TopicArn=others, Protocol="sqs", Endpoint=arn_of(told, STACK.courier_queue))
    about = attributes(News.TOLD, severities=["missed"], tasks=["ours"])
    sns.publish(TopicArn=told.topic, Subject="Missed", Message="a slot", MessageAttributes=about)
    sns.publish(TopicArn=told.topic, Subject="Late", Message="no", MessageAttributes=attributes(News.TOLD))
    told.settle()
    (message,) = map(json.loads, drained(told.aws.client("sqs"), heard))
    assert (message["Subject"], message["Message"]) == ("Missed", "a slot")
    kept = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert kept == {"kind": "told", "severity": "missed", "taskId": "ours", "forwarded": STACK.name}
    sns.delete_topic(TopicArn=others)


# --- what goes wrong on the way


def publish(told: Told, text: str, **about: Any) -> None:
    told.aws.client("sns").publish(
        TopicArn=told.topic, Subject="x", Message=text, MessageAttributes=attributes(News.TOLD, **about)
    )
    told.settle()


def test_a_webhook_that_is_busy_is_asked_again(told: Told) -> None:
    before = len(told.listener.heard["/json"])
    told.listener.answers["/json"].append(503)
    publish(told, "once more", owners=["billing"], severities=["late"])
    assert [one["text"] for one in told.listener.heard["/json"][before:]] == ["once more"] * 2


@pytest.mark.parametrize("status", [404, 302])
def test_what_a_webhook_refuses_is_kept_where_an_alarm_looks_and_sent_to_it_once(told: Told, status: int) -> None:
    sqs = told.aws.client("sqs")
    kept = sqs.get_queue_url(QueueName=STACK.handler_failures)["QueueUrl"]
    drained(sqs, kept)
    before = {path: len(told.listener.heard[path]) for path in ("/slack", "/json", "/elsewhere")}
    told.listener.answers["/json"].append(status)
    publish(told, "refused", owners=["billing"], severities=["missed"])
    assert {path: len(told.listener.heard[path]) - n for path, n in before.items()} == {
        "/slack": 1,
        "/json": 1,
        "/elsewhere": 0,
    }
    (message,) = drained(sqs, kept)
    assert json.loads(message)["notification"]["Message"] == "refused"
    assert "the webhook refuses the alert" in told.logs()
    assert '"AlertsRefused":[1.0]' in told.logs()


def test_what_a_queue_does_not_take_is_kept_too(told: Told) -> None:
    sqs = told.aws.client("sqs")
    kept = sqs.get_queue_url(QueueName=STACK.handler_failures)["QueueUrl"]
    drained(sqs, kept)
    # Nobody has made the queue, or let the topic send to it.
    publish(told, "lost?", severities=["late"])
    assert [json.loads(message)["Message"] for message in drained(sqs, kept)] == ["lost?"]


def test_no_secret_is_anywhere_but_where_it_is_kept(told: Told) -> None:
    cloudformation, registry = told.aws.client("cloudformation"), told.aws.client("dynamodb")
    executions = told.aws.client("stepfunctions")
    machine = told.applied.outputs["TaskRunnerArn"]
    histories = [
        executions.get_execution_history(executionArn=one["executionArn"])
        for one in executions.list_executions(stateMachineArn=machine)["executions"]
    ]
    seen = [
        told.logs(),
        cloudformation.describe_stacks(StackName=STACK.name),
        cloudformation.get_template(StackName=STACK.name),
        *(registry.scan(TableName=table) for table in registry.list_tables()["TableNames"]),
        *histories,
        *map(str, told.applied.plan.alerts.changes),
        *map(repr, told.application.load(told.file, TODAY).destinations),
    ]
    text = "\n".join(map(str, seen))
    assert "ours" in text
    for secret in (ROUTING_KEY, f"{told.listener.url}/"):
        assert secret not in text


# --- what changes


def test_what_is_declared_no_more_is_unsubscribed_and_what_others_have_made_stays(told: Told) -> None:
    told.aws.client("sns").subscribe(TopicArn=told.topic, Protocol="sqs", Endpoint=arn_of(told, "of-others"))
    late = "{sqs: 'arn:aws:sqs:us-east-1:123456789012:late', severities: [late, failed], tasks: ours}"
    applied = told.apply(TASKLESS + f"alerts: {{to: [{late}]}}\n")
    assert [(one.action, str(one.destination).partition(" (")[0]) for one in applied.plan.alerts.changes] == [
        ("change", f"sqs {arn_of(told, 'late')}"),
        ("remove", "mail operations@example.com"),
        ("remove", "sns arn:aws:sns:us-east-1:123456789012:others"),
        ("remove", f"sqs {arn_of(told, STACK.courier_queue)}"),
        *[("remove", one) for one in removed_webhooks(applied)],
    ]
    found = subscriptions(told)
    # SNS unsubscribes nobody who has not confirmed; the record stays until it has forgotten them.
    assert sorted(found) == [arn_of(told, "late"), arn_of(told, "of-others"), "billing@example.com"]
    policy = json.loads(attributes_of(told, found[arn_of(told, "late")])["FilterPolicy"])
    assert policy == {"severity": ["failed", "late"], "taskId": ["ours"]}
    (note,) = applied.plan.alerts.notes()
    assert note.startswith("billing@example.com was never confirmed")

    confirm(told, "billing@example.com")
    again = told.apply(TASKLESS)
    assert {one.action for one in again.plan.alerts.changes} == {"remove"}
    assert sorted(subscriptions(told)) == [arn_of(told, "of-others")]
    assert not told.apply(TASKLESS).changed


def removed_webhooks(applied: deployment.Applied) -> list[str]:
    found = [str(one.destination).partition(" (")[0] for one in applied.plan.alerts.changes]
    return [one for one in found if " webhook " in one]


def test_a_subscription_that_somebody_has_made_for_a_declared_address_is_taken_over(told: Told) -> None:
    of_others = arn_of(told, "of-others")
    applied = told.apply(TASKLESS + f"alerts: {{to: [{{sqs: '{of_others}', severities: [late]}}]}}\n")
    assert [(one.action, one.destination.address) for one in applied.plan.alerts.changes] == [("change", of_others)]
    found = attributes_of(told, subscriptions(told)[of_others])
    assert json.loads(found["FilterPolicy"]) == {"severity": ["late"]}


def test_what_has_been_changed_by_hand_is_put_right(told: Told) -> None:
    of_others = arn_of(told, "of-others")
    arn = subscriptions(told)[of_others]
    told.aws.client("sns").set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"severity": ["missed"]}'
    )
    assert [one.action for one in told.apply(told.file.read_text()).plan.alerts.changes] == ["change"]
    assert json.loads(attributes_of(told, arn)["FilterPolicy"]) == {"severity": ["late"]}
