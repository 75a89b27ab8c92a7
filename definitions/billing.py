"""The monthly billing run: two nested workflows.

``billing`` reads the usage, calculates charges and sends the invoices of up to a page of customers itself; for more, it
starts ``billing-page`` for each page and waits. What was designed for ("Step Functions service quotas"):

- **An execution's history**, 25,000 events: a page of 250 customers makes some 3,300, a run of 175,000 customers in 700
  pages some 5,000.
- **A state's data**, 256 KiB: states hold keys of S3; the one list, a page's customers, has at most 250 entries of some
  70 bytes, and pages are numbers.
- **An inline Map's iterations at once**, 40: ten customers in a page, and four pages, so that at most 40 functions run
  at once, of the 1,000 that an account has by default.

One customer that fails holds up nobody: each iteration catches, records the failure and goes on. The run then ends
``COMPLETED_WITH_ERRORS`` and says how many; when it runs again, it touches only those without an invoice that was
mailed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.fatal_errors import fatal_errors
from orchestrator.asl.integrations import (
    EVALUATION_FAILED,
    GET_ITEM,
    GET_OBJECT,
    INVOKE,
    NOTHING,
    PUBLISH,
    PUT_ITEM,
    START_EXECUTION_SYNC,
    call,
)
from orchestrator.asl.states import Catch, Choice, Map, Pass, Retry, Succeed, Task, When, jsonata, literal
from orchestrator.asl.vocabulary import CAUSE, EXECUTION_ARN, STARTED_BY, STATES_ARN
from orchestrator.functions import Permission
from orchestrator.stack import Stack, live

#: How many customers of a page, and how many pages, are worked on at once.
CUSTOMERS_AT_ONCE = 10
PAGES_AT_ONCE = 4

_DAY = 86_400
_HOUR = 3_600

#: Minutes apart: what a step reads and writes may be throttled for a while, and nobody waits for it.
_STEP = {"interval_seconds": 60, "max_attempts": 3}
#: Others wait for this customer's place.
_CUSTOMER = {"interval_seconds": 2, "max_attempts": 5, "max_delay_seconds": 60}

#: What a step raises after which a second attempt gets the same answer.
_FATAL = fatal_errors(Path(__file__).parent.parent / "lambdas" / "billing")

#: A step's error by its name, as the steps themselves are called by theirs: a definition imports no function.
_MAIL_IN_DOUBT = "MailInDoubt"

_FAILURE_KEY = "FAILURE#"

#: The file that says who is on a page; a page's execution is found in the console by its parent's name.
_PAGE_KEY = "$work & 'pages/' & $formatNumber($page, '00000') & '.json'"
_PAGE_NAME = "$substring($states.context.Execution.Name, 0, 70) & '-' & $formatNumber($states.input, '00000')"

_ALERT = """$join([
    'The billing run for ' & $period & ' has billed some customers and not others.',
    '',
    'state:     ' & $result.state,
    'invoices:  ' & $string($result.invoices) & ', of which mailed: ' & $string($result.mailed),
    'failed:    ' & $string($result.failed) & ($count($result.customers) > 0
        ? ': ' & $join($result.customers, ', ') & ($result.failed > $count($result.customers) ? ' …' : '') : ''),
    'problems:  ' & $string($result.problems) & ' rows of usage, in ' & $result.report,
    'why:       the records FAILURE#… of this period in the table BillingRecords',
    'next:      put it right and run the slot again; only those who are missing are touched'
], '\\n')"""


#: What a filter of a subscription looks at, with the names that every alert has. A run that a person has started
#: without TaskRunner belongs to no task, and an owner may be nobody.
_ATTRIBUTES = """$merge([
    {'kind': {'DataType': 'String', 'StringValue': 'told'}},
    {'severity': {'DataType': 'String', 'StringValue': 'failed'}},
    $taskId = '' ? {} : {'taskId': {'DataType': 'String', 'StringValue': $taskId}},
    $owner = '' ? {} : {'owner': {'DataType': 'String', 'StringValue': $owner}}
])"""


def build(stack: Stack) -> Definition:
    """The workflow ``billing``."""
    completed = Succeed("Completed", output=jsonata("$result"))
    any_errors = Choice(
        "AnyErrors",
        choices=[(When("$result.state = 'COMPLETED'"), completed)],
        default=_alert(stack, then=completed),
    )
    update_billing_records = _invoke(
        stack,
        "UpdateBillingRecords",
        "billing-update-billing-records",
        {
            "period": jsonata("$period"),
            "work": jsonata("$work"),
            "slot": jsonata("$slot"),
            "customers": jsonata("$customers"),
            "done": jsonata("$done"),
            "problems": jsonata("$problems"),
        },
        seconds=300,
        retry=_retry(**_STEP),
        assign={"result": jsonata("$states.result.Payload")},
        next_state=any_errors,
    )
    how_many = Choice(
        "HowMany",
        choices=[
            (When("$pages = 0"), update_billing_records),
            (When("$pages = 1", assign={"page": 0}), _page(stack, then=update_billing_records)),
        ],
        default=_pages(stack, then=update_billing_records),
    )
    calculate_charges = _invoke(
        stack,
        "CalculateCharges",
        "billing-calculate-charges",
        {"period": jsonata("$period"), "work": jsonata("$work")},
        seconds=900,
        retry=_retry(**_STEP),
        assign={name: jsonata(f"$states.result.Payload.{name}") for name in ("pages", "customers", "done")},
        next_state=how_many,
    )
    fetch_usage_data = _invoke(
        stack,
        "FetchUsageData",
        "billing-fetch-usage-data",
        {
            "slot": jsonata("$states.input.slot"),
            "timezone": jsonata("$states.input.timezone"),
            "execution": jsonata("$states.context.Execution.Name"),
        },
        seconds=900,
        retry=_retry(**_STEP),
        assign={
            "slot": jsonata("$states.input.slot"),
            "taskId": jsonata("$exists($states.input.taskId) ? $states.input.taskId : ''"),
            **{name: jsonata(f"$states.result.Payload.{name}") for name in ("period", "work", "problems")},
        },
        next_state=calculate_charges,
    )
    return Definition(
        start=fetch_usage_data,
        comment="Invoices for the month before the slot: one for each customer, whatever happens on the way.",
        timeout_seconds=_DAY,
        permissions=(
            *_PAGE_PERMISSIONS,
            Permission(actions=("dynamodb:GetItem",), resource="table:ScheduledTasks"),
            Permission(actions=("sns:Publish",), resource="alerts"),
            Permission(actions=(), resource="workflow:billing-page"),
        ),
    )


def build_page(stack: Stack) -> Definition:
    """The workflow ``billing-page``: the invoices of one page of customers."""
    begin = Pass(
        "BeginPage",
        assign={name: jsonata(f"$states.input.{name}") for name in ("period", "work", "slot", "page")},
        output=NOTHING,
    )
    begin.next(_page(stack, then=Succeed("PageDone", output=NOTHING)))
    return Definition(
        start=begin,
        comment="The invoices of one page of customers of a billing run.",
        timeout_seconds=6 * _HOUR,
        permissions=_PAGE_PERMISSIONS,
    )


_PAGE_PERMISSIONS = (
    Permission(actions=("s3:GetObject",), resource="data-bucket:billing/*"),
    Permission(actions=("dynamodb:PutItem",), resource="table:BillingRecords"),
)


def _alert(stack: Stack, *, then: Succeed) -> Task:
    """FindOwner and AlertErrors: whoever hears of this task's failures hears that some customers were not billed."""
    alert_errors = call(
        "AlertErrors",
        PUBLISH,
        arguments={
            "TopicArn": jsonata(f"$replace({STATES_ARN}, ':states:', ':sns:') & {literal(':' + stack.alerts_topic)}"),
            "Subject": f"[{stack.name}] billing completed with errors"[:100],
            "Message": jsonata(_ALERT),
            "MessageAttributes": jsonata(_ATTRIBUTES),
        },
        catch=[Catch(error_equals=["States.ALL"], next_step=then)],
        next_state=then,
    )
    return call(
        "FindOwner",
        GET_ITEM,
        comment="Who is told may depend on whose task it is.",
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata("$taskId")}},
            "ProjectionExpression": "#owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
        },
        assign={"owner": jsonata("$exists($states.result.Item.owner.S) ? $states.result.Item.owner.S : ''")},
        catch=[Catch(error_equals=["States.ALL"], assign={"owner": ""}, output=NOTHING, next_step=alert_errors)],
        next_state=alert_errors,
    )


def _page(stack: Stack, *, then: Any) -> Task:
    """LoadPage, and GenerateInvoices over the customers of it."""
    customer = {"customerId": jsonata("$states.input.customerId")}
    recorded = Pass("CustomerFailed", output=NOTHING)
    record_failure = call(
        "RecordFailure",
        PUT_ITEM,
        comment="Whatever became of one customer, the others are billed.",
        arguments={
            "TableName": stack.table("BillingRecords"),
            "Item": {
                "period": {"S": jsonata("$period")},
                "item": {"S": jsonata(f"{literal(_FAILURE_KEY)} & $states.input.customerId")},
                "why": {"S": jsonata("$why")},
                "executionArn": {"S": jsonata(EXECUTION_ARN)},
            },
        },
        catch=[Catch(error_equals=["States.ALL"], next_step=recorded)],
        next_state=recorded,
    )
    catch = [
        Catch(
            error_equals=["States.ALL"],
            assign={"why": jsonata(f"$states.errorOutput.Error & ': ' & {CAUSE}")},
            output=customer,
            next_step=record_failure,
        )
    ]
    of_customer = {
        "period": jsonata("$period"),
        "work": jsonata("$work"),
        **customer,
    }
    send_invoice_email = _invoke(
        stack,
        "SendInvoiceEmail",
        "billing-send-invoice-email",
        # Of each attempt, which the time at which the state was entered is not.
        {**of_customer, "now": jsonata("$fromMillis($millis())")},
        seconds=60,
        retry=[
            # By then SES has said whether the mail went out, and the function can know.
            Retry(error_equals=[_MAIL_IN_DOUBT], interval_seconds=330, max_attempts=2, backoff_rate=1.0),
            *_retry(**_CUSTOMER),
        ],
        catch=catch,
    )
    create_invoice = _invoke(
        stack,
        "CreateInvoice",
        "billing-create-invoice",
        {
            **of_customer,
            "page": jsonata("$page"),
            "range": jsonata("$states.input.range"),
            "slot": jsonata("$slot"),
        },
        seconds=60,
        retry=_retry(**_CUSTOMER),
        output=customer,
        catch=catch,
        next_state=send_invoice_email,
    )
    generate_invoices = Map(
        "GenerateInvoices",
        items=jsonata("$customersOfPage"),
        max_concurrency=CUSTOMERS_AT_ONCE,
        iterator=create_invoice,
        output=NOTHING,
    )
    generate_invoices.next(then)
    return call(
        "LoadPage",
        GET_OBJECT,
        arguments={
            "Bucket": jsonata(_data_bucket(stack)),
            "Key": jsonata(_PAGE_KEY),
        },
        assign={"customersOfPage": jsonata("$parse($states.result.Body)")},
        next_state=generate_invoices,
    )


def _pages(stack: Stack, *, then: Any) -> Map:
    """GeneratePages: an execution of ``billing-page`` for each page. One that dies shows by what it has not mailed."""
    page_failed = Pass("PageFailed", output=NOTHING)
    generate_page = Task(
        "GeneratePage",
        resource=START_EXECUTION_SYNC,
        arguments={
            "StateMachineArn": jsonata(
                f"{STATES_ARN} & {literal(live(f':stateMachine:{stack.workflow_prefix}billing-page'))}"
            ),
            "Name": jsonata(_PAGE_NAME),
            "Input": {
                **{name: jsonata(f"${name}") for name in ("period", "work", "slot")},
                "page": jsonata("$states.input"),
                STARTED_BY: jsonata(EXECUTION_ARN),
            },
        },
        timeout_seconds=6 * _HOUR,
        output=NOTHING,
        catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=page_failed)],
    )
    generate_pages = Map(
        "GeneratePages",
        items=jsonata("[0..$pages - 1]"),
        max_concurrency=PAGES_AT_ONCE,
        iterator=generate_page,
        output=NOTHING,
    )
    generate_pages.next(then)
    return generate_pages


def _data_bucket(stack: Stack) -> str:
    """Account and region are those of the execution: ``arn:aws:states:REGION:ACCOUNT:execution:…``."""
    return f"($arn := $split({EXECUTION_ARN}, ':'); {literal(stack.name + '-data-')} & $arn[4] & '-' & $arn[3])"


def _retry(**pace: int) -> list[Retry]:
    """Retriers with exponential backoff and full jitter, but none for what a second attempt cannot mend."""
    return [
        Retry(error_equals=[*_FATAL, EVALUATION_FAILED], max_attempts=0),
        Retry(error_equals=["States.ALL"], backoff_rate=2.0, jitter_strategy="FULL", **pace),
    ]


def _invoke(stack: Stack, name: str, function: str, payload: dict[str, Any], *, seconds: int, **fields: Any) -> Task:
    return Task(
        name,
        resource=INVOKE,
        arguments={"FunctionName": stack.function_prefix + function, "Payload": payload},
        # The function's own timeout is the same; this one is for an answer that never comes.
        timeout_seconds=seconds + 30,
        **{"output": NOTHING} | fields,
    )
