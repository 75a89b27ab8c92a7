"""Versions and the alias: what runs after a deployment, during a rollout, and after going back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.deployment.publishing import LiveAlias, Rollout, alarm_state, publish, roll_back
from orchestrator.errors import NoSuchAlarm, NoSuchVersion, RolledBack
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import live

if TYPE_CHECKING:
    from types_boto3_cloudwatch.literals import StateValueType

ALARM = "orchestrator-dev-Failures"
ROLE = "arn:aws:iam::123456789012:role/runner"


def definition(comment: str) -> str:
    return json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed", "Comment": comment}}})


@pytest.fixture
def alias(aws: EmbeddedAws) -> LiveAlias:
    client = aws.client("stepfunctions")
    arn = client.create_state_machine(name="runner", definition=definition("1"), roleArn=ROLE)["stateMachineArn"]
    return LiveAlias(client, arn)


@pytest.fixture
def change(aws: EmbeddedAws, alias: LiveAlias) -> Callable[[str], None]:
    def change(comment: str) -> None:
        aws.client("stepfunctions").update_state_machine(
            stateMachineArn=alias.state_machine, definition=definition(comment)
        )

    return change


@pytest.fixture
def alarm(aws: EmbeddedAws) -> Callable[[StateValueType], object]:
    """Sets the alarm's state."""
    client = aws.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=ALARM, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, MetricName="Failed",
        Namespace="ScheduledTasks", Period=60, Statistic="Sum", Threshold=0,
    )  # fmt: skip
    return lambda state: client.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="test")


class Rolling:
    """A rollout, whose waits are noted, with what each version got meanwhile."""

    def __init__(self, aws: EmbeddedAws, alias: LiveAlias) -> None:
        self.aws, self.alias = aws, alias
        self.lines: list[str] = []
        self.waits: list[tuple[float, dict[int, int]]] = []
        self.at_wait: Callable[[int], None] = lambda number: None

    def __call__(self, rollout: Rollout) -> list[str]:
        return publish(
            [self.alias],
            rollout,
            in_alarm=alarm_state(self.aws.client("cloudwatch")),
            sleep=self._sleep,
            progress=self.lines.append,
        )

    def _sleep(self, seconds: float) -> None:
        self.waits.append((seconds, self.alias.routes()))
        self.at_wait(len(self.waits))


@pytest.fixture
def roll(aws: EmbeddedAws, alias: LiveAlias) -> Rolling:
    return Rolling(aws, alias)


def test_the_first_version_runs_at_once_however_careful_the_rollout(alias: LiveAlias, roll: Rolling) -> None:
    assert roll(Rollout.canary(10, 5, ALARM)) == ["runner"]
    assert alias.routes() == {1: 100}
    assert roll.waits == []


def test_what_did_not_change_gets_no_version(alias: LiveAlias, roll: Rolling) -> None:
    roll(Rollout())
    assert roll(Rollout()) == []
    assert alias.versions() == [1]


def test_a_change_is_a_version_that_runs_at_once(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None], aws: EmbeddedAws
) -> None:
    roll(Rollout())
    change("2")
    roll(Rollout())
    assert (alias.routes(), alias.versions(), roll.lines[-1]) == ({2: 100}, [2, 1], "live of runner is version 2")
    client = aws.client("stepfunctions")
    started = client.start_execution(stateMachineArn=live(alias.state_machine))
    assert started["executionArn"].split(":")[6] == "runner"


def test_a_canary_is_watched_before_everybody_gets_it(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None], alarm: Callable[[str], None]
) -> None:
    roll(Rollout())
    change("2")
    roll(Rollout.canary(10, 0.6, ALARM))
    assert roll.waits == [(15.0, {1: 90, 2: 10}), (15.0, {1: 90, 2: 10}), (6.0, {1: 90, 2: 10})]
    assert alias.routes() == {2: 100}


def test_a_linear_rollout_goes_in_equal_steps(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None], alarm: Callable[[str], None]
) -> None:
    roll(Rollout())
    change("2")
    roll(Rollout.linear(40, 0.1, ALARM))
    assert [routes for _, routes in roll.waits] == [{1: 60, 2: 40}, {1: 20, 2: 80}]
    assert alias.routes() == {2: 100}


def test_an_alarm_sends_the_new_version_back(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None], alarm: Callable[[str], None]
) -> None:
    roll(Rollout())
    change("2")
    roll.at_wait = lambda number: alarm("ALARM") if number == 2 else None
    with pytest.raises(RolledBack, match=r"alarm orchestrator-dev-Failures went off with 10 % on version 2"):
        roll(Rollout.canary(10, 5, ALARM))
    assert alias.routes() == {1: 100}
    assert len(roll.waits) == 2


def test_without_its_alarm_a_rollout_does_not_begin(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None]
) -> None:
    roll(Rollout())
    change("2")
    with pytest.raises(NoSuchAlarm, match="no alarm orchestrator-dev-Failures"):
        roll(Rollout.canary(10, 5, ALARM))
    assert alias.routes() == {1: 100}


def test_an_interrupted_rollout_is_finished_by_the_next_deployment(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None], alarm: Callable[[str], None]
) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(_: int) -> None:
        raise Interrupted

    roll(Rollout())
    change("2")
    roll.at_wait = interrupt
    with pytest.raises(Interrupted):
        roll(Rollout.canary(10, 5, ALARM))
    assert roll(Rollout()) == ["runner"]
    assert alias.routes() == {2: 100}
    assert alias.versions() == [2, 1]


def test_going_back_is_to_the_version_before_and_the_next_deployment_goes_forward(
    alias: LiveAlias, roll: Rolling, change: Callable[[str], None]
) -> None:
    for comment in ("1", "2", "3"):
        change(comment)
        roll(Rollout())
    said: list[Any] = []
    assert roll_back(alias, None, said.append) == 2
    assert (alias.routes(), said) == ({2: 100}, ["live of runner is version 2"])
    assert roll_back(alias, None, said.append) == 1
    assert roll_back(alias, 3, said.append) == 3
    roll_back(alias, 1, said.append)
    assert roll(Rollout()) == ["runner"]
    assert (alias.routes(), alias.versions()) == ({3: 100}, [3, 2, 1])


@pytest.mark.parametrize(
    ("to", "said"), [(None, "does not have an older version"), (7, "a version 7; its versions: 1")]
)
def test_a_version_that_is_not_there_is_not_gone_back_to(
    alias: LiveAlias, roll: Rolling, to: int | None, said: str
) -> None:
    roll(Rollout())
    with pytest.raises(NoSuchVersion, match=said):
        roll_back(alias, to, lambda line: None)
    assert alias.routes() == {1: 100}
