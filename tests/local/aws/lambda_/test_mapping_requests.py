"""Facts about event source mappings: what is asked, AWS's answer, its source.

``recorded``: LocalStack's tests/aws/services/lambda_/event_source_mapping, *.snapshot.json of November 2025.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.sources import create, zipped

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.fixture
def client(aws: EmbeddedAws) -> Any:
    """Lambda's, with a function ``f``, a queue ``q`` and a table with a stream."""
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    create(aws.client("lambda"), "f", "def handler(event, context): return None", role)
    aws.client("sqs").create_queue(QueueName="q")
    return aws.client("lambda")


@pytest.fixture
def stream(aws: EmbeddedAws) -> str:
    table = aws.client("dynamodb").create_table(
        TableName="work",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(table["TableDescription"]["LatestStreamArn"])


def told(answer: Any) -> dict[str, Any]:
    """Of a description, what is the same each time."""
    own = {"UUID", "EventSourceMappingArn", "EventSourceArn", "FunctionArn", "LastModified", "ResponseMetadata"}
    return {name: value for name, value in answer.items() if name not in own}


OF_A_QUEUE = {
    "BatchSize": 10,
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "StateTransitionReason": "USER_INITIATED",
}
OF_A_STREAM = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StartingPosition": "TRIM_HORIZON",
    "StateTransitionReason": "User action",
    "TumblingWindowInSeconds": 0,
}


def test_a_mapping_of_a_queue_is_described_with_all_that_it_has(client: Any) -> None:
    """Source: recorded test_event_source_mapping_default_batch_size, test_sqs_event_source_mapping_update."""
    made = client.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="f")
    assert told(made) == {**OF_A_QUEUE, "State": "Creating"}
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert told(client.get_event_source_mapping(UUID=made["UUID"])) == {**OF_A_QUEUE, "State": "Enabled"}
    (listed,) = client.list_event_source_mappings(FunctionName="f")["EventSourceMappings"]
    assert told(listed) == {**OF_A_QUEUE, "State": "Enabled"}
    updated = client.update_event_source_mapping(UUID=made["UUID"], BatchSize=5)
    assert told(updated) == {**OF_A_QUEUE, "BatchSize": 5, "State": "Updating"}
    deleted = client.delete_event_source_mapping(UUID=made["UUID"])
    assert deleted["State"] == "Deleting"


def test_a_mapping_of_a_stream_is_described_with_all_that_it_has(client: Any, stream: str) -> None:
    """Source: recorded test_dynamodb_event_source_mapping, test_disabled_dynamodb_event_source_mapping."""
    made = client.create_event_source_mapping(EventSourceArn=stream, FunctionName="f", StartingPosition="TRIM_HORIZON")
    assert told(made) == {**OF_A_STREAM, "State": "Creating"}
    disabled = client.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    assert told(disabled) == {**OF_A_STREAM, "State": "Disabling"}
    assert client.get_event_source_mapping(UUID=made["UUID"])["State"] == "Disabled"


def test_a_function_hears_of_a_source_once(client: Any) -> None:
    """Source: recorded TestSQSEventSourceMapping::test_duplicate_event_source_mappings."""
    made = client.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="f")
    with pytest.raises(ClientError) as refused:
        client.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="f")
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("ResourceConflictException", 409)
    assert answer["Error"]["Message"] == (
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" f ") already exists. Please update or'
        f" delete the existing mapping with UUID {made['UUID']}"
    )


def test_a_function_hears_of_a_stream_once(client: Any, stream: str) -> None:
    """Source: recorded TestDynamoDBEventSourceMapping::test_duplicate_event_source_mappings."""
    client.create_event_source_mapping(EventSourceArn=stream, FunctionName="f", StartingPosition="LATEST")
    with pytest.raises(ClientError, match="provided mapping already exists"):
        client.create_event_source_mapping(EventSourceArn=stream, FunctionName="f", StartingPosition="LATEST")


GONE = "arn:aws:dynamodb:us-east-1:123456789012:table/gone/stream/2025-02-22T03:03:25.490"
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message:"
    " The specified queue does not exist."
)
REFUSED: Any = [
    # recorded test_esm_with_not_existing_sqs_queue
    ({"EventSourceArn": f"{QUEUE}-gone"}, NO_QUEUE),
    # recorded test_esm_with_not_existing_dynamodb_stream
    ({"EventSourceArn": GONE, "StartingPosition": "LATEST"}, f"Stream not found: {GONE}"),
    # recorded test_event_source_mapping_default_batch_size
    (
        {"EventSourceArn": QUEUE, "BatchSize": 11},
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    ),
    # recorded test_sqs_invalid_event_filter
    *(
        (
            {"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}},
            "Invalid filter pattern definition.",
        )
        for pattern in ("null", '"text"', '{"eventSource": "aws:sqs"}', '{"eventSource": ["aws:sqs", {"numeric": 1}]}')
    ),
    # motdotla/node-lambda issue 466
    (
        {"EventSourceArn": QUEUE, "StartingPosition": "LATEST"},
        "StartingPosition is not valid for SQS event sources.",
    ),
    # CreateEventSourceMapping: "(Kinesis, DynamoDB Streams, …)"; the sentence is not confirmed
    (
        {"EventSourceArn": QUEUE, "BisectBatchOnFunctionError": True},
        "Unsupported BisectBatchOnFunctionError parameter for given event source mapping type.",
    ),
    (
        {"EventSourceArn": QUEUE, "MaximumRetryAttempts": 2},
        "Unsupported MaximumRetryAttempts parameter for given event source mapping type.",
    ),
    # not offered here, and said so
    (
        {
            "EventSourceArn": GONE,
            "StartingPosition": "LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:kafka:us-east-1:123456789012:cluster/c"}},
        },
        "The embedded AWS tells s3, sns, sqs what was given up, not arn:aws:kafka:us-east-1:123456789012:cluster/c",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "said"), REFUSED)
def test_what_is_refused(client: Any, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.create_event_source_mapping(FunctionName="f", **request_)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValueException", said)


def test_an_update_is_checked_like_a_creation(client: Any) -> None:
    """Source: recorded test_event_source_mapping_default_batch_size."""
    made = client.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="f")
    with pytest.raises(ClientError, match="Maximum batch window in seconds must be greater than 0"):
        client.update_event_source_mapping(UUID=made["UUID"], BatchSize=11)
    assert client.get_event_source_mapping(UUID=made["UUID"])["BatchSize"] == 10


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_a_mapping_that_is_not_there_is_not_found(client: Any, verb: str) -> None:
    """Source: GetEventSourceMapping, Errors."""
    with pytest.raises(ClientError) as refused:
        getattr(client, f"{verb}_event_source_mapping")(UUID="0" * 36)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


def test_what_was_given_up_is_written_to_a_bucket_with_the_records(aws: EmbeddedAws, client: Any, stream: str) -> None:
    """Source: recorded test_dynamodb_event_source_mapping_with_s3_on_failure_destination."""
    aws.client("s3").create_bucket(Bucket="given-up")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    aws.client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(everything))
    failing = zipped("def handler(event, context): raise ValueError('never')")
    client.update_function_code(FunctionName="f", ZipFile=failing)
    client.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="f",
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::given-up"}},
    )
    aws.client("dynamodb").put_item(TableName="work", Item={"id": {"S": "a"}})
    assert aws.event_sources.settled(20)
    (entry,) = aws.client("s3").list_objects_v2(Bucket="given-up")["Contents"]
    said = json.loads(aws.client("s3").get_object(Bucket="given-up", Key=entry["Key"])["Body"].read())
    assert entry["Key"].startswith("aws/lambda/")
    assert said["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert said["responseContext"]["functionError"] == "Unhandled"
    (record,) = said["payload"]["Records"]
    assert (record["eventVersion"], record["dynamodb"]["SizeBytes"]) == ("1.1", 6)
