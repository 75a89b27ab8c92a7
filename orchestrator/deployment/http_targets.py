"""HTTPS endpoints as targets of tasks: ``http/NAME`` of tasks.yaml is an endpoint that stack.yaml declares.

The registry holds no URL, so that nobody who can write a row of it can have something else called: each endpoint is a
workflow of one state, whose role may call that endpoint by that method with that connection, and nothing else. Tasks of
other kinds have nothing of it.
"""

from __future__ import annotations

from orchestrator.asl.definition import Definition
from orchestrator.asl.expressions import jsonata
from orchestrator.asl.written import WrittenDefinition
from orchestrator.functions import Permission
from orchestrator.tasks.task import workflow_name

#: "HTTP Task has a timeout of 60 seconds" ("Call HTTPS APIs in Step Functions workflows").
LONGEST_SECONDS = 60

#: Of the workflow itself: a call, and what Step Functions does around it.
_MACHINE_SECONDS = 300

#: What is sent: what a function gets, without what Step Functions adds for its console.
_EVENT = "$sift($states.input, function($value, $name) { $not($contains($name, /^AWS_/)) })"


def endpoint(name: str, url: str, method: str, connection: str) -> Definition:
    """Returns the workflow that calls ``url``, with what ``connection``, the ARN of a connection of EventBridge, adds.

    The key of a run goes along as ``Idempotency-Key``. Of a status other than 2xx the run fails, with an error such as
    ``States.Http.StatusCode.503`` in its cause.
    """
    partition, region, account = (connection.split(":")[place] for place in (1, 3, 4))
    named = connection.split(":", 5)[5].split("/")[1]
    secret = f"arn:{partition}:secretsmanager:{region}:{account}:secret:events!connection/{named}/*"
    arguments = {
        "ApiEndpoint": url,
        "Method": method,
        "Authentication": {"ConnectionArn": connection},
        "Headers": {"Idempotency-Key": jsonata("$states.input.runKey")},
        **({} if method == "GET" else {"RequestBody": jsonata(_EVENT)}),
    }
    comment = f"Calls {name}."
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "TimeoutSeconds": LONGEST_SECONDS,
        "Arguments": arguments,
        "Output": jsonata("{'status': $states.result.StatusCode, 'body': $states.result.ResponseBody}"),
        "End": True,
    }
    return WrittenDefinition(
        machine={
            "Comment": comment,
            "QueryLanguage": "JSONata",
            "TimeoutSeconds": _MACHINE_SECONDS,
            "StartAt": "Call",
            "States": {"Call": call},
        },
        comment=comment,
        timeout_seconds=_MACHINE_SECONDS,
        permissions=(
            Permission(
                actions=("states:InvokeHTTPEndpoint",),
                resource="state-machine:" + workflow_name("http", name),
                conditions={"StringEquals": {"states:HTTPEndpoint": url, "states:HTTPMethod": method}},
            ),
            Permission(actions=("events:RetrieveConnectionCredentials",), resource=connection),
            # Where EventBridge keeps what a connection adds.
            Permission(actions=("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"), resource=secret),
        ),
    )
