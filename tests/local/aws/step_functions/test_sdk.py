"""The names of the SDK for Java 2, for every service that botocore has a model of."""

from __future__ import annotations

import datetime as dt
import io
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.response import StreamingBody

from orchestrator.local.aws.step_functions import sdk


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize(
    ("name", "java"),
    [
        ("S", "S"),
        ("SS", "Ss"),
        ("NULL", "Nul"),
        ("BOOL", "Bool"),
        ("ETag", "ETag"),
        ("ARN", "Arn"),
        ("ChecksumCRC32", "ChecksumCRC32"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("MD5OfMessageBody", "Md5OfMessageBody"),
        ("executionArn", "ExecutionArn"),
        ("TableName", "TableName"),
    ],
)
def test_a_member_has_the_name_of_its_getter(name: str, java: str) -> None:
    assert sdk.member(name) == java


@pytest.mark.parametrize(
    ("service", "java"),
    [
        ("dynamodb", "DynamoDb"),
        ("stepfunctions", "Sfn"),
        ("s3", "S3"),
        ("secretsmanager", "SecretsManager"),
        ("logs", "CloudWatchLogs"),
        ("events", "EventBridge"),
        ("sesv2", "SesV2"),
        ("sqs", "Sqs"),
        ("rds", "Rds"),
    ],
)
def test_a_service_has_the_name_of_its_client(service: str, java: str) -> None:
    assert sdk.class_name(model(service).service_id) == java


@pytest.mark.parametrize(
    ("service", "shape", "name"),
    [
        ("Rds", "DBInstanceNotFoundFault", "Rds.DbInstanceNotFoundException"),
        ("S3", "NoSuchKey", "S3.NoSuchKeyException"),
        ("Sfn", "InvalidToken", "Sfn.InvalidTokenException"),
        ("DynamoDb", "ConditionalCheckFailedException", "DynamoDb.ConditionalCheckFailedException"),
        ("DynamoDb", None, "DynamoDb.DynamoDbException"),
    ],
)
def test_an_error_has_the_name_of_its_class(service: str, shape: str | None, name: str) -> None:
    assert sdk.error_name(service, shape) == name


def put(item: Any) -> Any:
    shape = model("dynamodb").operation_model("PutItem").input_shape
    return sdk.request({"TableName": "t", "Item": item}, shape)


def test_attribute_values_are_asked_for_in_the_names_of_java() -> None:
    asked = put({"a": {"L": [{"Bool": True}, {"M": {"b": {"Nul": True}}}]}, "c": {"Ss": ["x"]}, "d": {"N": "1"}})
    assert asked["Item"] == {
        "a": {"L": [{"BOOL": True}, {"M": {"b": {"NULL": True}}}]},
        "c": {"SS": ["x"]},
        "d": {"N": "1"},
    }


@pytest.mark.parametrize("name", ["tableName", "Tablename", "TaskToken"])
def test_a_field_that_no_getter_is_called_after_is_refused(name: str) -> None:
    shape = model("dynamodb").operation_model("GetItem").input_shape
    with pytest.raises(sdk.Unsupported) as caught:
        sdk.request({name: "t"}, shape)
    assert str(caught.value) == f'The field "{name}" is not supported by Step Functions'


def test_an_answer_is_given_in_the_names_of_java() -> None:
    shape = model("dynamodb").operation_model("GetItem").output_shape
    answer = {"Item": {"a": {"BOOL": True}, "b": {"L": [{"NULL": True}]}, "c": {"B": b"ab"}}, "ResponseMetadata": {}}
    assert sdk.reply(answer, shape) == {"Item": {"a": {"Bool": True}, "b": {"L": [{"Nul": True}]}, "c": {"B": "YWI="}}}


def test_moments_and_streams_are_text() -> None:
    shape = model("s3").operation_model("GetObject").output_shape
    moment = dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
    answer = {"Body": StreamingBody(io.BytesIO(b"text"), 4), "LastModified": moment, "ETag": '"e"'}
    assert sdk.reply(answer, shape) == {"Body": "text", "LastModified": "2026-12-01T08:00:00Z", "ETag": '"e"'}


def test_what_is_no_text_is_handed_on_as_json_where_the_service_has_text() -> None:
    shape = model("stepfunctions").operation_model("StartExecution").input_shape
    asked = sdk.request({"StateMachineArn": "arn", "Input": {"n": 1}}, shape)
    assert asked == {"stateMachineArn": "arn", "input": '{"n":1}'}


def test_what_a_service_requires_is_known_from_its_model() -> None:
    assert list(sdk.absent({"TableName": "t"}, model("dynamodb").operation_model("PutItem"))) == ["Item"]
    assert list(sdk.absent({"QueueUrl": "q"}, model("sqs").operation_model("SendMessage"))) == ["MessageBody"]
