"""What a stack has in addition whose outcomes go to a bus of EventBridge, as ``outcomes`` of stack.yaml says.

Without it nothing of this is in the template, and nothing of it costs. With it the reporter sees more changes of the
ledger, and those of the registry that are a task's pause: a table's stream costs nothing that Lambda reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.deployment import statements
from orchestrator.functions import Function, Permission
from orchestrator.runs import outcomes
from orchestrator.runs.outcomes import Kind
from orchestrator.stack import OUTCOME_KINDS, OUTCOMES_BUS, OWN_BUS, Stack

#: The function that follows the ledger's stream.
REPORTER = "reporter"

#: A stream forgets after 24 hours. What the bus does not take until shortly before is kept with what nobody could deal
#: with, which has an alarm.
_KEPT_SECONDS = 23 * 3600

#: Changes at a time: events of one task go one after the other, and the function has a minute.
_BATCH = 250


@dataclass(frozen=True, kw_only=True)
class OutcomeEvents:
    """Where outcomes go, and which."""

    #: :data:`~orchestrator.stack.OWN_BUS`, or the name or the ARN of a bus that is there.
    bus: str = OWN_BUS
    kinds: tuple[Kind, ...] = tuple(Kind)

    @property
    def pauses(self) -> bool:
        """Whether the registry has something to tell."""
        return any(kind in self.kinds for kind in outcomes.OF_PAUSES)

    def address(self, stack: Stack) -> str:
        """The bus as PutEvents takes it."""
        return stack.outcomes_bus if self.bus == OWN_BUS else self.bus

    def told_by(self, functions: Sequence[Function], stack: Stack) -> tuple[Function, ...]:
        """The functions, of which the reporter puts events on the bus."""
        return tuple(self._reporter(one, stack) if one.name == REPORTER else one for one in functions)

    def around(self, template: Mapping[str, Any], stack: Stack) -> dict[str, Any]:
        """The template, with the stack's own bus, and with a stream of the registry, as far as they are needed."""
        resources = dict(template["Resources"])
        if self.pauses and any(_reads_registry(one) for one in resources.values()):
            table = resources["ScheduledTasks"]
            streamed = {**table["Properties"], "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
            resources["ScheduledTasks"] = {**table, "Properties": streamed}
        if self.bus == OWN_BUS:
            resources["Outcomes"] = {
                "Type": "AWS::Events::EventBus",
                "Properties": {
                    "Name": stack.outcomes_bus,
                    "Description": f"What becomes of the tasks of {stack.name}.",
                },
            }
        outputs = {**template["Outputs"], "OutcomesBus": {"Value": self.address(stack)}}
        return {**template, "Resources": resources, "Outputs": outputs}

    def _reporter(self, reporter: Function, stack: Stack) -> Function:
        address = self.address(stack)
        resource = address if address.startswith("arn:") else f"event-bus:{address}"
        actions = ("events:PutEvents",) if resource == address else ("events:DescribeEventBus", "events:PutEvents")
        (ledger,) = reporter.event_sources
        ledger = replace(
            ledger,
            batch_size=_BATCH,
            filters=(*ledger.filters, *outcomes.patterns(self.kinds)),
            kept_seconds=_KEPT_SECONDS,
        )
        registry = replace(ledger, source="stream:ScheduledTasks", filters=outcomes.PAUSE_PATTERNS)
        return replace(
            reporter,
            environment={
                **reporter.environment,
                OUTCOMES_BUS: address,
                OUTCOME_KINDS: ",".join(self.kinds),
            },
            permissions=(*reporter.permissions, Permission(actions=actions, resource=resource)),
            event_sources=(ledger, registry) if self.pauses else (ledger,),
        )


def _reads_registry(resource: Mapping[str, Any]) -> bool:
    source = resource.get("Properties", {}).get("EventSourceArn")
    return bool(source == statements.attribute("ScheduledTasks", "StreamArn"))
