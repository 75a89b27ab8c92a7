"""What a person answers on a page to a run that asks before it goes on."""

from __future__ import annotations

from orchestrator.console.action import Action, Fields, command
from orchestrator.console.deployed import Deployed
from orchestrator.errors import NoRunOfSlot, NothingAsked
from orchestrator.operations.approving import asks
from orchestrator.runs.approval import Answer


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
        deployed.approving.answer(task, slot, answer, who=deployed.who(), reason=reason, now=deployed.now())
        return f"{answer.capitalize()} {task} {slot}."

    return Action(
        title=title,
        needs=("task", "slot", "reason"),
        command=lambda _, of: command("approve", of["task"], of["slot"], "--reason", of["reason"], *options),
        effects=effects,
        do=do,
    )


ACTIONS = {
    "approve": _action("Approve", Answer.APPROVED, "Lets the run, or the workflow that it has started, go on."),
    "refuse": _action("Refuse", Answer.REFUSED, "Skips the slot, or fails the state that asks.", "--refuse"),
}
