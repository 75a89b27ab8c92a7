"""What a person can do with backfills on a page; each action shows first what becomes of each slot."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from orchestrator.console.action import Action, Fields, command
from orchestrator.console.deployed import Deployed
from orchestrator.errors import InvalidSelection, NotBackfilling, NothingToRun, StillBackfilling, UnknownTask
from orchestrator.operations import backfilling, starting
from orchestrator.operations.backfilling import Selection
from orchestrator.runs.backfill import MOST_ACTIVE, Asked, PlannedSlot, Reprocess, batches
from orchestrator.stores.backfills import Backfilling
from orchestrator.tasks.slots import key

#: So many slots are listed before a backfill is confirmed; of more, how many they are.
_LISTED = 500


def _selection(fields: Fields) -> Selection:
    try:
        return Selection.of_texts(fields["from"], fields.get("to", ""), _reprocess(fields))
    except ValueError as fault:
        raise InvalidSelection(str(fault)) from fault


def _reprocess(fields: Fields) -> Reprocess:
    return Reprocess(fields.get("reprocess") or Reprocess.NONE)


def _max_active(fields: Fields) -> int:
    text = fields.get("max-active") or "1"
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= MOST_ACTIVE:
        raise InvalidSelection(f"at most so many at once is to be a number from 1 to {MOST_ACTIVE}, found {text!r}")
    return int(text)


def _planned(deployed: Deployed, fields: Fields) -> list[PlannedSlot]:
    record = deployed.registry.get(fields["task"])
    if record is None:
        raise UnknownTask(fields["task"])
    wanted = _selection(fields)
    return backfilling.planned(deployed.ledger, deployed.runner, record.task, wanted, deployed.now())


def _effects(deployed: Deployed, fields: Fields) -> list[str]:
    planned, most = _planned(deployed, fields), _max_active(fields)
    chosen = sum(slot.runs for slot in planned)
    return [
        f"Runs {chosen} of {len(planned)} slots of {fields['task']}, at most {most} at once, each under its own key.",
        "Its scheduled runs go on beside it.",
        *_listed(planned),
    ]


def _listed(planned: Iterable[PlannedSlot]) -> list[str]:
    lines = [f"{slot.slot}: {slot.decision}{_why(slot)}" for slot in planned]
    left = len(lines) - _LISTED
    return [*lines[:_LISTED], *([f"and {left:,} more"] if left > 0 else [])]


def _why(slot: PlannedSlot) -> str:
    said = ", ".join(filter(None, (slot.run.status.lower() if slot.run else "", slot.why)))
    return f" ({said})" if said else ""


def _start(deployed: Deployed, fields: Fields) -> str:
    starting.runnable(deployed.registry, fields["task"], deployed.now())
    return _begin(deployed, fields["task"], _planned(deployed, fields), _max_active(fields), _reprocess(fields))


def _begin(deployed: Deployed, task: str, planned: list[PlannedSlot], most: int, reprocess: Reprocess) -> str:
    chosen = sum(slot.runs for slot in planned)
    if not chosen:
        raise NothingToRun(task, len(planned))
    (group,) = islice(batches(planned, reverse=False), 1)
    now = deployed.now()
    arn = deployed.backfills.start(task, group, max_active=most, now=now, reprocess=reprocess)
    left = f"; {chosen - len(group)} more are for another one when it has ended" if chosen > len(group) else ""
    return f"Started the backfill {arn.rpartition(':')[2]} of {len(group)} slots{left}."


def _command(fields: Fields) -> str:
    words = ["backfill", fields["task"], "--from", fields["from"]]
    for name in ("to", "reprocess", "max-active"):
        if fields.get(name) and (name, fields[name]) not in (("reprocess", Reprocess.NONE), ("max-active", "1")):
            words += [f"--{name}", fields[name]]
    return command(*words)


def _stop_effects(deployed: Deployed, fields: Fields) -> list[str]:
    one = deployed.backfills.get(fields["backfill"])
    if one.status != "RUNNING":
        raise NotBackfilling(one.name, one.status)
    return [
        f"Stops the backfill {one.name} and the runs that it waits for; their rows become ABORTED.",
        "Slots that it has not begun stay as they are. It can be gone on with.",
    ]


def _stop(deployed: Deployed, fields: Fields) -> str:
    deployed.backfills.stop(fields["backfill"])
    return f"Stopped the backfill {fields['backfill']}."


def _stop_command(deployed: Deployed, fields: Fields) -> str:
    arn = deployed.backfills.get(fields["backfill"]).arn
    return f"aws stepfunctions stop-execution --execution-arn {arn}"


def _left(deployed: Deployed, fields: Fields) -> tuple[Asked, list[PlannedSlot]]:
    one = deployed.backfills.get(fields["backfill"])
    if one.status == "RUNNING":
        raise StillBackfilling(one.name)
    assert one.asked is not None, "it was asked for"
    return one.asked, backfilling.continued(deployed.ledger, deployed.runner, one.asked, deployed.now())


def _go_on_effects(deployed: Deployed, fields: Fields) -> list[str]:
    asked, left = _left(deployed, fields)
    return [
        f"Runs the {len(left)} of {len(asked.slots)} slots of {asked.task_id} that {fields['backfill']} has not run,"
        f" at most {asked.max_active} at once.",
        *_listed(left),
    ]


def _go_on(deployed: Deployed, fields: Fields) -> str:
    asked, left = _left(deployed, fields)
    starting.runnable(deployed.registry, asked.task_id, deployed.now())
    return _begin(deployed, asked.task_id, left, asked.max_active, asked.reprocess)


def going_on(one: Backfilling) -> str:
    """The command that goes on with a backfill; what it has run again since it began is not run once more."""
    asked = one.asked
    assert asked is not None, "it was asked for"
    first, last = asked.span
    words = ["backfill", asked.task_id, "--from", first, "--to", last, "--max-active", str(asked.max_active)]
    if asked.reprocess is not Reprocess.NONE:
        words += ["--reprocess", asked.reprocess, "--before", key(one.started)]
    return command(*words)


ACTIONS = {
    "backfill": Action(
        title="Backfill",
        needs=("task", "from"),
        takes=("to", "reprocess", "max-active"),
        command=lambda deployed, of: _command(of),
        effects=_effects,
        do=_start,
    ),
    "stop-backfill": Action(
        title="Stop this backfill",
        needs=("backfill",),
        command=_stop_command,
        effects=_stop_effects,
        do=_stop,
    ),
    "continue-backfill": Action(
        title="Go on with this backfill",
        needs=("backfill",),
        command=lambda deployed, of: going_on(deployed.backfills.get(of["backfill"])),
        effects=_go_on_effects,
        do=_go_on,
    ),
}
