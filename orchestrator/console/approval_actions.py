"""What a person answers on a page to a run that asks before it goes on."""

from __future__ import annotations

from orchestrator.console.action import Action, Fields, command
from orchestrator.console.deployed import Deployed
from orchestrator.errors import NoRunOfSlot, NothingAsked
from orchestrator.operations.approving import Approving
from orchestrator.operations.releasing import Releasing
from orchestrator.runs.approval import Answer
from orchestrator.runs.run import Run, RunStatus
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.gates import HoldKind


def asks(run: Run) -> bool:
    """Whether somebody has to answer before the run, or the workflow that it has started, goes on."""
    held = run.hold is not None and run.hold.kind is HoldKind.APPROVAL
    return held or (run.status is RunStatus.RUNNING and run.approval is not None and bool(run.approval.token))


def _action(title: str, answer: Answer, effect: str, *options: str) -> Action:
    def effects(deployed: Deployed, fields: Fields) -> list[str]:
        run = deployed.ledger.get(fields["task"], fields["slot"])
        if run is None:
            raise NoRunOfSlot(fields["task"], fields["slot"])
        if not asks(run):
            raise NothingAsked(run.task_id, run.slot, run.status)
        return [effect, f"The row keeps who you are and why: {fields['reason']}"]

    def do(deployed: Deployed, fields: Fields) -> str:
        task, slot, reason = fields["task"], fields["slot"], fields["reason"]
        _approving(deployed).answer(task, slot, answer, who=deployed.who(), reason=reason, now=deployed.now())
        return f"{answer.capitalize()} {task} {slot}."

    return Action(
        title=title,
        needs=("task", "slot", "reason"),
        command=lambda _, of: command("approve", of["task"], of["slot"], "--reason", of["reason"], *options),
        effects=effects,
        do=do,
    )


def _approving(deployed: Deployed) -> Approving:
    recorder = Recorder(deployed.client("dynamodb"), deployed.stack)
    return Approving(
        ledger=deployed.ledger,
        recorder=recorder,
        releasing=Releasing(
            registry=deployed.registry,
            ledger=deployed.ledger,
            recorder=recorder,
            runner=deployed.runner,
            pools=Pools(deployed.client("dynamodb"), deployed.stack),
        ),
        states=lambda: deployed.client("stepfunctions"),
    )


ACTIONS = {
    "approve": _action("Approve", Answer.APPROVED, "Lets the run, or the workflow that it has started, go on."),
    "refuse": _action("Refuse", Answer.REFUSED, "Skips the slot, or fails the state that asks.", "--refuse"),
}
