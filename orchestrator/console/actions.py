"""What a person can do on a page. Each action says first what it would do, and which command does the same."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.console import approval_actions, backfill_actions
from orchestrator.console.action import Action, Fields, command
from orchestrator.console.deployed import Deployed
from orchestrator.errors import UnknownAction, UnknownTask
from orchestrator.instants import to_second
from orchestrator.operations import pausing, replaying, starting
from orchestrator.runs.pauses import added
from orchestrator.runs.run import Run
from orchestrator.runs.task_state import Pause, Record
from orchestrator.stores.dead_letters import DeadLetters


def _record(deployed: Deployed, fields: Fields) -> Record:
    record = deployed.registry.get(fields["task"])
    if record is None:
        raise UnknownTask(fields["task"])
    return record


def _runnable(deployed: Deployed, fields: Fields) -> Record:
    return starting.runnable(deployed.registry, fields["task"], deployed.now())


def _ended_run(deployed: Deployed, fields: Fields) -> Run:
    _runnable(deployed, fields)
    return starting.rerunnable(deployed.ledger, deployed.runner, fields["task"], fields["slot"], deployed.now())


def _going_on(deployed: Deployed, fields: Fields) -> Run:
    return starting.stoppable(deployed.ledger, fields["task"], fields["slot"])


def _start_effects(deployed: Deployed, fields: Fields) -> list[str]:
    task = _runnable(deployed, fields).task
    return [f"Runs {task.target} now, with the task's own parameters, beside its schedule.", _overlap(task.overlap)]


def _overlap(policy: str) -> str:
    return f"Its overlap policy is {policy}: that is what happens if it runs already."


def _start(deployed: Deployed, fields: Fields) -> str:
    task = _runnable(deployed, fields).task
    started = deployed.runner.start(task.id, params={}, slot=None, now=deployed.now())
    return f"Started {task.id}: {started.slot}."


def _rerun_effects(deployed: Deployed, fields: Fields) -> list[str]:
    run = _ended_run(deployed, fields)
    return [
        f"Runs {run.task_id} again for {run.slot}, with the parameters that it had.",
        f"The row keeps that it was {run.status} before.",
    ]


def _rerun(deployed: Deployed, fields: Fields) -> str:
    run, runner = _ended_run(deployed, fields), deployed.runner
    runner.start(run.task_id, params=runner.params(run), slot=run.slot, now=deployed.now(), replaced=run)
    return f"Started {run.task_id} for {run.slot} again."


def _stop_effects(deployed: Deployed, fields: Fields) -> list[str]:
    run = _going_on(deployed, fields)
    return [
        f"Stops the execution of {run.task_id} for {run.slot}, and a workflow within it.",
        "A Lambda function that is at work goes on to its end; nobody hears of its result.",
        "The row becomes ABORTED.",
    ]


def _stop(deployed: Deployed, fields: Fields) -> str:
    run = _going_on(deployed, fields)
    starting.stop(deployed.runner, deployed.recorder, run, deployed.who(), deployed.now())
    return f"Stopped {run.task_id} {run.slot}; its row says so in some seconds."


def _pause_effects(deployed: Deployed, fields: Fields) -> list[str]:
    task = _record(deployed, fields).task
    return [
        f"Skips the slots of {task.id} until somebody resumes it; what runs now goes on.",
        f"Everybody who looks sees why: {fields['reason']}",
    ]


def _pause(deployed: Deployed, fields: Fields) -> str:
    record = _record(deployed, fields)
    now = deployed.now()
    pause = Pause(who=deployed.who(), why=fields["reason"], since=to_second(now))
    if deployed.registry.change_pause(record.task.id, lambda before: added(before, pause, now)) is None:
        raise UnknownTask(record.task.id)
    return f"Paused {record.task.id}."


def _paused(deployed: Deployed, fields: Fields) -> Pause:
    return pausing.own(_record(deployed, fields))


def _resume_effects(deployed: Deployed, fields: Fields) -> list[str]:
    pause = _paused(deployed, fields)
    return [f"Ends the pause of {fields['task']}: {pause.why}", f"Starts what it has skipped: {pause.on_resume}."]


def _resume(deployed: Deployed, fields: Fields) -> str:
    pause = _paused(deployed, fields)
    task, now = fields["task"], deployed.now()
    registry, ledger, runner, who = deployed.registry, deployed.ledger, deployed.runner, deployed.who()
    started = pausing.resume(registry, ledger, runner, task, pause, now, who)
    return f"Resumed {task}" + (f", and started {', '.join(started)}." if started else ".")


def _replay_effects(deployed: Deployed, fields: Fields) -> list[str]:
    one = replaying.named(_letters(deployed), fields["id"])
    return [f"Starts {one.task_id} for {one.slot}, under the slot's own key: it does not run twice."]


def _replay(deployed: Deployed, fields: Fields) -> str:
    letters = _letters(deployed)
    one = replaying.named(letters, fields["id"])
    done = replaying.replay(one, deployed.registry, deployed.ledger, deployed.runner, deployed.now())
    letters.replayed(one.message_id, deployed.now())
    return f"{one.task_id} {one.slot}: {done}."


def _letters(deployed: Deployed) -> DeadLetters:
    return DeadLetters(deployed.client("dynamodb"), deployed.stack)


ACTIONS: Mapping[str, Action] = {
    "start": Action(
        title="Run now",
        needs=("task",),
        command=lambda _, of: command("start", of["task"]),
        effects=_start_effects,
        do=_start,
    ),
    "rerun": Action(
        title="Run this slot again",
        needs=("task", "slot"),
        command=lambda _, of: command("rerun", of["task"], of["slot"]),
        effects=_rerun_effects,
        do=_rerun,
    ),
    "stop": Action(
        title="Stop",
        needs=("task", "slot"),
        command=lambda _, of: command("stop", of["task"], of["slot"]),
        effects=_stop_effects,
        do=_stop,
    ),
    "pause": Action(
        title="Pause",
        needs=("task", "reason"),
        command=lambda _, of: command("pause", of["task"], "--reason", of["reason"]),
        effects=_pause_effects,
        do=_pause,
    ),
    "resume": Action(
        title="Resume",
        needs=("task",),
        command=lambda _, of: command("resume", of["task"]),
        effects=_resume_effects,
        do=_resume,
    ),
    "replay": Action(
        title="Replay",
        needs=("id",),
        command=lambda _, of: command("failed", "replay", of["id"]),
        effects=_replay_effects,
        do=_replay,
    ),
    **approval_actions.ACTIONS,
    **backfill_actions.ACTIONS,
}


def asked(name: str, fields: Fields) -> tuple[Action, Fields]:
    """The action and what it needs of a form. Raises :class:`UnknownAction`, also where the form does not say it."""
    action = ACTIONS.get(name)
    if action is None or any(not fields.get(need) for need in action.needs):
        raise UnknownAction(name, [f"{known} ({', '.join(one.needs)})" for known, one in sorted(ACTIONS.items())])
    return action, {name: fields[name] for name in (*action.needs, *action.takes) if fields.get(name)}
