"""TaskRunner: the one state machine that every schedule starts.

    LookupTask → ClaimSlot → InvokeLambda → RecordOutcome

The rare cases cost the common one nothing: they hang on catchers, not on choices. ClaimSlot is one transaction that
takes the slot (a row of the ledger) and the task's lease. When it is refused, ExplainRefusal reads why: duplicate,
paused, overlap, or an earlier run whose place this one is to take. The task's overlap policy may then let the run wait
for its turn, or stop the other one. The runs of a backfill, of which many may begin at once, turn off to ClaimDetached,
which takes the slot alone. A slot that has to wait for something turns off to HoldSlot, which leaves a row and no
execution; with ``released`` it is started again in the row's place. What is no Lambda function turns off at
InvokeLambda, whose arguments cannot be evaluated then, to RouteTask. Every failure is recorded and ends in Fail, so
that alarms and parents see it. Metrics and alerts are made from the ledger's stream: neither can fail a run, and both
know of the runs that died.

Step Functions ends an execution for some causes without asking a catcher (States.Runtime, the machine's own timeout, an
abort). Such a run leaves its row RUNNING: the failure handler ends it, or the watchdog.
"""

from __future__ import annotations

from definitions.system.task_runner import claiming, ending, postponing, running, stopping, waiting
from definitions.system.task_runner.cost import counted
from orchestrator.asl.definition import Definition
from orchestrator.asl.states import linked
from orchestrator.stack import Stack
from orchestrator.tasks.express import EXPRESS_SECONDS
from orchestrator.tasks.task import LEASE_MARGIN_SECONDS, LONGEST_RUN_SECONDS, LONGEST_WAIT_SECONDS


def build(stack: Stack) -> Definition:
    """TaskRunner for ``stack``.

    Input: ``{"taskId": …, "scheduledTime": …, "params": …, "trigger": …, "replaces": …, "startedBy": …,
    "released": …}``, the first is enough; ``replaces`` is the version (:attr:`orchestrator.runs.run.Run.version`) of
    the slot's run that is to be replaced, which has ended or is held; ``startedBy`` is who asks for the run, as they
    say; with ``released`` nothing is asked that the slot may have to wait for.
    """
    modules = (claiming, waiting, stopping, running, postponing, ending)
    states = linked(counted(state for module in modules for state in module.states(stack)))
    return Definition(
        start=states["LookupTask"],
        comment="Runs one slot of one scheduled task.",
        timeout_seconds=LONGEST_WAIT_SECONDS + LONGEST_RUN_SECONDS + 2 * LEASE_MARGIN_SECONDS,
    )


def build_express(stack: Stack) -> Definition:
    """TaskRunner's Express twin, for the schedules of tasks that say ``express``; it takes the same input.

    It is delivered at least once and has no name, so all that keeps a second effect from happening is the claim, in
    which each delivery is another owner. Nobody hears of its death: the watchdog finds the row when its time is over.
    What is not for it (:data:`claiming.ELSEWHERE`) it hands over to TaskRunner before it claims anything, so that a
    schedule which has not been changed yet, or a person's start, does no harm.
    """
    own = [*claiming.states(stack, express=True), *running.states(stack, express=True)]
    states = linked([*own, *postponing.states(stack, express=True), *ending.states(stack, express=True)])
    return Definition(
        start=states["LookupTask"],
        comment="Runs one slot of one short task.",
        timeout_seconds=EXPRESS_SECONDS,
    )
