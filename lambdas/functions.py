"""What functions need beyond the defaults: memory, time, permissions, tables of their own.

No bundle holds this module, and it imports no handler: finding the functions loads no SDK. A package of several
functions says what they need in its own ``functions.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

from lambdas import pdf
from lambdas.billing import functions as billing
from orchestrator.functions import Function, Permission, Table

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
    dependencies=pdf.DEPENDENCIES,
    environment=pdf.ENVIRONMENT,
)

#: By module, what differs from the defaults.
SETTINGS: Mapping[str, Function] = {
    function.module: function
    for function in (
        *billing.FUNCTIONS,
        _CACHE_WARMER,
        _DATA_CLEANUP,
        _EMAIL_DIGEST,
        _REPORT_GENERATOR,
    )
}

#: The tables that functions keep their own records in, by logical name.
TABLES: Mapping[str, Table] = {
    "Sessions": Table(key=("id",)),
    **billing.TABLES,
}
