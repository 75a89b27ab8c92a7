"""Versions of state machines, and the alias ``live`` that says which of them runs.

Schedules and people start the alias, so a definition that was deployed runs from the moment the alias moves, at once or
bit by bit, and not before. A version is never changed; going back is moving the alias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import NoSuchAlarm, NoSuchVersion, RolledBack
from orchestrator.stack import LIVE, live

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import RoutingConfigurationListItemTypeDef

#: Seconds between two looks at the alarm. A standard alarm is itself evaluated once a minute.
ALARM_POLL_SECONDS = 15.0

#: What makes a version: "State machine versions", and who describes which.
_REVISION = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The steps by which an alias moves to a new version."""

    #: Which shares of executions, in percent, the new version gets before it gets all.
    steps: tuple[int, ...] = ()
    #: How long each share is watched.
    minutes: float = 0
    #: Of CloudWatch: while it is in ALARM, the alias goes back.
    alarm: str = ""

    @classmethod
    def canary(cls, percent: int, minutes: float, alarm: str) -> Rollout:
        return cls(steps=(percent,), minutes=minutes, alarm=alarm)

    @classmethod
    def linear(cls, percent: int, minutes: float, alarm: str) -> Rollout:
        """``percent`` more every ``minutes``."""
        return cls(steps=tuple(range(percent, 100, percent)), minutes=minutes, alarm=alarm)


#: No steps: the new version gets all executions at once.
AT_ONCE = Rollout()


class LiveAlias:
    """The alias of one state machine, through ``client``, boto3's client of Step Functions."""

    def __init__(self, client: SFNClient, state_machine: str) -> None:
        self._client = client
        #: The state machine's ARN.
        self.state_machine = state_machine

    @property
    def name(self) -> str:
        """The state machine's."""
        return self.state_machine.rpartition(":")[2]

    def routes(self) -> dict[int, int]:
        """The share of each version in percent; empty where there is no alias yet."""
        try:
            alias = self._client.describe_state_machine_alias(stateMachineAliasArn=live(self.state_machine))
        except (self._client.exceptions.ResourceNotFound, self._client.exceptions.StateMachineDoesNotExist):
            return {}
        return {
            int(route["stateMachineVersionArn"].rpartition(":")[2]): route["weight"]
            for route in alias["routingConfiguration"]
            if route["weight"]
        }

    def is_current(self, routes: Mapping[int, int]) -> bool:
        """Whether the alias routes all executions to the definition that was deployed last."""
        if len(routes) != 1:
            return False
        (version,) = routes
        deployed, running = (
            self._client.describe_state_machine(stateMachineArn=arn)
            for arn in (self.state_machine, self._version(version))
        )
        return all(deployed.get(field) == running.get(field) for field in _REVISION)

    def publish(self) -> int:
        """Publishes what was deployed last ("PublishStateMachineVersion is an idempotent API"). Returns its number."""
        answer = self._client.publish_state_machine_version(stateMachineArn=self.state_machine)
        return int(answer["stateMachineVersionArn"].rpartition(":")[2])

    def versions(self) -> list[int]:
        """Newest first."""
        numbers: list[int] = []
        page = self._client.list_state_machine_versions(stateMachineArn=self.state_machine)
        while True:
            numbers += [int(one["stateMachineVersionArn"].rpartition(":")[2]) for one in page["stateMachineVersions"]]
            if not page.get("nextToken"):
                return sorted(numbers, reverse=True)
            page = self._client.list_state_machine_versions(
                stateMachineArn=self.state_machine, nextToken=page["nextToken"]
            )

    def move(self, routes: Mapping[int, int], *, exists: bool = True) -> None:
        """Gives each version its share in percent, of one or two."""
        routing: list[RoutingConfigurationListItemTypeDef] = [
            {"stateMachineVersionArn": self._version(version), "weight": weight} for version, weight in routes.items()
        ]
        if exists:
            self._client.update_state_machine_alias(
                stateMachineAliasArn=live(self.state_machine), routingConfiguration=routing
            )
        else:
            self._client.create_state_machine_alias(name=LIVE, routingConfiguration=routing)

    def _version(self, version: int) -> str:
        return f"{self.state_machine}:{version}"


def publish(
    aliases: Sequence[LiveAlias],
    rollout: Rollout,
    *,
    in_alarm: Callable[[str], bool],
    sleep: Callable[[float], object],
    progress: Callable[[str], object],
) -> list[str]:
    """Publishes each state machine that changed, and moves its alias; the names of those.

    An alias that is new, or was left between two versions, ends at the newest version as well. Raises
    :class:`~orchestrator.errors.RolledBack` and :class:`~orchestrator.errors.NoSuchAlarm`.
    """
    published = []
    for alias in aliases:
        routes = alias.routes()
        if alias.is_current(routes):
            continue
        version = alias.publish()
        before = max((other for other in routes if other != version), key=lambda one: routes[one], default=None)
        if before is not None:
            _shift(alias, before, version, rollout, in_alarm=in_alarm, sleep=sleep, progress=progress)
        alias.move({version: 100}, exists=bool(routes))
        progress(f"{LIVE} of {alias.name} is version {version}")
        published.append(alias.name)
    return published


def roll_back(alias: LiveAlias, to: int | None, progress: Callable[[str], object]) -> int:
    """Moves the alias to a version, or to the newest that is older than what runs; which it was.

    Raises :class:`~orchestrator.errors.NoSuchVersion`.
    """
    routes, versions = alias.routes(), alias.versions()
    oldest_running = min(routes, default=0)
    wanted = to if to is not None else next((version for version in versions if version < oldest_running), None)
    if wanted is None or wanted not in versions:
        raise NoSuchVersion(alias.name, wanted, versions)
    if routes != {wanted: 100}:
        alias.move({wanted: 100}, exists=bool(routes))
        progress(f"{LIVE} of {alias.name} is version {wanted}")
    return wanted


def alarm_state(cloudwatch: CloudWatchClient) -> Callable[[str], bool]:
    """Whether an alarm is in ALARM, by its name. Raises :class:`~orchestrator.errors.NoSuchAlarm`."""

    def in_alarm(name: str) -> bool:
        answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        if not alarms:
            raise NoSuchAlarm(name)
        return bool(alarms[0]["StateValue"] == "ALARM")

    return in_alarm


def _shift(
    alias: LiveAlias,
    before: int,
    version: int,
    rollout: Rollout,
    *,
    in_alarm: Callable[[str], bool],
    sleep: Callable[[float], object],
    progress: Callable[[str], object],
) -> None:
    """Through the steps of the rollout, all but the last; back, if the alarm goes off."""
    if rollout.steps:
        # An alarm that is not there could never send the alias back: say so before anything moves.
        in_alarm(rollout.alarm)
    for percent in rollout.steps:
        alias.move({before: 100 - percent, version: percent})
        progress(f"{LIVE} of {alias.name}: {percent} % on version {version}, for {rollout.minutes:g} minutes")
        waited = 0.0
        while waited < rollout.minutes * 60:
            pause = min(ALARM_POLL_SECONDS, rollout.minutes * 60 - waited)
            sleep(pause)
            waited += pause
            if in_alarm(rollout.alarm):
                alias.move({before: 100})
                raise RolledBack(alias.name, before, version, percent, rollout.alarm)
