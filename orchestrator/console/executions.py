"""The executions of a run: TaskRunner's, and within it those that it has started, each with its path and its graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.console.graph import Graph, graphs, taken
from orchestrator.console.steps import Stage, drawn, stages
from orchestrator.runs.execution_end import DELIVERY_MARK, is_express
from orchestrator.runs.path import Visit
from orchestrator.stores.histories import Histories

#: So many executions are shown of a run: a page is no list of a thousand items of a Map.
MOST = 20

_FORGOTTEN = (
    "Step Functions has no history of it: it keeps that of a Standard execution for 90 days after its end, and the"
    " row for 400."
)
_NOT_LOGGED = (
    "The log of its state machine has no event of it: CloudWatch Logs delivers them some seconds late and keeps them"
    " for 90 days, and the row stays for 400."
)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution."""

    arn: str
    #: None where its history is gone; ``absent`` says why.
    visits: tuple[Visit, ...] | None
    absent: str
    #: The states that it has entered; the whole machine, and those within it.
    taken: Graph | None
    graphs: tuple[Graph, ...]
    #: The same as the six steps of TaskRunner, if it is one of those.
    stages: tuple[Stage, ...]
    steps: Graph | None
    #: Those that it has started, by ARN.
    children: Mapping[str, Execution]

    @property
    def title(self) -> str:
        """The name of its state machine."""
        return self.arn.split(":")[6] if self.arn.count(":") >= 7 else self.arn

    @property
    def console(self) -> str:
        """Where AWS shows it; empty outside of AWS's public partition."""
        parts = self.arn.partition(DELIVERY_MARK)[0].split(":")
        if len(parts) < 8 or parts[1] != "aws":
            return ""
        kind = "express-executions" if is_express(self.arn) else "v2/executions"
        return (
            f"https://{parts[3]}.console.aws.amazon.com/states/home?region={parts[3]}#/{kind}/details/{':'.join(parts)}"
        )


def execution(histories: Histories, arn: str, runners: Collection[str]) -> Execution:
    """The execution and those within it, at most :data:`MOST` in all; ``runners`` are the names of the state machines
    that take TaskRunner's six steps.
    """
    return _read(histories, arn, runners, {arn})


def _read(histories: Histories, arn: str, runners: Collection[str], seen: set[str]) -> Execution:
    visits = histories.path(arn)
    definition = histories.definition(arn) if visits is not None else None
    folded = stages(visits) if visits and any(arn.split(":")[6:7] == [name] for name in runners) else ()
    children: dict[str, Execution] = {}
    for child in [child for visit in visits or () for child in visit.children]:
        if child not in seen and len(seen) < MOST:
            seen.add(child)
            children[child] = _read(histories, child, runners, seen)
    return Execution(
        arn=arn,
        visits=None if visits is None else tuple(visits),
        absent="" if visits is not None else _NOT_LOGGED if is_express(arn) else _FORGOTTEN,
        taken=taken(definition, visits or []) if definition else None,
        graphs=tuple(graphs(definition, visits or [])) if definition else (),
        stages=folded,
        steps=drawn(folded) if folded else None,
        children=children,
    )
