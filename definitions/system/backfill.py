"""Backfill: runs slots of the past, a bounded number at a time, each as a run of TaskRunner under the slot's own key.

    Split → RunSlots (a Map of RunSlot)  → Judge → Done | Incomplete
          → RunPages (a Map of RunPage) ↗

What has run is in the ledger and not here, so that an execution that was stopped in the middle is continued by another
one. The failure of one slot is recorded and told by TaskRunner; the others go on.

Three limits of Step Functions ("Step Functions service quotas") shape it. An inline Map runs 40 iterations at once. A
history holds 25,000 events, and an iteration writes 8, or 25 when starting it had to be tried six times: so an
execution runs 500 slots, and gives more than that, page by page, to executions of itself, which are stopped with it. An
input holds 256 KiB, and a slot with the run that it replaces takes 73 bytes: so there are at most 3,000 slots.
"""

from __future__ import annotations

from orchestrator.asl.definition import Definition
from orchestrator.asl.integrations import START_EXECUTION_SYNC, STATES_TRANSIENT, retriers
from orchestrator.asl.states import Catch, Choice, Fail, Map, Pass, Succeed, Task, When, jsonata, literal
from orchestrator.asl.vocabulary import EXECUTION_ARN, STARTED_BY, STATES_ARN
from orchestrator.errors import BackfillIncomplete
from orchestrator.runs.backfill import MOST_ACTIVE, SlotOutcome
from orchestrator.runs.run import Trigger
from orchestrator.stack import Stack, live
from orchestrator.tasks.task import LEASE_MARGIN_SECONDS, LONGEST_RUN_SECONDS

SLOTS_PER_PAGE = 500

#: A backfill that takes longer is continued by another one.
LONGEST_BACKFILL_SECONDS = 30 * 86_400

_INPUT = "$states.context.Execution.Input"

_MAX_ACTIVE = f"$exists({_INPUT}.maxActive) ? $min([{_INPUT}.maxActive, {MOST_ACTIVE}]) : 1"

#: What ends the run of a slot; anything else that a state catches means that nobody knows of an end.
_RUN_FAILED = ["States.TaskFailed", "States.Timeout"]

_SLOT_OUTCOME = f"""$states.errorOutput.Error in {literal(_RUN_FAILED)}
    ? {literal(SlotOutcome.FAILED)} : {literal(SlotOutcome.UNFINISHED)}"""

#: Of the outcomes of slots, how many there are of each.
_COUNTED = ", ".join(f"'{one}': $count($states.result[$ = '{one}'])" for one in SlotOutcome)

#: The same of pages, each of which is such a count.
_ADDED_UP = ", ".join(f"'{one}': $sum($append([0], $states.result.{one}))" for one in SlotOutcome)

_CAUSE = " & ', ' & ".join(f"'{one}: ' & $outcomes.{one}" for one in SlotOutcome)

#: An execution's name says whose it is, and is the same when a start has to be tried again.
_RUN_NAME = f"""{_INPUT}.taskId & '-' & $replace($states.input.slot, /[-:.]/, '') & '-'
    & $substring($hash({EXECUTION_ARN}, 'SHA-256'), 0, 6)"""

#: Who says to have started the backfill, if anybody does, and what its runs say.
_SAID = f"($exists({_INPUT}.startedBy) ? {_INPUT}.startedBy : '')"
_WHO = f"'backfill ' & $states.context.Execution.Name & ({_SAID} != '' ? ' of ' & {_SAID} : '')"

#: A name has 80 characters.
_PAGE_NAME = "$substring($states.context.Execution.Name, 0, 70) & '-page-' & $states.input.page"


def build(stack: Stack, *, slots_per_page: int = SLOTS_PER_PAGE) -> Definition:
    """Backfill for ``stack``.

    Input: ``{"taskId": …, "maxActive": 4, "slots": [{"slot": "2026-12-01T08:00:00Z", "replaces": …}, …]}``, where
    ``replaces`` is the version of the run whose place the new one takes (:attr:`orchestrator.runs.run.Run.version`), if
    the slot has one; ``startedBy`` may name whoever starts it. Output: the number of slots by
    :class:`~orchestrator.runs.backfill.SlotOutcome`.
    """
    judge = Choice(
        "Judge",
        comment="A page hands its numbers on; the whole fails if a slot has, so that alarms and parents see it.",
        choices=[
            (
                When(f"$exists({_INPUT}.page) or $outcomes.FAILED + $outcomes.UNFINISHED = 0"),
                Succeed("Done", output=jsonata("$outcomes")),
            )
        ],
        default=Fail("Incomplete", error=BackfillIncomplete.__name__, cause=jsonata(_CAUSE)),
    )
    run_slots = Map(
        "RunSlots",
        items=jsonata(f"[{_INPUT}.slots]"),
        max_concurrency=jsonata(_MAX_ACTIVE),
        iterator=_run_slot(stack),
        assign={"outcomes": jsonata(f"{{{_COUNTED}}}")},
        output={},
    )
    run_pages = Map(
        "RunPages",
        items=jsonata(_pages(slots_per_page)),
        # The bound on what is active holds for all pages together.
        max_concurrency=1,
        iterator=_run_page(stack),
        assign={"outcomes": jsonata(f"{{{_ADDED_UP}}}")},
        output={},
    )
    run_slots.next(judge)
    run_pages.next(judge)
    split = Choice(
        "Split",
        choices=[(When(f"$count({_INPUT}.slots) > {slots_per_page}"), run_pages)],
        default=run_slots,
    )
    return Definition(
        start=split,
        comment="Runs slots of the past of one scheduled task.",
        timeout_seconds=LONGEST_BACKFILL_SECONDS,
    )


def _pages(size: int) -> str:
    return f"""$map($partition({_INPUT}.slots, {size}), function($slots, $index) {{
        {{'page': $index + 1, 'slots': $slots}}
    }})"""


def _run_slot(stack: Stack) -> Task:
    return Task(
        "RunSlot",
        resource=START_EXECUTION_SYNC,
        timeout_seconds=LONGEST_RUN_SECONDS + 2 * LEASE_MARGIN_SECONDS,
        arguments={
            "StateMachineArn": jsonata(f"{STATES_ARN} & {literal(live(':stateMachine:' + stack.task_runner))}"),
            "Name": jsonata(_RUN_NAME),
            "Input": {
                "taskId": jsonata(f"{_INPUT}.taskId"),
                "scheduledTime": jsonata("$states.input.slot"),
                "trigger": Trigger.BACKFILL,
                "replaces": jsonata("$exists($states.input.replaces) ? $states.input.replaces : null"),
                "startedBy": jsonata(_WHO),
                STARTED_BY: jsonata(EXECUTION_ARN),
            },
        },
        output=jsonata("$states.result.Output.status"),
        retry=retriers(STATES_TRANSIENT),
        catch=[Catch(error_equals=["States.ALL"], output=jsonata(_SLOT_OUTCOME), next_step=Pass("SlotNotDone"))],
    )


def _run_page(stack: Stack) -> Task:
    return Task(
        "RunPage",
        resource=START_EXECUTION_SYNC,
        timeout_seconds=LONGEST_BACKFILL_SECONDS,
        arguments={
            "StateMachineArn": jsonata(f"{STATES_ARN} & {literal(live(':stateMachine:' + stack.backfill))}"),
            "Name": jsonata(_PAGE_NAME),
            "Input": {
                "taskId": jsonata(f"{_INPUT}.taskId"),
                "maxActive": jsonata(_MAX_ACTIVE),
                "slots": jsonata("$states.input.slots"),
                "page": jsonata("$states.input.page"),
                "startedBy": jsonata(_SAID),
                STARTED_BY: jsonata(EXECUTION_ARN),
            },
        },
        output=jsonata("$states.result.Output"),
        retry=retriers(STATES_TRANSIENT),
        catch=[
            Catch(
                error_equals=["States.ALL"],
                output={SlotOutcome.UNFINISHED: jsonata("$count($states.input.slots)")},
                next_step=Pass("PageNotDone"),
            )
        ],
    )
