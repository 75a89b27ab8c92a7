"""What tasks run: each module or package here with a ``handler`` is a Lambda function, the target ``lambda/NAME``.

Its bundle holds the module or package itself, what begins with ``_``, and what ``requirements.lock`` beside this file
pins. A function that needs a permission, more than the default memory and time, or a distribution that others can do
without, gets an entry in :data:`SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.functions import EventSource, Function, Table, function_name
from orchestrator.permissions import Permission
from orchestrator.runs.run import UNSUCCESSFUL, Trigger

#: To make a PDF. Pillow, which fpdf2 names for pictures, is left out of the lock list: there are none in ours.
_PDF = ("defusedxml", "fonttools", "fpdf2")
_NO_PICTURES = {"PYTHONWARNINGS": "ignore:Pillow could not be imported:UserWarning"}

_BILLING_RECORDS = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query")

_BILLING = (
    Function(
        name=function_name("billing.fetch_usage_data"),
        module="billing.fetch_usage_data",
        # It holds an id of each event: some ten millions of them in this.
        memory_mb=2048,
        timeout_seconds=900,
        permissions=(
            Permission(actions=("s3:ListBucket",), resource="data-bucket"),
            Permission(actions=("s3:GetObject",), resource="data-bucket:usage/*"),
            Permission(actions=("s3:PutObject",), resource="data-bucket:billing/*"),
        ),
    ),
    Function(
        name=function_name("billing.calculate_charges"),
        module="billing.calculate_charges",
        # definitions/billing.py says what follows from it.
        environment={"BILLING_PAGE_SIZE": "250"},
        memory_mb=1024,
        timeout_seconds=900,
        permissions=(
            Permission(actions=("s3:GetObject", "s3:PutObject"), resource="data-bucket:billing/*"),
            Permission(actions=("dynamodb:Scan",), resource="table:Customers"),
            Permission(actions=("dynamodb:Scan",), resource="table:PricePlans"),
            Permission(actions=("dynamodb:Query",), resource="table:Invoices"),
            Permission(actions=_BILLING_RECORDS, resource="table:BillingRecords"),
        ),
    ),
    Function(
        name=function_name("billing.create_invoice"),
        module="billing.create_invoice",
        memory_mb=512,
        permissions=(
            Permission(actions=("s3:GetObject",), resource="data-bucket:billing/*"),
            Permission(actions=("s3:PutObject",), resource="data-bucket:invoices/*"),
            Permission(actions=("dynamodb:GetItem",), resource="table:Customers"),
            Permission(actions=("dynamodb:GetItem", "dynamodb:PutItem"), resource="table:Invoices"),
        ),
        dependencies=_PDF,
        environment=_NO_PICTURES,
    ),
    Function(
        name=function_name("billing.send_invoice_email"),
        module="billing.send_invoice_email",
        permissions=(
            Permission(actions=("s3:GetObject",), resource="data-bucket:invoices/*"),
            Permission(actions=("dynamodb:GetItem",), resource="table:Customers"),
            Permission(actions=("dynamodb:GetItem", "dynamodb:UpdateItem"), resource="table:Invoices"),
            Permission(actions=("ses:SendRawEmail",), resource="ses:events"),
            Permission(actions=("logs:FilterLogEvents",), resource="mail-events"),
        ),
        # It makes none, but imports what does.
        dependencies=_PDF,
        environment=_NO_PICTURES,
    ),
    Function(
        name=function_name("billing.update_billing_records"),
        module="billing.update_billing_records",
        timeout_seconds=300,
        permissions=(
            Permission(actions=("dynamodb:Query",), resource="table:Invoices"),
            Permission(actions=("dynamodb:PutItem", "dynamodb:Query"), resource="table:BillingRecords"),
        ),
    ),
)

_CACHE_WARMER = Function(
    name="cache-warmer",
    module="cache_warmer",
    timeout_seconds=300,
)

_DATA_CLEANUP = Function(
    name="data-cleanup",
    module="data_cleanup",
    # It stops by itself before this. A task's own timeout must not be shorter, or the task is cut off instead.
    timeout_seconds=300,
    permissions=(
        Permission(actions=("s3:ListBucket",), resource="data-bucket"),
        Permission(actions=("s3:DeleteObject",), resource="data-bucket:tmp/*"),
        Permission(
            actions=("dynamodb:BatchWriteItem", "dynamodb:DescribeTable", "dynamodb:Scan"), resource="table:Sessions"
        ),
    ),
)

_EMAIL_DIGEST = Function(
    name="email-digest",
    module="email_digest",
    timeout_seconds=120,
    permissions=(
        Permission(actions=("dynamodb:Query",), resource="table:TaskRuns/index/StatusIndex"),
        # Whoever finds another's record gets it with the refusal to write, so nobody reads it.
        Permission(
            actions=("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), resource="table:Idempotency"
        ),
        Permission(actions=("ses:SendEmail",), resource="ses"),
    ),
)

_ROW = ("dynamodb:PutItem", "dynamodb:UpdateItem")

_FAILURE_HANDLER = Function(
    name="failure-handler",
    module="system.failure_handler",
    permissions=(
        Permission(actions=("dynamodb:PutItem",), resource="table:FailedTasks"),
        Permission(actions=_ROW, resource="table:TaskRuns"),
        Permission(actions=("dynamodb:UpdateItem",), resource="table:ScheduledTasks"),
    ),
    event_sources=(EventSource(source="queue:SchedulerDlq"), EventSource(source="queue:ExecutionFailures")),
)

_ALERTER = Function(
    name="alerter",
    module="system.alerter",
    permissions=(
        Permission(actions=("dynamodb:Query",), resource="table:TaskRuns"),
        Permission(actions=("dynamodb:GetItem", "dynamodb:UpdateItem"), resource="table:ScheduledTasks"),
        Permission(actions=("dynamodb:DeleteItem", "dynamodb:UpdateItem"), resource="table:Incidents"),
        Permission(actions=("sns:Publish",), resource="alerts"),
        Permission(actions=("cloudwatch:PutMetricData",), resource="metrics"),
    ),
    event_sources=(
        EventSource(
            source="stream:TaskRuns",
            batch_size=100,
            # A run that went well calls nobody.
            filters=(
                {"dynamodb": {"NewImage": {"status": {"S": sorted(UNSUCCESSFUL)}}}},
                {"dynamodb": {"NewImage": {"attention": {"S": [{"exists": True}]}}}},
                {"dynamodb": {"NewImage": {"status": {"S": ["SUCCEEDED"]}, "trigger": {"S": [Trigger.CATCH_UP]}}}},
            ),
        ),
    ),
)

_COURIER = Function(
    name="courier",
    module="system.courier",
    permissions=(
        Permission(actions=("ssm:GetParametersByPath",), resource="parameters:alerts"),
        Permission(actions=("ssm:GetParameter",), resource="parameters:secrets/*"),
        Permission(actions=("secretsmanager:GetSecretValue",), resource="secrets"),
        Permission(actions=("sns:Publish",), resource="alert-topics"),
        Permission(actions=("sqs:GetQueueUrl", "sqs:SendMessage"), resource="queue:Courier"),
        Permission(actions=("sqs:GetQueueUrl", "sqs:SendMessage"), resource="queue:HandlerFailures"),
    ),
    # One at a time: three requests that are never answered are half of its minute.
    event_sources=(EventSource(source="queue:Courier", batch_size=1),),
)

_WATCHDOG = Function(
    name="watchdog",
    module="system.watchdog",
    timeout_seconds=240,
    permissions=(
        Permission(actions=("dynamodb:Query",), resource="table:ScheduledTasks/index/NextRunIndex"),
        Permission(actions=("dynamodb:GetItem", "dynamodb:UpdateItem"), resource="table:ScheduledTasks"),
        Permission(actions=("dynamodb:Query",), resource="table:TaskRuns/index/StatusIndex"),
        Permission(actions=("dynamodb:Query", *_ROW), resource="table:TaskRuns"),
        Permission(actions=("dynamodb:Scan", "dynamodb:UpdateItem"), resource="table:Incidents"),
        Permission(actions=("states:StartExecution",), resource="task-runner"),
        Permission(actions=("states:DescribeExecution",), resource="task-runner:executions"),
        Permission(actions=("sns:Publish",), resource="alerts"),
        Permission(actions=("cloudwatch:PutMetricData",), resource="metrics"),
    ),
)

_REPORT_GENERATOR = Function(
    name="report-generator",
    module="report_generator",
    memory_mb=512,
    timeout_seconds=300,
    permissions=(
        # S3 says that an object is absent only to those who may list the bucket; to others, that access is denied.
        Permission(actions=("s3:ListBucket",), resource="data-bucket"),
        Permission(actions=("s3:GetObject",), resource="data-bucket:orders/*"),
        Permission(actions=("s3:PutObject",), resource="data-bucket:reports/*"),
    ),
    dependencies=_PDF,
    environment=_NO_PICTURES,
)

#: By module, what differs from the defaults.
SETTINGS: Mapping[str, Function] = {
    function.module: function
    for function in (
        *_BILLING,
        _ALERTER,
        _CACHE_WARMER,
        _COURIER,
        _DATA_CLEANUP,
        _EMAIL_DIGEST,
        _FAILURE_HANDLER,
        _REPORT_GENERATOR,
        _WATCHDOG,
    )
}

#: The tables that functions keep their own records in, by logical name.
TABLES: Mapping[str, Table] = {
    "Sessions": Table(key=("id",)),
    "Customers": Table(key=("customerId",)),
    "PricePlans": Table(key=("planId",)),
    "Invoices": Table(key=("period", "customerId")),
    "BillingRecords": Table(key=("period", "item")),
}
