"""The AWS calls that states make: each service's resource, and what every call has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.asl.states import Retry, Task

BATCH_GET_ITEM = "arn:aws:states:::aws-sdk:dynamodb:batchGetItem"
DESCRIBE_EXECUTION = "arn:aws:states:::aws-sdk:sfn:describeExecution"
GET_ITEM = "arn:aws:states:::dynamodb:getItem"
GET_OBJECT = "arn:aws:states:::aws-sdk:s3:getObject"
INVOKE = "arn:aws:states:::lambda:invoke"
PUBLISH = "arn:aws:states:::sns:publish"
PUT_ITEM = "arn:aws:states:::dynamodb:putItem"
START_EXECUTION = "arn:aws:states:::states:startExecution"
START_EXECUTION_SYNC = "arn:aws:states:::states:startExecution.sync:2"
STOP_EXECUTION = "arn:aws:states:::aws-sdk:sfn:stopExecution"
TRANSACT_WRITE_ITEMS = "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems"
UPDATE_ITEM = "arn:aws:states:::dynamodb:updateItem"

# Errors, by the names that Step Functions gives them ("Handling errors in Step Functions workflows").
ALREADY_STARTED = "StepFunctions.ExecutionAlreadyExistsException"
CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
EVALUATION_FAILED = "States.QueryEvaluationError"
TRANSACTION_CANCELED = "DynamoDb.TransactionCanceledException"

#: Lambda and Step Functions have refused to begin: nothing has run.
NOT_BEGUN = ("Lambda.TooManyRequestsException", "StepFunctions.ExecutionLimitExceededException")

#: Passing faults of Lambda and Step Functions themselves. The same page tells everybody to retry those of Lambda, but
#: any of them can be the answer to a call that has had its effect.
SERVICE_FAULTS = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.SdkClientException",
)

#: Passing faults of Step Functions itself, when a nested execution is started; one that failed is none of them.
STATES_TRANSIENT = (
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
)

#: A call of an AWS API answers within seconds or not at all.
CALL_TIMEOUT_SECONDS = 30

#: What a state puts out whose result is in variables: nothing grows from state to state.
NOTHING: dict[str, Any] = {}


def retriers(errors: Sequence[str], *, never: Sequence[str] = ()) -> list[Retry]:
    """Exponential backoff with full jitter on ``errors``, none on ``never``."""
    not_these = [Retry(error_equals=list(never), max_attempts=0)] if never else []
    return [
        *not_these,
        Retry(
            error_equals=list(errors),
            interval_seconds=1,
            max_attempts=5,
            backoff_rate=2.0,
            max_delay_seconds=20,
            jitter_strategy="FULL",
        ),
    ]


def call(
    name: str, resource: str, *, never_retry: Sequence[str] = (), retry_briefly: Sequence[str] = (), **fields: Any
) -> Task:
    """A call of an AWS API, retried on every fault that can pass: an expression that failed once fails again.

    ``retry_briefly`` are errors that a few seconds either mend or never will.
    """
    never, *rest = retriers(["States.ALL"], never=[EVALUATION_FAILED, *never_retry])
    briefly = Retry(error_equals=list(retry_briefly), interval_seconds=1, max_attempts=3, jitter_strategy="FULL")
    return Task(
        name,
        resource=resource,
        timeout_seconds=CALL_TIMEOUT_SECONDS,
        retry=[never, *([briefly] if retry_briefly else []), *rest],
        **{"output": NOTHING} | fields,
    )
