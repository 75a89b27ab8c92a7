"""What the steps of the billing run need: memory, time, permissions, tables."""

from __future__ import annotations

from lambdas import pdf
from orchestrator.functions import Function, Permission, Table, function_name

_RECORDS = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query")

FUNCTIONS = (
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
            Permission(actions=_RECORDS, resource="table:BillingRecords"),
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
        dependencies=pdf.DEPENDENCIES,
        environment=pdf.ENVIRONMENT,
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
        dependencies=pdf.DEPENDENCIES,
        environment=pdf.ENVIRONMENT,
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

#: By logical name.
TABLES = {
    "Customers": Table(key=("customerId",)),
    "PricePlans": Table(key=("planId",)),
    "Invoices": Table(key=("period", "customerId")),
    "BillingRecords": Table(key=("period", "item")),
}
