"""The claim: DynamoDB's condition, TaskRunner's explanation of a refusal and the rule in Python decide alike."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

import definitions
from definitions.system.task_runner import variables
from definitions.system.task_runner.record import paused
from definitions.system.task_runner.refusal import FACTS, TABLE, decided
from orchestrator.dynamodb import to_attribute, to_item
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions import jsonata
from orchestrator.local.aws.step_functions.jsonata import EvaluationFailed
from orchestrator.runs.claims import Claim, Decision, Standing, Taken, decide
from orchestrator.runs.run import RunStatus, Trigger
from orchestrator.runs.task_state import Lease, Pause
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import MOST_WAITING, OverlapPolicy
from tests.definitions.expressions import filled
from tests.testbed.task_runner import STACK

if TYPE_CHECKING:
    from types_boto3_dynamodb.literals import KeyTypeType

NOW = datetime(2026, 11, 23, 9, 0, 30, 250_000, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ME, A, B = "arn:me", "arn:a", "arn:b"
SLOTS = (
    "2026-11-23T08:00:00Z",
    "2026-11-23T09:00:00Z",
    "2026-11-23T09:00:00.500Z",
    "2026-11-23T09:00:30Z",
    "2026-11-23T10:00:00Z",
)


def test_the_table_of_decisions_says_the_same_in_jsonata_for_every_combination_of_facts() -> None:
    for values in product([True, False], repeat=len(FACTS)):
        facts = dict(zip(FACTS, values, strict=True))
        first = next(
            decision
            for condition, decision in TABLE
            if eval(condition.replace("true", "True"), {}, facts)  # the words of the table are Python's
        )
        assert jsonata.evaluate(decided(), {"is": facts}, NOW) == first


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim, and what it finds."""

    claim: Claim
    row: Taken | None
    task: Standing


def cases(seed: int) -> Iterator[Case]:
    """Every moment, owner and version is one of a few, so that they often meet."""
    chance = random.Random(seed)
    while True:
        slot = chance.choice(SLOTS)
        row = None
        if chance.random() < 0.5:
            status = chance.choice([RunStatus.MISSED, RunStatus.SKIPPED, RunStatus.FAILED, RunStatus.RUNNING])
            is_run = status is not RunStatus.MISSED
            row = Taken(
                status=status,
                execution_arn=chance.choice([ME, A, B]) if is_run else None,
                started_at="2026-11-23T08:59:00.000Z" if is_run else None,
            )
        waiting_since = None
        if chance.random() < 0.2:
            waiting_since = SECONDS - chance.choice([10, 86_399, 86_401])
            row = Taken(status=RunStatus.WAITING, execution_arn=ME, started_at="2026-11-23T08:59:00.000Z")
        lease = None
        if chance.random() < 0.6:
            expires_at = SECONDS + chance.choice([-1, 0, 1, 100])
            lease = Lease(execution_arn=chance.choice([ME, A, A, B]), expires_at=expires_at)
        until = chance.choice(
            [None, None, None, "", key(NOW - timedelta(seconds=1)), key(NOW), key(NOW + timedelta(1))]
        )
        waiting = {one: SECONDS + chance.choice([-1, 0, 50]) for one in SLOTS if chance.random() < 0.15}
        if chance.random() < 0.1:
            crowd = [key(NOW - timedelta(minutes=minutes)) for minutes in range(MOST_WAITING + chance.choice([-1, 0]))]
            waiting = dict.fromkeys(crowd, SECONDS + 50)
        yield Case(
            claim=Claim(
                execution_arn=ME,
                slot=slot,
                trigger=chance.choice(list(Trigger)),
                replaces=chance.choice([None, None, "MISSED", "2026-11-23T08:59:00.000Z", "other"]),
                waiting_since=waiting_since,
            ),
            row=row,
            task=Standing(
                overlap=chance.choice(list(OverlapPolicy)),
                pause=None if until is None else Pause(who="ann", until=until),
                lease=lease,
                lease_slot=chance.choice(SLOTS) if lease and chance.random() < 0.9 else None,
                waiting=waiting,
            ),
        )


class Machine:
    """TaskRunner's claim, on tables of the embedded AWS: its states' own expressions, without the interpreter."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self._states = definitions.ALL["TaskRunner"](STACK).to_dict()["States"]

    def decide(self, case: Case) -> str:
        """What the states lead to; ``contended`` where a claim fails although nothing is in its way."""
        self._store(case)
        variables_ = self._variables(case)
        claims = "ClaimDetached" if case.claim.trigger is Trigger.BACKFILL else "ClaimSlot"
        # A run that waits looks before it claims.
        if case.claim.waiting_since is None and self._claims(claims, variables_):
            return Decision.FREE
        variables_["known"] = self._explained(variables_)
        refusal = str(variables_["known"]["refusal"])
        if refusal == Decision.STOP:
            variables_["stopped"] = variables_["known"]["holder"]["executionArn"]
        is_to_claim = refusal in (Decision.FREE, Decision.STOP)
        return refusal if not is_to_claim or self._claims(claims, variables_) else "contended"

    def _variables(self, case: Case) -> dict[str, Any]:
        claim = case.claim
        context = {"Execution": {"Id": ME, "StartTime": "2026-11-23T09:00:30.100Z"}}
        bindings: dict[str, Any] = filled(variables.begin(express=False), {"states": {"context": context}}, NOW) | {
            "states": {"input": {}, "context": context},
            "taskId": "t",
            "slot": claim.slot,
            "trigger": claim.trigger.value,
            "startDelay": None,
            "replaces": claim.replaces,
            "task": {"leaseSeconds": 600},
        }
        if claim.waiting_since is not None:
            bindings["waitingSince"] = int(claim.waiting_since * 1000)
        return bindings

    def _store(self, case: Case) -> None:
        row, task = case.row, case.task
        keys = {"taskId": {"S": "t"}, "slot": {"S": case.claim.slot}}
        self._dynamodb.delete_item(TableName=STACK.runs_table, Key=keys)
        if row is not None:
            texts = {"status": row.status, "executionArn": row.execution_arn, "startedAt": row.started_at}
            self._dynamodb.put_item(
                TableName=STACK.runs_table,
                Item=keys | {name: {"S": text} for name, text in texts.items() if text is not None},
            )
        record: dict[str, Any] = {"taskId": {"S": "t"}, "overlap": {"S": task.overlap}}
        if task.pause is not None:
            record["pause"] = to_attribute(task.pause.to_value())
        if task.lease is not None:
            lease = {"executionArn": {"S": task.lease.execution_arn}, "expiresAt": {"N": str(task.lease.expires_at)}}
            record["lease"] = {"M": lease | ({"slot": {"S": task.lease_slot}} if task.lease_slot else {})}
        if task.waiting:
            places = {
                slot: {"M": {"executionArn": {"S": B}, "expiresAt": {"N": str(until)}}}
                for slot, until in task.waiting.items()
            }
            record["waiting"] = {"M": places}
        self._dynamodb.put_item(TableName=STACK.tasks_table, Item=record)

    def _claims(self, state: str, bindings: Mapping[str, Any]) -> bool:
        arguments = filled(self._states[state]["Arguments"], bindings, NOW)
        make = self._dynamodb.transact_write_items if state == "ClaimSlot" else self._dynamodb.put_item
        refused = self._dynamodb.exceptions
        try:
            make(**arguments)
        except (refused.TransactionCanceledException, refused.ConditionalCheckFailedException):
            return False
        return True

    def _explained(self, bindings: Mapping[str, Any]) -> Any:
        state = self._states["ExplainRefusal"]
        answer = self._dynamodb.batch_get_item(**filled(state["Arguments"], bindings, NOW))
        states = bindings["states"] | {"result": {"Responses": answer["Responses"]}}
        return filled(state["Assign"]["known"], {**bindings, "states": states}, NOW)


@pytest.fixture(scope="module")
def machine(embedded_aws: EmbeddedAws) -> Iterator[Machine]:
    dynamodb = embedded_aws.client("dynamodb")
    kinds: tuple[KeyTypeType, KeyTypeType] = ("HASH", "RANGE")
    for table, names in ((STACK.tasks_table, ["taskId"]), (STACK.runs_table, ["taskId", "slot"])):
        dynamodb.create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)],
            BillingMode="PAY_PER_REQUEST",
        )
    yield Machine(dynamodb)
    embedded_aws.reset()


def check(machine: Machine, seed: int, count: int) -> Counter[str]:
    """How often each decision was made; fails at the first that is another one."""
    found: Counter[str] = Counter()
    for case, _ in zip(cases(seed), range(count), strict=False):
        if case.claim.trigger is Trigger.BACKFILL and case.task.pause is not None:
            # It asks for the pause before it asks for the row: see the test below.
            continue
        expected = decide(case.claim, case.row, case.task, NOW)
        assert machine.decide(case) == expected, case
        found[expected] += 1
    return found


def test_a_sample_of_claims_is_decided_as_the_rule_says(machine: Machine) -> None:
    assert set(check(machine, 19, 40)) == set(Decision)


@pytest.mark.proof
def test_thousands_of_claims_are_decided_as_the_rule_says(machine: Machine) -> None:
    assert min(check(machine, 2, 3000).values()) > 50


def test_a_backfill_finds_a_pause_before_it_claims() -> None:
    states = definitions.ALL["TaskRunner"](STACK).to_dict()["States"]
    context = {"Execution": {"Id": ME, "StartTime": "2026-11-23T09:00:30.100Z"}}
    bindings = filled(variables.begin(express=False), {"states": {"context": context}}, NOW) | {
        "states": {"input": {}, "context": context, "errorOutput": {"Error": "x", "Cause": "y"}},
        "taskId": "t", "slot": SLOTS[0], "trigger": Trigger.BACKFILL, "startDelay": None, "replaces": None,
    }  # fmt: skip
    for until in ("", key(NOW), key(NOW + timedelta(1))):
        item = to_item({"pause": Pause(who="ann", until=until).to_value()})
        is_paused = jsonata.evaluate(paused("$item"), {"item": item}, NOW)
        bound = bindings | {"task": {"leaseSeconds": 600, "paused": is_paused}}
        with pytest.raises(EvaluationFailed):
            filled(states["ClaimSlot"]["Arguments"], bound, NOW)
        caught = next(
            one for one in states["ClaimSlot"]["Catch"] if one["ErrorEquals"] == ["States.QueryEvaluationError"]
        )
        refusal = filled(caught["Assign"]["known"], bound, NOW)["refusal"]
        assert refusal == ("detached" if until == key(NOW) else Decision.PAUSED)
