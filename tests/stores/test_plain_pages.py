"""A page of a Scan or of ListSchedules is what boto3 makes of it, whoever reads it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.plain_pages import read_plainly
from tests.testbed.clients import own_clients

PLAIN: dict[str, Any] = {
    "text": {"S": 'it says "B" \\ and "BS", ä€'},
    "number": {"N": "1.50"},
    "names": {"SS": ["a", "b"]},
    "deep": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["1"]}]}}},
}


@pytest.fixture
def both(aws: EmbeddedAws) -> tuple[Any, Any]:
    """Two clients of a table ``things``: one that reads plainly, one as it comes."""
    plainly, as_it_comes = own_clients(aws)("dynamodb"), own_clients(aws)("dynamodb")
    as_it_comes.create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    for _ in range(2):
        read_plainly(plainly)
    return plainly, as_it_comes


@pytest.mark.parametrize("binary", [{}, {"blob": {"B": b"\x00\xff"}}, {"blobs": {"BS": [b"a"]}}])
def test_pages_are_the_same(both: tuple[Any, Any], binary: dict[str, Any]) -> None:
    for number in range(3):
        both[1].put_item(TableName="things", Item={"id": {"S": f"{number}"}, **PLAIN, **binary})
    found = [
        [
            {name: value for name, value in page.items() if name != "ResponseMetadata"}
            for page in client.get_paginator("scan").paginate(TableName="things", PaginationConfig={"PageSize": 2})
        ]
        for client in both
    ]
    assert found[0] == found[1]
    assert [item["id"]["S"] for page in found[0] for item in page["Items"]] == ["0", "1", "2"]


def test_what_is_refused_is_told_as_ever(both: tuple[Any, Any]) -> None:
    said = []
    for client in both:
        with pytest.raises(ClientError) as refused:
            client.scan(TableName="absent")
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_what_reads_plainly_takes_no_page_through_the_model(both: tuple[Any, Any]) -> None:
    both[1].put_item(TableName="things", Item={"id": {"S": "a"}})
    taken: list[Any] = []
    both[0].meta.events.register_last(
        "before-parse.dynamodb.Scan", lambda response_dict, **_: taken.append(response_dict["body"])
    )
    assert both[0].scan(TableName="things")["Items"] == [{"id": {"S": "a"}}]
    assert b"Items" not in taken[0]


def test_pages_of_schedules_are_the_same(aws: EmbeddedAws) -> None:
    clients = own_clients(aws)("scheduler"), own_clients(aws)("scheduler")
    for name in ("a", "b", "c"):
        clients[1].create_schedule(
            Name=name,
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
                "RoleArn": "arn:aws:iam::123456789012:role/x",
                "Input": "{}",
            },
        )
    read_plainly(clients[0])
    taken: list[bytes] = []
    clients[0].meta.events.register_last(
        "before-parse.scheduler.ListSchedules", lambda response_dict, **_: taken.append(response_dict["body"])
    )
    plainly, as_it_comes = (
        list(client.get_paginator("list_schedules").paginate(PaginationConfig={"PageSize": 2}).search("Schedules"))
        for client in clients
    )
    assert plainly == as_it_comes
    assert [one["Name"] for one in plainly] == ["a", "b", "c"]
    assert len(taken) == 2
    assert not any(b"Schedules" in body for body in taken)


def test_schedules_of_a_group_that_is_not_there_are_refused_as_ever(aws: EmbeddedAws) -> None:
    client = own_clients(aws)("scheduler")
    read_plainly(client)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="absent"):
        client.list_schedules(GroupName="absent")
