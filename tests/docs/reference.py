"""The pages that are written from what they describe: the schema, the commands' help, the policy, the assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from deploy import PROJECT, deploy
from orchestrator import deployment
from orchestrator.cli.main import orchestrator
from orchestrator.deployment.deployer import CLOUDFORMATION, OWN, Grant
from orchestrator.stack import Stack

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
AWS's descriptions of the resource types. A role can be passed only to the service that it is for: Lambda, Step
Functions, Scheduler."""

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
    return "\n".join([*lines, *map(_grant, OWN + CLOUDFORMATION), ""])


def not_shown() -> str:
    """What rests on reading alone."""
    lines = ["# What has not been shown", "", _GENERATED, "", _NOT_SHOWN, ""]
    return "\n".join([*lines, ""]) + deployment.not_shown(deployment.assumptions(PROJECT.application(Stack())))


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
