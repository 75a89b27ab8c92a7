"""The pages that are written from what they describe: the schema, the commands' help, the policy, the assumptions, the
prices, the alarms.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import click

from deploy import deploy
from orchestrator import deployment
from orchestrator.cli.main import orchestrator
from orchestrator.deployment.grants import ALL, Grant
from orchestrator.pricing import cost_tables, logs
from orchestrator.pricing.paths import happy_path
from orchestrator.pricing.rates import price
from orchestrator.pricing.tables import SIMPLE, SIMPLE_MEMORY_MB
from orchestrator.runs import outcome_schema
from orchestrator.runs.outcomes import Kind
from orchestrator.stack import METRICS_NAMESPACE, Stack
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.task import TargetKind
from tests.testbed import ours

_GENERATED = "<!-- Generated: `make golden` writes it. -->"

#: Of the schema's parts, in the order in which a reader meets them.
_PARTS = {
    "TaskModel": "A task",
    "ScheduleModel": "A schedule in detail",
    "RetryModel": "`retry` in detail",
    "NotificationsModel": "Who is told",
    "DestinationModel": "An entry of `alerts.to`",
    "CalendarModel": "A calendar",
    "ClosedDaysModel": "Closed days",
    "MaintenanceModel": "A maintenance window",
    "PoolModel": "A pool",
    "EnvironmentModel": "An environment",
}

_TASKS_YAML = """\
Editors complete it by `tasks.schema.json`. `defaults` holds what tasks do not say themselves. A mistake is reported
with file, line, field and what was expected, all of them at once, and nothing is deployed while there is one. A length
of time is a number of seconds, or `90s`, `5m`, `2h`, `1d`."""

_OVERLAP = """\
| `overlap`: while one run goes on, the next | |
| --- | --- |
| `skip` | is skipped |
| `buffer_one`, `buffer_all` | waits for its end; one at most, or all in the order of their slots |
| `cancel_other`, `terminate_other` | stops it, and begins when it has stopped, or at once |
| `allow_all` | runs beside it |"""

_PERMISSIONS = """\
Each function and state machine has a role of its own. A test does under these roles all that they are for, and finds
nothing denied and nothing allowed that was not used; a statement that is taken away makes something fail.

`python deploy.py policy --env dev --account 123456789012 --region eu-central-1` prints what whoever runs `plan`,
`apply`, `rollback` and `destroy` must be allowed to do, for a role that has it inline. The first rows are what
`deploy.py` calls, which the tests deploy with; the others are what CloudFormation calls in its caller's name, from
AWS's descriptions of the resource types, and the last rows for what `stack.yaml` or a file beside a handler says. A
role can be passed only to the service that it is for: Lambda, Step Functions, Scheduler.

Typed in a project, it goes by its `stack.yaml`: with a `key` no other key is used, and with a `permissionsBoundary` no
role can be made or changed that does not have it. To take a boundary away is for an administrator."""

_AWS = """\
AWS's own tools work as well, here and on AWS:

```sh
aws stepfunctions start-execution --state-machine-arn "$TASK_RUNNER" --input '{"taskId":"daily-sales-report"}'
aws stepfunctions list-executions --state-machine-arn "$TASK_RUNNER"
aws scheduler list-schedules --group-name orchestrator-dev
```"""


_NOT_SHOWN = """\
None of this has run on live AWS. Shown offline: the definitions pass AWS's own language service and `asl-validator`;
every expression has the same value in the reference JSONata; requests pass botocore's models; TaskRunner and the
functions run under the roles of the template, action and resource checked, and the key of what is encrypted; a first
deployment that fails is rolled back and repeated; cfn-lint and checkov find nothing in the template (`make scan`),
except what it says why not. Each handler finds all it imports in its bundle, on this machine's Python.

What rests on reading alone is below, each with its source. Whoever has an account asks AWS before anything is deployed:

```sh
python deploy.py prove --env dev
python deploy.py prove --env dev --role arn:aws:iam::123456789012:role/some-role-for-step-functions
```

It prints each assumption with what is expected, what AWS answers, and the verdict. Nothing is changed and nothing left
behind; with a role, of which only the trust in Step Functions matters, the names of errors are asked for, too. Exit
code 0 says that all that was asked holds, 1 that something does not, 2 that AWS did not answer something: it takes
`states:TestState`, `states:ValidateStateMachineDefinition`, `iam:SimulateCustomPolicy`, `iam:SimulatePrincipalPolicy`,
`lambda:GetAccountSettings` and `logs:DescribeResourcePolicies`, and `iam:PassRole` for the role."""

_COST = """\
What a run costs is counted from what is deployed: TaskRunner's definition, the template's log level and tracing, and
the sizes of rows and records. `orchestrator forecast` and `python deploy.py plan` use the same numbers for your tasks.

Each row says in `dollars` what its run has cost: the write that ends it carries the number, so that no run has a write
more for it. `show`, the console and the [outcome events](../reference/outcomes.md) have it, and `orchestrator costs`
adds it up by task and owner. [How a row knows its cost](#how-a-row-knows-its-cost) is below.

With `budget: 5` on a task, or `budgets: {data-platform: 20}` for all of an owner's, `validate` and `plan` warn where
more dollars a month are expected, and `costs` says where they were spent. The watchdog
[tells](../how-to/be-told.md#choose-when), once a day, of a budget that the month has passed or will pass: it counts
what rows say, and the rest with rates that a deployment writes into the records of those tasks, and reads each of their
rows three times.

No server waits between two slots, yet an idle stack is not free. Its key, alarms, dashboard, the polling of its queues
and the watchdog are billed whether a task runs or not; the third table says how much. In an account that uses
CloudWatch's free tier for nothing else, $4 of it are not billed."""

_NOT_COUNTED = """\
Of the 11 write units of a run, none is for anything but the promises. A write counts once for each kilobyte, and a row
and a record have less than one.

| Write | In the table | In its index | Why it is there |
| --- | ---: | ---: | --- |
| ClaimSlot puts the row | 2 | 1 | the slot is taken once; a transaction counts twice |
| ClaimSlot puts the lease into the record | 2 | 0 | no second run of the task, in the same transaction |
| RecordOutcome ends the row | 2 | 2 | it moves in the index of statuses, which is a deletion and a write |
| RecordOutcome takes the lease away | 2 | 0 | the next run may begin at once, in the same transaction |

The index of who is due holds keys alone, which no run changes. In a stack of release 0.1 it holds whole records, and a
run has two write units more, $1.25 a million; [an upgrade](../how-to/upgrade.md#an-index-takes-the-place-of-another)
puts the other index in its place.

The lease has no row of its own. A child's ARN, what deserves attention, and who started a run by hand are attributes of
those rows alone that need them; Lambda's request ids come with the write of the end. The reporter, the follower and
`costs` read what is there. Updates apart, instead of the two transactions, would save four units, $2.50 a million, and
could leave a task held by a run that has ended.

Not in these tables:

- **A run that fails.** A retry is three transitions more. An alert is a call of the follower, some writes of
  1 KB, and SNS: $0.50 a million messages, and $2 for 100,000 mails. A webhook adds a call of the courier and one or
  two messages of SQS.
- **What waits.** A slot that is held, for others or for a place in a pool, costs four transitions more, and two calls
  of the follower; one that asks for an approval, eight. `forecast` counts that. A look of a handler that says "not yet"
  is a run and five transitions, and nobody knows beforehand how many there are.
- **What a nested workflow does** inside: its own transitions and functions. `forecast` counts the transitions of one
  that takes one way alone, as those of `http/`, `ecs/`, `batch/` and `glue/` do; what ECS, Batch and Glue cost it does
  not know. A backfill costs seven transitions a slot, a rerun eight.
- **S3** (some 10 MB for each function and version), and data transfer.

- **What you ask for.** `--log-level ALL` writes a simple run into its log group as well, $LOGGED a million; `--tracing`
  has X-Ray follow it, $5.00. X-Ray samples: of more than one execution a second, only 5 % are traced and billed.

Standard executions log errors alone by default, since each keeps its own history for 90 days, which the console shows
and `show` reads.

## How a row knows its cost

A deployment writes the task's `price` into its record, which LookupTask reads anyway: a list of 8 numbers in dollars a
million, some 40 bytes. They come from the tables above, the function's memory, the workflow and the size of the record.

| Place | Price | The run above |
| ---: | --- | ---: |
| 1 | of an execution that claims its slot and ends its row: writes, reads, storage, metrics, logs | $RUN |
| 2 | of one that writes a row and claims nothing: skipped or refused | $SKIP |
| 3 | of one whose row is held, with whoever lets it go; 0 where the task waits for nothing | $HOLD |
| 4 | of each state that is passed | $STATE |
| 5 | of each call of the target | $CALL |
| 6 | of each second that its function works | $SECOND |
| 7, 8 | of the delivery by EventBridge Scheduler, and of an event that somebody pays for | $SCHEDULE, $EVENT |
| 9 to 11 | with `express: true`: of an Express execution instead of 1 and 2, and of each second that it lasts | |

TaskRunner counts each state as it leaves it, with those that Step Functions tries again, and multiplies and adds where
it writes the row; no price stands in a state machine. The row has billionths of a dollar, at the list prices of the
deployment that wrote the record: when prices change, the next deployment changes the records, and rows of before stay.

- **A slot that was held** says so far what the hold has cost; its run adds its own. A look that says "not yet" counts
  as a run. **A rerun** says its own cost, and the row's `history` that of each run before.
- **A run that was stopped or died** is closed by others, who know three states, one call, and the time from its start
  to its end, at most the task's timeout: it has cost that at least. **Nobody's run**, as of a missed slot, has none.
- **Not in a row**: further deliveries of its slot, the watchdog's check and metrics by the hour, which `costs` adds;
  further tries of the last write; and what a nested workflow does, but for the transitions of one that takes one way.
- **Not exact**: a backfill has six write units less than its row says, $3.75 a million; and an Express execution is
  billed by a tenth of a second, of which the row counts the part that was used.
- A row of release 0.1, and a run whose record no deployment has renewed, has no `dollars`: `show` and `costs` work it
  out from the row's times and attempts."""

_OUTCOMES = """\
A stack whose `stack.yaml` says [`outcomes`](../how-to/publish-outcomes.md) puts what becomes of its tasks on a bus of
EventBridge. The event's `source` is `scheduled-tasks`, its `resources` are the execution of TaskRunner, and its
`detail` is a [CloudEvent](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md) as JSON.
[outcome.schema.json](outcome.schema.json) is the same as JSON Schema. A release may add a field to `data`, and a kind;
a field that means something else is another `dataschema`.

An event is delivered at least once; what to deduplicate by is `id`. Those of one task are put on the bus in the order
of the ledger's stream. EventBridge itself promises no order of delivery: of two events of one slot, the one with the
greater `sequence` is the later. A pause is in the registry, which has a stream of its own: its order among the slots'
events is that of `time`."""

#: When an event of each kind is made.
_WHEN = {
    Kind.STARTED: "a run has taken the slot and begins",
    Kind.WAITING: "the slot waits, for the runs before it or for what `hold` says",
    Kind.SUCCEEDED: "a run has succeeded",
    Kind.FAILED: "a run has failed, has taken too long or was stopped: `FAILED`, `TIMED_OUT`, `ABORTED`",
    Kind.SKIPPED: "the slot was left out; `reason` says why",
    Kind.MISSED: "nobody started the slot in time: `MISSED`, and `EXPIRED` where it is too late to",
    Kind.RECOVERED: "beside `Task Succeeded`: the run succeeded while an incident that has hit the task was open",
    Kind.PAUSED: "somebody has paused the task, or it has failed too often",
    Kind.RESUMED: "the pause is over",
}

_JSON = {"string": "text", "number": "a number", "integer": "a whole number", "object": "an object"}

_METRICS = f"""\
All metrics are in the namespace `{METRICS_NAMESPACE}`. Those of runs are made from the ledger: the function `reporter`
follows its changes and prints a line for each end of a run, from which CloudWatch makes the metrics, some 20 seconds
later. So they count what died and what nobody started, too, cost a tenth of a request each, and cannot fail a run. If
Lambda reads a batch of changes twice, they are counted twice, in the minute in which they were made: an alarm at one
failure is not wrong for it. A search of the reporter's log finds the same by task and slot.

| Metric | Dimensions | What it counts |
| --- | --- | --- |
| `TaskExecution` | `Stack`, `TaskType`, `Status` | 1 for each end of a run, and each `DUPLICATE` of a slot |
| `TaskDuration` | `Stack`, `TaskType` | seconds from the claim of the slot to the end of the run |
| `StartDelay` | `Stack`, `TaskType` | seconds from the slot to the start of its execution, for scheduled runs |
| `RunsFailed` | `Stack` | 1 for each run that ends as `FAILED` or `TIMED_OUT` |
| `UnreadableRecords` | `Stack` | 1 each time that the watchdog or the follower meets a row or record it cannot read |
| `WatchdogHeartbeat` | `Stack` | 1 at the end of each of the watchdog's rounds |
| `AlertsRefused` | `service` | 1 for each alert that a webhook has refused for good |

`TaskType` is the task's id. CloudWatch bills a metric by the hour in which it gets a value. `RunsFailed` and
`AlertsRefused` get none while nothing fails. The dashboard, which has the stack's name, shows the first three for every
task, new ones included."""

_ALARMS = """\
Each alarm tells the alerts topic; [Be told](../how-to/be-told.md) says who hears it. A rollout by `--canary` or
`--linear` watches `STACK-Failures`. `STACK` is the stack's name, such as `orchestrator-dev`; each function has an alarm
of its own for throttles."""


def tasks_yaml(schema: Mapping[str, Any]) -> str:
    """Every field of tasks.yaml, with its default and what it may hold."""
    known = schema["$defs"]
    sections = [("The file", schema), *((title, known[name]) for name, title in _PARTS.items())]
    sections += [
        (f"`{name}`", part)
        for name, part in known.items()
        if name not in (*_PARTS, "DefaultsModel") and "properties" in part
    ]
    lines = ["# tasks.yaml", "", _GENERATED, "", _TASKS_YAML]
    for title, part in sections:
        lines += [
            "",
            f"## {title}",
            "",
            part["description"],
            "",
            "| Field | Holds | Default | |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            _field(name, field, known, name in part.get("required", ())) for name, field in part["properties"].items()
        ]
    return "\n".join([*lines, "", "## `overlap`", "", _OVERLAP, ""])


def commands() -> str:
    """What each command says of itself."""
    lines = [
        "# Commands",
        "",
        _GENERATED,
        "",
        "Exit codes: [here](exit-codes.md). `--json` prints a JSON object a line.",
        "",
        _AWS,
    ]
    for name, group in (("orchestrator", orchestrator), ("python deploy.py", deploy)):
        lines += ["", f"## {name}"]
        for title, command, context in _leaves(name, group):
            lines += ["", f"### {title}", "", "```text", command.get_help(context).strip(), "```"]
    return "\n".join([*lines, ""])


def permissions() -> str:
    """What a deployer must be allowed to do; resources stand without region and account."""
    lines = ["# Permissions", "", _GENERATED, "", _PERMISSIONS, ""]
    lines += ["| For | Actions | On (`STACK` is `orchestrator-dev`) |", "| --- | --- | --- |"]
    return "\n".join([*lines, *map(_grant, ALL), ""])


def not_shown() -> str:
    """What rests on reading alone."""
    lines = ["# What has not been shown", "", _GENERATED, "", _NOT_SHOWN, ""]
    return "\n".join([*lines, ""]) + deployment.not_shown(deployment.assumptions(ours.application()))


#: Started by an event of its own, which is paid for.
_OF_EVENT = replace(SIMPLE, starts=(EventStart(pattern={"source": ["shop"]}),))


def cost() -> str:
    """What the application of this repository costs."""
    application = ours.application()
    billed = deployment.billed(application)
    tables = cost_tables(billed, application.template)
    known = price(SIMPLE, replace(billed, memory_mb={SIMPLE.target.name: SIMPLE_MEMORY_MB}))
    said = {
        f"${name.upper()}": f"{getattr(known, name)}" for name in ("run", "skip", "hold", "state", "call", "second")
    }
    said |= {"$SCHEDULE": str(known.schedule), "$EVENT": str(price(_OF_EVENT, billed).event)}
    size = logs.execution_bytes(happy_path(billed.task_runner, TargetKind.LAMBDA), billed.stack.task_runner, "ALL")
    logged = logs.written(size, billed.log_days).dollars() * 1_000_000
    said["LOGGED"] = f"{logged:.2f}"
    rest = functools.reduce(lambda text, name: text.replace(name, said[name]), said, _NOT_COUNTED)
    return "\n".join(["# What it costs", "", _GENERATED, "", _COST, "", tables, rest, ""])


def metrics() -> str:
    """The metrics, and each alarm of the template."""
    resources = ours.application().template["Resources"].values()
    alarms = {_alarm(one["Properties"]) for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"}
    lines = ["# Metrics and alarms", "", _GENERATED, "", _METRICS, "", "## Alarms", "", _ALARMS, ""]
    lines += ["| Alarm | Goes off when | What it means |", "| --- | --- | --- |"]
    return "\n".join([*lines, *sorted(alarms), ""])


def outcomes() -> str:
    """Each kind of event, and each field of its detail."""
    whole = outcome_schema.schema()["properties"]
    lines = ["# Events of outcomes", "", _GENERATED, "", _OUTCOMES, "", "| `detail-type` | When |", "| --- | --- |"]
    lines += [f"| `{kind.detail_type}` | {_WHEN[kind]} |" for kind in Kind]
    parts = [("`detail`", whole), ("`detail.data`", whole["data"]["properties"])]
    parts += [(f"`detail.data.{name}`", whole["data"]["properties"][name]["properties"]) for name in ("hold", "pause")]
    for title, fields in parts:
        lines += ["", f"## {title}", "", "| Field | Holds | |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {_held(field)} | {field['description']} |" for name, field in fields.items()]
    return "\n".join([*lines, ""])


def _held(field: Mapping[str, Any]) -> str:
    """What of JSON a field holds."""
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{one}`" for one in field["enum"])
    if field["type"] == "array":
        return f"a list of {_held(field['items'])}"
    return {"date-time": "a moment, ISO 8601 in UTC"}.get(field.get("format", ""), _JSON[field["type"]])


def _alarm(alarm: Mapping[str, Any]) -> str:
    function = next((one["Value"] for one in alarm["Dimensions"] if one["Name"] == "FunctionName"), None)
    name = alarm["AlarmName"].replace(function, "FUNCTION") if function else alarm["AlarmName"]
    name = name.replace(Stack().name, "STACK")
    measured = f"{alarm['Statistic'].lower()} of `{alarm['MetricName']}` ({alarm['Namespace']})"
    minutes = alarm["Period"] // 60
    threshold = f"{'below' if alarm['ComparisonOperator'].startswith('Less') else 'at least'} {alarm['Threshold']}"
    span = f"{alarm['EvaluationPeriods']} × {minutes}" if alarm["EvaluationPeriods"] > 1 else str(minutes)
    silence = ", or without any value" if alarm["TreatMissingData"] == "breaching" else ""
    return f"| `{name}` | {measured} {threshold} in {span} minutes{silence} | {alarm['AlarmDescription']} |"


def _field(name: str, field: Mapping[str, Any], known: Mapping[str, Any], required: bool) -> str:
    default = "required" if required else _code(field["default"]) if "default" in field else ""
    return f"| `{name}` | {_holds(field, known)} | {default} | {field.get('description', '')} |".replace("  ", " ")


def _holds(field: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        kinds = [_holds(one, known) for one in field["anyOf"] if one.get("type") != "null"]
        return (
            "a length of time"
            if any("\\d+" in str(one.get("pattern")) for one in field["anyOf"])
            else " or ".join(kinds)
        )
    if "$ref" in field:
        part = known[field["$ref"].rpartition("/")[2]]
        return ", ".join(f"`{value}`" for value in part["enum"]) if "enum" in part else "fields"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    bounds = [str(field[bound]) for bound in ("minimum", "maximum") if bound in field]
    kind = {"string": "text", "integer": "number", "number": "number", "boolean": "`true`, `false`", "array": "list"}
    return " ".join([kind.get(field.get("type", ""), "fields"), *(["from " + " to ".join(bounds)] if bounds else [])])


def _code(value: Any) -> str:
    return "" if value in (None, "", [], {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _leaves(
    name: str, command: click.Command, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    if parent is not None:
        yield context.command_path, command, context
    if isinstance(command, click.Group):
        for one in command.list_commands(context):
            found = command.get_command(context, one)
            assert found is not None
            yield from _leaves(one, found, context)


def _grant(grant: Grant) -> str:
    service = grant.actions[0].partition(":")[0]
    names = ", ".join(action.partition(":")[2] for action in grant.actions)
    resources = ", ".join(f"`{one.rpartition('ACCOUNT:')[2].rpartition('s3:::')[2]}`" for one in grant.resources)
    return f"| {grant.what} | {service}: {names} | {resources} |"
