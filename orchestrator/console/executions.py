"""The executions of a run: TaskRunner's, and those that it has started, each with its path and its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.console.graph import Graph, graphs, taken
from orchestrator.runs.path import Visit
from orchestrator.stores.histories import Histories

#: So many executions are shown of a run: a page is no list of a thousand items of a Map.
MOST = 20

_FORGOTTEN = (
    "Step Functions has no history of it: it keeps that of a Standard execution for 90 days after its end, and the"
    " row for 400."
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

    @property
    def title(self) -> str:
        """The name of its state machine."""
        return self.arn.split(":")[6] if self.arn.count(":") >= 7 else self.arn

    @property
    def console(self) -> str:
        """The page of AWS's console that shows it; empty outside AWS's public partition."""
        parts = self.arn.split(":")
        if len(parts) < 8 or parts[1] != "aws":
            return ""
        return (
            f"https://{parts[3]}.console.aws.amazon.com/states/home?region={parts[3]}#/v2/executions/details/{self.arn}"
        )


def executions(histories: Histories, arn: str) -> Iterator[Execution]:
    """The execution and, one after the other, those that it has started, at most :data:`MOST` in all."""
    wanted, seen = [arn], {arn}
    while wanted and len(seen) <= MOST:
        one = _execution(histories, wanted.pop(0))
        yield one
        children = [child for visit in one.visits or () for child in visit.children if child not in seen]
        wanted += children
        seen.update(children)


def _execution(histories: Histories, arn: str) -> Execution:
    visits = histories.path(arn)
    definition = histories.definition(arn) if visits is not None else None
    return Execution(
        arn=arn,
        visits=None if visits is None else tuple(visits),
        absent=_FORGOTTEN if visits is None else "",
        taken=taken(definition, visits or []) if definition else None,
        graphs=tuple(graphs(definition, visits or [])) if definition else (),
    )
