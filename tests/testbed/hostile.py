"""What no sane sender would send: messages of dead-letter queues, events, and records of the registry."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

_TEXTS = (
    "", " ", "report", "a" * 49, "täglich", "x:y", "../..", "{% $error('x') %}", "null", "0", "-1", "1e309",
    "\x00\n\x1b[31m",
    "2026-12-01T08:00:00Z", "2026-13-99T99:99:99Z", "2026-12-01", "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+14:00",
    "arn:aws:scheduler:us-east-1:123456789012:schedule/report-01234567",
    "arn:aws:scheduler:us-east-1:123456789012:schedule/group/report-01234567", "schedule/", "true",
    "ExecutionAlreadyExists",
)  # fmt: skip

_ATTRIBUTES = (
    "ERROR_CODE", "ERROR_MESSAGE", "EXECUTION_ID", "EXHAUSTED_RETRY_CONDITION", "IS_PAYLOAD_TRUNCATED",
    "RETRY_ATTEMPTS", "SCHEDULED_TIME", "SCHEDULE_ARN", "TARGET_ARN",
)  # fmt: skip

_DETAIL = ("executionArn", "stateMachineArn", "status", "input", "error", "cause", "startDate", "stopDate", "name")


def value(chance: random.Random, depth: int = 0) -> Any:
    """Anything that JSON has."""
    kind = chance.randrange(8 if depth < 3 else 5)
    match kind:
        case 0:
            return chance.choice(_TEXTS)
        case 1:
            return chance.choice([None, True, False])
        case 2:
            return chance.choice([0, -1, 1, 2**63, -(2**70), 1.5, 1e308])
        case 3:
            return "".join(chr(chance.randrange(32, 0x2FF)) for _ in range(chance.randrange(20)))
        case 4:
            return chance.choice(_TEXTS) * chance.randrange(4)
        case 5 | 6:
            return {
                chance.choice(["taskId", "scheduledTime", "Input", "x"]): value(chance, depth + 1) for _ in range(2)
            }
        case _:
            return [value(chance, depth + 1) for _ in range(chance.randrange(3))]


def messages(seed: int) -> Iterator[dict[str, Any]]:
    """Messages of SQS as Lambda hands them over, some of them events of EventBridge."""
    chance = random.Random(seed)
    while True:
        yield _message(chance)


def _message(chance: random.Random) -> dict[str, Any]:
    attributes = {
        name: chance.choice([{"stringValue": chance.choice(_TEXTS)}, {"stringValue": value(chance)}, value(chance)])
        for name in chance.sample(_ATTRIBUTES, chance.randrange(len(_ATTRIBUTES) + 1))
    }
    request = {"StateMachineArn": "arn:x", "Input": json.dumps(value(chance))}
    good = {
        "StateMachineArn": "arn:x",
        "Input": json.dumps({"taskId": "report", "scheduledTime": chance.choice(_TEXTS)}),
    }
    event = {"detail-type": value(chance), "detail": chance.choice([_detail(chance), value(chance)])}
    body = json.dumps(chance.choice([request, good, event, value(chance)]))
    cut = body[: chance.randrange(len(body) + 1)] if chance.random() < 0.3 else body
    message = {
        "messageId": f"{chance.getrandbits(64):x}",
        "body": cut if chance.random() < 0.95 else value(chance),
        "attributes": chance.choice(
            [{"SentTimestamp": "1780000000000"}, {"SentTimestamp": value(chance)}, value(chance)]
        ),
        "messageAttributes": chance.choice([attributes, attributes, value(chance)]),
    }
    return {name: part for name, part in message.items() if name == "messageId" or chance.random() < 0.95}


def _detail(chance: random.Random) -> dict[str, Any]:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:orchestrator-dev-TaskRunner"
    detail: dict[str, Any] = {
        name: value(chance) for name in chance.sample(_DETAIL, chance.randrange(len(_DETAIL) + 1))
    }
    if chance.random() < 0.8:
        detail |= {
            "status": chance.choice(["FAILED", "TIMED_OUT", "ABORTED", "RUNNING"]),
            "executionArn": "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-TaskRunner:x",
            "stateMachineArn": machine,
            "input": json.dumps(value(chance)),
        }
    return detail


def records(seed: int, sound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Records like ``sound``, each with something else in some of its attributes, or without them."""
    chance = random.Random(seed)
    while True:
        record = json.loads(json.dumps(sound))
        for _ in range(chance.randrange(1, 4)):
            holder: Any = record
            name = chance.choice(sorted(record))
            while isinstance(holder.get(name), dict) and holder[name] and chance.random() < 0.6:
                holder = holder[name]
                name = chance.choice(sorted(holder))
            if chance.random() < 0.3:
                holder.pop(name, None)
            else:
                holder[name] = chance.choice([_attribute(chance), value(chance)])
            if not record:
                break
        yield record


def _attribute(chance: random.Random) -> Any:
    """Makes an attribute value of DynamoDB, of any type."""
    return chance.choice(
        [
            {"S": chance.choice(_TEXTS)},
            {"N": chance.choice(["0", "-1", "1E+125", "99999999999999999999", "0.5", "x"])},
            {"BOOL": chance.choice([True, False])},
            {"NULL": True},
            {"L": [{"S": chance.choice(_TEXTS)}]},
            {"M": {chance.choice(_TEXTS): {"S": chance.choice(_TEXTS)}}},
            {"SS": ["a", "b"]},
        ]
    )
