"""TaskRunner by the steps that a person thinks in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestrator.console.steps import Step, drawn, stages, step_of
from orchestrator.runs.path import Visit

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def visits(*states: str, error: str = "") -> list[Visit]:
    """A second each; the last call has failed with ``error``."""
    moments = [NOW + timedelta(seconds=number) for number in range(len(states) + 1)]
    found = [Visit(state=state, entered=moments[at], left=moments[at + 1]) for at, state in enumerate(states)]
    found[-1].error = error
    return found


def test_states_that_follow_each_other_are_one_step() -> None:
    claiming = ("ClaimSlot", "ExplainRefusal", "Refused")
    waiting = ("RecordWaiting", "JoinQueue", "WaitForTurn")
    path = visits(
        "LookupTask", *claiming, *waiting, *claiming[1:], "ClaimAgain", "ClaimSlot", "InvokeLambda", "RetryOrGiveUp",
        "BackOff", "InvokeLambda", "RecordOutcome",
    )  # fmt: skip
    found = stages(path)
    assert [one.step for one in found] == [
        Step.LOOK_UP, Step.CLAIM, Step.WAIT, Step.CLAIM, Step.RUN, Step.RETRY, Step.RUN, Step.RECORD,
    ]  # fmt: skip
    assert [len(one.visits) for one in found] == [1, 3, 3, 4, 1, 2, 1, 1]
    assert found[1].left == NOW + timedelta(seconds=4)


def test_what_calls_a_target_is_to_run_whatever_it_is_called() -> None:
    assert {step_of(state) for state in ("InvokeLambda", "StartWorkflow", "RouteTask", "HandOver")} == {Step.RUN}
    assert {step_of(state) for state in ("StopOther", "EndOther", "OtherStopped", "LookAtOther")} == {Step.WAIT}
    assert {step_of(state) for state in ("Ended", "Failed", "RecordFailureAlone", "Unrecorded")} == {Step.RECORD}


def test_all_six_steps_are_drawn_and_those_that_were_taken_are_marked() -> None:
    graph = drawn(stages(visits("LookupTask", "ClaimSlot", "InvokeLambda", error="Boom")))
    assert {node.name: node.visits for node in graph.nodes} == {
        "Look up": 1, "Claim the slot": 1, "Run": 1, "Wait for its turn": 0, "Try again": 0, "Record": 0,
    }  # fmt: skip
    assert [node.name for node in graph.nodes if node.failed] == ["Run"]
    assert sum(edge.taken for edge in graph.edges) == 2


def test_a_run_that_has_failed_is_not_in_its_last_state() -> None:
    path = visits("LookupTask", "Failed")
    path[-1].left = None
    graph = drawn(stages(path))
    assert not any(node.current or node.failed for node in graph.nodes)
