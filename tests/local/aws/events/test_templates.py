"""Facts about input transformers: template, what is delivered.

Source, where a row names none: answers of AWS that LocalStack recorded in 2024 and 2025
(tests/aws/services/events/test_events_inputs); "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.events.templates import NoJson, text_of, unknown
from orchestrator.local.aws.server import EmbeddedAws

RULE = "arn:aws:events:us-east-1:123456789012:rule/shop-bus/orders"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "Order placed",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-12-01T08:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"user": {"id": "u-7", "level": 2}, "paid": True, "tags": ["new"], "state": ["OPEN", "LATE"]},
}
PATHS = {
    "user": "$.detail.user.id", "whole": "$.detail.user", "paid": "$.detail.paid", "tags": "$.detail.tags",
    "state": "$.detail.state", "second": "$.detail.state[1]", "type": "$.detail-type", "none": "$.detail.none",
}  # fmt: skip

FILLED: Any = [
    ('{"id": <user>}', {"id": "u-7"}),
    ('{"id": "<user>"}', {"id": "u-7"}),
    ('{"path": "users/<user>/again/<user>"}', {"path": "users/u-7/again/u-7"}),
    ('{"user": <whole>}', {"user": {"id": "u-7", "level": 2}}),
    ('{"list": [<user>, "fixed"]}', {"list": ["u-7", "fixed"]}),
    ('{"tags": <tags>}', {"tags": ["new"]}),
    ('{"state": <second>}', {"state": "LATE"}),
    ('{"none": <none>}', {"none": ""}),
    ('"<type> by <user>, <none>!"', "Order placed by u-7, !"),
    ('"paid: <paid>"', "paid: true"),
    ('"<tags> and <state>"', "[new] and [OPEN,LATE]"),
    ('"of <whole>"', "of {id:u-7,level:2}"),
    ('"{[/<type>"', "{[/Order placed"),
    ('"<aws.events.rule-name> <aws.events.event.ingestion-time>"', "orders 2026-12-01T08:00:00Z"),
    ('{"rule": <aws.events.rule-arn>}', {"rule": RULE}),
    ('{"event": <aws.events.event.json>}', {"event": EVENT}),
    (
        '{"event": <aws.events.event>}',
        {
            "event": {
                "detailType": "Order placed",
                **{name: EVENT[name] for name in EVENT if name not in {"detail", "detail-type"}},
            }
        },
    ),
]


def delivered(template: str) -> str:
    return text_of(EVENT, {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}, RULE)


@pytest.mark.parametrize(("template", "expected"), FILLED, ids=[row[0][:50] for row in FILLED])
def test_a_template_is_filled_in(template: str, expected: Any) -> None:
    assert json.loads(delivered(template)) == expected


def test_lines_of_text_stay_lines_of_text() -> None:
    assert delivered('"<user> one"\n"<tags> two"') == '"u-7 one"\n"[new] two"'


def test_an_object_between_the_quotes_of_a_json_template_is_not_delivered() -> None:
    with pytest.raises(NoJson):
        delivered('{"payload": "<whole>"}')


@pytest.mark.parametrize(("path", "expected"), [("$.detail.user.id", "u-7"), ("$.detail.none", None), ("$", EVENT)])
def test_a_part_of_an_event(path: str, expected: Any) -> None:
    assert json.loads(text_of(EVENT, {"InputPath": path}, RULE)) == expected


def test_a_placeholder_that_nothing_defines_is_found() -> None:
    transformer = {"InputPathsMap": {"a": "$.id"}, "InputTemplate": '"<a> <aws.events.rule-name> <b>"'}
    assert unknown(transformer) == "b"


def test_a_target_with_an_unknown_placeholder_is_refused(aws: EmbeddedAws) -> None:
    client = aws.client("events")
    client.put_rule(Name="r", EventPattern='{"source": ["a"]}')
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    transformer: Any = {"InputPathsMap": {"a": "$.id"}, "InputTemplate": '"<b>"'}
    with pytest.raises(ClientError) as refused:
        client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": queue, "InputTransformer": transformer}])
    said = "InputTemplate for target t contains invalid placeholder b."
    assert refused.value.response["Error"]["Message"] == said
