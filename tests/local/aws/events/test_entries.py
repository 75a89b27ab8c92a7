"""Facts about PutEvents, rules and targets: what is asked, AWS's answer, its source.

``recorded``: LocalStack's tests/aws/services/events/test_events.snapshot.json, January and March 2025.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.events.entries import size
from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import hearing

ENTRY: Any = {"Source": "shop", "DetailType": "Order placed", "Detail": '{"n": 1}'}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        # recorded test_put_events_without_source and its neighbours
        ({"Source": ""}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        (
            {"DetailType": ""},
            "InvalidArgument",
            "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
        ),
        ({"Detail": ""}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        # recorded test_put_event_malformed_detail: a text, a list, a text in JSON, no JSON
        *(({"Detail": detail}, "MalformedDetail", "Detail is malformed.") for detail in ("text", "[1]", '"a"', "{")),
    ],
)
def test_an_event_that_is_wrong_fails_alone(aws: EmbeddedAws, wrong: Any, code: str, said: str) -> None:
    answer = aws.client("events").put_events(Entries=[ENTRY, ENTRY | wrong])
    assert answer["FailedEntryCount"] == 1
    assert "EventId" in answer["Entries"][0]
    assert answer["Entries"][1] == {"ErrorCode": code, "ErrorMessage": said}


def big(size_of_detail: int) -> dict[str, str]:
    return {**ENTRY, "Detail": json.dumps({"p": "x" * (size_of_detail - len('{"p": ""}'))})}


REFUSED: Any = [
    # recorded test_put_event_with_too_big_detail
    ([big(262_144)], "Total size of the entries in the request is over the limit."),
    # "Sending events with PutEvents": all entries together
    ([big(140_000), big(140_000)], "Total size of the entries in the request is over the limit."),
    # recorded test_put_events_exceed_limit_ten_entries
    ([ENTRY] * 11, "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"),
]


@pytest.mark.parametrize(("entries", "said"), REFUSED, ids=["one too big", "two too big", "eleven"])
def test_a_request_that_is_too_big_is_refused_as_a_whole(aws: EmbeddedAws, entries: Any, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("events").put_events(Entries=entries)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert said in refused.value.response["Error"]["Message"]


def test_the_size_of_an_event_is_that_of_its_texts() -> None:
    """Source: "Calculating PutEvents event entry size"."""
    entry = {"Source": "ä", "DetailType": "abc", "Detail": "{}", "Resources": ["12"], "Time": 0}
    assert size(entry) == 14 + 2 + 3 + 2 + 2


def test_an_event_for_a_bus_that_is_not_there_is_taken_and_nobody_hears_of_it(aws: EmbeddedAws) -> None:
    """Source: recorded test_put_events_nonexistent_event_bus."""
    answer = aws.client("events").put_events(Entries=[ENTRY | {"EventBusName": "none"}, ENTRY])
    assert answer["FailedEntryCount"] == 0
    assert all("EventId" in entry for entry in answer["Entries"])


@pytest.fixture
def events(aws: EmbeddedAws) -> Any:
    client = aws.client("events")
    client.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    return client


def target(name: str, **more: Any) -> dict[str, Any]:
    return {"Id": name, "Arn": QUEUE, **more}


REFUSALS: Any = [
    # recorded test_add_exceed_fife_targets_per_rule
    (
        lambda client: client.put_targets(Rule="r", Targets=[target(f"t{n}") for n in range(6)]),
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    ),
    # recorded test_put_target_id_validation
    (
        lambda client: client.put_targets(Rule="r", Targets=[target("a!")]),
        "ValidationException",
        "1 validation error detected: Value 'a!' at 'targets.1.member.id' failed to satisfy constraint: Member must"
        r" satisfy regular expression pattern: [\.\-_A-Za-z0-9]+",
    ),
    (
        lambda client: client.put_targets(Rule="r", Targets=[target("a" * 65)]),
        "ValidationException",
        f"1 validation error detected: Value '{'a' * 65}' at 'targets.1.member.id' failed to satisfy constraint: Member"
        " must have length less than or equal to 64",
    ),
    # recorded test_describe_nonexistent_rule
    (
        lambda client: client.describe_rule(Name="none"),
        "ResourceNotFoundException",
        "Rule none does not exist on EventBus default.",
    ),
    # moto's own, as recorded test_put_multiple_targets_with_same_id… and PutTargets say
    (
        lambda client: client.put_targets(Rule="none", Targets=[target("t")]),
        "ResourceNotFoundException",
        "Rule none does not exist on EventBus default.",
    ),
]


@pytest.mark.parametrize(("ask", "code", "said"), REFUSALS)
def test_what_is_refused_of_rules_and_targets(events: Any, ask: Any, code: str, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(events)
    assert (refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]) == (code, said)


def test_a_target_that_is_put_again_is_no_sixth(events: Any) -> None:
    events.put_targets(Rule="r", Targets=[target(f"t{n}") for n in range(5)])
    events.put_targets(Rule="r", Targets=[target("t0", Input='"a"')])
    assert len(events.list_targets_by_rule(Rule="r")["Targets"]) == 5


def test_an_event_of_another_bus_is_not_heard_here(aws: EmbeddedAws, events: Any) -> None:
    """Source: "Event buses in Amazon EventBridge": a rule hears its own bus."""
    url = aws.client("sqs").create_queue(QueueName="q", Attributes=hearing("q"))["QueueUrl"]
    events.put_targets(Rule="r", Targets=[target("t")])
    events.create_event_bus(Name="other")
    events.put_events(Entries=[{**ENTRY, "EventBusName": "other"}])
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url)
    events.put_events(Entries=[ENTRY])
    assert len(aws.client("sqs").receive_message(QueueUrl=url)["Messages"]) == 1
