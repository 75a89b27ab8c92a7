"""Facts about service integrations: what a task is answered, and what its errors are called."""

from __future__ import annotations

from typing import Any

from tests.local.aws.step_functions.facts.fact import ANY, Fact

SDK, OPTIMIZED = "arn:aws:states:::aws-sdk:", "arn:aws:states:::"
_SDK_PAGE = "Integrating with AWS SDK services, and recorded test_aws_sdk_task_service"


def task(resource: str, arguments: Any, **fields: Any) -> dict[str, dict[str, Any]]:
    """One Task that ends the machine, or the catcher that shows its error."""
    return {"A": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **fields}}


def caught(resource: str, arguments: Any) -> dict[str, dict[str, Any]]:
    """The same with a catcher for everything, whose output is the error."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    return {**task(resource, arguments, Catch=catch), "Caught": {"Type": "Succeed"}}


#: Resource, arguments, name of the error, the beginning of its cause, source.
ERRORS: list[tuple[str, Any, str, str, str]] = [
    (
        f"{SDK}dynamodb:putItem",
        {"TableName": "facts", "Item": None},
        "DynamoDb.DynamoDbException",
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null "
        "(Service: DynamoDb, Status Code: 400, Request ID: ",
        "recorded TestAwsSdk.test_dynamodb_invalid_param, 2023-07-27",
    ),
    (
        f"{OPTIMIZED}dynamodb:putItem",
        {"TableName": "facts", "Item": None},
        "DynamoDB.AmazonDynamoDBException",
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null "
        "(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: ",
        "recorded TestTaskServiceDynamoDB.test_invalid_param, 2023",
    ),
    (
        f"{OPTIMIZED}dynamodb:putItem",
        {"TableName": "/facts", "Item": {"id": {"S": "a"}}},
        "DynamoDB.AmazonDynamoDBException",
        "1 validation error detected: Value '/facts' at 'tableName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [a-zA-Z0-9_.-]+ (Service: AmazonDynamoDBv2; Status Code: 400; ",
        "recorded TestTaskServiceDynamoDB.test_put_item_invalid_table_name, 2023",
    ),
    (
        f"{SDK}dynamodb:putItem",
        {"TableName": "gone", "Item": {"id": {"S": "a"}}},
        "DynamoDb.ResourceNotFoundException",
        "Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: ",
        "recorded TestAwsSdk.test_dynamodb_put_item_no_such_table, 2023-07-27",
    ),
    (
        f"{OPTIMIZED}sqs:sendMessage",
        {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/facts", "MessageBody": None},
        "SQS.AmazonSQSException",
        "The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: 400; Error Code: "
        "MissingParameter; Request ID: ",
        "recorded TestTaskServiceSqs.test_send_message_empty_body, 2023",
    ),
    (
        f"{OPTIMIZED}sqs:sendMessage",
        {"QueueUrl": "http://no-such-queue", "MessageBody": "a"},
        "SQS.SdkClientException",
        "Unable to execute HTTP request: no-such-queue: Name or service not known",
        "recorded TestTaskServiceSqs.test_send_message_no_such_queue, 2023",
    ),
    (
        f"{OPTIMIZED}sns:publish",
        {"TopicArn": "arn:aws:sns:us-east-1:123456789012:gone", "Message": "a"},
        "SNS.NotFoundException",
        "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: ",
        "recorded TestTaskServiceSns.test_publish_base_error_topic_arn, 2023",
    ),
    (
        f"{OPTIMIZED}lambda:invoke",
        {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:gone"},
        "Lambda.ResourceNotFoundException",
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:gone:$LATEST (Service: AWSLambda; Status "
        "Code: 404; Error Code: ResourceNotFoundException; Request ID: ",
        "recorded TestTaskServiceLambda.test_no_such_function, 2023",
    ),
    (
        f"{OPTIMIZED}states:startExecution",
        {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:gone"},
        "StepFunctions.StateMachineDoesNotExistException",
        "State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:gone' (Service: "
        "AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; Request ID: ",
        "recorded TestTaskServiceSfn.test_start_execution_no_such_arn, 2023",
    ),
    (
        f"{SDK}sfn:sendTaskSuccess",
        {"TaskToken": "of nothing", "Output": "{}"},
        "Sfn.InvalidTokenException",
        "Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: ",
        "recorded test_sfn_send_task_outcome_with_no_such_token, 2025-11-06",
    ),
    (
        f"{SDK}s3:getObject",
        {"Bucket": "facts-of-aws", "Key": "gone"},
        "S3.NoSuchKeyException",
        "The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ",
        "recorded TestAwsSdk.test_s3_no_such_key, 2025-01-22",
    ),
]

#: What a task asks that it cannot be started with: States.Runtime, which no catcher sees.
_REFUSED = "AWS's answers as people report them: aws-sdk-js#4294, stored pages 60810225373 and 59758251835"
REFUSED: list[tuple[str, Any, str]] = [
    *(
        (f"{SDK}dynamodb:putItem", {"TableName": "facts", "Item": {"id": {"S": "a"}, "a": value}}, field)
        for field, value in [
            ("NULL", {"NULL": True}),
            ("BOOL", {"BOOL": True}),
            ("SS", {"SS": ["a"]}),
            ("NS", {"NS": ["1"]}),
            ("BS", {"BS": ["YQ=="]}),
            ("NULL", {"M": {"deep": {"L": [{"NULL": True}]}}}),
        ]
    ),
    (
        f"{SDK}dynamodb:transactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "facts", "Item": {"id": {"S": "a"}, "a": {"NULL": True}}}}]},
        "NULL",
    ),
    (f"{SDK}dynamodb:getItem", {"TableName": "facts", "key": {"id": {"S": "a"}}}, "key"),
    (f"{SDK}dynamodb:getItem", {"tableName": "facts", "Key": {"id": {"S": "a"}}}, "tableName"),
    (f"{SDK}sfn:stopExecution", {"executionArn": "arn"}, "executionArn"),
    (f"{OPTIMIZED}lambda:invoke", {"FunctionName": "f", "TaskToken": "t"}, "TaskToken"),
]

FACTS = [
    Fact(
        name="an optimized integration tells of the HTTP response beside the answer",
        source="recorded TestTaskServiceDynamoDB.test_base_integrations[GET], 2023",
        states=task(f"{OPTIMIZED}dynamodb:getItem", {"TableName": "facts", "Key": {"id": {"S": "id1"}}}),
        output={
            "Item": {"data": {"S": "HelloWorld"}, "id": {"S": "id1"}},
            "SdkHttpMetadata": {
                "AllHttpHeaders": ANY,
                "HttpHeaders": {
                    "Connection": "keep-alive",
                    "Content-Length": "53",
                    "Content-Type": "application/x-amz-json-1.0",
                    "Date": ANY,
                    "Server": "Server",
                    "x-amz-crc32": ANY,
                    "x-amzn-RequestId": ANY,
                },
                "HttpStatusCode": 200,
            },
            "SdkResponseMetadata": {"RequestId": ANY},
        },
        events=(
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Fact(
        name="an AWS SDK integration answers as the API does, in Pascal case",
        source=_SDK_PAGE,
        states=task(f"{SDK}dynamodb:getItem", {"TableName": "facts", "Key": {"id": {"S": "id1"}}}),
        output={"Item": {"data": {"S": "HelloWorld"}, "id": {"S": "id1"}}},
    ),
    Fact(
        name="an AWS SDK integration takes Java's names of attribute values",
        source="aws-sdk-js#4294, aws-sdk-js-v3#5423",
        states=task(
            f"{SDK}dynamodb:putItem",
            {"TableName": "facts", "Item": {"id": {"S": "b"}, "on": {"Bool": True}, "of": {"M": {"a": {"Nul": True}}}}},
        ),
        output={},
    ),
    Fact(
        name="an object of S3 is its text",
        source="recorded test_s3_get_object, 2025-01-22",
        states=task(
            f"{SDK}s3:getObject", {"Bucket": "facts-of-aws", "Key": "text"}, Output="{% $states.result.Body %}"
        ),
        output="text data",
    ),
    Fact(
        name="an execution is started by the AWS SDK integration, too",
        source="recorded TestTaskServiceAwsSdk.test_sfn_start_execution, 2023",
        states=task(
            f"{SDK}sfn:startExecution",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:facts", "Input": {"n": 1}},
            Output="{% $keys($states.result) %}",
        ),
        output=["ExecutionArn", "StartDate"],
    ),
    Fact(
        name="the parent of an execution is told what DescribeExecution says",
        source="recorded test_start_execution_sync2 of local mocking, 2025-04",
        states=task(
            f"{OPTIMIZED}states:startExecution.sync:2",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:facts", "Input": None},
        ),
        output={
            "ExecutionArn": ANY,
            "Input": {},
            "InputDetails": {"Included": True},
            "Name": ANY,
            "Output": {},
            "OutputDetails": {"Included": True},
            "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
            "StartDate": ANY,
            "StateMachineArn": ANY,
            "Status": "SUCCEEDED",
            "StopDate": ANY,
        },
    ),
]
